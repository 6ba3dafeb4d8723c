// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/window_budget.hpp>

#include <doctest/doctest.h>

namespace window_budget_test {

using namespace ajar;
using namespace ajar::trust;
using namespace std::chrono_literals;

namespace {

struct scene {
  window_budget budget{5s, 1000ms};
  grant one = of(1);
  grant other = of(2);
  time_point now{};

  static grant of(std::uint8_t number) {
    grant made;
    made.id = {number};
    made.windows_at_a_time = 2;
    made.listening = 3s;
    return made;
  }
};

}  // namespace

TEST_CASE("a client has so many windows at a time") {
  scene all;
  CHECK(all.budget.fits(all.one, 0, 0, all.now));
  CHECK(all.budget.fits(all.one, 1, 1, all.now));
  CHECK(!all.budget.fits(all.one, 2, 2, all.now));
}

TEST_CASE("each grant has its own limits, and they may change while its windows are counted") {
  scene all;
  all.other.windows_at_a_time = 3;
  CHECK(all.budget.fits(all.other, 2, 2, all.now));
  CHECK(!all.budget.fits(all.other, 3, 3, all.now));
  all.budget.closed(all.other.id, 2s, all.now);
  CHECK(!all.budget.fits(all.other, 1, 1, all.now));
  all.other.listening = 4s;
  CHECK(all.budget.fits(all.other, 0, 0, all.now));
  CHECK(all.budget.by_grant(all.now).at(all.other.id) == 2s);
  all.other.listening = 0s;
  CHECK(!all.budget.fits(all.other, 0, 0, all.now + 1min));
  CHECK(all.budget.by_grant(all.now + 1min).empty());
  all.one.windows_at_a_time = 0;
  CHECK(!all.budget.fits(all.one, 0, 0, all.now));
}

TEST_CASE(
    "what ports were open for under a grant counts for a minute, and what is being opened counts as the longest") {
  scene all;
  all.budget.closed(all.one.id, 2s, all.now);
  CHECK(all.budget.fits(all.one, 0, 0, all.now));
  CHECK(!all.budget.fits(all.one, 1, 1, all.now));  // the one beside may need what is left
  all.budget.closed(all.one.id, 1ns, all.now + 30s);
  CHECK(!all.budget.fits(all.one, 0, 0, all.now + 30s));
  CHECK(all.budget.fits(all.other, 0, 0, all.now + 30s));
  CHECK(!all.budget.fits(all.one, 0, 0, all.now + 60s - 1ns));
  CHECK(all.budget.fits(all.one, 0, 0, all.now + 60s));
  CHECK(all.budget.listened(all.now + 60s) == 1ns);
  CHECK(all.budget.listened(all.now + 90s) == 0ns);
}

TEST_CASE("all windows together have a budget, however many grants there are") {
  scene all;
  for (std::uint8_t i = 10; i < 14; ++i) all.budget.closed({i}, 1s, all.now);
  CHECK(all.budget.listened(all.now) == 4s);
  CHECK(all.budget.fits(all.one, 0, 0, all.now));
  CHECK(!all.budget.fits(all.one, 0, 1, all.now));
  all.budget.closed({14}, 1s, all.now);
  CHECK(!all.budget.fits(all.one, 0, 0, all.now));
}

TEST_CASE("a window that never opened costs nothing") {
  scene all;
  all.budget.closed(all.one.id, 0ns, all.now);
  CHECK(all.budget.listened(all.now) == 0ns);
}

}  // namespace window_budget_test
