// SPDX-License-Identifier: BSL-1.0
// What whoever comes to central's port uses up, however it ends.
#include <ajar/central/strangers.hpp>

#include <doctest/doctest.h>
#include <memory>

namespace strangers_test {

using namespace std::chrono_literals;
using namespace ajar;
using detail::central_strangers;

namespace {

const net::address here = asio::ip::make_address("192.0.2.1");
const net::address there = asio::ip::make_address("198.51.100.1");

struct port {
  explicit port(const switchboard::accept_limits& limits) : all(limits) {}

  // Nobody, where it is to be closed unseen.
  std::unique_ptr<central_strangers::stranger> come(const net::address& from) {
    const auto placed = all.come(from, now);
    if (!placed) return nullptr;
    evicted = placed->evicted;
    last = placed->own;
    return std::make_unique<central_strangers::stranger>(all, from, placed->own);
  }

  central_strangers all;
  time_point now{1000h};
  std::optional<net::half_open::ticket> evicted;
  net::half_open::ticket last = 0;
};

switchboard::accept_limits of_refusals(std::size_t most) {
  switchboard::accept_limits limits;
  limits.refusals_per_address = most;
  return limits;
}

}  // namespace

TEST_CASE("whoever goes without having been anybody is one refusal of its address") {
  port at(of_refusals(2));
  for (int i = 0; i < 2; ++i) {
    auto one = at.come(here);
    REQUIRE(one);
    CHECK(at.all.size() == 1);
    one.reset();
    CHECK(at.all.size() == 0);
  }
  CHECK(!at.come(here));
  CHECK(at.all.size() == 0);  // who is not let in takes no room
  CHECK(at.come(there));
  at.now += 1min;
  CHECK(at.come(here));
}

TEST_CASE("who had a link, or only wanted to know from where it comes, costs its address nothing") {
  port at(of_refusals(1));
  for (int i = 0; i < 3; ++i) {
    auto one = at.come(here);
    REQUIRE(one);
    REQUIRE(one->take_room());
    one->linked();
    CHECK(at.all.size() == 0);  // nobody has to make room for it any more
    CHECK(at.all.links() == 1);
    one.reset();
    CHECK(at.all.links() == 0);
    auto other = at.come(here);
    REQUIRE(other);
    other->reflected();
  }
}

TEST_CASE("who was counted as a link and was none in the end is a refusal, and counts no longer") {
  port at(of_refusals(1));
  auto one = at.come(here);
  REQUIRE(one);
  REQUIRE(one->take_room());
  one.reset();
  CHECK(at.all.links() == 0);
  CHECK(!at.come(here));
}

TEST_CASE("that central is full is nobody's fault, and there is room again when a link ends") {
  auto limits = of_refusals(1);
  limits.links = 1;
  port at(limits);
  auto one = at.come(here);
  REQUIRE(one);
  REQUIRE(one->take_room());
  one->linked();
  for (int i = 0; i < 3; ++i) {
    auto other = at.come(there);
    REQUIRE(other);
    const auto room = other->take_room();
    REQUIRE(!room);
    CHECK(room.error() == errc::central_busy);
    other.reset();
    CHECK(at.all.links() == 1);
  }
  one.reset();
  auto other = at.come(there);
  REQUIRE(other);
  CHECK(other->take_room());
}

TEST_CASE("where there is no room for strangers the oldest goes, but none that has its link") {
  switchboard::accept_limits limits;
  limits.half_open = 2;
  port at(limits);
  auto linked = at.come(here);
  REQUIRE(linked);
  REQUIRE(linked->take_room());
  linked->linked();
  auto oldest = at.come(there);
  REQUIRE(oldest);
  const auto first = at.last;
  auto other = at.come(there);
  CHECK(!at.evicted);
  auto last = at.come(there);
  REQUIRE(last);
  CHECK(at.evicted == first);
  CHECK(at.all.size() == 2);
  oldest.reset();  // it was not counted any more
  CHECK(at.all.size() == 2);
}

TEST_CASE("other limits hold for whoever comes then") {
  port at(of_refusals(1));
  at.come(here);
  CHECK(!at.come(here));
  at.all.limit(of_refusals(2));
  CHECK(at.come(here));
}

}  // namespace strangers_test
