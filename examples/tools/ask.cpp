// SPDX-License-Identifier: BSL-1.0
#include "ask.hpp"

#include "event_loop.hpp"
#include "status_json.hpp"

#include <ajar/control/ask.hpp>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace tools {

ajar::result<std::string> ask_running(const std::string& folder, const std::string& name, ajar::control::request what) {
  event_loop loop;
  return loop.finish(ajar::control::ask(folder, name, std::move(what), ajar::clock::now() + std::chrono::seconds(5)));
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
