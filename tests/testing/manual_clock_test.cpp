// SPDX-License-Identifier: BSL-1.0
#include <ajar/testing/manual_clock.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/testing/stream_pair.hpp>

#include <vector>

namespace manual_clock_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

awaitable<void> tick(clock::duration every, int times, std::vector<time_point>& at) {
  for (int i = 0; i < times; ++i) {
    auto slept = co_await sleep_until(clock::now() + every);
    if (!slept) co_return;
    at.push_back(clock::now());
  }
}

awaitable<result<int>> give_after(clock::duration time, int value) {
  auto slept = co_await sleep_until(clock::now() + time);
  if (!slept) co_return fail(slept.error());
  co_return value;
}

awaitable<result<int>> give_before(clock::duration deadline, clock::duration time) {
  auto operation = give_after(time, 7);
  auto value = co_await before(clock::now() + deadline, errc::read_timeout, std::move(operation));
  co_return value;
}

awaitable<void> wait_for(notifier& change) {
  auto woken = co_await change.wait();
  (void)woken;
}

}  // namespace

TEST_CASE("a held clock stands still, and goes on by itself afterwards") {
  const auto outside = clock::now();
  {
    testing::manual_clock time;
    const auto began = clock::now();
    CHECK(time.now() == began);
    CHECK(clock::now() == began);
    CHECK_THROWS_AS(testing::manual_clock(), std::logic_error);
  }
  CHECK(clock::now() >= outside);
}

TEST_CASE("timers fire each at its own expiry, in order, however far the time is moved") {
  testing::manual_clock time;
  asio::io_context context;
  const auto began = time.now();
  std::vector<time_point> fast;
  std::vector<time_point> slow;
  asio::co_spawn(context, tick(20s, 9, fast), asio::detached);
  asio::co_spawn(context, tick(50s + 1ns, 3, slow), asio::detached);
  time.advance(context, 19s);
  CHECK(fast.empty());
  time.advance(context, 1s);
  CHECK(fast == std::vector{began + 20s});
  time.advance(context, 79s);
  CHECK(fast.back() == began + 80s);
  CHECK(slow == std::vector{began + 50s + 1ns});
  CHECK(time.now() == began + 99s);
  time.advance(context, 1h);
  CHECK(fast.size() == 9);
  CHECK(slow.back() == began + 150s + 3ns);
  CHECK(time.now() == began + 99s + 1h);
}

TEST_CASE("a coroutine runs to its end at its own time, and deadlines fall where they should") {
  testing::manual_clock time;
  asio::io_context context;
  const auto began = time.now();
  CHECK(time.run(context, give_after(3h, 5)).value() == 5);
  CHECK(time.now() == began + 3h);
  CHECK(time.run(context, give_before(2s, 1s)).value() == 7);
  CHECK(time.now() == began + 3h + 1s);
  CHECK(time.run(context, give_before(1s, 2s)).error() == errc::read_timeout);
  CHECK(time.now() == began + 3h + 2s);
}

TEST_CASE("a coroutine that waits for what never comes is told, also beside timers that are cancelled") {
  testing::manual_clock time;
  asio::io_context context;
  notifier change(context.get_executor());
  timer gone(context.get_executor(), time.now() + 5s);
  gone.async_wait([](std::error_code) {});
  context.poll();
  gone.cancel();
  CHECK_THROWS_AS(time.run(context, wait_for(change), 1h), std::runtime_error);
  change.notify();
  time.settle(context);
}

TEST_CASE("octets of a delayed stream arrive when they are due") {
  testing::manual_clock time;
  asio::io_context context;
  auto [one, other] = testing::make_stream_pair(context.get_executor(), testing::pair_options().delay(30ms, 10ms));
  std::error_code error;
  std::array<char, 10> room{};
  one.write_some(asio::const_buffer("ab", 2), error);
  time.advance(context, 20ms);
  one.write_some(asio::const_buffer("c", 1), error);
  one.close(error);
  time.advance(context, 9ms);
  CHECK(other.read_some(asio::buffer(room), error) == 0);
  CHECK(error == asio::error::would_block);
  time.advance(context, 1ms);
  CHECK(other.read_some(asio::buffer(room), error) == 2);
  CHECK(other.write_some(asio::const_buffer("x", 1), error) == 1);
  time.advance(context, 20ms);
  CHECK(other.read_some(asio::buffer(room), error) == 1);
  other.read_some(asio::buffer(room), error);
  CHECK(error == asio::error::eof);
  other.write_some(asio::const_buffer("x", 1), error);
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("the wall clock moves with the monotonic one, and is itself again afterwards") {
  const auto before_it = wall_now();
  {
    testing::manual_clock time;
    asio::io_context context;
    const auto begun = wall_now();
    CHECK(begun >= before_it);
    time.advance(context, 1h + 900ms);
    CHECK(wall_now() == begun + 1h);
    time.advance(context, 100ms);
    CHECK(wall_now() == begun + 1h + 1s);
  }
  CHECK(wall_now() < before_it + 1h);
}

}  // namespace manual_clock_test
