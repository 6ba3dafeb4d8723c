// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/stamp.hpp>

#include <doctest/doctest.h>

namespace stamp_test {

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

TEST_CASE("what is no stamp of ours is an instant far away") {
  const auto now = stamp_of(clock::now());
  for (const auto far : {std::uint64_t{1} << 62U, std::uint64_t{1} << 63U, ~std::uint64_t{0} - (1U << 20U)}) {
    const auto at = time_of(now + far);
    CHECK((at > clock::now() + std::chrono::years(1) || at <= clock::now()));
    CHECK(at + std::chrono::years(1) > at);
    CHECK(at - std::chrono::years(1) < at);
  }
}

}  // namespace stamp_test
