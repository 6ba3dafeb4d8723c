// SPDX-License-Identifier: BSL-1.0
#include "ask.hpp"

#include "status_json.hpp"

#include <ajar/control/ask.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace tools {

namespace {

ajar::awaitable<void> ask(std::string folder, std::string name, ajar::control::request what,
                          ajar::result<std::string>& into) {
  auto asking = ajar::control::ask(std::move(folder), std::move(name), std::move(what),
                                   ajar::clock::now() + std::chrono::seconds(5));
  into = co_await std::move(asking);
}

}  // namespace

ajar::result<std::string> ask_running(const std::string& folder, const std::string& name, ajar::control::request what) {
  asio::io_context context(1);
  ajar::result<std::string> answer = ajar::fail(ajar::errc::canceled);
  asio::co_spawn(context, ask(folder, name, std::move(what), answer), asio::detached);
  context.run();
  return answer;
}

ajar::result<nlohmann::ordered_json> status_answer(const std::string& folder, const std::string& name) {
  const auto answer = ask_running(folder, name, {"status", {}});
  if (!answer) return ajar::fail(answer.error());
  auto parsed = nlohmann::ordered_json::parse(*answer, nullptr, false);
  const bool good = parsed.is_object() && parsed.contains("ajar_status");
  if (!good) return ajar::fail(ajar::errc::message_malformed);
  if (parsed["ajar_status"] != status_version) return ajar::fail(ajar::errc::unknown_version);
  return parsed;
}

}  // namespace tools
