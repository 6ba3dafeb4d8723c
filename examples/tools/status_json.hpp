// SPDX-License-Identifier: BSL-1.0
// What a running tool answers to "status": JSON, from which the asking tool makes a table or metrics.
#pragma once

#include "line_writer.hpp"
#include "process_facts.hpp"

#include <ajar/core/version.hpp>
#include <ajar/tls/library.hpp>

#include <ajar/central/status.hpp>
#include <ajar/client/status.hpp>
#include <ajar/server/status.hpp>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tools {

using json = nlohmann::ordered_json;

inline constexpr int status_version = 1;

// Without exceptions for what is no UTF-8.
inline std::string dumped(const json& what) { return what.dump(-1, ' ', false, json::error_handler_t::replace); }

namespace detail {

inline json json_of(const ajar::telling::cause_counts& counts) {
  json made = json::object();
  for (const auto& [cause, times] : counts.by_name()) made[cause] = times;
  return made;
}
template <class Duration>
json nanoseconds(const std::optional<Duration>& time) {
  return time ? json(std::chrono::duration_cast<std::chrono::nanoseconds>(*time).count()) : json();
}
inline json json_of(const ajar::signalling::link_status& link) {
  return {{"central", to_string(link.central)},
          {"linked", link.linked},
          {"since_ns", link.since.count()},
          {"round_trip_ns", nanoseconds(link.round_trip)},
          {"links", link.links},
          {"losses", json_of(link.losses)},
          {"last_loss", link.last_loss ? json(ajar::telling::cause_name(link.last_loss)) : json()}};
}
inline json json_of(const ajar::windows::exposure& cost) {
  return {{"windows", cost.windows},
          {"listeners", cost.listeners},
          {"strangers", cost.strangers},
          {"ns", cost.open.count()}};
}
inline json json_of(const ajar::sessions::session_status& one) {
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
  }
  return made;
}
inline json json_of(const std::optional<ajar::net::reflected>& one) {
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
inline json process(std::string_view tool, const ajar::identity::peer_id& id, std::chrono::nanoseconds uptime) {
  const auto listening = listening_sockets();
  return {{"ajar_status", status_version},
          {"tool", tool},
          {"version", ajar::version},
          {"tls", ajar::tls::library()},
          {"pid", ::getpid()},
          {"uptime_ns", uptime.count()},
          {"id", to_string(id)},
          {"seccomp", seccomp_mode()},
          {"may_listen", may_listen()},
          {"listening_sockets", listening ? json(*listening) : json()},
          {"log_lines_lost", line_writer::lost_by_all()}};
}

}  // namespace detail

inline json json_of(const ajar::net::reflection& from) {
  return {{"ipv4", detail::json_of(from.v4)}, {"ipv6", detail::json_of(from.v6)}};
}

inline json json_of(const ajar::server_status& from) {
  auto made = detail::process("ajar-server", from.id, from.uptime);
  made["methods"] = json::array();
  for (const auto& [bit, name] :
       {std::pair(ajar::trust::method::outbound, "outbound"), {ajar::trust::method::window, "window"}}) {
    if ((from.methods & static_cast<std::uint8_t>(bit)) != 0) made["methods"].push_back(name);
  }
  made["link"] = detail::json_of(from.link);
  made["clients_with_door"] = from.clients_with_door;
  made["revocations"] = {{"serial", from.revocations_serial}, {"acknowledged", from.revocations_acknowledged}};
  made["windows_open"] = from.windows_open;
  detail::add_sessions(made, from);
  made["cloak"] = to_string(from.cloak);
  made["network"] = json_of(from.network);
  made["refusals"] = detail::json_of(from.refusals);
  made["dial_failures"] = detail::json_of(from.dial_failures);
  return made;
}

inline json json_of(const ajar::client_status& from) {
  auto made = detail::process("ajar-client", from.id, from.uptime);
  made["links"] = json::array();
  for (const auto& one : from.links) made["links"].push_back(detail::json_of(one));
  made["door_open"] = from.door_open;
  detail::add_sessions(made, from);
  made["cloak"] = to_string(from.cloak);
  made["failures"] = detail::json_of(from.failures);
  return made;
}

inline json json_of(const ajar::central_status& from) {
  auto made = detail::process("ajar-central", from.id, from.uptime);
  made["shards"] = from.shards;
  made["links"] = {{"servers", from.servers},
                   {"clients", from.clients},
                   {"half_open", from.half_open},
                   {"total", from.links},
                   {"ended", detail::json_of(from.links_ended)},
                   {"turned_away", detail::json_of(from.turned_away)},
                   {"dropped", from.dropped}};
  made["rendezvous"] = {{"in_flight", from.rendezvous.in_flight()},
                        {"total", from.rendezvous.begun},
                        {"answered", from.rendezvous.answered},
                        {"refusals", detail::json_of(from.rendezvous.refused)}};
  made["exposure"] = {{"today", detail::json_of(from.exposed_today)}, {"total", detail::json_of(from.exposed)}};
  for (auto& [span, cost] : made["exposure"].items()) cost.erase("windows");  // nobody tells how many these were
  made["doors"] = {{"proved", from.doors_proved}, {"closed", from.doors_closed}};
  return made;
}

}  // namespace tools
