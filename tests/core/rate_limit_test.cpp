// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/rate_limit.hpp>

#include <doctest/doctest.h>

namespace rate_limit_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

int taken_at(rate_limit& from, time_point now, int wanted) {
  int taken = 0;
  for (int i = 0; i < wanted; ++i) taken += from.take(now);
  return taken;
}

}  // namespace

TEST_CASE("a burst at once, then one in each interval, and a burst again after a rest") {
  rate_limit some(10ms, 5);
  const time_point start(1000h);
  CHECK(taken_at(some, start, 100) == 5);
  CHECK(!some.take(start + 9ms));
  CHECK(some.take(start + 10ms));
  CHECK(!some.take(start + 19ms));
  CHECK(taken_at(some, start + 50ms, 100) == 4);
  CHECK(taken_at(some, start + 1h, 100) == 5);
}

TEST_CASE("whoever asks all the time gets the rate, and whoever keeps to it is never refused") {
  rate_limit hasty(1ms, 10);
  rate_limit calm(1ms, 1);
  const time_point start(1000h);
  int taken = 0;
  for (auto now = start; now < start + 1s; now += 100us) taken += hasty.take(now);
  CHECK(taken == 1009);
  for (auto now = start; now < start + 1s; now += 1ms) CHECK(calm.take(now));
}

}  // namespace rate_limit_test
