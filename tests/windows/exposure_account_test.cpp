// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/exposure_account.hpp>

#include <doctest/doctest.h>

namespace exposure_account_test {

using namespace ajar;
using namespace std::chrono_literals;
using windows::exposure;
using windows::exposure_account;

namespace {

constexpr exposure_account::instant midnight{std::chrono::sys_days(std::chrono::year(2026) / 11 / 24)};
constexpr exposure one_window(std::chrono::nanoseconds open) { return {1, 1, 0, open}; }

}  // namespace

TEST_CASE("what liars tell adds up to no more than there is") {
  exposure all;
  all.open = std::chrono::nanoseconds::max() - 1ns;
  all += {0, 1, 0, std::chrono::hours(24)};
  CHECK(all.open == std::chrono::nanoseconds::max());
}

TEST_CASE("windows of a day add up") {
  exposure_account account;
  CHECK(account.total() == exposure());
  CHECK(account.today(midnight) == exposure());
  account.add(midnight + 1h, one_window(35us));
  account.add(midnight + 2h, {1, 3, 2, 100us, 7});
  CHECK(account.total() == exposure{2, 4, 2, 135us, 7});
  account.add(midnight + 3h, {1, 1, 0, 1us, 2});
  CHECK(account.total().drops == 9);
  CHECK(account.today(midnight + 3h) == account.total());
}

TEST_CASE("a report counts as one window") {
  windows::report cost;
  cost.listeners = 2;
  cost.strangers = 1;
  cost.exposure = 70us;
  cost.drops = 5;
  CHECK(windows::exposure_of(cost) == exposure{1, 2, 1, 70us, 5});
}

TEST_CASE("another day begins at zero, whether something opens or not") {
  exposure_account account;
  account.add(midnight + 23h, one_window(35us));
  CHECK(account.today(midnight + 24h - 1ns).windows == 1);
  CHECK(account.today(midnight + 24h) == exposure());
  account.add(midnight + 25h, one_window(10us));
  CHECK(account.today(midnight + 26h) == one_window(10us));
  CHECK(account.total() == exposure{2, 2, 0, 45us});
}

TEST_CASE("of what was open over midnight each day has its part") {
  exposure_account account;
  account.add(midnight + 300ms, one_window(800ms));
  CHECK(account.today(midnight + 1s).open == 300ms);
  CHECK(account.total().open == 800ms);
  account.add(midnight + 72h, {0, 1, 0, 72h});  // a door that was open for days
  CHECK(account.today(midnight + 73h).open == 0ms);
  CHECK(account.total().open == 72h + 800ms);
}

TEST_CASE("a clock that is set back over midnight begins no day twice") {
  exposure_account account;
  account.add(midnight + 1ms, one_window(10us));
  account.add(midnight - 5ms, one_window(10us));
  account.add(midnight + 2ms, one_window(10us));
  CHECK(account.today(midnight + 3ms).windows == 3);
  account.add(midnight - 240h, one_window(10us));  // it had been wrong
  CHECK(account.today(midnight - 239h).windows == 1);
  CHECK(account.total().windows == 4);
}

}  // namespace exposure_account_test
