// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/clock.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>
#include <asio/io_context.hpp>

namespace clock_test {

using namespace ajar;

TEST_CASE("the monotonic clock is the steady clock, and never is later than any instant") {
  const auto before = std::chrono::steady_clock::now().time_since_epoch();
  const auto now = clock::now().time_since_epoch();
  const auto after = std::chrono::steady_clock::now().time_since_epoch();
  CHECK(now >= before);
  CHECK(now <= after);
  CHECK(clock::now() + std::chrono::hours(24 * 365 * 100) < never);
}

TEST_CASE("a timer fires at once for the past, and not for never") {
  asio::io_context context;
  timer past(context.get_executor(), clock::now() - std::chrono::seconds(1));
  timer ever(context.get_executor(), never);
  bool fired = false;
  bool fired_ever = false;
  past.async_wait([&](std::error_code error) { fired = !error; });
  ever.async_wait([&](std::error_code error) { fired_ever = !error; });
  while (!fired) context.poll();
  CHECK(!fired_ever);
}

TEST_CASE("the wall clock counts whole seconds since 1970 in UTC") {
  const auto now = std::chrono::system_clock::now();
  CHECK(now - wall_now() < std::chrono::seconds(60));
  CHECK(wall_now().time_since_epoch() > std::chrono::hours(24 * 365 * 50));
}

TEST_CASE("a deadline is an instant, or so long from when it was said") {
  using namespace std::chrono_literals;
  const testing::manual_clock time;
  const auto now = clock::now();
  const auto instant = [](deadline until) { return time_point(until); };
  CHECK(instant(now + 3s) == now + 3s);
  CHECK(instant(never) == never);
  CHECK(instant(3s) == now + 3s);
  CHECK(instant(1500us) == now + 1500us);
  CHECK(instant(std::chrono::duration<double>(0.5)) == now + 500ms);
  CHECK(instant(-1s) == now - 1s);
  CHECK(instant(std::chrono::hours::max()) == never);
  CHECK(instant(clock::duration::max()) == never);
}

}  // namespace clock_test
