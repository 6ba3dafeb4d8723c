// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/directory.hpp>

#include <doctest/doctest.h>
#include <random>
#include <set>

#include "../seeds.hpp"
#include "house.hpp"

namespace directory_test {

using namespace switching;

TEST_CASE("who comes with an invite is passed on to the server that announced it, verbatim, and to no other") {
  house all(2);
  const auto home = peer(1);
  const auto link = all.up(home, role::server);
  const auto guest = all.new_link();
  signalling::link_ticket ticket;
  ticket.fill(9);
  const auto redeem = [&](const peer_id& server, std::uint32_t invite) {
    all.send(event::redeeming{guest, server, id(invite), ticket, {1, 2, 3}});
  };
  redeem(home, 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  all.send(event::invites_announced{link, home, {id(7), id(8)}});
  redeem(home, 7);
  const auto passed = all.take<signalling::redemption>(link);
  CHECK(passed.ticket == ticket);
  CHECK(passed.invite == id(7));
  CHECK(passed.sealed == bytes{1, 2, 3});
  redeem(peer(2), 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::server_offline);
  all.send(event::invites_announced{link, home, {id(8)}});  // all that there are now
  redeem(home, 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  redeem(home, 8);
  CHECK(all.take<signalling::redemption>(link).invite == id(8));
  all.send(event::invites_announced{all.new_link(), home, {id(7)}});  // not its link
  redeem(home, 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  all.detach(link, home, role::server);
  redeem(home, 8);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::server_offline);
  const auto later = all.up(home, role::server, 2);
  redeem(home, 8);  // not announced over this link
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  all.detach(later, home, role::server);
  CHECK(all.quiet());
  for (const auto& one : all.homes) CHECK(one.next() == never);
}

TEST_CASE("everything is forgotten when all have left, in any order") {
  with_one_and_two([](std::size_t shards) {
    for (const bool client_first : {true, false}) {
      scene all(shards);
      all.prove(all.at_client, all.server, all.client, 5);
      all.request(all.at_client, all.server, all.client, 3);
      all.told.clear();
      if (client_first) all.leave(all.at_client, all.server, all.client);
      all.detach(all.at_server, all.server, role::server);
      if (!client_first) all.leave(all.at_client, all.server, all.client);
      CHECK(all.logins() == 0);
      CHECK(all.servers() == 1);  // for the request
      all.pass(2s);
      CHECK(all.servers() == 0);
      CHECK(all.next() == never);
    }
  });
}

TEST_CASE("refused grants and requests leave nothing behind") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto link = all.up(peer(1), role::client);
    all.request(link, peer(10), peer(1), 1);
    all.prove(link, peer(10), peer(1), 1);
    all.answer(link, peer(10), 1);
    all.ask_roster(link, peer(10), {});
    all.send(event::client_left{link, peer(10), peer(1)});
    all.send(event::detached{all.new_link(), peer(10), role::server});
    CHECK(all.servers() == 0);
    CHECK(all.logins() == 1);
  });
}

namespace {

// Peers that do anything at any time, also over links that are gone; and what may come of it.
struct crowd : house {
  static constexpr std::uint32_t servers_there = 5;
  static constexpr std::uint32_t clients_there = 12;
  static constexpr int most_serial = 1000;

  struct link_facts {
    std::uint32_t number = 0;
    role who = role::client;
    bool welcomed = false;
    bool ended = false;  // it was told goodbye, or has left
    std::set<peer_id> presented;
    std::vector<std::uint32_t> commanded;
  };
  struct request_facts {
    std::set<link_ref> from;
    int commands = 0;
    int answers = 0;
    int failures = 0;  // for want of an answer
  };

  explicit crowd(std::size_t shards, unsigned seed) : house(shards), dice(seed) {}

  std::uint32_t below(std::uint32_t bound) { return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(dice); }
  bool sometimes(std::uint32_t one_in) { return below(one_in) == 0; }
  static peer_id server(std::uint32_t number) { return peer(100 + number); }
  static peer_id client(std::uint32_t number) { return peer(200 + number); }
  static peer_id name(const link_facts& of) { return of.who == role::server ? server(of.number) : client(of.number); }

  void arrive() {
    link_facts made;
    made.who = sometimes(3) ? role::server : role::client;
    made.number = below(made.who == role::server ? servers_there : clients_there);
    const auto before = links;
    facts.emplace(link_ref{static_cast<std::uint32_t>((before + 1) % homes.size()), before + 1}, made);
    attach(name(made), made.who, sometimes(4) ? below(static_cast<std::uint32_t>(links) + 1) : before);
  }

  std::optional<link_ref> any_link(role as) {
    std::vector<link_ref> some;
    for (const auto& [link, one] : facts) {
      if (one.who == as && one.welcomed) some.push_back(link);
    }
    if (some.empty()) return std::nullopt;
    return some[below(static_cast<std::uint32_t>(some.size()))];
  }

  void depart(const link_ref& link) {
    auto& one = facts.at(link);
    for (const auto& to : one.presented) send(event::client_left{link, to, name(one)});
    detach(link, name(one), one.who);
    facts.erase(link);
  }

  void act_as_client(const link_ref& link) {
    auto& one = facts.at(link);
    const auto to = server(below(servers_there));
    switch (below(4)) {
      case 0:
        one.presented.insert(to);
        return present(link, to, name(one), one.number * 10 + below(10), static_cast<trust::method>(1 + below(7)),
                       sometimes(4) ? std::chrono::seconds(below(60)) : 24h * 365);
      case 1:
        return prove(link, to, name(one), static_cast<std::uint8_t>(below(9)));
      default:
        break;
    }
    const auto number = requests.empty() || !sometimes(10) ? ++last_request : 1 + below(last_request);
    requests[number].from.insert(link);
    request(link, to, name(one), number, std::chrono::milliseconds(below(8000)));
  }

  // Mostly something that this server was asked.
  std::uint32_t chosen(const std::vector<std::uint32_t>& commanded) {
    if (commanded.empty() || sometimes(10)) return below(last_request + 2);
    return commanded[commanded.size() - 1 -
                     below(static_cast<std::uint32_t>(std::min<std::size_t>(9, commanded.size())))];
  }

  void act_as_server(const link_ref& link) {
    const auto own = name(facts.at(link));
    switch (below(6)) {
      case 0:
        return ask_roster(link, own, {below(2), below(50)},
                          sometimes(2) ? 0ms : std::chrono::milliseconds(below(9000)));
      case 1:
        return send(event::renewed{link, own, nonce(static_cast<std::uint8_t>(below(256)))});
      case 2:
        return revoke(link, own, below(most_serial), {entry(below(120)), {id(below(120)), today - 1s}});
      default:
        return answer(link, own, chosen(facts.at(link).commanded));
    }
  }

  void step() {
    switch (below(8)) {
      case 0:
        arrive();
        break;
      case 1:
        if (const auto link = any_link(sometimes(3) ? role::server : role::client)) depart(*link);
        break;
      case 2:
        pass(std::chrono::milliseconds(below(500)));
        break;
      case 3:
      case 4:
        if (const auto link = any_link(role::server)) act_as_server(*link);
        break;
      default:
        if (const auto link = any_link(role::client)) act_as_client(*link);
    }
    check_deliveries();
  }

  void check_deliveries() {
    for (const auto& [link, messages] : told) {
      REQUIRE(link.number <= links);  // never one that there was not
      const auto found = facts.find(link);
      for (const auto& what : messages) {
        std::visit([&](const auto& one) { check(link, found == facts.end() ? nullptr : &found->second, one); }, what);
      }
    }
    told.clear();
    std::erase_if(facts, [](const auto& one) { return !one.second.welcomed && one.second.ended; });
    REQUIRE(servers() <= servers_there);
    REQUIRE(logins() <= servers_there + clients_there);
  }

  // A link that has left may still be told how its requests ended, and nothing else.
  void check(const link_ref&, link_facts* at, const signalling::welcome&) {
    REQUIRE(at);
    REQUIRE(!at->welcomed);
    REQUIRE(!at->ended);
    at->welcomed = true;
  }
  void check(const link_ref&, link_facts* at, const signalling::goodbye& what) {
    REQUIRE(at);
    REQUIRE(!at->ended);
    REQUIRE((at->welcomed ? what.why == errc::evicted
                          : what.why == errc::login_too_low || what.why == errc::too_many_requests));
    at->ended = true;
  }
  void check(const link_ref&, link_facts* at, const signalling::presence& what) {
    REQUIRE(at);
    REQUIRE(at->who == role::client);
    REQUIRE(at->presented.contains(what.server));
  }
  void check(const link_ref&, link_facts* at, const signalling::grant_result&) {
    REQUIRE(at);
    REQUIRE(at->who == role::client);
  }
  void check(const link_ref&, link_facts* at, const signalling::revocations_result&) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
  }
  void check(const link_ref&, link_facts* at, const signalling::roster_update& what) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
    REQUIRE(!at->ended);
    REQUIRE(what.entries.size() <= signalling::roster_update::most_entries);
    for (const auto& one : what.entries) REQUIRE(one.present != one.record.empty());
  }
  void check(const link_ref&, link_facts* at, const signalling::command& what) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
    REQUIRE(!at->ended);
    REQUIRE(what.signed_request.size() == 16);
    trust::request_id which{};
    std::ranges::copy(what.signed_request, which.begin());
    ++asked(which).commands;
    at->commanded.push_back(number_of(which));
  }
  void check(const link_ref& link, link_facts*, const signalling::answer& what) {
    auto& one = asked(what.id);
    REQUIRE(one.from.contains(link));
    REQUIRE(++one.answers <= exchange::most_answers * one.commands);
  }
  void check(const link_ref& link, link_facts* at, const signalling::failure& what) {
    auto& one = asked(what.id);
    REQUIRE(one.from.contains(link));
    if (what.why == errc::grant_revoked || what.why == errc::grant_expired) return;
    if (what.why != errc::exchange_timeout) {
      REQUIRE(at);
      return;
    }
    REQUIRE(++one.failures <= one.commands);
  }
  template <class Other>
  void check(const link_ref&, link_facts*, const Other&) {
    FAIL("central never says that");
  }

  request_facts& asked(const trust::request_id& which) {
    REQUIRE(requests.contains(number_of(which)));
    return requests.at(number_of(which));
  }
  static std::uint32_t number_of(const trust::request_id& which) {
    return static_cast<std::uint32_t>(which[0] | which[1] << 8 | which[2] << 16);
  }

  // All leave, and no revocation is in force any more.
  void empty() {
    while (!facts.empty()) {
      depart(facts.begin()->first);
      check_deliveries();
    }
    today += 48h;  // what was revoked has ended
    for (std::uint32_t i = 0; i < servers_there; ++i) {
      const auto link = attach(server(i), role::server, 1'000'000);
      revoke(link, server(i), most_serial, {});
      detach(link, server(i), role::server);
    }
    told.clear();
    pass(24h);
  }

  std::mt19937 dice;
  std::map<link_ref, link_facts> facts;
  std::map<std::uint32_t, request_facts> requests;
  std::uint32_t last_request = 0;
};

}  // namespace

TEST_CASE("whatever happens, in whatever order, nobody is told what does not concern him, and all of it is forgotten") {
  for (const std::size_t shards : {1U, 2U}) {
    for (const unsigned seed : seeds({1, 2})) {
      CAPTURE(shards);
      CAPTURE(seed);
      crowd all(shards, seed);
      for (int i = 0; i < 20'000; ++i) all.step();
      int answered = 0;
      int failed = 0;
      for (const auto& [number, one] : all.requests) {
        answered += one.answers > 0 ? 1 : 0;
        failed += one.failures > 0 ? 1 : 0;
      }
      CHECK(answered > 50);  // the events did meet each other
      CHECK(failed > 50);
      all.empty();
      CHECK(all.servers() == 0);
      CHECK(all.logins() == 0);
      CHECK(all.next() == never);
    }
  }
}

}  // namespace directory_test
