// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/logins.hpp>

#include <doctest/doctest.h>

#include "house.hpp"

namespace logins_test {

using namespace switching;

TEST_CASE("a peer that attaches is welcomed with the heartbeat and its address") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    for (const auto as : {role::server, role::client}) {
      const auto link = all.attach(peer(1), as, 1);
      const auto welcome = all.take<signalling::welcome>(link);
      CHECK(welcome.heartbeat == 15s);
      CHECK(welcome.seen.port() == link.number);
    }
    CHECK(all.quiet());
    CHECK(all.logins() == 2);  // a key may be a server and a client
    CHECK(all.servers() == 1);
  });
}

TEST_CASE("a higher login evicts the link before at once") {
  with_one_and_two([](std::size_t shards) {
    for (const auto as : {role::server, role::client}) {
      house all(shards);
      const auto first = all.up(peer(1), as, 7);
      const auto second = all.attach(peer(1), as, 8);
      CHECK(all.take<signalling::goodbye>(first).why == errc::evicted);
      all.take<signalling::welcome>(second);
      CHECK(all.quiet());
      CHECK(all.logins() == 1);
    }
  });
}

TEST_CASE("a key that is there anew all the time keeps the link that it has, and no other pays for it") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    auto last = all.up(peer(1), role::server, 1);
    std::uint64_t login = 1;
    for (int i = 0; i < 30; ++i) {
      const auto next = all.attach(peer(1), role::server, ++login);
      CHECK(all.take<signalling::goodbye>(last).why == errc::evicted);
      all.take<signalling::welcome>(next);
      last = next;
    }
    const auto too_soon = all.attach(peer(1), role::server, ++login);
    CHECK(all.take<signalling::goodbye>(too_soon).why == errc::too_many_requests);
    all.up(peer(2), role::server);
    CHECK(all.quiet());
    all.pass(2s);
    const auto in_time = all.attach(peer(1), role::server, ++login);
    CHECK(all.take<signalling::goodbye>(last).why == errc::evicted);
    all.take<signalling::welcome>(in_time);
    CHECK(all.quiet());
  });
}

TEST_CASE("a key that leaves in between has not paid for the links that it evicted") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto evict = [&](std::uint32_t who, std::uint64_t login) {
      const auto first = all.up(peer(who), role::client, login);
      const auto second = all.attach(peer(who), role::client, login + 1);
      const bool evicted =
          all.take<signalling::goodbye>(all.told.contains(first) ? first : second).why == errc::evicted;
      if (evicted) all.take<signalling::welcome>(second);
      all.detach(first, peer(who), role::client);
      all.detach(second, peer(who), role::client);
      CHECK(all.quiet());
      return evicted;
    };
    for (std::uint64_t i = 0; i < 30; ++i) CHECK(evict(1, 2 * i + 1));
    CHECK(!evict(1, 100));
    CHECK(evict(2, 1));
    CHECK(all.logins() == 0);
    CHECK(all.evicting() == 2);
    all.pass(1min);
    CHECK(evict(1, 200));
    for (std::uint32_t who = 10; who < 100; ++who) {
      all.pass(3s);
      evict(who, 1);
    }
    CHECK(all.evicting() <= 2 * shards);
  });
}

TEST_CASE("a key that was sent away for a flood has no link for a while, and others are not held up") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    std::uint64_t login = 0;
    const auto refused = [&](const peer_id& who, role as) {
      const auto link = all.attach(who, as, ++login);
      if (all.told.contains(link) && std::holds_alternative<signalling::welcome>(all.told.at(link).front())) {
        all.take<signalling::welcome>(link);
        all.detach(link, who, as);
        return false;
      }
      return all.take<signalling::goodbye>(link).why == errc::too_many_requests;
    };
    const auto first = all.up(peer(1), role::client, ++login);
    all.send(event::detached{first, peer(1), role::client, true});
    CHECK(refused(peer(1), role::client));
    CHECK(!refused(peer(1), role::server));
    CHECK(!refused(peer(2), role::client));
    all.pass(switchboard::logins::rest - 1s);
    CHECK(refused(peer(1), role::client));
    CHECK(all.resting() == 1);
    all.pass(1s);
    CHECK(!refused(peer(1), role::client));  // what was refused meanwhile does not count
    CHECK(all.resting() == 0);
    CHECK(all.logins() == 0);
  });
}

TEST_CASE("an equal or lower login is refused, and the link that is there stays") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(1), role::server, 7);
    for (const std::uint64_t login : {7U, 6U, 0U}) {
      const auto second = all.attach(peer(1), role::server, login);
      CHECK(all.take<signalling::goodbye>(second).why == errc::login_too_low);
    }
    CHECK(all.quiet());
    all.send(event::renewed{first, peer(1), nonce(99)});
    all.ask_roster(first, peer(1), {});
    all.take<signalling::roster_update>(first);
    CHECK(all.quiet());
  });
}

TEST_CASE("a login of zero is a login like any other") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(1), role::client, 0);
    const auto again = all.attach(peer(1), role::client, 0);
    CHECK(all.take<signalling::goodbye>(again).why == errc::login_too_low);
    const auto higher = all.attach(peer(1), role::client, 1);
    CHECK(all.take<signalling::goodbye>(first).why == errc::evicted);
    all.take<signalling::welcome>(higher);
  });
}

TEST_CASE("an evicted link that ends does not take the new one with it") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::goodbye>(all.at_server);
    CHECK(all.take<signalling::presence>(all.at_client).nonce == nonce(static_cast<std::uint8_t>(second.number)));
    all.detach(all.at_server, all.server, role::server);
    CHECK(all.quiet());
    CHECK(all.logins() == 2);
    all.request(all.at_client, all.server, all.client, 1);
    all.take<signalling::command>(second);
    CHECK(all.quiet());
  });
}

TEST_CASE("a client that comes back before its old link has ended keeps what it has presented anew") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto second = all.up(all.client, role::client, 2);
    all.take<signalling::goodbye>(all.at_client);
    all.granted(second, all.server, all.client, 1);
    all.leave(all.at_client, all.server, all.client);
    CHECK(all.logins() == 2);
    all.request(second, all.server, all.client, 1);
    all.take<signalling::command>(all.at_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a peer whose link ended may come back with any login") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(1), role::client, 7);
    all.detach(first, peer(1), role::client);
    all.up(peer(1), role::client, 3);
    CHECK(all.quiet());
  });
}

}  // namespace logins_test
