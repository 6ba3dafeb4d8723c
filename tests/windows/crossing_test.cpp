// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/crossing.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "../no_descriptors.hpp"
#include "open_ports.hpp"

namespace crossing_test {

using namespace ajar;
using namespace std::chrono_literals;
using windows::crossing_side;

namespace {

const auto loopback = asio::ip::make_address("127.0.0.1");

// Two ends of a crossing on one executor: each SYN finds the other's socket, as all connect before any packet is read.
struct two_ends {
  explicit two_ends(std::size_t pairs = 1, const net::address& at = loopback) {
    for (auto* mine : {&server, &client}) {
      auto bound = windows::bind_ports(context.get_executor(), at, pairs);
      REQUIRE(bound);
      *mine = std::move(*bound);
    }
  }
  windows::crossing_plan plan(crossing_side side, clock::duration late = 0ms) const {
    const auto& mine = side == crossing_side::names ? server : client;
    const auto& theirs = side == crossing_side::names ? client : server;
    windows::crossing_plan made(clock::now() + late, 60ms, side);
    if (key) made.signed_by(*key);
    for (std::size_t i = 0; i < mine.size(); ++i) made.pair(mine[i], theirs[i].local_endpoint());
    return made;
  }

  std::optional<windows::crossing_key> key = windows::crossing_key{1, 2, 3};
  asio::io_context context;
  std::vector<windows::bound_port> server;
  std::vector<windows::bound_port> client;
  std::optional<result<windows::crossed>> of_server;
  std::optional<result<windows::crossed>> of_client;
};

awaitable<void> keep(awaitable<result<windows::crossed>> crossing, std::optional<result<windows::crossed>>& into) {
  auto came = co_await std::move(crossing);
  into.emplace(std::move(came));
}

awaitable<void> cross_both(two_ends& all, time_point until, clock::duration late = 0ms) {
  const auto executor = co_await asio::this_coro::executor;
  task_group both(executor);
  both.spawn(keep(windows::cross(all.plan(crossing_side::names), until), all.of_server));
  both.spawn(keep(windows::cross(all.plan(crossing_side::follows, late), until), all.of_client));
  co_await both.join();
}

bool are_joined(const windows::crossed& a, const windows::crossed& b) {
  return a.stream.local_endpoint() == b.stream.remote_endpoint() &&
         b.stream.local_endpoint() == a.stream.remote_endpoint();
}

}  // namespace

TEST_CASE("both ends come to the same connection, and neither listened") {
  two_ends all;
  const auto before = open_ports::all();
  testing::run(all.context, cross_both(all, clock::now() + 30s));
  REQUIRE(all.of_server->has_value());
  REQUIRE(all.of_client->has_value());
  CHECK(are_joined(**all.of_server, **all.of_client));
  CHECK(open_ports::all() == before);
}

TEST_CASE("with two pairs of ports one wins, and it is the same one at both ends") {
  two_ends all(2);
  testing::run(all.context, cross_both(all, clock::now() + 30s));
  REQUIRE(all.of_server->has_value());
  REQUIRE(all.of_client->has_value());
  CHECK((*all.of_server)->pair == (*all.of_client)->pair);
  CHECK(are_joined(**all.of_server, **all.of_client));
}

namespace {

// Somebody who listens at the other end's port, and says something of his own.
awaitable<void> say(asio::ip::tcp::acceptor& port, std::uint8_t what) {
  for (;;) {
    auto [error, stream] = co_await port.async_accept(use_values);
    if (error) co_return;
    auto [unsent, count] = co_await asio::async_write(stream, asio::buffer(&what, 1), use_values);
    CHECK_MESSAGE((unsent || count == 1), unsent.message());
    std::uint8_t theirs = 0;
    auto [unread, got] = co_await asio::async_read(stream, asio::buffer(&theirs, 1), use_values);
    CHECK_MESSAGE((unread || got == 1), unread.message());
  }
}

awaitable<void> cross_with(asio::ip::tcp::acceptor& port, std::uint8_t what, crossing_side side,
                           std::optional<result<windows::crossed>>& into) {
  const auto executor = co_await asio::this_coro::executor;
  auto own = windows::bind_port(executor, {loopback, 0});
  REQUIRE(own);
  task_group both(executor);
  both.spawn(say(port, what));
  windows::crossing_plan plan(clock::now(), 10ms, side);
  plan.pair(*own, port.local_endpoint());
  auto crossing = windows::cross(std::move(plan), clock::now() + 100ms);
  auto came = co_await std::move(crossing);
  into.emplace(std::move(came));
  both.cancel();
  co_await both.join();
}

std::error_code result_with(std::uint8_t what, crossing_side side) {
  asio::io_context context;
  asio::ip::tcp::acceptor port(context, {loopback, 0});
  std::optional<result<windows::crossed>> came;
  testing::run(context, cross_with(port, what, side, came));
  return came->has_value() ? std::error_code() : came->error();
}

awaitable<void> cross_alone(std::optional<result<windows::crossed>>& into, clock::duration patience) {
  const auto executor = co_await asio::this_coro::executor;
  auto own = windows::bind_ports(executor, loopback, 2);
  REQUIRE(own);
  windows::crossing_plan plan(clock::now(), 5ms, crossing_side::follows);
  plan.pair((*own)[0], (*own)[1].local_endpoint());  // nobody connects from there
  auto crossing = windows::cross(std::move(plan), clock::now() + patience);
  auto came = co_await std::move(crossing);
  into.emplace(std::move(came));
}

awaitable<void> cancel_crossing(std::optional<result<windows::crossed>>& into) {
  const auto executor = co_await asio::this_coro::executor;
  task_group work(executor);
  work.spawn(cross_alone(into, 1h));
  auto slept = co_await sleep_until(clock::now() + 2ms);
  CHECK(slept);
  work.cancel();
  co_await work.join();
}

awaitable<void> cross_itself(std::optional<result<windows::crossed>>& into) {
  const auto executor = co_await asio::this_coro::executor;
  auto own = windows::bind_port(executor, {loopback, 0});
  REQUIRE(own);
  windows::crossing_plan plan(clock::now(), 5ms, crossing_side::follows);
  plan.pair(*own, own->local_endpoint());  // TCP connects to itself then
  auto crossing = windows::cross(std::move(plan), clock::now() + 30ms);
  auto came = co_await std::move(crossing);
  into.emplace(std::move(came));
}

}  // namespace

TEST_CASE("each end takes the other end's octet, and nothing else") {
  CHECK(!result_with(2, crossing_side::follows));
  CHECK(!result_with(1, crossing_side::names));
  CHECK(result_with(1, crossing_side::follows) == errc::crossing_failed);
  CHECK(result_with(2, crossing_side::names) == errc::crossing_failed);
  CHECK(result_with(22, crossing_side::names) == errc::crossing_failed);
}

TEST_CASE("where nobody comes the crossing ends at its deadline, and a cancelled one at once") {
  asio::io_context context;
  std::optional<result<windows::crossed>> came;
  testing::run(context, cross_alone(came, 20ms));
  REQUIRE(came);
  CHECK(came->error() == errc::crossing_failed);
  asio::io_context other;
  came.reset();
  testing::run(other, cancel_crossing(came));
  CHECK((!came || came->error() == errc::canceled));
}

TEST_CASE("a port that connects to itself is no other end") {
  asio::io_context context;
  std::optional<result<windows::crossed>> came;
  testing::run(context, cross_itself(came));
  REQUIRE(came);
  CHECK(came->error() == errc::crossing_failed);
}

TEST_CASE("a crossing for which there is no descriptor does not say that packets did not meet") {
  two_ends all;
  const no_descriptors none;
  const auto until = clock::now() + 20ms;
  const auto came = testing::run(all.context, windows::cross(all.plan(crossing_side::follows), until));
  CHECK(came.error() == std::errc::too_many_files_open);
}

}  // namespace crossing_test
