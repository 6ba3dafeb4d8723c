// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/endpoint.hpp>

#include <doctest/doctest.h>

#include <initializer_list>

namespace endpoint_test {

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

TEST_CASE("addresses fall into the scopes of RFC 6890, from the first to the last") {
  const auto is = [](const char* text) { return scope_of(asio::ip::make_address(text)); };
  struct row {
    scope what;
    std::initializer_list<const char*> all;
  };
  const row table[] = {
      {scope::global, {"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"}},
      {scope::global, {"126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255"}},
      {scope::global, {"172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0"}},
      {scope::global, {"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255"}},
      {scope::global, {"198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "::ffff:8.8.8.8"}},
      {scope::global,
       {"2001:200::1", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2a00::1", "3ffe::1", "3fff:1000::1"}},
      {scope::local, {"10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255"}},
      {scope::local, {"172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "::ffff:10.0.0.1"}},
      {scope::local, {"192.0.2.0", "192.0.2.255", "198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255"}},
      {scope::local, {"203.0.113.0", "203.0.113.255", "::1", "fc00::", "fdff:ffff::1"}},
      {scope::local, {"2001:db8::1", "2001:db8:ffff::1", "2001:2::1", "3fff::1", "3fff:fff:ffff::1"}},
      {scope::forbidden, {"0.0.0.0", "0.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255"}},
      {scope::forbidden, {"192.0.0.0", "192.0.0.255", "192.88.99.0", "192.88.99.255", "224.0.0.0", "239.255.255.255"}},
      {scope::forbidden, {"240.0.0.0", "255.255.255.255", "::ffff:169.254.169.254", "::", "::2", "::7f00:1"}},
      {scope::forbidden, {"64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::1", "2001:10::1"}},
      {scope::forbidden, {"2001:2:1::1", "2001:1ff:ffff::1", "2002::1", "2002:7f00:1::1", "2002:ffff::1"}},
      {scope::forbidden, {"4000::1", "5f00::1", "fe80::1", "fec0::1", "febf::1", "ff02::1", "1fff::1"}},
  };
  for (const auto& one : table) {
    for (const char* text : one.all) CHECK_MESSAGE(is(text) == one.what, text);
  }
}

TEST_CASE("a host may have a port of its own") {
  const auto read = [](std::string_view text) {
    const auto at = net::parse_host(text, 7000);
    return at ? net::to_string(*at) : std::string("none");
  };
  CHECK(read("central.example") == "central.example:7000");
  CHECK(read("central.example:443") == "central.example:443");
  CHECK(read("192.0.2.7") == "192.0.2.7:7000");
  CHECK(read("192.0.2.7:443") == "192.0.2.7:443");
  CHECK(read("2001:db8::7") == "[2001:db8::7]:7000");
  CHECK(read("[2001:db8::7]") == "[2001:db8::7]:7000");
  CHECK(read("[2001:db8::7]:443") == "[2001:db8::7]:443");
  for (const auto* wrong : {"", ":", ":443", "a b", "a:b:c", "central.example:", "central.example:70000", "a/b"}) {
    CHECK_MESSAGE(read(wrong) == "none", wrong);
  }
}

TEST_CASE("what is wrong with a name tells the name, and nothing else does") {
  const net::endpoint at("central.example", 443);
  CHECK(net::message_about(at, errc::name_not_found) == "central.example: the name has no address");
  CHECK(net::message_about(at, errc::name_unanswered).starts_with("central.example: "));
  CHECK(net::message_about(at, errc::dial_refused) == make_error_code(errc::dial_refused).message());
}

}  // namespace endpoint_test
