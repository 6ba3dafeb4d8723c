// SPDX-License-Identifier: BSL-1.0
// A long roster, told over a link that holds little.
#include <ajar/central.hpp>

#include <ajar/central/shard.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/signalling/roster.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>

#include <cstdlib>

#include "village/scripted_peer.hpp"

namespace roster_test {

using namespace std::chrono_literals;
using namespace ajar;
using signalling::role;

namespace {

// ./dev test --long: as many as a roster holds
const auto many = static_cast<std::uint32_t>(signalling::roster::most_clients / (std::getenv("AJAR_LONG") ? 1 : 5));
constexpr std::size_t little = 64 * 1024;

// A shard of central by itself, and a server that is linked to it; the clients are made up in its directory.
struct town {
  town() {
    world.with(testing::pair_options().buffer(little));
    const auto port = shard->open({at_central, 443});
    REQUIRE(port);
    shard->port = *port;
    node->routes.add(shard);
    shard->start();
  }

  identity::peer_id client(std::uint32_t number) const {
    identity::peer_id::octets_type octets{};
    for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
    return identity::peer_id(octets);
  }
  switchboard::link_ref link_of(std::uint32_t number) const { return {0, 1'000'000 + number}; }
  std::vector<switchboard::any_event> arrival_of(std::uint32_t number) const {
    trust::grant_id grant{};
    std::copy_n(client(number).octets().begin(), grant.size(), grant.begin());
    return {switchboard::event::granted{link_of(number), home.id(), client(number), grant, village::every_method,
                                        wall_now() + 24h},
            switchboard::event::door_proved{link_of(number), home.id(), client(number), bytes(3, 1)}};
  }
  // As if it came over a link of this shard; what such a client would be told is told to nobody.
  void happens(const switchboard::any_event& what) { shard->handle(what); }
  void come(std::uint32_t number) {
    for (const auto& one : arrival_of(number)) happens(one);
  }

  // Octets that wait in central for a link to take them.
  std::size_t waiting() const {
    std::size_t most = 0;
    for (const auto& [number, peer] : shard->links) most = std::max(most, peer->link.stream().pending_output());
    return most;
  }

  testing::manual_clock time;
  asio::io_context context;
  testing::network world{context.get_executor()};
  net::address at_central = asio::ip::make_address("198.51.100.1");
  net::address at_peer = asio::ip::make_address("192.0.2.1");
  std::shared_ptr<net::network> here = world.host(at_peer);
  identity::key home = identity::key::generate();
  std::shared_ptr<detail::central_node> node = std::make_shared<detail::central_node>(
      identity::key::generate(),
      central_options({at_central, 443}, switchboard::admission::open()).network(world.host(at_central)));
  std::shared_ptr<detail::central_shard> shard =
      std::make_shared<detail::central_shard>(context.get_executor(), 0, node);
  identity::url url{net::endpoint(net::tcp::endpoint(at_central, 443)), node->key.id()};
};

awaitable<result<village::link>> linked(town& all, identity::key who) {
  auto up = co_await village::dial_link(std::move(who), all.url, all.here);
  if (!up) co_return fail(up.error());
  auto greeted = co_await village::log_in(*up, role::server);
  if (!greeted) co_return fail(greeted.error());
  co_return std::move(*up);
}

// Asks, and is answered while others are told much.
awaitable<void> be_another(village::link up, int& answered) {
  for (;;) {
    (void)up.send(signalling::ping{1});
    auto got = co_await village::await_message<signalling::pong>(up);
    if (!got) co_return;
    ++answered;
  }
}

// The server has other things to do for a while.
awaitable<bool> do_other_things(const int& answered) {
  constexpr int most_turns = 1'000'000;
  const int enough = answered + 1000;
  for (int turns = 0; turns < most_turns && answered < enough; ++turns) {
    auto passed = co_await yield(patience::keeps_core);
    if (!passed) co_return false;
  }
  co_return answered >= enough;
}

awaitable<void> tell_all(town& all) {
  auto up = co_await linked(all, all.home);
  REQUIRE(up);
  auto other = co_await linked(all, identity::key::generate());
  REQUIRE(other);
  int answered = 0;
  task_group others(all.context.get_executor());
  others.spawn(be_another(std::move(*other), answered));
  (void)up->send(signalling::roster_request{});
  std::set<identity::peer_id> known;
  signalling::roster_update last;
  last.more = true;
  for (std::size_t parts = 1; last.more; ++parts) {
    auto got = co_await village::await_message<signalling::roster_update>(*up);
    REQUIRE_MESSAGE(got, got.error().message());
    last = *got;
    for (const auto& one : last.entries) {
      known.erase(one.client);
      if (one.present) known.insert(one.client);
    }
    if (parts == 100) {
      for (std::uint32_t i = 0; i < 10; ++i) {
        all.happens(switchboard::event::client_left{all.link_of(i), all.home.id(), all.client(i)});
        all.happens(
            switchboard::event::client_left{all.link_of(many - 1 - i), all.home.id(), all.client(many - 1 - i)});
        all.come(many + i);
      }
      all.come(0);
      auto turning = do_other_things(answered);
      const bool done = co_await std::move(turning);
      REQUIRE(done);
    }
    CHECK(all.waiting() <= little);
    CHECK(answered > static_cast<int>(parts) / 10);  // whatever it costs, others have their turn
  }
  CHECK(known.size() == many - 10 + 1);
  CHECK(known.contains(all.client(0)));
  CHECK(!known.contains(all.client(1)));
  CHECK(!known.contains(all.client(many - 1)));
  CHECK(known.contains(all.client(many + 9)));
  CHECK(last.version.number == many + 10 * 3 + 1);
  others.cancel();
  co_await others.join();
  co_await all.shard->stop();
}

}  // namespace

TEST_CASE("a long roster comes over a link that holds little, while others are served and clients come and go") {
  town all;
  for (std::uint32_t i = 0; i < many; ++i) {
    for (const auto& one : all.arrival_of(i)) (void)all.shard->known.handle(one, clock::now(), wall_now());
  }
  all.time.run(all.context, tell_all(all));
}

}  // namespace roster_test
