// SPDX-License-Identifier: BSL-1.0
// ajar/windows/plan.hpp - which rungs two ends can go, in which order, and why: the one place that decides it.
#pragma once

#include <ajar/net/reflection.hpp>
#include <ajar/trust/rung.hpp>
#include <ajar/windows/port_pool.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ajar::windows {

/// Below it packets of both ends seldom meet in flight: one machine, one LAN.
inline constexpr std::chrono::microseconds short_round_trip{2'000};

/// One end, as the planner sees it.
struct end_facts {
  net::reflection network;                  ///< how its connections look from outside
  std::uint8_t rungs = trust::every_rung;   ///< bits of trust::rung_kind: what it is willing to do
  bool binds_443 = false;                   ///< it may use its own port 443
  std::vector<net::tcp::endpoint> outside;  ///< of the ports that it holds, as far as foretold
  std::vector<net::tcp::endpoint> local;    ///< the same on its own network
};

/// All that the plan depends on.
struct plan_terms {
  end_facts server;
  end_facts client;
  std::chrono::microseconds round_trip{0};  ///< between the two, as far as it is known
  bool lan = false;                         ///< the grant permits addresses of the site
  unsigned lost_to_strangers = 0;           ///< listeners of this request that somebody else closed
};

/// One rung to be gone.
struct planned {
  trust::rung_kind kind = trust::rung_kind::listener;
  bool same_site = false;
  bool on_443 = false;
  bool unchanged = false;  ///< nothing changes addresses on the way, as far as is known
  bool punches = false;    ///< the listening end sends a SYN first, so that its firewall lets in the other's
  std::vector<net::tcp::endpoint>
      server;  ///< pair i is server[i] with client[i]; of a listener the other end's may have port 0
  std::vector<net::tcp::endpoint> client;
};

/// The rungs, best first; or why there are none.
struct ladder {
  std::vector<planned> rungs;
  std::optional<errc> cause;
  std::string why;  ///< one sentence for a person: printable ASCII
};

namespace detail {

class planner {
 public:
  static constexpr std::size_t most_rungs = 3;
  static constexpr unsigned most_listeners = 3;  // lost to strangers; then no listener any more

  explicit planner(const plan_terms& terms) : terms_(terms) {}

  ladder plan() {
    same_site();
    for (const bool v6 : {true, false}) family(v6);
    if (made_.rungs.size() > most_rungs) made_.rungs.resize(most_rungs);
    if (made_.rungs.empty()) explain_nothing();
    return std::move(made_);
  }

 private:
  struct side {
    net::reflected net;
    std::vector<net::tcp::endpoint> outside;
    const end_facts* facts;
  };

  static std::vector<net::tcp::endpoint> of_family(const std::vector<net::tcp::endpoint>& all, bool v6) {
    std::vector<net::tcp::endpoint> made;
    for (const auto& one : all) {
      if (one.address().is_v6() == v6 && made.size() < trust::rung::most_pairs) made.push_back(one);
    }
    return made;
  }

  // What was not reflected is taken for a port that is seen as it is, behind something that nobody knows.
  static std::optional<side> side_of(const end_facts& facts, bool v6) {
    side made{{}, of_family(facts.outside, v6), &facts};
    if (const auto& known = facts.network.of(v6)) {
      made.net = *known;
    } else if (!made.outside.empty()) {
      made.net.outside = made.outside.front().address();
    } else {
      return std::nullopt;
    }
    return made;
  }

  static bool foretold(const side& one) {
    return !one.outside.empty() && (net::is_predictable(one.net.maps) || one.net.maps == net::mapping::unknown);
  }
  // Where an end will come from: at least its address, with port 0.
  static std::vector<net::tcp::endpoint> ends_of(const side& one) {
    if (!one.outside.empty()) return one.outside;
    return {net::tcp::endpoint(one.net.outside, 0)};
  }
  static bool keeps_address(const side& one) {
    return one.net.maps == net::mapping::none || one.net.maps == net::mapping::unknown;
  }
  static bool keeps_port(const side& one) {
    return one.net.maps == net::mapping::none || one.net.maps == net::mapping::preserving;
  }
  // Would a listener there be reached from anywhere, after a SYN to the other end's address at most?
  static bool lets_in(const side& one) {
    return one.net.filters == net::filtering::endpoint_independent ||
           one.net.filters == net::filtering::address_dependent || one.net.filters == net::filtering::unknown;
  }

  bool willing(trust::rung_kind kind) {
    const auto bit = trust::bit_of(kind);
    const bool both = (terms_.server.rungs & bit) != 0 && (terms_.client.rungs & bit) != 0;
    unwilling_ = unwilling_ || !both;
    return both;
  }
  bool may_listen(trust::rung_kind kind) { return terms_.lost_to_strangers < most_listeners && willing(kind); }

  void add(planned one, std::string_view why) {
    if (made_.rungs.empty()) made_.why = why;
    made_.rungs.push_back(std::move(one));
  }

  void same_site() {
    if (!terms_.lan || terms_.server.local.empty() || terms_.client.local.empty()) return;
    bool shared = false;
    for (const bool v6 : {true, false}) {
      const auto& a = terms_.server.network.of(v6);
      const auto& b = terms_.client.network.of(v6);
      shared = shared || (a && b && a->outside == b->outside);
    }
    if (!shared || !may_listen(trust::rung_kind::listener)) return;
    for (const bool v6 : {true, false}) {
      const auto server = of_family(terms_.server.local, v6);
      const auto client = of_family(terms_.client.local, v6);
      if (server.empty() || client.empty()) continue;
      add({trust::rung_kind::listener, true, false, true, false, server, client},
          "both ends are on one site: the server listens there");
    }
  }

  void family(bool v6) {
    const auto server = side_of(terms_.server, v6);
    const auto client = side_of(terms_.client, v6);
    if (!server || !client) return;
    met_ = true;
    if (server->net.only_443 || client->net.only_443) return through_443(*server, *client);
    const bool both = foretold(*server) && foretold(*client);
    const bool near = terms_.round_trip < short_round_trip;
    if (near) listeners(*server, *client);
    if (both && willing(trust::rung_kind::crossing)) {
      const auto pairs = std::min(server->outside.size(), client->outside.size());
      planned one{trust::rung_kind::crossing, false, false, false, false, server->outside, client->outside};
      one.unchanged = keeps_address(*server) && keeps_address(*client);
      one.server.resize(pairs);
      one.client.resize(pairs);
      add(std::move(one), "the ports of both ends are foretold: both connect at one instant");
    }
    if (!near) listeners(*server, *client);
    if (!both) undirected(*server, *client);
  }

  void listeners(const side& server, const side& client) {
    if (foretold(server) && lets_in(server) && may_listen(trust::rung_kind::listener)) {
      add({trust::rung_kind::listener, false, false, false, punches(server), server.outside, ends_of(client)},
          foretold(client)
              ? "the server's port is reachable: the server listens"
              : "the client's NAT gives every connection another port, the server's port is reachable: the "
                "server listens");
    }
    if (foretold(client) && lets_in(client) && may_listen(trust::rung_kind::listener_reverse)) {
      add({trust::rung_kind::listener_reverse, false, false, false, punches(client), ends_of(server), client.outside},
          foretold(server)
              ? "the client's port is reachable: the client listens"
              : "the server's NAT gives every connection another port, the client's port is reachable: the "
                "client listens");
    }
  }
  static bool punches(const side& one) {
    return one.net.filters == net::filtering::address_dependent || one.net.maps != net::mapping::none;
  }

  // A firewall that lets out nothing but port 443 is passed where the other end's outside port is 443.
  void through_443(const side& server, const side& client) {
    for (const auto& [inside, other] : {std::pair(&server, &client), std::pair(&client, &server)}) {
      if (!inside->net.only_443) continue;
      if (!keeps_port(*other)) return undirected(server, client);
      if (!other->facts->binds_443) {
        port_443_ = true;
        return;
      }
    }
    if (!foretold(server) || !foretold(client)) return undirected(server, client);
    if (!willing(trust::rung_kind::crossing)) return;
    planned one{trust::rung_kind::crossing, false, true, false, false, {server.outside.front()},
                {client.outside.front()}};
    if (client.net.only_443) one.server.front().port(https_port);
    if (server.net.only_443) one.client.front().port(https_port);
    add(std::move(one), "a firewall lets out only port 443: both connect at one instant, and use that port");
  }

  void undirected(const side& server, const side& client) {
    const auto say = [](const side& one) {
      if (one.net.only_443) return "lets out only connections to port 443";
      if (!foretold(one)) return "gives every connection another port";
      return lets_in(one) ? "lets the other end in" : "lets in only whom it has called, port for port";
    };
    reason_ = std::string("the server's NAT or firewall ") + say(server) + ", the client's " + say(client) +
              ": there is no direct way";
  }

  static std::string families_of(const end_facts& one) {
    const bool v4 = side_of(one, false).has_value();
    if (side_of(one, true)) return v4 ? "by IPv4 and IPv6" : "by IPv6 alone";
    return v4 ? "by IPv4 alone" : "by no address";
  }
  // One end has a family that the other one has not: there may have been a way by that one.
  std::string other_family() const {
    for (const bool v6 : {true, false}) {
      const bool at_server = side_of(terms_.server, v6).has_value();
      if (at_server == side_of(terms_.client, v6).has_value()) continue;
      return std::string("; ") + (at_server ? "the server" : "the client") + " alone has " + (v6 ? "IPv6" : "IPv4");
    }
    return {};
  }

  void explain_nothing() {
    if (port_443_) {
      made_.cause = errc::port_443_not_permitted;
      made_.why = "a firewall lets out only port 443, and the other end may not bind that port";
    } else if (!reason_.empty() || !met_) {
      made_.cause = errc::no_direct_path;
      made_.why = met_ ? reason_ + other_family()
                       : "central sees the client " + families_of(terms_.client) + ", and the server " +
                             families_of(terms_.server) + ": they share no address family";
    } else if (unwilling_) {
      made_.cause = errc::window_refused;
      made_.why = "one of the two ends is not willing to go the ways that there are";
    } else {
      made_.cause = errc::no_direct_path;
      made_.why = "somebody else came to every port that was opened, and the ports of both ends cannot be foretold";
    }
  }

  const plan_terms& terms_;
  ladder made_;
  std::string reason_;
  bool met_ = false;
  bool unwilling_ = false;
  bool port_443_ = false;
};

}  // namespace detail

/// Plan the way between two ends. Pure: the same facts give the same ladder.
///
/// Same site, IPv6, IPv4; of each family a crossing before a listener, as nothing is open then, but a listener first
/// where the round trip is short; the client listens where its port is the one that is reachable. After three listeners
/// that strangers closed there is none any more.
/// @return at most three rungs; else the cause: no_direct_path, port_443_not_permitted, window_refused
/// Source: WO 2004/034190, just-in-time listening and its variation; RFC 5128 section 3.4.
inline ladder make_plan(const plan_terms& terms) { return detail::planner(terms).plan(); }

}  // namespace ajar::windows
