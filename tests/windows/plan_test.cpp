// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/plan.hpp>

#include <ajar/trust/window_request.hpp>

#include <doctest/doctest.h>

#include <map>
#include <sstream>

namespace plan_test {

using namespace ajar;
using namespace ajar::windows;
using namespace std::chrono_literals;
using net::filtering;
using net::mapping;
using trust::rung_kind;

namespace {

const auto server_at = asio::ip::make_address("198.51.100.2");
const auto client_at = asio::ip::make_address("203.0.113.2");

struct mode {
  mapping maps;
  filtering filters;
  bool only_443 = false;
};

// The kinds of NATs and firewalls of the NAT lab (docs/natlab.md), as reflections tell them.
const std::map<std::string, mode> modes = {
    {"open", {mapping::none, filtering::endpoint_independent}},
    {"stateful", {mapping::none, filtering::port_dependent}},
    {"stateful+rst", {mapping::none, filtering::port_dependent}},
    {"fullcone", {mapping::preserving, filtering::address_dependent}},
    {"arcone", {mapping::preserving, filtering::address_dependent}},
    {"portpres", {mapping::preserving, filtering::port_dependent}},
    {"portpres+rst", {mapping::preserving, filtering::port_dependent}},
    {"cgnat", {mapping::preserving, filtering::port_dependent}},
    {"stable", {mapping::stable, filtering::port_dependent}},
    {"symmetric", {mapping::random, filtering::unknown}},
    {"symseq", {mapping::step, filtering::port_dependent}},
    {"cgnatsym", {mapping::random, filtering::unknown}},
    {"portpres+egress443", {mapping::preserving, filtering::unknown, true}},
};

end_facts end_behind(const std::string& name, const net::address& at) {
  const auto& of = modes.at(name);
  end_facts made;
  made.network.of(at.is_v6()) = net::reflected{at, of.maps, of.filters, 1, of.only_443};
  made.binds_443 = true;
  if (net::is_predictable(of.maps)) made.outside = {{at, 4000}, {at, 4001}};
  return made;
}

plan_terms between(const std::string& server, const std::string& client) {
  return {end_behind(server, server_at), end_behind(client, client_at), 50ms};
}

std::string first_of(const ladder& made) {
  if (made.rungs.empty()) return made.cause == errc::no_direct_path ? "-" : "443?";
  const auto& one = made.rungs.front();
  const std::string kind = one.kind == rung_kind::crossing ? "X" : one.kind == rung_kind::listener ? "L" : "R";
  return kind + (one.on_443 ? "4" : "");
}

std::vector<std::string> kinds_of(const ladder& made) {
  std::vector<std::string> all;
  for (const auto& one : made.rungs) all.emplace_back(to_string(one.kind));
  return all;
}

using kinds = std::vector<std::string>;

}  // namespace

TEST_CASE("the crossing and the listener of one plan are at the same port, so that a late SYN finds it") {
  for (const auto* side : {"open", "fullcone", "arcone"}) {
    CAPTURE(std::string(side));
    const auto made = make_plan(between(side, "portpres"));
    REQUIRE(made.rungs.size() == 2);
    CHECK(kinds_of(made) == kinds{"crossing", "listener"});
    CHECK(made.rungs[0].server == made.rungs[1].server);
    CHECK(made.rungs[0].client == made.rungs[1].client);
    const auto reverse = make_plan(between("portpres", side));
    REQUIRE(reverse.rungs.size() == 2);
    CHECK(kinds_of(reverse) == kinds{"crossing", "listener-reverse"});
    CHECK(reverse.rungs[0].client == reverse.rungs[1].client);
  }
}

// X: a crossing, L: the server listens, R: the client does, 4: on port 443, -: no direct way.
TEST_CASE("every pair of NATs and firewalls has its first rung") {
  const std::string names =
      "open stateful stateful+rst fullcone arcone portpres portpres+rst cgnat stable symmetric "
      "symseq cgnatsym portpres+egress443";
  // a row a server's mode, a column a client's, in the order of the names
  const std::string table = R"(
    X  X  X  X  X  X  X  X  X  L  X  L  X4
    X  X  X  X  X  X  X  X  X  -  X  -  X4
    X  X  X  X  X  X  X  X  X  -  X  -  X4
    X  X  X  X  X  X  X  X  X  L  X  L  X4
    X  X  X  X  X  X  X  X  X  L  X  L  X4
    X  X  X  X  X  X  X  X  X  -  X  -  X4
    X  X  X  X  X  X  X  X  X  -  X  -  X4
    X  X  X  X  X  X  X  X  X  -  X  -  X4
    X  X  X  X  X  X  X  X  X  -  X  -  -
    R  -  -  R  R  -  -  -  -  -  -  -  -
    X  X  X  X  X  X  X  X  X  -  X  -  -
    R  -  -  R  R  -  -  -  -  -  -  -  -
    X4 X4 X4 X4 X4 X4 X4 X4 -  -  -  -  X4
  )";
  std::istringstream cells(table);
  std::istringstream rows(names);
  std::string server;
  int direct = 0;
  while (rows >> server) {
    std::istringstream columns(names);
    std::string client;
    while (columns >> client) {
      std::string expected;
      const bool there = static_cast<bool>(cells >> expected);
      REQUIRE(there);
      const auto made = make_plan(between(server, client));
      CHECK_MESSAGE(first_of(made) == expected, (server + " x " + client));
      CHECK(!made.why.empty());
      CHECK(made.rungs.empty() == made.cause.has_value());
      if (!made.rungs.empty()) ++direct;
    }
  }
  CHECK(direct == 129);
}

TEST_CASE("a rung names the endpoints of both ends, pair by pair") {
  const auto made = make_plan(between("portpres", "cgnat"));
  REQUIRE(made.rungs.size() == 1);
  CHECK(made.rungs[0].server == std::vector<net::tcp::endpoint>{{server_at, 4000}, {server_at, 4001}});
  CHECK(made.rungs[0].client == std::vector<net::tcp::endpoint>{{client_at, 4000}, {client_at, 4001}});
}

TEST_CASE("on port 443 the end that is behind no such firewall uses it, and its right to is asked") {
  auto made = make_plan(between("portpres+egress443", "open"));
  REQUIRE(made.rungs.size() == 1);
  CHECK(made.rungs[0].client == std::vector<net::tcp::endpoint>{{client_at, 443}});
  CHECK(made.rungs[0].server == std::vector<net::tcp::endpoint>{{server_at, 4000}});
  auto terms = between("portpres+egress443", "open");
  terms.client.binds_443 = false;
  made = make_plan(terms);
  CHECK(made.rungs.empty());
  CHECK(made.cause == errc::port_443_not_permitted);
  terms.server.binds_443 = false;  // its own right does not matter: the client is the one that is dialled
  terms.client.binds_443 = true;
  CHECK(!make_plan(terms).rungs.empty());
  const auto both = make_plan(between("portpres+egress443", "portpres+egress443"));
  REQUIRE(both.rungs.size() == 1);
  CHECK(both.rungs[0].server[0].port() == 443);
  CHECK(both.rungs[0].client[0].port() == 443);
}

TEST_CASE("on one machine or one LAN the server listens first") {
  auto terms = between("open", "open");
  terms.round_trip = 100us;
  CHECK(kinds_of(make_plan(terms)) == kinds{"listener", "listener-reverse", "crossing"});
  terms.round_trip = 2ms;
  CHECK(kinds_of(make_plan(terms)) == kinds{"crossing", "listener", "listener-reverse"});
}

TEST_CASE("what nobody has reflected is tried as it is seen") {
  plan_terms terms;
  terms.server.outside = {{server_at, 1}};
  terms.client.outside = {{client_at, 2}};
  terms.round_trip = 100us;
  const auto made = make_plan(terms);
  REQUIRE(!made.rungs.empty());
  CHECK(made.rungs[0].kind == rung_kind::listener);
  CHECK(made.rungs[0].server[0].port() == 1);
}

TEST_CASE("IPv6 comes before IPv4, and one family in common is enough") {
  auto terms = between("portpres", "portpres");
  const auto six = asio::ip::make_address("2001:db8::1");
  const auto seven = asio::ip::make_address("2001:db8::7");
  terms.server.network.v6 = net::reflected{six, mapping::none, filtering::port_dependent};
  terms.server.outside.emplace_back(six, 4000);
  auto made = make_plan(terms);
  REQUIRE(made.rungs.size() == 1);  // the client has none
  CHECK(made.rungs[0].server[0].address() == server_at);
  terms.client.network.v6 = net::reflected{seven, mapping::none, filtering::port_dependent};
  terms.client.outside.emplace_back(seven, 4000);
  made = make_plan(terms);
  REQUIRE(made.rungs.size() == 2);
  CHECK(made.rungs[0].server[0].address() == six);
  CHECK(made.rungs[1].server[0].address() == server_at);
  terms.server.network.v4.reset();
  std::erase_if(terms.server.outside, [](const auto& one) { return one.address().is_v4(); });
  CHECK(make_plan(terms).rungs.size() == 1);
  terms.server.network.v6.reset();
  terms.server.outside.clear();
  CHECK(make_plan(terms).cause == errc::no_direct_path);
}

TEST_CASE("where the families differ the reason says which end has which") {
  const auto six = asio::ip::make_address("2001:db8::1");
  auto terms = between("open", "open");
  terms.client.network = {};
  terms.client.network.v6 = net::reflected{six, mapping::none, filtering::port_dependent};
  terms.client.outside = {{six, 4000}};
  auto made = make_plan(terms);
  CHECK(made.cause == errc::no_direct_path);
  CHECK(made.why ==
        "central sees the client by IPv6 alone, and the server by IPv4 alone: they share no address family");
  terms.server.network = {};
  terms.server.outside.clear();
  made = make_plan(terms);
  CHECK(made.why ==
        "central sees the client by IPv6 alone, and the server by no address: they share no address family");

  terms = between("symmetric", "portpres");
  const auto alone = make_plan(terms).why;
  CHECK(alone.ends_with("port for port: there is no direct way"));
  terms.client.network.v6 = net::reflected{six, mapping::none, filtering::port_dependent};
  terms.client.outside.emplace_back(six, 4000);
  made = make_plan(terms);
  CHECK(made.cause == errc::no_direct_path);
  CHECK(made.why == alone + "; the client alone has IPv6");
  std::swap(terms.client, terms.server);
  CHECK(make_plan(terms).why.ends_with("; the server alone has IPv6"));
}

TEST_CASE("every reason fits into an answer") {
  const auto six = asio::ip::make_address("2001:db8::1");
  for (const auto& [server, of_server] : modes) {
    for (const auto& [client, of_client] : modes) {
      auto terms = between(server, client);
      terms.server.network.v6 = net::reflected{six, mapping::none, filtering::port_dependent};
      CHECK(make_plan(terms).why.size() <= trust::window_answer::longest_reason);
    }
  }
}

TEST_CASE("on one site the server listens there, if the grant permits it") {
  auto terms = between("portpres", "portpres");
  terms.client.network.v4->outside = server_at;
  terms.server.local = {{asio::ip::make_address("10.0.0.1"), 4000}};
  terms.client.local = {{asio::ip::make_address("10.0.0.2"), 4000}};
  CHECK(!make_plan(terms).rungs[0].same_site);
  terms.lan = true;
  const auto made = make_plan(terms);
  CHECK(made.rungs[0].same_site);
  CHECK(made.rungs[0].kind == rung_kind::listener);
  CHECK(made.rungs[0].server[0].address().to_string() == "10.0.0.1");
  terms.client.network.v4->outside = client_at;  // private addresses alone say nothing
  CHECK(!make_plan(terms).rungs[0].same_site);
}

TEST_CASE("no end does what it is not willing to do") {
  auto terms = between("open", "open");
  terms.server.rungs = trust::bit_of(rung_kind::listener);
  CHECK(kinds_of(make_plan(terms)) == kinds{"listener"});
  terms.client.rungs = trust::bit_of(rung_kind::crossing);
  const auto made = make_plan(terms);
  CHECK(made.rungs.empty());
  CHECK(made.cause == errc::window_refused);
}

TEST_CASE("after three listeners that strangers closed there is none any more") {
  auto terms = between("open", "open");
  terms.round_trip = 100us;
  terms.lost_to_strangers = 2;
  CHECK(kinds_of(make_plan(terms)).front() == "listener");
  terms.lost_to_strangers = 3;
  CHECK(kinds_of(make_plan(terms)) == kinds{"crossing"});
  terms = between("open", "symmetric");
  terms.lost_to_strangers = 3;
  CHECK(make_plan(terms).cause == errc::no_direct_path);
}

}  // namespace plan_test
