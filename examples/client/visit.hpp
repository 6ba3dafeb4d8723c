// SPDX-License-Identifier: BSL-1.0
// One session with one server: found by its name, connected, worked with, ended.
#pragma once

#include "../tools/console.hpp"
#include "../tools/settings.hpp"
#include "../tools/status.hpp"
#include "../tools/step_log.hpp"
#include "options.hpp"
#include "place.hpp"
#include "shown.hpp"

#include <ajar/client.hpp>
#include <ajar/services/fetch.hpp>
#include <ajar/services/multiplexer.hpp>
#include <ajar/trust/held_grants.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <functional>
#include <memory>

namespace tools {

inline constexpr const char* client_tool = "ajar-client";

inline int wrong(std::string_view what) {
  fmt::print(stderr, "{}: {}\n", client_tool, what);
  return usage;
}

// A session, as the commands get it.
struct visit {
  visit(ajar::services::multiplexer from, std::string name, std::chrono::nanoseconds took)
      : over(std::move(from)), server(std::move(name)), connected_in(took) {}

  ajar::services::multiplexer over;
  std::string server;  // what the user calls it
  std::chrono::nanoseconds connected_in;
};
using visit_ptr = std::shared_ptr<visit>;

// What a command does with a session. What it gives is the exit's cause; it complains itself about parts that failed,
// and gives the exit code of the first.
using errand = std::function<ajar::awaitable<ajar::result<exit_code>>(visit_ptr)>;

// What a window cost: the opener's own word.
struct window_cost {
  std::uint64_t exposure_ns = 0;
  std::uint64_t listeners = 0;
  std::uint64_t strangers = 0;
};

// Which way a session came about, and what its window cost. Errors: the stream's, answer_unexpected.
inline ajar::awaitable<ajar::result<window_cost>> ask_cost(visit_ptr at) {
  window_cost cost;
  if (const auto& own = at->over.info().window) {
    cost.exposure_ns = static_cast<std::uint64_t>(own->exposure.count());
    cost.listeners = own->listeners;
    cost.strangers = own->strangers;
    co_return cost;
  }
  ajar::services::request asked("GET", "/.session");
  auto stream = co_await at->over.open(std::move(asked), false, ajar::clock::now() + ajar::services::patience);
  if (!stream) co_return ajar::fail(stream.error());
  auto answered = co_await stream->answer(ajar::clock::now() + ajar::services::patience);
  if (!answered) co_return ajar::fail(answered.error());
  if (!answered->ok()) co_return ajar::fail(ajar::services::cause_of(*answered));
  constexpr std::size_t longest = 4096;
  std::string text;
  ajar::bytes piece(longest);
  while (text.size() <= longest) {
    auto count = co_await stream->read_some(piece, ajar::clock::now() + ajar::services::patience);
    if (!count && count.error() == ajar::errc::eof) break;
    if (!count) co_return ajar::fail(count.error());
    text += ajar::as_text(ajar::bytes_view(piece).first(*count));
  }
  const auto said = nlohmann::json::parse(text, nullptr, false);
  if (!said.is_object()) co_return ajar::fail(ajar::errc::answer_unexpected);
  const auto number = [&](const char* name) -> std::uint64_t {
    const auto found = said.find(name);
    return found != said.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  cost.exposure_ns = number("exposure_ns");
  cost.listeners = number("listeners");
  cost.strangers = number("strangers");
  co_return cost;
}

// {"server", "path", "connect_us", "window": {"opened_by", "exposure_ns", "listeners", "strangers"}}
inline nlohmann::ordered_json path_report(const visit& at, const window_cost& cost) {
  const auto& info = at.over.info();
  nlohmann::ordered_json line = {
      {"server", at.server}, {"path", to_string(info.way)}, {"connect_us", at.connected_in.count() / 1000}};
  if (info.way != ajar::sessions::path::outbound) {
    line["window"] = {{"opened_by", info.window ? "client" : "server"},
                      {"exposure_ns", cost.exposure_ns},
                      {"listeners", cost.listeners},
                      {"strangers", cost.strangers}};
  }
  return line;
}

namespace detail {

struct outcome {
  ajar::result<exit_code> done = ajar::fail(ajar::errc::canceled);
  bool interrupted = false;  // by a signal
};

// What one visit needs, kept by its coroutines.
struct trip {
  trip(asio::io_context& context, const node& who, const ajar::client_options& how, errand what)
      : self(who),
        client(context.get_executor(), who.key, how),
        work(context.get_executor()),
        signals(context, SIGINT, SIGTERM),
        control(client_tool, context.get_executor(), who.state.path(), own_control_name()),
        todo(std::move(what)) {
    control.tell_status_of(client);
    control.start();
  }

  const node& self;
  ajar::client client;
  ajar::task_group work;
  asio::signal_set signals;
  control_port control;
  errand todo;
  std::string name;
  ajar::identity::peer_id server;
  ajar::connect_options how;
  ajar::time_point until;
  outcome came;
};

// Commands that run side by side take turns at central: one key is one login.
inline ajar::awaitable<ajar::result<ajar::identity::state_directory::hold>> take_turn(
    const ajar::identity::state_directory& state, ajar::time_point until) {
  constexpr std::chrono::milliseconds pause{10};
  for (;;) {
    auto hold = state.try_lock();
    if (hold || hold.error() != ajar::errc::would_block) co_return std::move(hold);
    if (ajar::clock::now() >= until) co_return ajar::fail(ajar::errc::limit_reached);
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return ajar::fail(slept.error());
  }
}

inline ajar::awaitable<void> go(trip& on) {
  const auto begun = ajar::clock::now();
  auto turn = co_await take_turn(on.self.state, on.until);
  if (!turn) {
    on.came.done = ajar::fail(turn.error());
    co_return;
  }
  auto session = co_await on.client.connect(on.server, on.how);
  co_await on.client.stop();  // what follows needs central no more
  turn = ajar::fail(ajar::errc::canceled);
  if (!session) {
    on.came.done = ajar::fail(session.error());
    co_return;
  }
  auto at = std::make_shared<visit>(ajar::services::multiplexer(std::move(*session), ajar::services::http_role::client),
                                    on.name, ajar::clock::now() - begun);
  auto working = on.todo(at);
  auto done = co_await std::move(working);
  on.came.done = done;
  auto parted = co_await at->over.shutdown(ajar::clock::now() + std::chrono::seconds(2));
  (void)parted;
}

inline ajar::awaitable<void> stop_at_signal(trip& on) {
  auto [error, number] = co_await on.signals.async_wait(ajar::use_values);
  (void)number;
  if (error) co_return;
  on.came.interrupted = true;
  on.work.cancel();
}

inline ajar::awaitable<void> finish(trip& on) {
  co_await on.work.join();
  co_await on.client.stop();
  on.control.close();
  std::error_code ignored;
  on.signals.cancel(ignored);
}

inline std::optional<ajar::by> parse_by(const std::string& text) {
  if (text == "auto") return ajar::by::automatic;
  if (text == "outbound") return ajar::by::outbound;
  if (text == "window") return ajar::by::window;
  if (text == "window-reverse") return ajar::by::window_reverse;
  return std::nullopt;
}

// Nothing: all is well. Else it has complained, and this is the exit code.
inline std::optional<int> read_addresses(const settings& given, ajar::client_options& how) {
  for (const auto* option : {"door", "advertise"}) {
    if (!given.count(option)) continue;
    const auto at = ajar::net::parse_numeric_endpoint(text_option(given, option));
    if (!at) {
      complain(client_tool, std::string("--") + option, at.error());
      return usage;
    }
    (option == std::string_view("door") ? how.door(*at) : how.advertise(*at));
  }
  std::error_code error;
  if (given.count("window-address")) {
    how.window_address(asio::ip::make_address(text_option(given, "window-address"), error));
    if (error) return wrong("--window-address is an address of this machine");
  }
  if (given.count("from")) {
    how.from(asio::ip::make_address(text_option(given, "from"), error));
    if (error) return wrong("--from is an address of this machine");
  }
  return std::nullopt;
}

}  // namespace detail

// Connect to a server as the options say, and run an errand there.
//
// @param about      what the errand is about, for a complaint
// @param resumable  an interrupted errand has not done what was asked
inline int visit_server(const settings& given, const node& self, const std::string& server, const std::string& about,
                        errand what, bool resumable = false) {
  const auto way = detail::parse_by(given["by"].as<std::string>());
  if (!way) return wrong("--by is auto, outbound, window, or window-reverse");
  const auto within =
      given.count("within") ? parse_duration(text_option(given, "within")) : std::optional(std::chrono::seconds(10));
  if (!within) return wrong("--within is a duration such as 10s");

  const ajar::trust::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return complain(client_tool, self.state.path(), all.error());
  std::vector<ajar::trust::grant_file> files;  // one errand needs one central, and one grant
  for (const auto& one : *all) {
    if (one.petname == server) files.push_back(one.file);
  }
  if (files.empty()) return complain(client_tool, shown(server), ajar::errc::no_grant);

  ajar::client_options how;
  how.grants(files).logins([&] { return self.state.next_login(); });
  if (const auto failed = detail::read_addresses(given, how)) return *failed;
  const bool json = given.count("json") != 0;
  if (given.count("explain")) {
    const auto format = json ? step_format::trace : step_format_of(given.as<std::string>("log"));
    how.on_step(step_log("client", format, stderr));
  }

  asio::io_context context(1);
  detail::trip on(context, self, how, std::move(what));
  on.name = server;
  on.server = files.front().grant.signer();
  on.until = ajar::clock::now() + *within;
  on.how.over(*way).roam(given.count("roam") != 0);
  if (given.count("within")) on.how.until(on.until);
  on.work.spawn(detail::go(on));
  asio::co_spawn(context, detail::stop_at_signal(on), asio::detached);
  asio::co_spawn(context, detail::finish(on), asio::detached);
  context.run();
  if (on.came.done) return *on.came.done;
  if (!on.came.interrupted) return complain(client_tool, about, on.came.done.error());
  if (!resumable) return success;  // it was asked to stop
  fmt::print(stderr, "{}: interrupted: the same command goes on where this one stopped\n", client_tool);
  return cut_short;
}

}  // namespace tools
