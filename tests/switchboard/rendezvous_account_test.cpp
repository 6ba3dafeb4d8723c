// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/rendezvous_account.hpp>

#include <doctest/doctest.h>
#include <ostream>

namespace rendezvous_account_test {

using namespace ajar;

TEST_CASE("what the shards carried is added") {
  switchboard::rendezvous_account one{5, 4, 3, {}};
  switchboard::rendezvous_account other{2, 1, 2, {}};
  one.refused.add(errc::server_offline);
  other.refused.add(errc::server_offline);
  CHECK(one.in_flight() == 2);
  one.add(other);
  CHECK(one.begun == 7);
  CHECK(one.answered == 5);
  CHECK(one.ended == 5);
  CHECK(one.in_flight() == 2);
  CHECK(one.refused.of(errc::server_offline) == 2);
}

}  // namespace rendezvous_account_test
