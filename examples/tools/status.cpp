// SPDX-License-Identifier: BSL-1.0
// examples/tools/status.cpp - what is told and asked as JSON: json_line.hpp, status_json.hpp, ask.hpp, status.hpp,
// network.hpp. How it is shown: status_table.cpp, status_metrics.cpp.
#include "status.hpp"

#include "json_line.hpp"
#include "line_writer.hpp"
#include "network.hpp"
#include "process_facts.hpp"
#include "status_json.hpp"
#include "status_metrics.hpp"
#include "status_table.hpp"

#include <ajar/control/ask.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/version.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/tls/library.hpp>

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace tools {

// ---- json_line.hpp

json_line& json_line::put(std::string_view name, std::string_view written) {
  members_.append(members_.empty() ? "\"" : ",\"").append(name).append("\":").append(written);
  return *this;
}

json_line& json_line::with(std::string_view name, std::string_view value) {
  return put(name, json(value).dump(-1, ' ', how_ == texts::ascii, json::error_handler_t::replace));
}

json_line& json_line::with(std::string_view name, double value) { return put(name, json(value).dump()); }

json_line& json_line::with(std::string_view name, const std::vector<json_line>& value) {
  std::string all;
  for (const auto& one : value) all.append(all.empty() ? "" : ",").append(one.text());
  return put(name, "[" + all + "]");
}

json_line& json_line::with_all(const json_line& other) {
  members_.append(members_.empty() || other.members_.empty() ? "" : ",").append(other.members_);
  return *this;
}

// ---- status_json.hpp

namespace {

json json_of(const ajar::telling::cause_counts& counts) {
  json made = json::object();
  for (const auto& [cause, times] : counts.by_name()) made[cause] = times;
  return made;
}
template <class Duration>
json nanoseconds(const std::optional<Duration>& time) {
  return time ? json(std::chrono::duration_cast<std::chrono::nanoseconds>(*time).count()) : json();
}
json json_of(const ajar::signalling::link_status& link) {
  return {{"central", to_string(link.central)},
          {"linked", link.linked},
          {"since_ns", link.since.count()},
          {"round_trip_ns", nanoseconds(link.round_trip)},
          {"links", link.links},
          {"losses", json_of(link.losses)},
          {"last_loss", link.last_loss ? json(ajar::telling::cause_name(link.last_loss)) : json()}};
}
json json_of(const ajar::windows::exposure& cost) {
  return {{"windows", cost.windows},
          {"listeners", cost.listeners},
          {"strangers", cost.strangers},
          {"drops", cost.drops},
          {"ns", cost.open.count()}};
}
json json_of(const ajar::grant_listening& one) {
  return {{"grant", ajar::to_hex(one.grant)}, {"client", to_string(one.client)}, {"windows", one.windows},
          {"most_windows", one.most_windows}, {"ns", one.open.count()},          {"limit_ns", one.limit.count()}};
}
json json_of(const ajar::sessions::session_status& one) {
  json made = {{"peer", to_string(one.info.peer)},
               {"path", std::string(to_string(one.info.way))},
               {"remote", ajar::net::to_string(one.info.remote)},
               {"grant", ajar::to_hex(one.info.grant)},
               {"age_ns", one.age.count()},
               {"octets_in", one.carried.in},
               {"octets_out", one.carried.out},
               {"tcp_round_trip_ns", nanoseconds(one.round_trip)}};
  if (one.info.window) {
    made["exposure_ns"] = one.info.window->exposure.count();
    made["strangers"] = one.info.window->strangers;
    made["drops"] = one.info.window->drops;
  }
  return made;
}
json json_of(const std::optional<ajar::net::reflected>& one) {
  if (!one) return {};
  json made = {{"outside", one->outside.to_string()},
               {"mapping", to_string(one->maps)},
               {"filtering", to_string(one->filters)},
               {"only_443", one->only_443}};
  if (one->maps == ajar::net::mapping::step) made["step"] = one->step;
  return made;
}
template <class Status>
void add_sessions(json& to, const Status& from) {
  to["sessions"] = json::array();
  for (const auto& one : from.sessions) to["sessions"].push_back(json_of(one));
  to["sessions_total"] = from.sessions_begun;
  to["octets_in_total"] = from.carried.in;
  to["octets_out_total"] = from.carried.out;
  to["exposure"] = {{"today", json_of(from.exposed_today)}, {"total", json_of(from.exposed)}};
}
template <class Status>
json process(std::string_view tool, const Status& from) {
  const auto listening = listening_sockets();
  return {{"ajar_status", status_version},
          {"tool", tool},
          {"version", ajar::version},
          {"tls", ajar::tls::library()},
          {"pid", ::getpid()},
          {"uptime_ns", from.uptime.count()},
          {"id", to_string(from.id)},
          {"seccomp", seccomp_mode()},
          {"may_listen", may_listen()},
          {"listening_sockets", listening ? json(*listening) : json()},
          {"log_lines_lost", line_writer::lost_by_all()},
          {"exceptions", from.exceptions}};
}

}  // namespace

json json_of(const ajar::net::reflection& from) { return {{"ipv4", json_of(from.v4)}, {"ipv6", json_of(from.v6)}}; }

json json_of(const ajar::server_status& from) {
  auto made = process("ajar-server", from);
  made["methods"] = json::array();
  for (const auto& [one, name] :
       {std::pair(ajar::trust::method::outbound, "outbound"), {ajar::trust::method::window, "window"}}) {
    if (from.methods.contains(one)) made["methods"].push_back(name);
  }
  made["link"] = json_of(from.link);
  made["clients_with_door"] = from.clients_with_door;
  made["revocations"] = {{"serial", from.revocations_serial}, {"acknowledged", from.revocations_acknowledged}};
  made["windows_open"] = from.windows_open;
  made["listened_last_minute"] = {{"ns", from.listened_last_minute.count()}, {"limit_ns", from.listened_limit.count()}};
  made["listened_last_minute"]["by_grant"] = json::array();
  for (const auto& one : from.listened_by) made["listened_last_minute"]["by_grant"].push_back(json_of(one));
  add_sessions(made, from);
  made["cloak"] = to_string(from.cloak);
  made["network"] = json_of(from.network);
  made["refusals"] = json_of(from.refusals);
  made["dial_failures"] = json_of(from.dial_failures);
  return made;
}

json json_of(const ajar::client_status& from) {
  auto made = process("ajar-client", from);
  made["links"] = json::array();
  for (const auto& one : from.links) made["links"].push_back(json_of(one));
  made["door_open"] = from.door_open;
  add_sessions(made, from);
  made["cloak"] = to_string(from.cloak);
  made["failures"] = json_of(from.failures);
  return made;
}

json json_of(const ajar::central_status& from) {
  auto made = process("ajar-central", from);
  made["shards"] = from.shards;
  made["links"] = {{"servers", from.servers},
                   {"clients", from.clients},
                   {"half_open", from.half_open},
                   {"total", from.links},
                   {"ended", json_of(from.links_ended)},
                   {"turned_away", json_of(from.turned_away)},
                   {"not_accepted", json_of(from.not_accepted)},
                   {"dropped", from.dropped}};
  made["rendezvous"] = {{"in_flight", from.rendezvous.in_flight()},
                        {"total", from.rendezvous.begun},
                        {"answered", from.rendezvous.answered},
                        {"refusals", json_of(from.rendezvous.refused)}};
  made["exposure"] = {{"today", json_of(from.exposed_today)}, {"total", json_of(from.exposed)}};
  for (auto& [span, cost] : made["exposure"].items()) {  // nobody tells it of these
    cost.erase("windows");
    cost.erase("drops");
  }
  made["doors"] = {{"proved", from.doors_proved}, {"closed", from.doors_closed}};
  return made;
}

// ---- ask.hpp

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

// ---- status.hpp

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

ajar::result<json> ask_json(const std::string& folder, const std::string& name) {
  const auto answer = ask_running(folder, name, {"status", {}});
  if (!answer) return ajar::fail(answer.error());
  auto parsed = json::parse(*answer, nullptr, false);
  const bool good = parsed.is_object() && parsed.contains("ajar_status");
  if (!good) return ajar::fail(ajar::errc::message_malformed);
  if (parsed["ajar_status"] != status_version) return ajar::fail(ajar::errc::unknown_version);
  return parsed;
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
    tell("{}: {}/{}: {}; goes on without 'status'\n", tool, folder, name, ajar::explain(opened.error()));
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
  auto asked = ask_json(folder, name);
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
    auto answer = ask_json(*folder, name);
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

// ---- network.hpp

std::string_view meaning_of_mapping(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> meanings[] = {
      {"none", "no NAT: address and port are seen as they are"},
      {"preserving", "a NAT that keeps the port"},
      {"stable", "a NAT with another port, the same one for everybody"},
      {"step", "a NAT that counts its ports up: the next one can be foretold"},
      {"random", "a NAT with another port for everybody: only a peer that can be reached helps"},
  };
  for (const auto& [each, text] : meanings) {
    if (each == name) return text;
  }
  return "not known: too few of central's answers came through";
}

std::string_view meaning_of_filtering(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> meanings[] = {
      {"endpoint-independent", "anybody is let in"},
      {"address-dependent", "whoever's address was called is let in"},
      {"port-dependent", "only who was called is let in, port for port"},
  };
  for (const auto& [each, text] : meanings) {
    if (each == name) return text;
  }
  return "not known: nobody has tried";
}

namespace {

std::string family_table(std::string_view name, const json& one) {
  if (one.is_null()) return fmt::format("{}  central is not reached\n", name);
  const auto maps = one.at("mapping").get<std::string>();
  const auto filters = one.at("filtering").get<std::string>();
  auto text = fmt::format("{}  {}\n", name, ajar::escaped(one.at("outside").get<std::string>()));
  text += fmt::format("      mapping    {:20}  {}\n", ajar::escaped(maps), meaning_of_mapping(maps));
  text += fmt::format("      filtering  {:20}  {}\n", ajar::escaped(filters), meaning_of_filtering(filters));
  if (one.at("only_443")) text += "      a firewall lets out only connections to port 443\n";
  return text;
}

void print_answer(const json& network, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", dumped(network));
    return;
  }
  fmt::print("{}", network_table(network));
}

}  // namespace

std::string network_table(const json& network) {
  return family_table("IPv4", network.at("ipv4")) + family_table("IPv6", network.at("ipv6"));
}

void print_network(const ajar::net::reflection& network, bool as_json) { print_answer(json_of(network), as_json); }

int server_network(std::string_view tool, const settings& given) {
  const auto folder = ajar::state::folder::place(text_option(given, "state"), "server");
  if (!folder) return complain(tool, "state folder", folder.error());
  const auto answer = ask_json(*folder, "control");
  if (!answer) return complain(tool, *folder, answer.error());
  if (!answer->contains("network")) return complain(tool, *folder, ajar::errc::message_malformed);
  print_answer(answer->at("network"), given.count("json") != 0);
  return success;
}

}  // namespace tools
