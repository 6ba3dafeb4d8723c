// SPDX-License-Identifier: BSL-1.0
#include "status_table.hpp"

#include "line_writer.hpp"

#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace tools {

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
    if (const auto faults = number(one_.at("exceptions")); faults > 0) {
      line("faults", "{} coroutines ended by an exception: the log says which", faults);
    }
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
    const auto drops = of.contains("drops") ? number(of.at("drops")) : 0;
    if (drops > 0) text += fmt::format(", {} packet{} dropped by the cloak", drops, drops == 1 ? "" : "s");
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
    if (one_.contains("other_links")) {
      for (const auto& link : one_.at("other_links")) add_link(link);
    }
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
      for (const auto& each : minute.at("by_grant")) {
        line("", "of {}: {} of {}, {} of {} windows now", word(each.at("client")).substr(0, 13),
             spoken_time(number(each.at("ns"))), spoken_time(number(each.at("limit_ns"))), number(each.at("windows")),
             number(each.at("most_windows")));
      }
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
    add_causes("waiting", links.at("not_accepted"));
    add_causes("away", links.at("turned_away"));
    add_causes("ended", links.at("ended"));
  }

  const json& one_;
  std::string text_;
};

}  // namespace

std::string status_table::text(const json& one) { return table_maker::text(one); }

}  // namespace tools
