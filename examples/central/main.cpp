// SPDX-License-Identifier: BSL-1.0
// ajar-central: the node that brings servers and clients together.
#include "../tools/begin.hpp"
#include "../tools/console.hpp"
#include "options.hpp"

#include <ajar/central.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

namespace {

constexpr const char* tool = "ajar-central";

constexpr const char* examples =
    "Examples:\n"
    "  ajar-central run --listen 0.0.0.0:7000 --admit servers.txt   a peer id a line, from 'ajar-server id'\n"
    "  ajar-central run --listen 127.0.0.1:7000 --open              every server: for trials\n"
    "  ajar-central id                                              this node's peer id alone\n";

std::optional<ajar::switchboard::admission> read_admission(const tools::settings& given) {
  if (given.count("open")) {
    fmt::print(stderr, "{}: --open serves every server that comes: for trials only\n", tool);
    return ajar::switchboard::admission::open();
  }
  const auto path = tools::text_option(given, "admit");
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) {
    fmt::print(stderr, "{}: {}: cannot be read: name a file with a peer id a line\n", tool, path);
    return std::nullopt;
  }
  auto list = ajar::switchboard::admission::parse(content.str());
  if (!list) {
    fmt::print(stderr, "{}: {}:{}: {}\n", tool, path, list.error().line, ajar::explain(list.error().why));
    return std::nullopt;
  }
  return std::move(*list);
}

ajar::awaitable<void> stop_at_signal(asio::signal_set& signals, ajar::central& central,
                                     std::vector<std::unique_ptr<asio::io_context>>& contexts) {
  auto [error, number] = co_await signals.async_wait(ajar::use_values);
  (void)error;
  (void)number;
  co_await central.stop();
  for (auto& one : contexts) one->stop();
}

int run(const tools::settings& given) {
  if (!given.count("listen") || given.count("open") + given.count("admit") != 1) {
    fmt::print(stderr, "{}: run needs --listen ADDR:PORT and one of --admit FILE and --open\n{}", tool, examples);
    return tools::usage;
  }
  const auto at = ajar::net::parse_numeric_endpoint(tools::text_option(given, "listen"));
  if (!at) {
    tools::complain(tool, "--listen", at.error());
    return tools::usage;
  }
  const auto beat = tools::parse_duration(given["heartbeat"].as<std::string>());
  const auto threads = given["threads"].as<unsigned>();
  if (!beat || threads < 1 || threads > 64) {
    fmt::print(stderr, "{}: --heartbeat is a duration such as 15s, --threads is 1 to 64\n", tool);
    return tools::usage;
  }
  auto served = read_admission(given);
  if (!served) return tools::local_trouble;
  auto self = tools::open_node(tool, "central", tools::text_option(given, "state"));
  if (!self) return tools::local_trouble;

  ajar::central_options how(*at, std::move(*served));
  how.heartbeat(*beat);
  const bool json = given.count("json") != 0;
  if (json || !given.count("quiet")) how.on_step(tools::step_printer("central", json, json ? stdout : stderr));

  std::vector<std::unique_ptr<asio::io_context>> contexts;
  std::vector<asio::any_io_executor> shards;
  for (unsigned i = 0; i < threads; ++i) {
    contexts.push_back(std::make_unique<asio::io_context>(1));
    shards.emplace_back(contexts.back()->get_executor());
  }
  ajar::central central(shards, self->key, how);
  auto opened = central.open();
  if (!opened) return tools::complain(tool, tools::text_option(given, "listen"), opened.error());
  auto url = central.url();
  if (given.count("name")) url.at = ajar::net::endpoint(tools::text_option(given, "name"), url.at.port());
  fmt::print("{}\n", to_string(url));
  std::fflush(stdout);

  asio::signal_set signals(*contexts.front(), SIGINT, SIGTERM);
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> busy;
  for (auto& one : contexts) busy.emplace_back(asio::make_work_guard(*one));
  central.start();
  asio::co_spawn(*contexts.front(), stop_at_signal(signals, central, contexts), asio::detached);
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back([&one = *contexts[i]] { one.run(); });
  contexts.front()->run();
  for (auto& one : others) one.join();
  return tools::success;
}

}  // namespace

int main(int count, char** words) {
  return tools::guarded(tool, [&]() -> int {
    const auto begun = tools::begin(tools::central_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    if (command == "run") return run(given);
    if (command == "id") {
      auto self = tools::open_node(tool, "central", tools::text_option(given, "state"));
      if (!self) return tools::local_trouble;
      fmt::print("{}\n", to_string(self->key.id()));
      return tools::success;
    }
    fmt::print(stderr, "{}: say what to do\n{}", tool, examples);
    return tools::usage;
  });
}
