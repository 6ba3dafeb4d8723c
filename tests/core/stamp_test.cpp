// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/stamp.hpp>

#include <doctest/doctest.h>

using namespace ajar;
using namespace std::chrono_literals;

TEST_CASE("a stamp is an instant, to the microsecond") {
  const auto at = clock::now();
  const auto back = time_of(stamp_of(at));
  CHECK(back <= at);
  CHECK(at - back < 1us);
  CHECK(stamp_of(at + 7us) - stamp_of(at) == 7);
  CHECK(stamp_of(at) - stamp_of(at - 7us) == 7);
}
