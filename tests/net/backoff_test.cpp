// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/backoff.hpp>

#include <doctest/doctest.h>
#include <array>

namespace backoff_test {

using namespace ajar;
using namespace std::chrono_literals;

TEST_CASE("no wait is longer than its bound, which doubles up to the longest") {
  const std::array bounds{100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms};
  std::array<std::chrono::milliseconds, bounds.size()> longest{};
  for (int trial = 0; trial < 300; ++trial) {
    net::backoff pause(100ms, 1000ms);
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      const auto wait = pause.next();
      CHECK(wait >= 0ms);
      CHECK(wait <= bounds[i]);
      longest[i] = std::max(longest[i], wait);
    }
  }
  // that all of 300 draws stay in the lower half has a chance of 2^-300
  for (std::size_t i = 0; i < bounds.size(); ++i) CHECK(longest[i] > bounds[i] / 2);
}

TEST_CASE("two that lost their central together do not come back together") {
  net::backoff one(1'000'000ms, 4'000'000ms);
  net::backoff other(1'000'000ms, 4'000'000ms);
  int same = 0;
  for (int i = 0; i < 8; ++i) same += one.next() == other.next() ? 1 : 0;
  CHECK(same < 8);
}

TEST_CASE("after a success the bound begins anew") {
  net::backoff pause(10ms, 10'000ms);
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 12; ++i) (void)pause.next();
    pause.reset();
    CHECK(pause.next() <= 10ms);
    pause.reset();
  }
}

}  // namespace backoff_test
