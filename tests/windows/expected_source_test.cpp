// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/expected_source.hpp>

#include <doctest/doctest.h>

namespace expected_source_test {

using namespace ajar;
using ajar::windows::expected_source;

namespace {
net::address at(const char* text) { return asio::ip::make_address(text); }
}  // namespace

TEST_CASE("an IPv4 peer is expected at its address, an IPv6 peer within its /64") {
  CHECK(expected_source::of(at("192.0.2.7")).matches(at("192.0.2.7")));
  CHECK(expected_source::of(at("192.0.2.7")).matches(at("::ffff:192.0.2.7")));
  CHECK(!expected_source::of(at("192.0.2.7")).matches(at("192.0.2.6")));
  CHECK(!expected_source::of(at("192.0.2.7")).matches(at("2001:db8::1")));
  CHECK(expected_source::of(at("2001:db8::1")).matches(at("2001:db8::ffff:1:2")));
  CHECK(!expected_source::of(at("2001:db8::1")).matches(at("2001:db8:0:1::1")));
}

TEST_CASE("prefixes count bits") {
  const auto net20 = expected_source::prefix(at("10.1.16.0"), 20);
  CHECK(net20.matches(at("10.1.31.255")));
  CHECK(!net20.matches(at("10.1.32.0")));
  CHECK(expected_source::prefix(at("10.0.0.0"), 0).matches(at("203.0.113.1")));
  CHECK(!expected_source::prefix(at("10.0.0.0"), 0).matches(at("::1")));
  CHECK(expected_source::anywhere().matches(at("::1")));
}

}  // namespace expected_source_test
