// SPDX-License-Identifier: BSL-1.0
#include "status.hpp"

#include "advice.hpp"
#include "ask.hpp"
#include "complaint.hpp"
#include "console.hpp"
#include "line_writer.hpp"
#include "network.hpp"
#include "status_json.hpp"
#include "status_metrics.hpp"
#include "status_table.hpp"

#include <ajar/state/folder.hpp>

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace tools {

namespace {

std::string with_sandbox(json answer, const std::string& sandbox) {
  answer["sandbox"] = sandbox;
  return dumped(answer);
}

// The control sockets in a state folder; clients have one each.
ajar::result<std::vector<std::string>> control_names(const std::string& folder, bool one_each) {
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

}  // namespace

std::string status_text(const ajar::server_status& from, const std::string& sandbox) {
  return with_sandbox(json_of(from), sandbox);
}
std::string status_text(const ajar::client_status& from, const std::string& sandbox) {
  return with_sandbox(json_of(from), sandbox);
}
std::string status_text(const ajar::central_status& from, const std::string& sandbox) {
  return with_sandbox(json_of(from), sandbox);
}

control_port::control_port(std::string_view tool, const asio::any_io_executor& executor, const std::string& folder,
                           const std::string& name) {
  auto opened = ajar::control::port::open(executor, folder, name);
  if (opened) {
    control_.emplace(std::move(*opened));
  } else {
    tell("{}: {}/{}: {}; goes on without 'status'\n", tool, folder, name, explain(opened.error()));
  }
}

void control_port::answer_with(const std::string& verb, ajar::control::port::plain_answer how) {
  if (control_) control_->answer_with(verb, std::move(how));
}

void control_port::carry_out(const std::string& verb, ajar::control::port::slow_answer how) {
  if (control_) control_->carry_out(verb, std::move(how));
}

void control_port::start() {
  if (control_) control_->start();
}

void control_port::close() {
  if (control_) control_->close();
}

std::string own_control_name() { return "control." + std::to_string(::getpid()); }

struct told_status::answer {
  json all;
};

bool told_status::has_link() const { return from_->all.contains("link"); }

bool told_status::linked() const { return from_->all.at("link").value("linked", false); }

std::string told_status::central() const { return from_->all.at("link").value("central", std::string()); }

bool told_status::is_at(const std::string& central_url) const {
  if (central() == central_url) return true;
  const auto others = from_->all.value("other_links", json::array());
  return std::ranges::any_of(others,
                             [&](const json& one) { return one.value("central", std::string()) == central_url; });
}

std::optional<std::map<std::string, int>> told_status::sessions() const {
  if (!from_->all.contains("sessions")) return std::nullopt;
  std::map<std::string, int> made;
  for (const auto& one : from_->all.at("sessions")) ++made[one.value("grant", std::string())];
  return made;
}

std::vector<told_status::family> told_status::network() const {
  std::vector<family> made;
  if (!from_->all.contains("network")) return made;
  const auto& told = from_->all.at("network");
  for (const auto& [name, key] : {std::pair("IPv4", "ipv4"), std::pair("IPv6", "ipv6")}) {
    if (!told.contains(key) || !told.at(key).is_object()) continue;
    const auto& one = told.at(key);
    made.push_back({name, one.value("outside", std::string()), one.value("mapping", std::string()),
                    one.value("filtering", std::string()), one.value("only_443", false)});
  }
  return made;
}

ajar::result<told_status> detail::ask_status(const std::string& folder, const std::string& name) {
  auto asked = status_answer(folder, name);
  if (!asked) return ajar::fail(asked.error());
  return told_status(std::make_shared<const told_status::answer>(told_status::answer{std::move(*asked)}));
}

int status(std::string_view tool, std::string_view kind, const settings& given) {
  const auto folder = ajar::state::folder::place(text_option(given, "state"), kind);
  if (!folder) return complain(tool, "state folder", folder.error());
  const bool clients = kind == "client";
  const auto names = control_names(*folder, clients);
  if (!names) return complain(tool, *folder, names.error());
  std::vector<json> all;
  for (const auto& name : *names) {
    auto answer = status_answer(*folder, name);
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
