// SPDX-License-Identifier: BSL-1.0
// examples/tools/status.cpp - what is told and asked as JSON: json_line.hpp, status_json.hpp, status_metrics.hpp,
// status_table.hpp, ask.hpp, status.hpp, network.hpp.
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
#include <ajar/telling/metrics.hpp>
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

std::optional<std::map<std::string, std::uint64_t>> json_numbers(const std::string& text) {
  const auto said = json::parse(text, nullptr, false);
  if (!said.is_object()) return std::nullopt;
  std::map<std::string, std::uint64_t> numbers;
  for (const auto& [name, value] : said.items()) {
    if (value.is_number_unsigned()) numbers[name] = value.get<std::uint64_t>();
  }
  return numbers;
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
          {"ns", cost.open.count()}};
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
json process(std::string_view tool, const ajar::identity::peer_id& id, std::chrono::nanoseconds uptime) {
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

}  // namespace

json json_of(const ajar::net::reflection& from) { return {{"ipv4", json_of(from.v4)}, {"ipv6", json_of(from.v6)}}; }

json json_of(const ajar::server_status& from) {
  auto made = process("ajar-server", from.id, from.uptime);
  made["methods"] = json::array();
  for (const auto& [bit, name] :
       {std::pair(ajar::trust::method::outbound, "outbound"), {ajar::trust::method::window, "window"}}) {
    if ((from.methods & static_cast<std::uint8_t>(bit)) != 0) made["methods"].push_back(name);
  }
  made["link"] = json_of(from.link);
  made["clients_with_door"] = from.clients_with_door;
  made["revocations"] = {{"serial", from.revocations_serial}, {"acknowledged", from.revocations_acknowledged}};
  made["windows_open"] = from.windows_open;
  made["listened_last_minute"] = {{"ns", from.listened_last_minute.count()}, {"limit_ns", from.listened_limit.count()}};
  add_sessions(made, from);
  made["cloak"] = to_string(from.cloak);
  made["network"] = json_of(from.network);
  made["refusals"] = json_of(from.refusals);
  made["dial_failures"] = json_of(from.dial_failures);
  return made;
}

json json_of(const ajar::client_status& from) {
  auto made = process("ajar-client", from.id, from.uptime);
  made["links"] = json::array();
  for (const auto& one : from.links) made["links"].push_back(json_of(one));
  made["door_open"] = from.door_open;
  add_sessions(made, from);
  made["cloak"] = to_string(from.cloak);
  made["failures"] = json_of(from.failures);
  return made;
}

json json_of(const ajar::central_status& from) {
  auto made = process("ajar-central", from.id, from.uptime);
  made["shards"] = from.shards;
  made["links"] = {{"servers", from.servers},
                   {"clients", from.clients},
                   {"half_open", from.half_open},
                   {"total", from.links},
                   {"ended", json_of(from.links_ended)},
                   {"turned_away", json_of(from.turned_away)},
                   {"dropped", from.dropped}};
  made["rendezvous"] = {{"in_flight", from.rendezvous.in_flight()},
                        {"total", from.rendezvous.begun},
                        {"answered", from.rendezvous.answered},
                        {"refusals", json_of(from.rendezvous.refused)}};
  made["exposure"] = {{"today", json_of(from.exposed_today)}, {"total", json_of(from.exposed)}};
  for (auto& [span, cost] : made["exposure"].items()) cost.erase("windows");  // nobody tells how many these were
  made["doors"] = {{"proved", from.doors_proved}, {"closed", from.doors_closed}};
  return made;
}

// ---- status_metrics.hpp

namespace {

class metrics_maker {
 public:
  static std::string text(std::string_view tool, const std::vector<json>& all) {
    const auto kind = tool.substr(tool.find('-') + 1);
    metrics_maker made("ajar_" + std::string(kind) + "_", all, kind == "client");
    made.add_process();
    if (kind == "central") {
      made.add_central();
    } else {
      made.add_peer();
      kind == "server" ? made.add_server() : made.add_client();
    }
    return made.out_.text();
  }

 private:
  using labels = ajar::telling::metrics::labels;
  struct row {
    labels with;
    std::uint64_t value = 0;
  };
  using pick = std::function<std::vector<row>(const json&)>;

  metrics_maker(std::string prefix, const std::vector<json>& all, bool by_pid)
      : prefix_(std::move(prefix)), all_(all), by_pid_(by_pid) {}

  // ---- where a value comes from: a place in the answer (RFC 6901); none where it is null

  static pick at(std::string place, labels with = {}) {
    return [pointer = json::json_pointer(place), with](const json& one) {
      const auto& found = one.at(pointer);
      if (found.is_null()) return std::vector<row>();
      const auto value = found.is_boolean() ? std::uint64_t{found.get<bool>()} : found.get<std::uint64_t>();
      return std::vector<row>{{with, value}};
    };
  }
  static pick seconds_at(std::string place) {
    return [whole = at(std::move(place))](const json& one) {
      auto rows = whole(one);
      for (auto& each : rows) each.value /= 1'000'000'000;
      return rows;
    };
  }
  static pick causes_at(std::string place) {
    return [pointer = json::json_pointer(place)](const json& one) {
      std::vector<row> rows;
      for (const auto& [cause, times] : one.at(pointer).items()) {
        rows.push_back({{{"cause", cause}}, times.get<std::uint64_t>()});
      }
      return rows;
    };
  }
  static pick both(pick first, pick second) {
    return [first = std::move(first), second = std::move(second)](const json& one) {
      auto rows = first(one);
      for (auto& each : second(one)) rows.push_back(std::move(each));
      return rows;
    };
  }

  // ---- what there is

  void counter(std::string_view name, std::string_view help, const pick& from) {
    out_.counter(prefix_ + std::string(name) + "_total", help);
    add(from);
  }
  void gauge(std::string_view name, std::string_view help, const pick& from) {
    out_.gauge(prefix_ + std::string(name), help);
    add(from);
  }
  void add(const pick& from) {
    for (const auto& one : all_) {
      for (auto& each : from(one)) {
        if (by_pid_) each.with.emplace_back("pid", std::to_string(one.at("pid").get<std::uint64_t>()));
        out_.sample(each.value, each.with);
      }
    }
  }

  void add_process() {
    gauge("info", "Always 1; the labels say what runs.", [](const json& one) {
      return std::vector<row>{{{{"id", one.at("id")}, {"tls", one.at("tls")}, {"version", one.at("version")}}, 1}};
    });
    gauge("uptime_seconds", "Since it started.", seconds_at("/uptime_ns"));
    gauge("listening_sockets", "Sockets that listen now, by the kernel's word.", at("/listening_sockets"));
    counter("log_lines_lost", "Lines of its log that nobody took.", at("/log_lines_lost"));
    gauge("may_listen", "0 where a seccomp filter forbids it.",
          [](const json& one) { return std::vector<row>{{{}, std::uint64_t{one.at("may_listen") == true}}}; });
    gauge("seccomp_filter", "1 where a seccomp filter holds.",
          [](const json& one) { return std::vector<row>{{{}, std::uint64_t{one.at("seccomp") == "filter"}}}; });
  }

  void add_peer() {
    gauge("sessions", "Sessions that are alive, by path.", [](const json& one) {
      std::vector<row> rows;
      for (const auto* path : {"outbound", "crossing", "window", "window-reverse"}) {
        const auto count =
            std::ranges::count_if(one.at("sessions"), [&](const json& each) { return each.at("path") == path; });
        rows.push_back({{{"path", path}}, static_cast<std::uint64_t>(count)});
      }
      return rows;
    });
    counter("sessions", "Sessions that began.", at("/sessions_total"));
    counter("session_octets", "Octets of all sessions, before encryption.",
            both(at("/octets_in_total", {{"direction", "in"}}), at("/octets_out_total", {{"direction", "out"}})));
    counter("windows", "Windows that were opened.", at("/exposure/total/windows"));
    add_exposure();
  }

  // Of its own ports; at central of its peers', as they told.
  void add_exposure() {
    counter("listeners", "Ports that were opened.", at("/exposure/total/listeners"));
    counter("strangers", "Connections to a window of somebody else than the one expected.",
            at("/exposure/total/strangers"));
    counter("exposure_nanoseconds", "How long ports were open.", at("/exposure/total/ns"));
    gauge("exposure_today_nanoseconds", "The same, since midnight UTC.", at("/exposure/today/ns"));
  }

  void add_server() {
    gauge("linked", "1 while the link to central is up.", at("/link/linked"));
    counter("links", "Links to central that were made.", at("/link/links"));
    counter("link_losses", "Links that ended, and attempts at one, by cause.", causes_at("/link/losses"));
    gauge("link_round_trip_nanoseconds", "The shortest heartbeat of this link.", at("/link/round_trip_ns"));
    gauge("clients_with_door", "Clients on the roster.", at("/clients_with_door"));
    gauge("revocations_acknowledged", "0 while central may not know of a revoked grant.",
          at("/revocations/acknowledged"));
    gauge("windows_open", "Requests for a window that are being answered.", at("/windows_open"));
    gauge("listened_last_minute_nanoseconds", "How long ports of windows were open in the last minute.",
          at("/listened_last_minute/ns"));
    counter("refusals", "Windows that were refused, or that nobody came through, by cause.", causes_at("/refusals"));
    counter("dial_failures", "Clients that were dialled and not reached, by cause.", causes_at("/dial_failures"));
  }

  void add_client() {
    gauge("linked", "Links to a central that are up.", [](const json& one) {
      const auto count =
          std::ranges::count_if(one.at("links"), [](const json& each) { return each.at("linked") == true; });
      return std::vector<row>{{{}, static_cast<std::uint64_t>(count)}};
    });
    gauge("door_open", "1 while servers may dial.", at("/door_open"));
    counter("failures", "Connections that did not come about, by cause.", causes_at("/failures"));
  }

  void add_central() {
    gauge("shards", "Threads that links are spread over.", at("/shards"));
    gauge("links", "Peers that are linked, by role.",
          both(at("/links/servers", {{"role", "server"}}), at("/links/clients", {{"role", "client"}})));
    gauge("half_open", "Connections that are not linked yet.", at("/links/half_open"));
    counter("links", "Links that were made.", at("/links/total"));
    counter("links_ended", "Links that ended, by cause.", causes_at("/links/ended"));
    counter("turned_away", "Connections and peers that were not linked, by cause.", causes_at("/links/turned_away"));
    counter("dropped_connections", "Connections closed unseen, as a budget was used up.", at("/links/dropped"));
    gauge("rendezvous_in_flight", "Requests for a window that may still be answered.", at("/rendezvous/in_flight"));
    counter("rendezvous", "Requests for a window that were handed to a server.", at("/rendezvous/total"));
    counter("rendezvous_answered", "Those that the server answered.", at("/rendezvous/answered"));
    counter("refusals", "Grants, doors and requests that central refused, by cause.",
            causes_at("/rendezvous/refusals"));
    add_exposure();
    counter("doors_proved", "Dial-backs to a client's door that succeeded.", at("/doors/proved"));
    counter("doors_closed", "Dial-backs that failed.", at("/doors/closed"));
  }

  ajar::telling::metrics out_;
  std::string prefix_;
  const std::vector<json>& all_;
  bool by_pid_;
};

}  // namespace

std::string status_metrics::text(std::string_view tool, const std::vector<json>& all) {
  return metrics_maker::text(tool, all);
}

// ---- status_table.hpp

std::string spoken_time(std::uint64_t ns) {
  if (ns < 1'000) return fmt::format("{} ns", ns);
  if (ns < 1'000'000) return fmt::format("{:.1f} us", static_cast<double>(ns) / 1e3);
  if (ns < 1'000'000'000) return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
  const auto seconds = ns / 1'000'000'000;
  if (seconds < 60) return fmt::format("{:.1f} s", static_cast<double>(ns) / 1e9);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds / 3600 % 24);
}

std::string spoken_size(std::uint64_t octets) {
  if (octets < 1000) return fmt::format("{} B", octets);
  auto value = static_cast<double>(octets);
  std::string_view unit;
  for (const std::string_view next : {"kB", "MB", "GB", "TB", "PB"}) {
    value /= 1000;
    unit = next;
    if (value < 999.95) break;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

namespace {

class table_maker {
 public:
  static std::string text(const json& one) {
    table_maker made(one);
    made.add_process();
    if (one.contains("rendezvous")) {
      made.add_central();
    } else {
      made.add_peer();
    }
    return made.text_;
  }

 private:
  explicit table_maker(const json& one) : one_(one) {}

  static std::string word(const json& value) { return ajar::escaped(value.get<std::string>()); }
  static std::uint64_t number(const json& value) { return value.get<std::uint64_t>(); }

  template <class... Parts>
  void line(std::string_view name, fmt::format_string<Parts...> how, Parts&&... parts) {
    text_ += fmt::format("{:<10}{}\n", name, fmt::format(how, std::forward<Parts>(parts)...));
  }

  void add_process() {
    text_ +=
        fmt::format("{} {}, process {}, up for {}, {}, seccomp {}{}\n", word(one_.at("tool")), word(one_.at("version")),
                    number(one_.at("pid")), spoken_time(number(one_.at("uptime_ns"))), word(one_.at("tls")),
                    word(one_.at("seccomp")), one_.at("may_listen") == true ? "" : ", may not listen");
    line("id", "{}", word(one_.at("id")));
    if (const auto lost = number(one_.at("log_lines_lost")); lost > 0) line("log", "{} lines were lost", lost);
    if (one_.contains("sandbox")) line("sandbox", "{}", word(one_.at("sandbox")));
  }

  void add_link(const json& link) {
    line("central", "{}", word(link.at("central")));
    std::string state = link.at("linked") == true ? "up for " : "down for ";
    state += spoken_time(number(link.at("since_ns")));
    if (!link.at("round_trip_ns").is_null()) {
      state += ", round trip " + spoken_time(number(link.at("round_trip_ns")));
    }
    if (number(link.at("links")) > 1) state += fmt::format(", {} links so far", number(link.at("links")));
    if (!link.at("last_loss").is_null()) state += ", last loss " + word(link.at("last_loss"));
    line("link", "{}", state);
  }

  static std::string port_cost(const json& of) {
    return fmt::format("{} of {} ports, {} strangers", spoken_time(number(of.at("ns"))), number(of.at("listeners")),
                       number(of.at("strangers")));
  }

  static std::string cost(const json& of) {
    const auto windows = number(of.at("windows"));
    const auto strangers = number(of.at("strangers"));
    auto text = fmt::format("{} in {} window{}", spoken_time(number(of.at("ns"))), windows, windows == 1 ? "" : "s");
    if (strangers > 0) text += fmt::format(", {} stranger{}", strangers, strangers == 1 ? "" : "s");
    return text;
  }

  void add_causes(std::string_view name, const json& counts) {
    std::string all;
    for (const auto& [cause, times] : counts.items()) {
      all += fmt::format("{}{} {}", all.empty() ? "" : ", ", ajar::escaped(cause), number(times));
    }
    if (!all.empty()) line(name, "{}", all);
  }

  void add_peer() {
    if (one_.contains("link")) add_link(one_.at("link"));
    if (one_.contains("links")) {
      for (const auto& link : one_.at("links")) add_link(link);
    }
    const auto& listening = one_.at("listening_sockets");
    line("ports", "{} listening now; cloak {}", listening.is_null() ? "unknown" : std::to_string(number(listening)),
         word(one_.at("cloak")));
    line("exposure", "today {}; in all {}", cost(one_.at("exposure").at("today")),
         cost(one_.at("exposure").at("total")));
    if (one_.contains("listened_last_minute")) {
      const auto& minute = one_.at("listened_last_minute");
      line("minute", "ports open for {} of {}", spoken_time(number(minute.at("ns"))),
           spoken_time(number(minute.at("limit_ns"))));
    }
    if (one_.contains("clients_with_door")) line("doors", "{} of clients", number(one_.at("clients_with_door")));
    if (one_.contains("revocations") && one_.at("revocations").at("acknowledged") == false) {
      line("revoked", "grants, and central has not acknowledged it yet");
    }
    if (one_.contains("door_open")) line("door", "{}", one_.at("door_open") == true ? "open" : "closed");
    const auto& sessions = one_.at("sessions");
    line("sessions", "{} now, {} so far; {} in, {} out", sessions.size(), number(one_.at("sessions_total")),
         spoken_size(number(one_.at("octets_in_total"))), spoken_size(number(one_.at("octets_out_total"))));
    add_sessions(sessions);
    for (const auto* name : {"refusals", "dial_failures", "failures"}) {
      if (one_.contains(name))
        add_causes(name == std::string_view("dial_failures") ? "undialled" : name, one_.at(name));
    }
  }

  void add_sessions(const json& sessions) {
    if (sessions.empty()) return;
    std::vector<std::vector<std::string>> rows = {{"PEER", "PATH", "AGE", "REMOTE", "IN", "OUT", "RTT"}};
    for (const auto& each : sessions) {
      const auto& round_trip = each.at("tcp_round_trip_ns");
      rows.push_back({word(each.at("peer")).substr(0, 13), word(each.at("path")),
                      spoken_time(number(each.at("age_ns"))), word(each.at("remote")),
                      spoken_size(number(each.at("octets_in"))), spoken_size(number(each.at("octets_out"))),
                      round_trip.is_null() ? "-" : spoken_time(number(round_trip))});
    }
    std::vector<std::size_t> widths(rows[0].size());
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
      text_ += " ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        text_ += i + 1 == row.size() ? " " + row[i] : fmt::format(" {:<{}} ", row[i], widths[i]);
      }
      text_ += "\n";
    }
  }

  void add_central() {
    const auto& links = one_.at("links");
    const auto& rendezvous = one_.at("rendezvous");
    line("links", "{} servers, {} clients, {} half-open; {} so far, {} dropped unseen", number(links.at("servers")),
         number(links.at("clients")), number(links.at("half_open")), number(links.at("total")),
         number(links.at("dropped")));
    line("requests", "{} in flight, {} so far, {} answered", number(rendezvous.at("in_flight")),
         number(rendezvous.at("total")), number(rendezvous.at("answered")));
    const auto& exposure = one_.at("exposure");
    line("exposure", "of peers' ports, as they told: today {}; in all {}", port_cost(exposure.at("today")),
         port_cost(exposure.at("total")));
    line("doors", "{} proved, {} closed", number(one_.at("doors").at("proved")), number(one_.at("doors").at("closed")));
    line("threads", "{}", number(one_.at("shards")));
    add_causes("refusals", rendezvous.at("refusals"));
    add_causes("away", links.at("turned_away"));
    add_causes("ended", links.at("ended"));
  }

  const json& one_;
  std::string text_;
};

}  // namespace

std::string status_table::text(const json& one) { return table_maker::text(one); }

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

namespace {

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

void print_family(std::string_view name, const json& one) {
  if (one.is_null()) {
    fmt::print("{}  central is not reached\n", name);
    return;
  }
  const auto maps = one.at("mapping").get<std::string>();
  const auto filters = one.at("filtering").get<std::string>();
  fmt::print("{}  {}\n", name, one.at("outside").get<std::string>());
  fmt::print("      mapping    {:20}  {}\n", maps, meaning_of_mapping(maps));
  fmt::print("      filtering  {:20}  {}\n", filters, meaning_of_filtering(filters));
  if (one.at("only_443")) fmt::print("      a firewall lets out only connections to port 443\n");
}

void print_answer(const json& network, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", dumped(network));
    return;
  }
  print_family("IPv4", network.at("ipv4"));
  print_family("IPv6", network.at("ipv6"));
}

}  // namespace

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
