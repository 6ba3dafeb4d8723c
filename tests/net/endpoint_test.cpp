// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/endpoint.hpp>

#include <doctest/doctest.h>

#include <initializer_list>

using namespace ajar;
using namespace ajar::net;

TEST_CASE("addresses and ports are read and written the same") {
  for (const char* text : {"example.org:443", "127.0.0.1:1", "[::1]:65535", "[2001:db8::1]:7000", "a-b.c_d:0"}) {
    const auto at = parse_endpoint(text);
    REQUIRE_MESSAGE(at.has_value(), text);
    CHECK(to_string(*at) == text);
  }
}

TEST_CASE("what is no address and port is refused") {
  for (const char* text : {"", ":", "host", "host:", ":80", "host:65536", "host:-1", "host:8x", "::1:80", "[::1]",
                           "[]:1", "[::1:80", "ho st:80", "host\n:80", "h/x:1"}) {
    CHECK_MESSAGE(parse_endpoint(text).error() == errc::endpoint_malformed, text);
  }
  CHECK(!parse_endpoint(std::string(254, 'a') + ":1").has_value());
  CHECK(!parse_numeric_endpoint("localhost:1").has_value());
}

TEST_CASE("addresses fall into the scopes of RFC 6890") {
  const auto is = [](const char* text) { return scope_of(asio::ip::make_address(text)); };
  for (const char* text : {"8.8.8.8", "192.0.3.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "2a00::1"}) {
    CHECK_MESSAGE(is(text) == scope::global, text);
  }
  for (const char* text :
       {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"}) {
    CHECK_MESSAGE(is(text) == scope::local, text);
  }
  for (const char* text : {"0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "ff02::1",
                           "::ffff:169.254.169.254", "64:ff9b::7f00:1"}) {
    CHECK_MESSAGE(is(text) == scope::forbidden, text);
  }
}
