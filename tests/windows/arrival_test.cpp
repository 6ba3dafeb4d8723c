// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/arrival.hpp>

#include <doctest/doctest.h>

#include <random>

namespace arrival_test {

using namespace ajar;
using namespace ajar::windows;
using namespace std::chrono_literals;

namespace {

struct course {
  double found = 0;              // of the first SYNs, the part that found the port open
  clock::duration mean_open{0};  // from the opening to the SYN
};

// A thousand windows of one pair: the SYN comes after `usual` and up to `jitter` more.
course simulate(clock::duration usual, clock::duration jitter, clock::duration round_trip) {
  constexpr int windows = 1000;
  std::mt19937_64 chance(7);
  arrival pair;
  int hits = 0;
  clock::duration open{0};
  for (int i = 0; i < windows; ++i) {
    const auto more =
        jitter.count() == 0 ? 0 : static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(jitter.count()));
    const auto comes = usual + clock::duration(more);
    const auto opens = pair.opens_after().value_or(-5ms);
    if (opens <= comes) {
      ++hits;
      open += comes - opens;
      pair.met(round_trip, comes);
    } else {
      pair.missed();
      pair.met(round_trip, std::nullopt);
    }
  }
  return {static_cast<double>(hits) / windows, open / hits};
}

}  // namespace

TEST_CASE("at a round trip of 50 ms the port opens a little before the SYN, with jitter and without") {
  const auto still = simulate(25ms, 0ms, 50ms);
  CHECK(still.found >= 0.99);
  CHECK(still.mean_open <= 2ms);
  const auto shaken = simulate(25ms, 5ms, 50ms);
  CHECK(shaken.found >= 0.99);
  CHECK(shaken.mean_open <= 15ms);
}

TEST_CASE("on one machine it opens some tens of microseconds before the SYN") {
  const auto near = simulate(200us, 20us, 40us);
  CHECK(near.found >= 0.99);
  CHECK(near.mean_open <= 100us);
}

TEST_CASE("a clock that is off by more than the port opens early is learned after a few that were missed") {
  const auto late = simulate(-30ms, 1ms, 2ms);
  CHECK(late.found >= 0.99);
  CHECK(late.mean_open <= 3ms);
}

TEST_CASE("a clock that is off by less than the path is learned, in both directions") {
  CHECK(simulate(-3ms, 1ms, 50ms).found >= 0.99);
  CHECK(simulate(70ms, 1ms, 50ms).found >= 0.99);
}

TEST_CASE("before the first arrival nothing is known, and the shortest round trip is kept") {
  arrival pair;
  CHECK(!pair.opens_after());
  CHECK(!pair.round_trip());
  pair.met(50ms, std::nullopt);
  CHECK(!pair.opens_after());
  pair.met(60ms, 25ms);
  CHECK(pair.round_trip() == 50ms);
  REQUIRE(pair.opens_after());
  CHECK(*pair.opens_after() < 25ms);
}

TEST_CASE("a miss widens the margin, and arrivals narrow it again") {
  arrival pair;
  for (int i = 0; i < 50; ++i) pair.met(50ms, 25ms);
  const auto usual = pair.margin();
  pair.missed();
  const auto wide = pair.margin();
  CHECK(wide >= 2 * usual);
  pair.missed();
  CHECK(pair.margin() > wide);
  for (int i = 0; i < 100; ++i) pair.met(50ms, 25ms);
  CHECK(pair.margin() < usual * 3 / 2);
}

TEST_CASE("a memory is bounded, and forgets whom it met longest ago") {
  pair_memory all;
  const auto id = [](std::uint32_t number) {
    std::array<std::uint8_t, 32> octets{};
    for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return identity::peer_id(octets);
  };
  all.of(id(0)).met(1ms, 1ms);
  all.of(id(1)).met(2ms, 1ms);
  for (std::uint32_t i = 2; i < pair_memory::most; ++i) all.of(id(i)).met(3ms, 1ms);
  CHECK(all.of(id(0)).round_trip() == 1ms);
  all.of(id(5000)).met(4ms, 1ms);
  CHECK(all.size() == pair_memory::most);
  CHECK(all.of(id(0)).round_trip() == 1ms);
  CHECK(!all.of(id(1)).round_trip());
  all.clear();
  CHECK(all.size() == 0);
}

}  // namespace arrival_test
