// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/may_dial.hpp>

#include <doctest/doctest.h>

using namespace ajar;
using namespace ajar::trust;

TEST_CASE("a server dials what the client signed, within its time and its scope") {
  const auto client = identity::key::generate();
  grant given;
  given.client = client.id();
  const auto now = wall_time(std::chrono::seconds(1'000));
  const auto decide = [&](const char* address, const identity::key& by, std::int64_t until) {
    const address_record record{{asio::ip::make_address(address), 7000}, wall_time(std::chrono::seconds(until))};
    const auto opened = signed_address::open(signed_address::sign(record, by).octets());
    REQUIRE(opened.has_value());
    const auto decided = may_dial(*opened, given, now);
    return decided ? std::error_code() : decided.error();
  };
  CHECK(!decide("198.51.100.7", client, 2'000));
  CHECK(decide("198.51.100.7", identity::key::generate(), 2'000) == errc::request_of_another);
  CHECK(decide("198.51.100.7", client, 1'000) == errc::address_not_proved);
  CHECK(decide("10.0.0.7", client, 2'000) == errc::address_not_permitted);
  CHECK(decide("169.254.169.254", client, 2'000) == errc::address_not_permitted);
  given.lan = true;
  CHECK(!decide("10.0.0.7", client, 2'000));
  CHECK(!decide("127.0.0.1", client, 2'000));
  CHECK(decide("169.254.169.254", client, 2'000) == errc::address_not_permitted);
}

TEST_CASE("an address record names a port") {
  const auto client = identity::key::generate();
  const address_record record{{asio::ip::make_address("198.51.100.7"), 0}, wall_time(std::chrono::seconds(5))};
  CHECK(signed_address::open(signed_address::sign(record, client).octets()).error() == errc::address_record_malformed);
}
