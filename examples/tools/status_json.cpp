// SPDX-License-Identifier: BSL-1.0
#include "status_json.hpp"

#include "line_writer.hpp"
#include "process_facts.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/core/version.hpp>
#include <ajar/tls/library.hpp>

#include <unistd.h>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace tools {

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
               {"path", std::string(to_string(one.info.path))},
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
  made["other_links"] = json::array();
  for (const auto& one : from.other_links) made["other_links"].push_back(json_of(one));
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

}  // namespace tools
