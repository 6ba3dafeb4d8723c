// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/accept_budget.hpp>

#include <doctest/doctest.h>

namespace accept_budget_test {

using namespace ajar;
using ajar::switchboard::accept_budget;
using ajar::switchboard::accept_limits;
using namespace std::chrono_literals;

namespace {

const time_point start{1000h};

net::address at(const char* text) { return asio::ip::make_address(text); }

accept_limits few() {
  accept_limits made;
  made.refusals_per_address = 4;
  made.links = 8;
  return made;
}

void refuse(accept_budget& one, const char* from, int times) {
  for (int i = 0; i < times; ++i) one.refused(at(from));
}

}  // namespace

TEST_CASE("there are so many links, counted when they are decided on, and a link that ended makes room") {
  accept_budget one(few());
  for (int i = 0; i < 8; ++i) CHECK(one.link());
  CHECK(!one.link());
  CHECK(one.links() == 8);
  CHECK(one.permits(at("192.0.2.1"), start));  // it is told why there is no room
  one.unlinked();
  CHECK(one.link());
  CHECK(!one.link());
}

TEST_CASE("an address that was refused often is turned away unseen for the rest of the minute, others are not") {
  accept_budget one(few());
  CHECK(one.permits(at("192.0.2.1"), start));
  refuse(one, "192.0.2.1", 3);
  CHECK(one.permits(at("192.0.2.1"), start));
  refuse(one, "192.0.2.1", 1);
  CHECK(!one.permits(at("192.0.2.1"), start + 59s));
  CHECK(one.permits(at("192.0.2.2"), start + 59s));
  CHECK(one.permits(at("192.0.2.1"), start + 60s));
}

TEST_CASE("what was refused several times counts as often") {
  accept_budget one(few());
  CHECK(one.permits(at("192.0.2.1"), start));
  one.refused(at("192.0.2.1"), 4);
  CHECK(!one.permits(at("192.0.2.1"), start));
}

TEST_CASE("refusals of more addresses than there is room for are not counted, until the minute ends") {
  accept_budget one(few());
  CHECK(one.permits(at("192.0.2.1"), start));
  for (std::uint32_t i = 0; i < accept_budget::most_addresses; ++i) {
    one.refused(asio::ip::address_v4(0x0a000000 + i), 1);
  }
  refuse(one, "192.0.2.1", 9);
  CHECK(one.permits(at("192.0.2.1"), start));
  one.refused(asio::ip::address_v4(0x0a000000), 3);
  CHECK(!one.permits(at("10.0.0.0"), start));
  CHECK(one.permits(at("10.0.0.0"), start + 60s));
  refuse(one, "192.0.2.1", 4);
  CHECK(!one.permits(at("192.0.2.1"), start + 60s));
}

TEST_CASE("an IPv4 address is the same one when it is mapped into IPv6, and an IPv6 host has a whole /64") {
  accept_budget one(few());
  CHECK(one.permits(at("::ffff:192.0.2.1"), start));  // the minute begins
  refuse(one, "::ffff:192.0.2.1", 4);
  CHECK(!one.permits(at("192.0.2.1"), start));
  refuse(one, "2001:db8::1", 1);
  refuse(one, "2001:db8::ffff:2", 1);
  refuse(one, "2001:db8:0:0:8000::", 2);
  CHECK(!one.permits(at("2001:db8::9"), start));
  CHECK(one.permits(at("2001:db8:0:1::1"), start));
}

}  // namespace accept_budget_test
