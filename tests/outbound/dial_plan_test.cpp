// SPDX-License-Identifier: BSL-1.0
#include <ajar/outbound/dial_plan.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace dial_plan_test {

using namespace ajar;
using namespace std::chrono_literals;
using ajar::outbound::dial_plan;
using identity::peer_id;

namespace {

constexpr std::size_t most_at_once = 64;

peer_id peer(std::uint8_t number) {
  peer_id::octets_type octets{};
  octets.fill(number);
  return peer_id(octets);
}

net::tcp::endpoint at(std::uint16_t port) { return {asio::ip::make_address("192.0.2.1"), port}; }

signalling::roster::entry entry(std::uint16_t port, std::uint8_t grant = 1, std::int64_t not_after = 2'000) {
  static const auto client = identity::key::generate();
  trust::address_record body;
  body.at = at(port);
  body.not_after = wall_time(std::chrono::seconds(not_after));
  trust::grant_id id{};
  id.fill(grant);
  return {id, trust::signed_address::sign(body, client)};
}

// A plan, and its time.
struct scene {
  void put(std::uint8_t number, const signalling::roster::entry& what) { plan.put(peer(number), what, now); }
  std::vector<dial_plan::attempt> due() { return plan.due(now); }
  // The one attempt that is to be made now.
  dial_plan::attempt only() {
    const auto some = due();
    REQUIRE(some.size() == 1);
    return some[0];
  }
  bool nothing_to_do() { return due().empty() && plan.next() == never; }
  void to_next() { now = std::max(now, plan.next()); }

  dial_plan plan;
  time_point now{1000h};
};

}  // namespace

TEST_CASE("a client of the roster is dialled at once, where its record says and under its grant") {
  scene one;
  CHECK(one.nothing_to_do());
  one.put(1, entry(700, 9));
  CHECK(one.plan.next() <= one.now);
  const auto attempt = one.only();
  CHECK(attempt.client == peer(1));
  CHECK(attempt.to == at(700));
  CHECK(attempt.grant[0] == 9);
}

TEST_CASE("a client is not dialled twice at a time, nor while there is a session") {
  scene one;
  one.put(1, entry(700));
  one.only();
  CHECK(one.nothing_to_do());
  one.put(1, entry(701));  // also where it moves meanwhile
  CHECK(one.nothing_to_do());
  one.plan.connected(peer(1));
  CHECK(one.nothing_to_do());
  one.put(1, entry(702));
  one.put(1, entry(702, 2));
  CHECK(one.nothing_to_do());
  one.now += 24h;
  CHECK(one.nothing_to_do());
}

TEST_CASE("an attempt that failed is repeated after a while, not before") {
  scene one;
  one.put(1, entry(700));
  for (int i = 0; i < 30; ++i) {
    one.only();
    one.plan.failed(peer(1), one.now);
    const auto next = one.plan.next();
    CHECK(next >= one.now);
    CHECK(next <= one.now + std::min<clock::duration>(500ms * (1 << std::min(i, 10)), 60s));
    if (next > one.now) CHECK(one.due().empty());
    one.to_next();
  }
}

TEST_CASE("the pauses of a client that is never reached become long") {
  scene one;
  one.put(1, entry(700));
  clock::duration longest{};
  for (int i = 0; i < 60; ++i) {
    one.only();
    one.plan.failed(peer(1), one.now);
    longest = std::max(longest, one.plan.next() - one.now);
    one.to_next();
  }
  CHECK(longest > 5s);  // each of the last fifty is drawn from a minute
}

TEST_CASE("a session makes the pauses short again") {
  scene one;
  one.put(1, entry(700));
  for (int i = 0; i < 60; ++i) {
    one.only();
    one.plan.failed(peer(1), one.now);
    one.to_next();
  }
  for (int i = 0; i < 30; ++i) {
    one.only();
    one.plan.connected(peer(1));
    one.now += 1h;
    one.plan.lost(peer(1), one.now);
    CHECK(one.plan.next() <= one.now + 500ms);
    one.to_next();
  }
}

TEST_CASE("a client whose session ended is dialled again") {
  scene one;
  one.put(1, entry(700));
  one.only();
  one.plan.connected(peer(1));
  one.now += 1h;
  one.plan.lost(peer(1), one.now);
  one.now += 500ms;
  CHECK(one.only().to == at(700));
}

TEST_CASE("a client that moved is dialled at its new address at once, with short pauses") {
  scene one;
  one.put(1, entry(700));
  for (int i = 0; i < 60; ++i) {
    one.only();
    one.plan.failed(peer(1), one.now);
    one.to_next();
  }
  one.only();
  one.plan.failed(peer(1), one.now);
  one.now += 500ms;
  one.put(1, entry(701));
  CHECK(one.only().to == at(701));
  one.plan.failed(peer(1), one.now);
  CHECK(one.plan.next() <= one.now + 500ms);
}

TEST_CASE("a central and a client in league move as often as they like: two attempts a second at most") {
  for (const auto each : {0ms, 1ms, 300ms, 5000ms}) {  // how long an attempt takes: refused, or not answered
    scene one;
    std::uint16_t port = 700;
    int attempts = 0;
    const auto end = one.now + 60s;
    while (one.now < end) {
      one.put(1, entry(++port, 2));
      if (!one.due().empty()) {
        ++attempts;
        one.now += each;
        one.put(1, entry(++port));
        one.plan.failed(peer(1), one.now);
      }
      one.now += 1ms;
    }
    CHECK_MESSAGE(attempts <= 60s / std::max<clock::duration>(each, 500ms) + 1, each.count());
    CHECK_MESSAGE(attempts > 5, each.count());
  }
}

TEST_CASE("a new grant is a reason to dial at once too") {
  scene one;
  one.put(1, entry(700, 1));
  one.only();
  one.plan.failed(peer(1), one.now);
  one.now += 500ms;
  one.put(1, entry(700, 2));
  CHECK(one.only().grant[0] == 2);
}

TEST_CASE("a client that moves while it is dialled is dialled there next, after a short pause") {
  scene one;
  one.put(1, entry(700));
  one.only();
  one.put(1, entry(701));
  one.plan.failed(peer(1), one.now);
  CHECK(one.plan.next() <= one.now + 500ms);
  one.to_next();
  CHECK(one.only().to == at(701));
}

TEST_CASE("a record that says the same for longer changes nothing") {
  scene one;
  one.put(1, entry(700));
  for (int i = 0; i < 30; ++i) {  // until there is a pause to wait for
    one.only();
    one.plan.failed(peer(1), one.now);
    if (one.plan.next() > one.now) break;
  }
  const auto next = one.plan.next();
  REQUIRE(next > one.now);
  one.put(1, entry(700, 1, 9'000));
  CHECK(one.plan.next() == next);
  CHECK(one.due().empty());
}

TEST_CASE("a client that left the roster keeps its session, and is not dialled again after it") {
  scene one;
  one.put(1, entry(700));
  one.only();
  one.plan.connected(peer(1));
  one.plan.remove(peer(1));
  CHECK(one.plan.size() == 1);  // the session goes on
  CHECK(one.nothing_to_do());
  one.plan.lost(peer(1), one.now);
  CHECK(one.plan.size() == 0);
  one.now += 24h;
  CHECK(one.nothing_to_do());
}

TEST_CASE("a client that left the roster while it was dialled may still become a session, or not") {
  scene one;
  for (const bool reached : {true, false}) {
    one.put(1, entry(700));
    one.only();
    one.plan.remove(peer(1));
    if (reached) one.plan.connected(peer(1));
    CHECK(one.plan.size() == 1);
    CHECK(one.nothing_to_do());
    reached ? one.plan.lost(peer(1), one.now) : one.plan.failed(peer(1), one.now);
    CHECK(one.plan.size() == 0);
    CHECK(one.nothing_to_do());
  }
}

TEST_CASE("a client that left the roster while nothing went on is forgotten") {
  scene one;
  one.put(1, entry(700));
  one.plan.remove(peer(1));
  one.plan.remove(peer(2));
  CHECK(one.plan.size() == 0);
  CHECK(one.nothing_to_do());
}

TEST_CASE("a client that comes back to the roster during its session is dialled again after it only") {
  scene one;
  one.put(1, entry(700));
  one.only();
  one.plan.connected(peer(1));
  one.plan.remove(peer(1));
  one.put(1, entry(701));
  CHECK(one.nothing_to_do());
  one.plan.lost(peer(1), one.now);
  one.to_next();
  CHECK(one.only().to == at(701));
}

TEST_CASE("what is told about a client that nobody knows is ignored") {
  scene one;
  one.plan.failed(peer(1), one.now);
  one.plan.connected(peer(1));
  one.plan.lost(peer(1), one.now);
  CHECK(one.plan.size() == 0);
  CHECK(one.nothing_to_do());
}

TEST_CASE("so many are dialled at once, and each one that ends makes room for another") {
  scene one;
  for (std::uint8_t number = 0; number < 200; ++number) one.put(number, entry(number + 1));
  const auto first = one.due();
  CHECK(first.size() == most_at_once);
  CHECK(one.due().empty());
  one.plan.connected(first[0].client);
  CHECK(one.due().size() == 1);
  one.plan.failed(first[1].client, one.now);
  one.plan.remove(first[1].client);
  one.plan.failed(first[2].client, one.now);
  one.plan.remove(first[2].client);
  CHECK(one.due().size() == 2);
  CHECK(one.due().empty());
}

TEST_CASE("while as many are dialled as may be, there is no time to wait for") {
  scene one;
  for (std::uint8_t number = 0; number < 200; ++number) one.put(number, entry(number + 1));
  const auto first = one.due();
  CHECK(one.plan.next() == never);  // an instant that has passed would make the dialer spin
  one.plan.connected(first[0].client);
  CHECK(one.plan.next() <= one.now);
}

TEST_CASE("each client of a long roster gets its turn") {
  scene one;
  std::set<peer_id> dialled;
  for (std::uint8_t number = 0; number < 200; ++number) one.put(number, entry(number + 1));
  for (int round = 0; round < 4; ++round) {
    const auto some = one.due();
    for (const auto& attempt : some) {
      dialled.insert(attempt.client);
      one.plan.connected(attempt.client);
    }
  }
  CHECK(dialled.size() == 200);
  CHECK(one.nothing_to_do());
}

TEST_CASE("whoever has waited for longest is dialled first, whatever he is called") {
  scene one;
  std::set<peer_id> dialled;
  for (std::uint8_t number = 0; number < 200; ++number) one.put(number, entry(number + 1));
  for (int round = 0; round < 4; ++round) {
    for (const auto& attempt : one.due()) {
      dialled.insert(attempt.client);
      one.plan.failed(attempt.client, one.now);
    }
    one.now += 600ms;  // those who failed may be dialled again, and have to wait for the others
  }
  CHECK(dialled.size() == 200);
}

TEST_CASE("a plan takes its events in any order, and never dials more than it may") {
  scene one;
  std::map<peer_id, bool> dialling;
  std::uint32_t seed = 1;
  const auto random = [&seed](std::uint32_t below) {
    return (seed = seed * 1'664'525 + 1'013'904'223) / 65'536 % below;
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto who = static_cast<std::uint8_t>(random(100));
    switch (random(5)) {
      case 0:
        one.put(who, entry(static_cast<std::uint16_t>(700 + random(2))));
        break;
      case 1:
        one.plan.remove(peer(who));
        break;
      case 2:
        if (dialling.erase(peer(who)) > 0) one.plan.failed(peer(who), one.now);
        break;
      case 3:
        if (dialling.erase(peer(who)) > 0) {
          one.plan.connected(peer(who));
          one.plan.lost(peer(who), one.now);
        }
        break;
      default:
        for (const auto& attempt : one.due()) CHECK(dialling.emplace(attempt.client, true).second);
        one.now += 100ms;
    }
    CHECK(dialling.size() <= most_at_once);
  }
  for (const auto& [who, yes] : dialling) one.plan.failed(who, one.now);
  for (std::uint8_t who = 0; who < 100; ++who) one.plan.remove(peer(who));
  CHECK(one.plan.size() == 0);
  CHECK(one.nothing_to_do());
}

TEST_CASE("beside a session that may be dead one more is made, and none is dialled as long as one of them is there") {
  scene one;
  one.put(1, entry(700));
  one.plan.again(peer(1), one.now);  // it is due anyhow
  (void)one.only();
  one.plan.connected(peer(1));
  CHECK(one.nothing_to_do());
  one.plan.again(peer(1), one.now);
  one.plan.again(peer(1), one.now);
  CHECK(one.plan.is_connected(peer(1)));
  CHECK(one.plan.next() == one.now + 500ms);  // half a second after the first
  one.to_next();
  (void)one.only();
  one.plan.again(peer(1), one.now);  // it is being dialled
  one.plan.connected(peer(1));
  one.plan.lost(peer(1), one.now);
  CHECK(one.nothing_to_do());
  CHECK(one.plan.is_connected(peer(1)));
  one.plan.lost(peer(1), one.now);
  CHECK(!one.plan.is_connected(peer(1)));
  one.to_next();
  (void)one.only();
}

TEST_CASE("where no other session comes about beside one that may be dead, the attempts come more and more slowly") {
  scene one;
  one.put(1, entry(700));
  (void)one.only();
  one.plan.connected(peer(1));
  int attempts = 0;
  for (const auto end = one.now + 60s; one.now < end; one.now += 250ms) {
    one.plan.again(peer(1), one.now);
    for (const auto& to : one.due()) {
      ++attempts;
      one.plan.failed(to.client, one.now);
    }
  }
  CHECK(attempts > 3);
  CHECK(attempts < 30);
  CHECK(one.plan.is_connected(peer(1)));
  one.plan.again(peer(1), one.now);
  one.plan.remove(peer(1));
  CHECK(one.nothing_to_do());
  one.plan.again(peer(1), one.now);  // nobody knows where it is
  CHECK(one.nothing_to_do());
  one.plan.lost(peer(1), one.now);
  CHECK(one.plan.size() == 0);
}

}  // namespace dial_plan_test
