// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/may_dial.hpp>

#include <doctest/doctest.h>

namespace may_dial_test {

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
  CHECK(!decide("192.175.48.7", client, 2'000));
  CHECK(decide("192.175.48.7", identity::key::generate(), 2'000) == errc::request_of_another);
  CHECK(decide("192.175.48.7", client, 1'000) == errc::address_not_proved);
  CHECK(decide("198.51.100.7", client, 2'000) == errc::address_not_permitted);
  CHECK(decide("10.0.0.7", client, 2'000) == errc::address_not_permitted);
  CHECK(decide("169.254.169.254", client, 2'000) == errc::address_not_permitted);
  given.lan = true;
  CHECK(!decide("10.0.0.7", client, 2'000));
  CHECK(!decide("127.0.0.1", client, 2'000));
  CHECK(decide("169.254.169.254", client, 2'000) == errc::address_not_permitted);
}

TEST_CASE("a client goes where a server elsewhere can be, and to its own machine and network only with reason") {
  const auto to = [](const char* text) { return asio::ip::make_address(text); };
  const auto far = std::optional(to("192.175.48.1"));
  const auto near = std::optional(to("192.168.1.1"));
  const auto here = std::optional(to("127.0.0.1"));
  grant given;
  for (const bool lan : {false, true}) {
    given.lan = lan;
    for (const auto& central : {std::optional<net::address>(), far, near, here}) {
      CHECK(may_visit(to("192.175.48.7"), given, central));
      CHECK(may_visit(to("2a00::1"), given, central));
      for (const char* reserved : {"169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1",
                                   "64:ff9b::7f00:1", "2002:7f00:1::1"}) {
        CHECK_MESSAGE(may_visit(to(reserved), given, central).error() == errc::address_not_permitted, reserved);
      }
      for (const char* own : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
        CHECK_MESSAGE(may_visit(to(own), given, central).has_value() == (central == here), own);
      }
      for (const char* site : {"10.0.0.7", "192.168.7.7", "100.64.0.1", "fd00::1", "::ffff:10.0.0.7"}) {
        CHECK_MESSAGE(may_visit(to(site), given, central).has_value() == (lan || central == near || central == here),
                      site);
      }
    }
  }
}

TEST_CASE("an address record names a port") {
  const auto client = identity::key::generate();
  const address_record record{{asio::ip::make_address("198.51.100.7"), 0}, wall_time(std::chrono::seconds(5))};
  CHECK(signed_address::open(signed_address::sign(record, client).octets()).error() == errc::address_record_malformed);
}

}  // namespace may_dial_test
