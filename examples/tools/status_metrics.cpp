// SPDX-License-Identifier: BSL-1.0
#include "status_metrics.hpp"

#include <ajar/telling/metrics.hpp>

#include <fmt/format.h>
#include <chrono>
#include <functional>
#include <utility>

namespace tools {

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
    bool time = false;  // in nanoseconds
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
      for (auto& each : rows) each.time = true;
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
        if (each.time) {
          out_.sample(std::chrono::nanoseconds(each.value), each.with);
        } else {
          out_.sample(each.value, each.with);
        }
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
    counter("exceptions", "Coroutines that ended by one: a fault of the program, or no memory.", at("/exceptions"));
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
    counter("cloak_drops", "Packets of strangers that a cloak dropped.", at("/exposure/total/drops"));
    add_exposure();
  }

  // Of its own ports; at central of its peers', as they told.
  void add_exposure() {
    counter("listeners", "Ports that were opened.", at("/exposure/total/listeners"));
    counter("strangers", "Connections to a window of somebody else than the one expected.",
            at("/exposure/total/strangers"));
    counter("exposure_seconds", "How long ports were open.", seconds_at("/exposure/total/ns"));
    gauge("exposure_today_seconds", "The same, since midnight UTC.", seconds_at("/exposure/today/ns"));
  }

  void add_server() {
    gauge("linked", "1 while the link to central is up.", at("/link/linked"));
    counter("links", "Links to central that were made.", at("/link/links"));
    counter("link_losses", "Links that ended, and attempts at one, by cause.", causes_at("/link/losses"));
    gauge("link_round_trip_seconds", "The shortest heartbeat of this link.", seconds_at("/link/round_trip_ns"));
    gauge("clients_with_door", "Clients on the roster.", at("/clients_with_door"));
    gauge("revocations_acknowledged", "0 while central may not know of a revoked grant.",
          at("/revocations/acknowledged"));
    gauge("windows_open", "Requests for a window that are being answered.", at("/windows_open"));
    gauge("listened_last_minute_seconds", "How long ports of windows were open in the last minute.",
          seconds_at("/listened_last_minute/ns"));
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
    counter("not_accepted", "Attempts to accept a connection that failed, by cause: it waits meanwhile.",
            causes_at("/links/not_accepted"));
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

}  // namespace tools
