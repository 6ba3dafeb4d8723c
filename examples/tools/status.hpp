// SPDX-License-Identifier: BSL-1.0
// "status": a running tool tells of itself, and another process of the same tool asks and prints.
#pragma once

#include "ask.hpp"
#include "console.hpp"
#include "status_json.hpp"
#include "status_metrics.hpp"
#include "status_table.hpp"

#include <ajar/control/port.hpp>

#include <dirent.h>
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tools {

// ---- the process that runs

// Its control socket. Where there can be none it says so, and the tool goes on without.
class control_port {
 public:
  // `name` is "control", or "control.PID" for a client: several of them share a state folder.
  control_port(std::string_view tool, const asio::any_io_executor& executor, const std::string& folder,
               const std::string& name = "control") {
    auto opened = ajar::control::port::open(executor, folder, name);
    if (opened) {
      control_.emplace(std::move(*opened));
    } else {
      tell("{}: {}/{}: {}; goes on without 'status'\n", tool, folder, name, ajar::explain(opened.error()));
    }
  }

  // Before start().
  void answer_with(const std::string& verb, ajar::control::port::plain_answer how) {
    if (control_) control_->answer_with(verb, std::move(how));
  }
  void carry_out(const std::string& verb, ajar::control::port::slow_answer how) {
    if (control_) control_->carry_out(verb, std::move(how));
  }
  // `role` has status(), and is there until close(); `more` is what the tool adds.
  template <class Role>
  void tell_status_of(Role& role, json more = json::object()) {
    answer_with("status", [&role, more](const ajar::control::request&) -> ajar::result<std::string> {
      auto all = json_of(role.status());
      all.update(more);
      return dumped(all);
    });
  }
  void start() {
    if (control_) control_->start();
  }
  void close() {
    if (control_) control_->close();
  }

 private:
  std::optional<ajar::control::port> control_;
};

// Central's shards answer on threads of their own.
template <class Central>
ajar::awaitable<ajar::result<std::string>> tell_status(Central* central, json more) {
  auto status = co_await central->status();
  auto all = json_of(status);
  all.update(more);
  co_return dumped(all);
}

inline std::string own_control_name() { return "control." + std::to_string(::getpid()); }

// ---- the process that asks

namespace detail {

// The control sockets in a state folder; clients have one each.
inline ajar::result<std::vector<std::string>> control_names(const std::string& folder, bool one_each) {
  if (!one_each) return std::vector<std::string>{"control"};
  DIR* all = ::opendir(folder.c_str());
  if (!all && errno == EACCES) return ajar::fail(ajar::errc::control_refused);
  if (!all) return ajar::fail(ajar::errc::not_running);
  std::vector<std::string> names;
  while (const auto* entry = ::readdir(all)) {
    if (std::string_view(entry->d_name).starts_with("control.")) names.emplace_back(entry->d_name);
  }
  ::closedir(all);
  std::ranges::sort(names);
  return names;
}

inline ajar::result<nlohmann::ordered_json> ask_status(const std::string& folder, const std::string& name) {
  const auto answer = ask_running(folder, name, {"status", {}});
  if (!answer) return ajar::fail(answer.error());
  auto parsed = nlohmann::ordered_json::parse(*answer, nullptr, false);
  const bool good = parsed.is_object() && parsed.contains("ajar_status");
  if (!good) return ajar::fail(ajar::errc::message_malformed);
  if (parsed["ajar_status"] != status_version) return ajar::fail(ajar::errc::unknown_version);
  return parsed;
}

}  // namespace detail

// ajar-TOOL status
inline int status(std::string_view tool, std::string_view kind, const settings& given) {
  const auto folder = ajar::state::folder::place(text_option(given, "state"), kind);
  if (!folder) return complain(tool, "state folder", folder.error());
  const bool clients = kind == "client";
  const auto names = detail::control_names(*folder, clients);
  if (!names) return complain(tool, *folder, names.error());
  std::vector<nlohmann::ordered_json> all;
  for (const auto& name : *names) {
    auto answer = detail::ask_status(*folder, name);
    if (!answer && clients && answer.error() == ajar::errc::not_running) {
      ::unlink((*folder + "/" + name).c_str());  // of a client that was killed
      continue;
    }
    if (!answer) return complain(tool, *folder, answer.error());
    all.push_back(std::move(*answer));
  }
  if (all.empty()) return complain(tool, *folder, ajar::errc::not_running);
  if (given.count("metrics")) {
    fmt::print("{}", status_metrics::text(tool, all));
    return success;
  }
  bool first = true;
  for (const auto& one : all) {
    if (given.count("json")) {
      fmt::print("{}\n", dumped(one));
    } else {
      fmt::print("{}{}", std::exchange(first, false) ? "" : "\n", status_table::text(one));
    }
  }
  return success;
}

}  // namespace tools
