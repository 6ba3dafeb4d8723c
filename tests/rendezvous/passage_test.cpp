// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/passage.hpp>

#include <doctest/doctest.h>

using namespace ajar;
using namespace ajar::rendezvous;
using namespace std::chrono_literals;

TEST_CASE("a port that answered and was closed was too far away, where the round trip says so, and only then") {
  const std::error_code cut = errc::truncated;
  CHECK(cause_at_port(cut, 653ms) == errc::way_too_long);
  CHECK(cause_at_port(cut, 800ms) == errc::way_too_long);
  for (const auto near : {1ms, 600ms, 652ms}) CHECK(cause_at_port(cut, near) == cut);
  CHECK(cause_at_port(cut, std::nullopt) == cut);
  for (const auto other : {errc::wrong_key, errc::not_tls, errc::canceled, errc::grant_revoked}) {
    CHECK(cause_at_port(other, 800ms) == other);
  }
}
