// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/redial_grid.hpp>

#include <doctest/doctest.h>

namespace redial_grid_test {

using namespace ajar;
using namespace std::chrono_literals;
using windows::redial_grid;

TEST_CASE("the gaps grow to three and stay there") {
  constexpr time_point start(1h);
  const redial_grid grid(start, 100ms);
  const clock::duration expected[] = {0ms, 100ms, 300ms, 600ms, 900ms, 1200ms};
  for (unsigned i = 0; i < std::size(expected); ++i) CHECK_MESSAGE(grid.instant(i, 0) == start + expected[i], i);
}

TEST_CASE("the second pair has the same instants, a little later") {
  constexpr time_point start(1h);
  const redial_grid grid(start, 100ms);
  for (unsigned i = 0; i < 5; ++i) CHECK(grid.instant(i, 1) == grid.instant(i, 0) + 20ms);
}

TEST_CASE("a window sends sixteen SYNs at most, wherever the other end is said to be") {
  constexpr time_point start(1h);
  int syns = 0;
  for (unsigned pair = 0; pair < 2; ++pair) {  // within a window's time, at the shortest gap
    const redial_grid grid(start, redial_grid::shortest_gap);
    for (unsigned i = 0; grid.instant(i, pair) < start + 1s; ++i) ++syns;
  }
  CHECK(syns <= 16);
}

TEST_CASE("a gap is longer than the round trip, and never shorter than 60 ms") {
  CHECK(redial_grid::gap_for(0ms) == 60ms);
  CHECK(redial_grid::gap_for(48ms) == 60ms);
  CHECK(redial_grid::gap_for(200ms) == 250ms);
}

}  // namespace redial_grid_test
