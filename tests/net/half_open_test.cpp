// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/half_open.hpp>

#include <doctest/doctest.h>
#include <vector>

namespace half_open_test {

using namespace ajar;
using net::half_open;

namespace {

net::address at(const char* text) { return asio::ip::make_address(text); }
net::address v4(std::uint32_t number) { return asio::ip::address_v4(number); }
// The n-th /64 of a /48.
net::address in_site(std::uint16_t number) {
  auto octets = at("2001:db8:7::1").to_v6().to_bytes();
  octets[6] = static_cast<std::uint8_t>(number >> 8);
  octets[7] = static_cast<std::uint8_t>(number);
  return asio::ip::address_v6(octets);
}

}  // namespace

TEST_CASE("while there is room nobody goes, and whoever ends makes room") {
  half_open some(3, 2);
  const auto first = some.begin(at("192.0.2.1"));
  CHECK(!first.evicted);
  CHECK(!some.begin(at("192.0.2.2")).evicted);
  CHECK(!some.begin(at("192.0.2.3")).evicted);
  some.end(first.own);
  some.end(first.own);
  CHECK(some.size() == 2);
  CHECK(!some.begin(at("192.0.2.4")).evicted);
}

TEST_CASE("one address has so many, and its own oldest makes room for its next") {
  half_open some(100, 2);
  const auto first = some.begin(at("192.0.2.1"));
  CHECK(!some.begin(at("::ffff:192.0.2.1")).evicted);
  CHECK(!some.begin(at("192.0.2.2")).evicted);
  CHECK(some.begin(at("192.0.2.1")).evicted == first.own);
  CHECK(some.size() == 3);
  half_open six(100, 1);
  const auto one = six.begin(at("2001:db8::1"));
  CHECK(six.begin(at("2001:db8::ffff:2")).evicted == one.own);  // the same /64
  CHECK(!six.begin(at("2001:db8:0:1::1")).evicted);
}

TEST_CASE("whoever fills the room with silence pushes out his own, from however many addresses of a site") {
  for (const bool six : {false, true}) {
    half_open some(64, 8);
    const auto honest = some.begin(six ? at("2001:db8:9::1") : at("198.51.100.9"));
    std::vector<half_open::ticket> silent;
    for (std::uint16_t i = 0; i < 2000; ++i) {
      const auto came = some.begin(six ? in_site(i) : v4(0xc0000200U + i % 256U));
      if (came.evicted) {
        CHECK(*came.evicted != honest.own);
      }
      silent.push_back(came.own);
    }
    CHECK(some.size() == 64);
    const auto newcomer = some.begin(at("203.0.113.5"));
    REQUIRE(newcomer.evicted);
    CHECK(*newcomer.evicted != honest.own);
  }
}

TEST_CASE("in the largest site it is the largest part of it that goes, and there the oldest") {
  half_open some(6, 6);
  (void)some.begin(in_site(0x0101));
  const auto oldest = some.begin(in_site(0x0202));
  (void)some.begin(in_site(0x0202));
  (void)some.begin(in_site(0x0203));
  (void)some.begin(at("192.0.2.1"));
  (void)some.begin(at("192.0.2.1"));
  CHECK(some.begin(at("203.0.113.5")).evicted == oldest.own);
}

TEST_CASE("an address that was good goes last, and is one of many again when it is long ago") {
  half_open some(4, 4);
  some.good(at("192.0.2.1"));
  const auto first = some.begin(at("192.0.2.1"));
  (void)some.begin(at("192.0.2.1"));
  (void)some.begin(at("192.0.2.1"));
  const auto other = some.begin(at("198.51.100.1"));
  CHECK(some.begin(at("203.0.113.5")).evicted == other.own);
  some.good(at("203.0.113.5"));
  CHECK(some.begin(at("203.0.113.5")).evicted == first.own);  // all are good: the oldest
  for (std::uint32_t i = 0; i < 4096; ++i) some.good(v4(0x0a000000U + i));
  CHECK(some.begin(at("198.51.100.7")).evicted.has_value());
  for (int i = 0; i < 10; ++i) CHECK(some.begin(at("198.51.100.8")).evicted.has_value());
  CHECK(some.size() == 4);
}

TEST_CASE("whatever comes and goes, as many are counted as there are") {
  half_open some(50, 5);
  std::vector<half_open::ticket> alive;
  std::uint32_t random = 7;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 1664525U + 1013904223U;
    const auto pick = random >> 16;
    if (pick % 5 == 0 && !alive.empty()) {
      const auto which = alive.begin() + static_cast<std::ptrdiff_t>(pick % alive.size());
      some.end(*which);
      alive.erase(which);
    } else if (pick % 97 == 1) {
      some.good(v4(0xc0000200U + pick % 64));
    } else {
      const auto came =
          some.begin(pick % 3 == 0 ? in_site(static_cast<std::uint16_t>(pick % 700)) : v4(0xc0000200U + pick % 600));
      if (came.evicted) CHECK(std::erase(alive, *came.evicted) == 1);
      alive.push_back(came.own);
    }
    REQUIRE(some.size() == alive.size());
    REQUIRE(some.size() <= 50);
  }
}

}  // namespace half_open_test
