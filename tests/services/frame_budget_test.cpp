// SPDX-License-Identifier: BSL-1.0
#include <ajar/services/frame_budget.hpp>

#include <doctest/doctest.h>

using namespace ajar;
using namespace std::chrono_literals;
using services::frame_budget;

namespace {

int spent_at(frame_budget& budget, time_point now, int most) {
  int count = 0;
  while (count < most && budget.spend(now)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a burst of frames without content is taken, and no more") {
  frame_budget budget;
  CHECK(spent_at(budget, time_point(1h), 1'000'000) == frame_budget::burst);
}

TEST_CASE("time earns frames, up to the burst") {
  frame_budget budget;
  spent_at(budget, time_point(1h), 1'000'000);
  CHECK(spent_at(budget, time_point(1h + 1s), 1'000'000) == doctest::Approx(frame_budget::per_second).epsilon(0.01));
  CHECK(spent_at(budget, time_point(200h), 1'000'000) <= frame_budget::burst);
}

TEST_CASE("bodies earn frames, up to the burst") {
  frame_budget budget;
  const time_point now(1h);
  spent_at(budget, now, 1'000'000);
  budget.earn(100 * 4096);
  CHECK(spent_at(budget, now, 1'000'000) == doctest::Approx(100).epsilon(0.02));
  budget.earn(std::size_t{1} << 40);
  CHECK(spent_at(budget, now, 1'000'000) <= frame_budget::burst);
}
