// SPDX-License-Identifier: BSL-1.0
#include <ajar/signalling/link_account.hpp>

#include <doctest/doctest.h>
#include <ostream>

namespace link_account_test {

using namespace ajar;
using namespace std::chrono_literals;

TEST_CASE("a link's account tells since when, how often, and what ended it") {
  const auto begun = time_point(1h);
  const identity::url central;
  signalling::link_account account(begun);
  auto told = account.status(begun + 5s, central, std::nullopt);
  CHECK_FALSE(told.linked);
  CHECK(told.since == 5s);
  CHECK(told.links == 0);
  CHECK_FALSE(told.last_loss);

  account.lost(begun + 6s, errc::dial_refused);  // an attempt: there has been no link since the beginning
  account.linked(begun + 10s);
  told = account.status(begun + 13s, central, 2ms);
  CHECK(told.linked);
  CHECK(told.since == 3s);
  CHECK(told.links == 1);
  CHECK(told.round_trip == 2ms);

  account.lost(begun + 20s, errc::link_timeout);
  account.lost(begun + 25s, errc::dial_refused);
  told = account.status(begun + 30s, central, 2ms);
  CHECK_FALSE(told.linked);
  CHECK(told.since == 10s);
  CHECK_FALSE(told.round_trip);
  CHECK(told.last_loss == errc::dial_refused);
  CHECK(told.losses.of(errc::dial_refused) == 2);
  CHECK(told.losses.of(errc::link_timeout) == 1);

  account.linked(begun + 40s);
  account.closed(begun + 50s);  // by us
  told = account.status(begun + 51s, central, std::nullopt);
  CHECK_FALSE(told.linked);
  CHECK(told.since == 1s);
  CHECK(told.losses.total() == 3);
}

}  // namespace link_account_test
