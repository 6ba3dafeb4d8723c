// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/timetable.hpp>

#include <doctest/doctest.h>
#include <ajar/windows/policy.hpp>

namespace timetable_test {

using namespace ajar;
using namespace ajar::rendezvous;
using namespace std::chrono_literals;
using trust::rung_kind;

namespace {

constexpr time_point now(1h);
const trust::request_id id{7};

windows::planned rung(rung_kind kind, bool unchanged = false) {
  const auto at = asio::ip::make_address("192.0.2.1");
  return {kind, false, false, unchanged, false, {{at, 1}, {at, 2}}, {{at, 3}, {at, 4}}};
}

windows::ladder plan(std::vector<windows::planned> rungs) { return {std::move(rungs), std::nullopt, "because"}; }

timetable_terms far() { return {50ms, 60ms, std::nullopt, false, 800ms, {}}; }
timetable_terms close_by() { return {100us, 120us, std::nullopt, false, 800ms, {}}; }

}  // namespace

TEST_CASE("the first start is as far ahead as the answer takes, and 10 ms") {
  const auto made = make_timetable(plan({rung(rung_kind::crossing)}), id, now, far());
  REQUIRE(made.rungs.size() == 1);
  const auto& one = made.rungs[0];
  CHECK(one.time.start == now + 40ms);
  CHECK(one.time.end == now + 840ms);
  CHECK(one.time.what.start_us == stamp_of(now + 40ms));
  CHECK(one.time.what.grid_ms == 63);  // 1.25 round trips
  CHECK(one.time.id == id);
  CHECK(made.why == "because");
}

TEST_CASE("rungs follow one another, and the last one has what is left") {
  const auto made = make_timetable(plan({rung(rung_kind::crossing), rung(rung_kind::listener)}), id, now, far());
  REQUIRE(made.rungs.size() == 3);        // a listener, and the same once more at the other port
  for (const std::size_t i : {0U, 1U}) {  // done before the next one opens, which is before its start
    CHECK(made.rungs[i].time.end < made.rungs[i + 1].time.opens);
    CHECK(made.rungs[i].time.end >= made.rungs[i + 1].time.start - 10ms);
  }
  const auto open =
      (made.rungs[1].time.end - made.rungs[1].time.opens) + (made.rungs[2].time.end - made.rungs[2].time.opens);
  CHECK(open <= 800ms);
  CHECK(open >= 780ms);
  CHECK(made.rungs[1].time.what.server[0].port() == 1);
  CHECK(made.rungs[2].time.what.server[0].port() == 2);
  CHECK(!made.rungs[1].second_try);
  CHECK(made.rungs[2].second_try);
  // the last acknowledgement of the handshake comes one and a half round trips after the start
  CHECK(made.rungs[1].time.end - made.rungs[1].time.start >= 75ms);
}

TEST_CASE("a listener opens a little before the start, or before the arrival that is known") {
  auto terms = far();
  auto made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
  CHECK(made.rungs[0].time.opens == made.rungs[0].time.start - 5ms);
  CHECK(!made.rungs[0].at_once);
  terms.opens_after = 24ms;
  made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
  CHECK(made.rungs[0].time.opens == made.rungs[0].time.start + 24ms);
}

TEST_CASE("where the round trip is short the server opens at once, unless the two have met before") {
  auto terms = close_by();
  auto made = make_timetable(plan({rung(rung_kind::listener), rung(rung_kind::crossing, true)}), id, now, terms);
  REQUIRE(made.rungs.size() == 2);
  CHECK(made.rungs[0].at_once);
  CHECK(made.rungs[0].time.what.start_us == 0);
  CHECK(made.rungs[0].time.start == now);
  CHECK(made.rungs[1].time.what.start_us != 0);
  terms.met = true;
  made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
  REQUIRE(made.rungs.size() == 2);
  CHECK(!made.rungs[0].at_once);
  CHECK(made.rungs[0].time.what.start_us != 0);
  CHECK(made.rungs[0].time.start == now + 60us + 3ms);
  CHECK(made.rungs[0].time.opens == made.rungs[0].time.start - 1ms);
  CHECK(made.rungs[1].second_try);
  terms.opens_after = 150us;
  made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
  CHECK(made.rungs[0].time.opens == made.rungs[0].time.start + 150us);
}

TEST_CASE("however early a port opens, the one before has had its time") {
  for (const auto opens_after : {-100ms, -20ms, -1ms, 25ms}) {
    auto terms = far();
    terms.opens_after = opens_after;
    const auto made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
    REQUIRE(made.rungs.size() == 2);
    CHECK(made.rungs[1].second_try);
    CHECK(made.rungs[1].time.opens <= made.rungs[1].time.start - 5ms);
    CHECK(made.rungs[0].time.end < made.rungs[1].time.opens);
    // the last acknowledgement comes one and a half round trips after the start
    CHECK(made.rungs[0].time.end - made.rungs[0].time.start >= 75ms + 20ms);
  }
}

TEST_CASE("the client's listener has a second try, too, at its other port") {
  const auto made = make_timetable(plan({rung(rung_kind::listener_reverse)}), id, now, far());
  REQUIRE(made.rungs.size() == 2);
  for (const std::size_t i : {0U, 1U}) {
    CHECK(made.rungs[i].time.what.kind == rung_kind::listener_reverse);
    REQUIRE(made.rungs[i].time.what.client.size() == 1);
    CHECK(made.rungs[i].time.what.client[0].port() == 3 + i);
    CHECK(made.rungs[i].second_try == (i == 1));
  }
  CHECK(made.rungs[0].time.end == made.rungs[1].time.start);
}

TEST_CASE("a crossing nearby is signed where nothing changes addresses: its grid is 0") {
  auto made = make_timetable(plan({rung(rung_kind::crossing, true)}), id, now, close_by());
  CHECK(made.rungs[0].time.what.grid_ms == 0);
  made = make_timetable(plan({rung(rung_kind::crossing, false)}), id, now, close_by());
  CHECK(made.rungs[0].time.what.grid_ms == 60);
  made = make_timetable(plan({rung(rung_kind::crossing, true)}), id, now, far());
  CHECK(made.rungs[0].time.what.grid_ms == 63);
}

TEST_CASE("a later answer keeps the end of the first one, and what does not fit is left out") {
  auto terms = far();
  terms.until = now + 100ms;
  auto made = make_timetable(plan({rung(rung_kind::crossing), rung(rung_kind::listener)}), id, now, terms);
  REQUIRE(made.rungs.size() == 1);
  CHECK(made.rungs[0].time.end == now + 100ms);
  terms.until = now + 20ms;
  made = make_timetable(plan({rung(rung_kind::crossing)}), id, now, terms);
  CHECK(made.rungs.empty());
}

TEST_CASE("no port is open for a second, whatever the round trip, and no ladder is longer than a client waits") {
  for (const auto trip : {0ms, 1ms, 5ms, 50ms, 200ms, 400ms, 900ms, 1'500ms, 60'000ms}) {
    for (const auto opens_after : {std::optional<clock::duration>(), std::optional<clock::duration>(trip / 2)}) {
      CAPTURE(trip.count());
      auto terms = far();
      terms.round_trip = trip;
      terms.by_central = trip;
      terms.opens_after = opens_after;
      terms.window_time = windows::window_time_for(trip);
      const auto made = make_timetable(
          plan({rung(rung_kind::crossing), rung(rung_kind::listener), rung(rung_kind::listener_reverse)}), id, now,
          terms);
      REQUIRE(!made.rungs.empty());
      CHECK(made.rungs.size() <= trust::window_answer::most_rungs);
      CHECK(made.rungs.back().time.end - made.rungs.front().time.start <= longest_ladder);
      clock::duration open(0);
      for (const auto& one : made.rungs) {
        CHECK(one.time.start < one.time.end);
        if (one.time.what.kind != rung_kind::crossing) open += one.time.end - std::min(one.time.opens, one.time.start);
      }
      CHECK(open < 1s);
    }
  }
}

TEST_CASE("a port is open until the connection of a long way stands, and a crossing has its time before") {
  for (const auto trip : {100ms, 240ms, 400ms, 600ms}) {
    for (const auto by_central : {trip, trip * 2}) {  // the way by central is as long, or twice so
      CAPTURE(trip.count());
      auto terms = far();
      terms.round_trip = by_central;
      terms.by_central = by_central;
      terms.window_time = windows::window_time_for(by_central);
      for (const auto kind : {rung_kind::listener, rung_kind::listener_reverse}) {
        const auto made = make_timetable(plan({rung(rung_kind::crossing), rung(kind)}), id, now, terms);
        REQUIRE(made.rungs.size() >= 2);
        CHECK(made.rungs[0].time.end - made.rungs[0].time.start >= trip + trip / 2);
        CHECK(made.rungs[1].time.end - made.rungs[1].time.start >= trip + trip / 2);
        CHECK(made.rungs[1].time.start >= made.rungs[0].time.end);
      }
    }
  }
}

TEST_CASE("ports that were open already leave less to later answers") {
  auto terms = far();
  terms.window_time = 300ms;
  terms.until = now + 5s;
  auto made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
  REQUIRE(made.rungs.size() == 2);
  CHECK(made.rungs.back().time.end - made.rungs.front().time.opens <= 320ms);
  terms.window_time = 10ms;
  CHECK(make_timetable(plan({rung(rung_kind::listener)}), id, now, terms).rungs.empty());
}

TEST_CASE("no port opens where the way is known to be too long for it, and the cause says so") {
  for (const auto kind : {rung_kind::listener, rung_kind::listener_reverse}) {
    auto terms = far();
    terms.window_time = windows::longest_window;
    terms.met = true;
    terms.by_central = terms.round_trip = 650ms;
    CHECK(!make_timetable(plan({rung(kind)}), id, now, terms).rungs.empty());
    terms.by_central = terms.round_trip = 660ms;
    auto made = make_timetable(plan({rung(kind)}), id, now, terms);
    CHECK(made.rungs.empty());
    CHECK(made.cause == errc::way_too_long);
    CHECK(made.why == "the round trip is longer than a port may be open for");
    terms.opens_after = 330ms;  // when a SYN came: a port that opens then need not wait for it
    CHECK(!make_timetable(plan({rung(kind)}), id, now, terms).rungs.empty());
    terms.by_central = terms.round_trip = 1000ms;
    CHECK(make_timetable(plan({rung(kind)}), id, now, terms).cause == errc::way_too_long);
    made = make_timetable(plan({rung(kind), rung(rung_kind::crossing)}), id, now, terms);
    REQUIRE(made.rungs.size() == 1);
    CHECK(made.rungs[0].time.what.kind == rung_kind::crossing);
    CHECK(!made.cause);
    CHECK(made.why == "because");
    terms.met = false;  // only by central: it may lie far from both
    terms.opens_after.reset();
    CHECK(!make_timetable(plan({rung(kind)}), id, now, terms).rungs.empty());
  }
}

TEST_CASE("want of time is no long way") {
  auto terms = far();
  terms.met = true;
  terms.window_time = 10ms;
  const auto made = make_timetable(plan({rung(rung_kind::listener)}), id, now, terms);
  CHECK(made.rungs.empty());
  CHECK(!made.cause);
}

}  // namespace timetable_test
