// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/clock_offset.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace clock_offset_test {

using namespace ajar;
using namespace ajar::net;

namespace {

constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

// Their clock is `ahead` of ours; so long each way, and so long at theirs.
four_stamps exchange(std::uint64_t start, std::uint64_t ahead, std::uint64_t there, std::uint64_t at_theirs,
                     std::uint64_t back) {
  return {start, start + there + ahead, start + there + at_theirs + ahead, start + there + at_theirs + back};
}

}  // namespace

TEST_CASE("with equal ways the offset is exact, on whichever clocks") {
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{1'000'000}, last - 10}) {
    for (const std::uint64_t ahead : {std::uint64_t{0}, std::uint64_t{77}, last, last / 2, last - 5'000'000}) {
      const auto offset = offset_of(exchange(start, ahead, 25'000, 300, 25'000));
      REQUIRE(offset.has_value());
      CHECK(offset->ahead == ahead);
      CHECK(offset->round_trip.count() == 50'000);
      CHECK(offset->to_local(start + ahead + 5) == start + 5);
      CHECK(offset->to_theirs(start + 5) == start + ahead + 5);
    }
  }
}

TEST_CASE("the error is half the difference of the ways") {
  const auto offset = offset_of(exchange(1'000, 500, 30'000, 300, 20'000));
  REQUIRE(offset.has_value());
  CHECK(offset->ahead == 500 + 5'000);
}

TEST_CASE("what cannot be is an error") {
  CHECK(offset_of({100, 0, 0, 99}).error() == errc::message_malformed);        // received before it was sent
  CHECK(offset_of({0, 10, 9, 100}).error() == errc::message_malformed);        // theirs ran backwards
  CHECK(offset_of({0, 0, 101, 100}).error() == errc::message_malformed);       // longer there than in all
  CHECK(offset_of({0, 0, 0, 60'000'001}).error() == errc::message_malformed);  // a minute and more
  CHECK(offset_of({0, last, last, 0}).has_value());
  CHECK(offset_of({last, 0, last, last}).error() == errc::message_malformed);
}

TEST_CASE("of several exchanges that of the shortest round trip counts, until clocks may have drifted more") {
  using namespace std::chrono_literals;
  const auto measured = [](std::int64_t ahead, std::chrono::microseconds round_trip) {
    return clock_offset{static_cast<std::uint64_t>(ahead), round_trip};
  };
  clock_filter kept;
  time_point now(1h);
  CHECK(kept.add(measured(1'000, 400us), now).ahead == 1'000);
  CHECK(kept.add(measured(1'090, 600us), now + 1s).ahead == 1'000);
  CHECK(kept.add(measured(1'020, 300us), now + 2s).ahead == 1'020);
  CHECK(kept.add(measured(1'090, 600us), now + 5s).ahead == 1'020);
  CHECK(kept.add(measured(1'090, 600us), now + 60s).ahead == 1'090);  // 15 us in a second
}

TEST_CASE("a clock that no exchange can explain is another one") {
  using namespace std::chrono_literals;
  clock_filter kept;
  const time_point now(1h);
  CHECK(kept.add({1'000, 100us}, now).ahead == 1'000);
  CHECK(kept.add({static_cast<std::uint64_t>(-5'000'000), 900us}, now + 1s).ahead ==
        static_cast<std::uint64_t>(-5'000'000));
  CHECK(kept.add({last / 2, 900us}, now + 2s).ahead == last / 2);
}

}  // namespace clock_offset_test
