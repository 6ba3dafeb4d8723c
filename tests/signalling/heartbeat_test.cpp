// SPDX-License-Identifier: BSL-1.0
#include <ajar/signalling/heartbeat.hpp>

#include <doctest/doctest.h>

namespace heartbeat_test {

using namespace ajar;
using namespace std::chrono_literals;
using signalling::heartbeat;

namespace {

constexpr time_point start(1000h);

}  // namespace

TEST_CASE("a ping is due every interval, each with another token, and not before") {
  heartbeat beat(20s, start);
  CHECK(beat.next() == start + 20s);
  CHECK(!beat.due(start));
  CHECK(!beat.due(start + 20s - 1ns));
  CHECK(beat.due(start + 20s) == 1);
  CHECK(!beat.due(start + 20s));
  CHECK(beat.next() == start + 40s);
  CHECK(beat.due(start + 43s) == 2);  // late: the next one counts from there
  CHECK(!beat.due(start + 60s));
  CHECK(beat.due(start + 63s) == 3);
}

TEST_CASE("two and a half intervals of silence are the end, and no less") {
  heartbeat beat(20s, start);
  CHECK(!beat.dead(start));
  CHECK(beat.due(start + 20s));
  CHECK(beat.due(start + 40s));
  CHECK(beat.next() == start + 50s);
  CHECK(!beat.dead(start + 50s - 1ns));
  CHECK(beat.dead(start + 50s));
  CHECK(beat.dead(start + 1h));
}

TEST_CASE("whatever is heard counts, not the answers alone") {
  heartbeat beat(20s, start);
  beat.heard(start + 49s);
  CHECK(!beat.dead(start + 98s));
  CHECK(beat.dead(start + 99s));
  CHECK(!beat.round_trip());
}

TEST_CASE("an interval that does not halve evenly is rounded, not lost") {
  heartbeat beat(3ns, start);
  CHECK(!beat.dead(start + 6ns));
  CHECK(beat.dead(start + 7ns));
}

TEST_CASE("the answer to the last ping tells a round trip, and the shortest one is kept") {
  heartbeat beat(20s, start);
  CHECK(!beat.round_trip());
  const auto first = beat.due(start + 20s);
  REQUIRE(first);
  beat.answered(*first, start + 20s + 80ms);
  CHECK(beat.round_trip() == 80ms);
  const auto second = beat.due(start + 40s);
  REQUIRE(second);
  beat.answered(*second, start + 40s + 30ms);
  CHECK(beat.round_trip() == 30ms);
  const auto third = beat.due(start + 60s);
  REQUIRE(third);
  beat.answered(*third, start + 60s + 90ms);
  CHECK(beat.round_trip() == 30ms);
}

TEST_CASE("an answer to an older ping, a second answer and an answer to nothing tell no round trip") {
  heartbeat beat(20s, start);
  beat.answered(0, start + 1s);
  beat.answered(1, start + 1s);
  CHECK(!beat.round_trip());
  const auto first = beat.due(start + 20s);
  const auto second = beat.due(start + 40s);
  REQUIRE(first);
  REQUIRE(second);
  beat.answered(*first, start + 40s + 1ms);
  CHECK(!beat.round_trip());
  beat.answered(*second, start + 40s + 5ms);
  beat.answered(*second, start + 40s);
  CHECK(beat.round_trip() == 5ms);
}

}  // namespace heartbeat_test
