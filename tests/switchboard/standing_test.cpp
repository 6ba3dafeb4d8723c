// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/standing.hpp>

#include <doctest/doctest.h>

#include "house.hpp"

namespace standing_test {

using namespace switching;

TEST_CASE("presence goes to exactly the clients with a grant of that server") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto near = peer(10);
    const auto far = peer(11);
    const auto both = all.up(peer(1), role::client);
    const auto one = all.up(peer(2), role::client);
    all.up(peer(3), role::client);  // concerned by nothing
    CHECK(all.granted(both, near, peer(1), 1).state == presence_state::offline);
    CHECK(all.granted(both, far, peer(1), 2).state == presence_state::offline);
    CHECK(all.granted(one, far, peer(2), 3).state == presence_state::offline);

    const auto at_near = all.up(near, role::server);
    const auto online = all.take<signalling::presence>(both);
    CHECK(online.server == near);
    CHECK(online.state == presence_state::online);
    CHECK(online.methods == (outbound | window));
    CHECK(online.nonce == nonce(static_cast<std::uint8_t>(at_near.number)));
    CHECK(online.interval == 0ms);
    CHECK(online.seen.port() == at_near.number);
    CHECK(all.quiet());

    all.up(far, role::server);
    CHECK(all.take<signalling::presence>(both).server == far);
    CHECK(all.take<signalling::presence>(one).server == far);
    CHECK(all.quiet());

    all.detach(at_near, near, role::server);
    const auto offline = all.take<signalling::presence>(both);
    CHECK(offline.server == near);
    CHECK(offline.state == presence_state::offline);
    CHECK(offline.nonce == trust::link_nonce{});
    CHECK(all.quiet());
  });
}

TEST_CASE("a client that left is told nothing any more") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.leave(all.at_client, all.server, all.client);
    all.detach(all.at_server, all.server, role::server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a server that visits is polling for one and a half intervals, and offline then") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::roster_update>(all.at_server);
    CHECK(all.take<signalling::presence>(all.at_client).interval == 60s);
    all.detach(all.at_server, all.server, role::server);
    const auto polling = all.take<signalling::presence>(all.at_client);
    CHECK(polling.state == presence_state::polling);
    CHECK(polling.interval == 60s);
    CHECK(polling.nonce == trust::link_nonce{});
    all.pass(90s - 1ms);
    CHECK(all.quiet());
    CHECK(all.granted(all.at_client, all.server, all.client, 1).state == presence_state::polling);
    all.pass(1ms);
    CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::offline);
    all.pass(24h);
    CHECK(all.quiet());
  });
}

TEST_CASE("a server that comes back in time is never offline in between") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    for (std::uint64_t visit = 2; visit < 6; ++visit) {
      all.ask_roster(all.at_server, all.server, {}, 60s);
      all.take<signalling::roster_update>(all.at_server);
      CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::online);
      all.detach(all.at_server, all.server, role::server);
      CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::polling);
      all.pass(70s);
      CHECK(all.quiet());
      all.at_server = all.up(all.server, role::server, visit);
      CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::online);
      CHECK(all.timers() == 1);  // the client's grant: however often it visits, nothing is left to wait for
    }
  });
}

TEST_CASE("a server that visits is remembered while it is expected, without any client") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto link = all.up(peer(10), role::server);
    all.ask_roster(link, peer(10), {}, 60s);
    all.detach(link, peer(10), role::server);
    CHECK(all.servers() == 1);
    all.pass(90s);
    CHECK(all.servers() == 0);
  });
}

TEST_CASE("a nonce that a server has renewed goes to its clients, and only over its own link") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.send(event::renewed{all.at_server, all.server, nonce(77)});
    CHECK(all.take<signalling::presence>(all.at_client).nonce == nonce(77));
    all.send(event::renewed{all.new_link(), all.server, nonce(78)});
    all.send(event::renewed{all.at_server, peer(99), nonce(78)});
    CHECK(all.quiet());
    CHECK(all.granted(all.at_client, all.server, all.client, 1).nonce == nonce(77));
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.send(event::renewed{all.at_server, all.server, nonce(79)});
    CHECK(all.quiet());
  });
}

TEST_CASE("what concerns very many clients is told to some at a time, and to each of them as it is then") {
  constexpr std::uint32_t many = 3 * desk::most_at_once;
  house all(1);
  const auto server = peer(10);
  std::vector<link_ref> links;
  for (std::uint32_t i = 0; i < many; ++i) {
    links.push_back(all.new_link());
    all.present(links.back(), server, peer(1000 + i), i);
  }
  all.told.clear();
  auto& home = all.homes[0];
  const auto told = [&](signalling::presence_state state) {
    std::size_t count = 0;
    for (const auto& link : links)
      count += all.told.contains(link) && all.take<signalling::presence>(link).state == state;
    return count;
  };
  const auto up = all.up(server, role::server);
  CHECK(told(presence_state::online) == desk::most_at_once);
  CHECK(all.next() <= all.now);
  all.carry(home.expire(all.now, all.today));
  CHECK(told(presence_state::online) == desk::most_at_once);
  all.detach(up, server, role::server);  // all are to know that, those above too
  CHECK(told(presence_state::offline) == desk::most_at_once);
  all.pass(0s);
  CHECK(told(presence_state::offline) == many - desk::most_at_once);
  CHECK(all.quiet());
  CHECK(all.timers() == many);  // their grants'
}

}  // namespace standing_test
