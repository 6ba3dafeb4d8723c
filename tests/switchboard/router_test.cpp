// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/router.hpp>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <memory>

namespace router_test {

using namespace ajar;
using namespace ajar::switchboard;

namespace {

// A peer whose home is its number modulo the number of shards.
identity::peer_id peer(std::uint8_t number) {
  identity::peer_id::octets_type octets{};
  octets[0] = number;
  return identity::peer_id(octets);
}

struct shard final : shard_port {
  asio::any_io_executor executor() const override { return context.get_executor(); }
  void handle(const any_event& what) override {
    CHECK(context.get_executor().running_in_this_thread());
    handled.push_back(home_of(what));
  }
  void deliver(const delivery& what) override {
    CHECK(context.get_executor().running_in_this_thread());
    delivered.push_back(what);
  }

  mutable asio::io_context context;
  std::vector<identity::peer_id> handled;
  std::vector<delivery> delivered;
};

struct house {
  explicit house(std::size_t size) : shards(size) {
    for (auto& one : shards) {
      one = std::make_shared<shard>();
      routes.add(one);
    }
  }
  std::vector<std::shared_ptr<shard>> shards;
  router routes;
};

event::renewed about(std::uint8_t number) {
  event::renewed made;
  made.server = peer(number);
  return made;
}

// An event that names whom it can: client 1, server 2, peer 3.
template <class Event>
any_event of_three() {
  Event made;
  if constexpr (requires { made.client; }) made.client = peer(1);
  if constexpr (requires { made.server; }) made.server = peer(2);
  if constexpr (requires { made.peer; }) made.peer = peer(3);
  return made;
}

std::uint64_t token_of(const delivery& what) { return std::get<signalling::ping>(what.what).token; }

}  // namespace

TEST_CASE("an event about a link is at home where its peer is, any other where its server is") {
  CHECK(home_of(of_three<event::attached>()) == peer(3));
  CHECK(home_of(of_three<event::detached>()) == peer(3));
  CHECK(home_of(of_three<event::renewed>()) == peer(2));
  CHECK(home_of(of_three<event::granted>()) == peer(2));
  CHECK(home_of(of_three<event::client_left>()) == peer(2));
  CHECK(home_of(of_three<event::door_proved>()) == peer(2));
  CHECK(home_of(of_three<event::roster_asked>()) == peer(2));
  CHECK(home_of(of_three<event::drained>()) == peer(2));
  CHECK(home_of(of_three<event::revoked>()) == peer(2));
  CHECK(home_of(of_three<event::requested>()) == peer(2));
  CHECK(home_of(of_three<event::answered>()) == peer(2));
}

TEST_CASE("an event is handled at the home of its peer, always the same, on that shard's executor") {
  for (const std::size_t size : {1U, 2U, 3U}) {
    CAPTURE(size);
    house all(size);
    CHECK(all.routes.size() == size);
    for (int round = 0; round < 2; ++round) {
      for (std::uint8_t number = 0; number < 12; ++number) all.routes.send(about(number));
    }
    for (std::size_t i = 0; i < size; ++i) {
      CHECK(all.shards[i]->handled.empty());  // nothing is handled before its shard runs
      all.shards[i]->context.run();
      CHECK(all.shards[i]->handled.size() == 24 / size);
      for (const auto& id : all.shards[i]->handled) CHECK(id.octets()[0] % size == i);
    }
  }
}

TEST_CASE("a delivery arrives at the shard of its link") {
  house all(2);
  all.routes.deliver({{1, 7}, signalling::ping{1}});
  all.routes.deliver({{0, 7}, signalling::ping{2}});
  for (const auto& one : all.shards) one->context.run();
  REQUIRE(all.shards[0]->delivered.size() == 1);
  REQUIRE(all.shards[1]->delivered.size() == 1);
  CHECK(token_of(all.shards[0]->delivered[0]) == 2);
  CHECK(token_of(all.shards[1]->delivered[0]) == 1);
  CHECK(all.shards[1]->delivered[0].to == link_ref{1, 7});
}

TEST_CASE("what one shard sends another arrives in the order it was sent") {
  house all(2);
  asio::post(all.shards[0]->context, [&] {
    for (std::uint64_t i = 0; i < 100; ++i) {
      all.routes.deliver({{1, 1}, signalling::ping{i}});
      all.routes.deliver({{0, 1}, signalling::ping{i}});
    }
  });
  all.shards[0]->context.run();
  CHECK(all.shards[1]->delivered.empty());
  all.shards[1]->context.run();
  for (const auto& one : all.shards) {
    REQUIRE(one->delivered.size() == 100);
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(token_of(one->delivered[i]) == i);
  }
}

TEST_CASE("what is sent to a shard that is gone is dropped") {
  asio::io_context context;
  struct brief final : shard_port {
    explicit brief(asio::io_context& on) : on(on) {}
    asio::any_io_executor executor() const override { return on.get_executor(); }
    void handle(const any_event&) override { FAIL("handled"); }
    void deliver(const delivery&) override { FAIL("delivered"); }
    asio::io_context& on;
  };
  router routes;
  auto one = std::make_shared<brief>(context);
  routes.add(one);
  routes.send(about(0));
  routes.deliver({{0, 1}, signalling::ping{1}});
  one.reset();
  routes.send(about(0));
  routes.deliver({{0, 1}, signalling::ping{2}});
  CHECK(context.run() == 4);  // each arrives, and finds nobody
}

}  // namespace router_test
