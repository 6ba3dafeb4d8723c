// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/accept_budget.hpp>

#include <doctest/doctest.h>

using namespace ajar;
using ajar::switchboard::accept_budget;
using ajar::switchboard::accept_limits;
using namespace std::chrono_literals;

namespace {

const time_point start{1000h};

net::address at(const char* text) { return asio::ip::make_address(text); }
net::address numbered(std::uint32_t number) { return asio::ip::address_v4(0x0b000000U + number); }

accept_limits few() {
  accept_limits made;
  made.half_open = 6;
  made.half_open_per_address = 3;
  made.refusals_per_address = 4;
  made.links = 8;
  return made;
}

}  // namespace

TEST_CASE("one address has so many connections that are not linked yet, and gets them back") {
  accept_budget one(few());
  for (int i = 0; i < 3; ++i) CHECK(one.begin(at("192.0.2.1"), start));
  CHECK(!one.begin(at("192.0.2.1"), start));
  CHECK(one.begin(at("192.0.2.2"), start));
  one.linked(at("192.0.2.1"));
  CHECK(one.begin(at("192.0.2.1"), start));
  CHECK(!one.begin(at("192.0.2.1"), start));
  one.refused(at("192.0.2.1"));
  CHECK(one.begin(at("192.0.2.1"), start));
  CHECK(one.half_open() == 4);
  CHECK(one.links() == 1);
}

TEST_CASE("an IPv4 address is the same one when it is mapped into IPv6") {
  accept_budget one(few());
  for (int i = 0; i < 3; ++i) CHECK(one.begin(at("::ffff:192.0.2.1"), start));
  CHECK(!one.begin(at("192.0.2.1"), start));
  one.linked(at("192.0.2.1"));
  CHECK(one.begin(at("::ffff:192.0.2.1"), start));
}

TEST_CASE("an IPv6 host has a whole /64, which counts as one address") {
  accept_budget one(few());
  CHECK(one.begin(at("2001:db8::1"), start));
  CHECK(one.begin(at("2001:db8::ffff:2"), start));
  CHECK(one.begin(at("2001:db8:0:0:8000::"), start));
  CHECK(!one.begin(at("2001:db8::9"), start));
  CHECK(one.begin(at("2001:db8:0:1::1"), start));
}

TEST_CASE("all addresses together have so many connections that are not linked yet") {
  accept_budget one(few());
  for (std::uint32_t i = 0; i < 6; ++i) CHECK(one.begin(numbered(i), start));
  CHECK(!one.begin(numbered(9), start));
  one.refused(numbered(0));
  CHECK(one.begin(numbered(9), start));
}

TEST_CASE("there are so many links, those on their way included, and a link that ended makes room") {
  accept_budget one(few());
  for (std::uint32_t i = 0; i < 8; ++i) {
    CHECK(one.begin(numbered(i), start));
    one.linked(numbered(i));
  }
  CHECK(one.links() == 8);
  CHECK(!one.begin(numbered(9), start));
  one.unlinked();
  CHECK(one.begin(numbered(9), start));
  CHECK(!one.begin(numbered(10), start));
}

TEST_CASE("an address that was refused often is turned away unseen for the rest of the minute, others are not") {
  accept_budget one(few());
  for (int i = 0; i < 4; ++i) {
    CHECK(one.begin(at("192.0.2.1"), start));
    one.refused(at("192.0.2.1"));
  }
  CHECK(!one.begin(at("192.0.2.1"), start + 59s));
  CHECK(one.begin(at("192.0.2.2"), start + 59s));
  CHECK(one.begin(at("192.0.2.1"), start + 60s));
}

TEST_CASE("those who were turned away are not counted as there") {
  accept_budget one(few());
  for (std::uint32_t i = 0; i < 6; ++i) CHECK(one.begin(numbered(i), start));
  for (std::uint32_t i = 6; i < 1000; ++i) CHECK(!one.begin(numbered(i), start));
  CHECK(one.half_open() == 6);
  for (std::uint32_t i = 0; i < 6; ++i) one.refused(numbered(i));
  CHECK(one.half_open() == 0);
  CHECK(one.begin(numbered(500), start));
}

TEST_CASE("a minute that goes by forgets refusals, never connections that are there") {
  accept_budget one(few());
  for (int i = 0; i < 3; ++i) CHECK(one.begin(at("192.0.2.1"), start));
  CHECK(one.begin(at("192.0.2.2"), start + 2min));  // the minute is noticed here
  CHECK(!one.begin(at("192.0.2.1"), start + 2min));
  CHECK(one.half_open() == 4);
  for (int i = 0; i < 3; ++i) one.refused(at("192.0.2.1"));
  one.linked(at("192.0.2.2"));
  CHECK(one.half_open() == 0);
  CHECK(one.links() == 1);
}
