// SPDX-License-Identifier: BSL-1.0
// A server's plan in the client's own time: what opens and ends when, and which plan no honest server makes.
#include <ajar/rendezvous/ask.hpp>

#include <doctest/doctest.h>

namespace ask_test {

using namespace ajar;
using namespace ajar::rendezvous;
using namespace std::chrono_literals;
using trust::rung_kind;

namespace {

constexpr time_point came_at(1h);               // on our clock
constexpr std::uint64_t ahead = 5'000'000'000;  // theirs, in microseconds
constexpr auto round_trip = 50ms;

std::uint64_t theirs(time_point ours) { return stamp_of(ours) + ahead; }

trust::rung rung(rung_kind kind, time_point start) { return {kind, theirs(start), 0, {}, {}}; }

// Received half a round trip before it came back, and answered in no time.
trust::window_answer answer(std::vector<trust::rung> rungs) {
  trust::window_answer made;
  made.budget_ms = 800;
  made.received_us = theirs(came_at - round_trip / 2);
  made.sent_us = made.received_us;
  made.round_trip_us = static_cast<std::uint32_t>(std::chrono::microseconds(round_trip).count());
  made.rungs = std::move(rungs);
  return made;
}

errand nothing_known() {
  const auto self = identity::key::generate();
  auto grant = trust::signed_grant::sign({}, self);
  return {self, std::move(grant), nullptr, nullptr, {}, {}, {}, trust::every_rung, false, never, {}, {}};
}

result<rendezvous::detail::guided> guide(const trust::window_answer& said, const errand& about = nothing_known()) {
  return rendezvous::detail::guide(about, said, stamp_of(came_at - round_trip), came_at);
}

}  // namespace

TEST_CASE("the server's instants are ours by the offset of the clocks, and each rung ends where the next begins") {
  const auto start = came_at + 10ms;
  const auto made = guide(answer({rung(rung_kind::crossing, start), rung(rung_kind::listener, start + 200ms),
                                  rung(rung_kind::listener, start + 400ms)}));
  REQUIRE(made);
  REQUIRE(made->rungs.size() == 3);
  CHECK(made->rungs[0].start == start);
  CHECK(made->rungs[0].end == start + 200ms);
  CHECK(made->rungs[1].start == start + 200ms);
  CHECK(made->rungs[1].end == start + 400ms);
  CHECK(made->rungs[2].end == made->until);
  CHECK(made->until == start + 800ms + round_trip);
}

TEST_CASE("a rung without an instant begins when the answer comes") {
  auto said = answer({rung(rung_kind::listener, came_at)});
  said.rungs[0].start_us = 0;
  const auto made = guide(said);
  REQUIRE(made);
  CHECK(made->rungs[0].start == came_at);
}

TEST_CASE("our own port opens a little before its start, a second one earlier, and never two at a time") {
  const auto start = came_at + 50ms;
  const auto second = start + 200ms;
  const auto made =
      guide(answer({rung(rung_kind::listener_reverse, start), rung(rung_kind::listener_reverse, second)}));
  REQUIRE(made);
  CHECK(made->rungs[0].opens == start - 5ms);
  CHECK(made->rungs[1].opens == second - 20ms);
  CHECK(made->rungs[0].end < made->rungs[1].opens);
  CHECK(made->rungs[0].end > start + 2 * round_trip);
}

TEST_CASE("a crossing before our own port has ended when that opens") {
  const auto start = came_at + 50ms;
  const auto made = guide(answer({rung(rung_kind::crossing, start), rung(rung_kind::listener_reverse, start + 200ms)}));
  REQUIRE(made);
  CHECK(made->rungs[1].opens == start + 195ms);
  CHECK(made->rungs[0].end < made->rungs[1].opens);
}

TEST_CASE("no honest plan begins seconds away, or was answered before it was asked") {
  CHECK(guide(answer({rung(rung_kind::listener, came_at + 7900ms)})));
  for (const auto start : {came_at + 8100ms, came_at - 8100ms}) {
    const auto made = guide(answer({rung(rung_kind::listener, start)}));
    REQUIRE(!made);
    CHECK(made.error() == errc::answer_forged);
  }
  auto said = answer({rung(rung_kind::listener, came_at)});
  said.sent_us = said.received_us - 1;
  const auto made = guide(said);
  REQUIRE(!made);
  CHECK(made.error() == errc::answer_forged);
}

TEST_CASE("no server has its client knock more often than packets take, or at an instant that is none") {
  auto often = rung(rung_kind::listener, came_at);
  for (const auto& [said, kept] : {std::pair{0, 0}, {1, 60}, {60, 60}, {700, 700}, {65'535, 2'000}}) {
    often.grid_ms = static_cast<std::uint16_t>(said);
    const auto made = guide(answer({often}));
    REQUIRE(made);
    CHECK(made->rungs[0].what.grid_ms == kept);
  }
  for (const auto far : {std::uint64_t{1} << 62U, std::uint64_t{1} << 63U}) {
    often.start_us = theirs(came_at) + far;
    CHECK(guide(answer({often})).error() == errc::answer_forged);
  }
}

TEST_CASE("a client dials none of a plan that names this machine, its network or a metadata service") {
  for (const char* victim : {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1"}) {
    for (const auto kind : {rung_kind::listener, rung_kind::crossing, rung_kind::listener_reverse}) {
      auto good = rung(kind, came_at);
      good.server = {{asio::ip::make_address("192.175.48.7"), 443}};
      auto bad = good;
      bad.server.push_back({asio::ip::make_address(victim), 80});
      CHECK(guide(answer({good})));
      CHECK(guide(answer({good, bad})).error() == errc::address_not_permitted);
    }
  }
}

TEST_CASE("the exchange of the shortest round trip tells what the server's clock says") {
  auto about = nothing_known();
  about.server_clock = std::make_shared<net::clock_filter>();
  const auto start = came_at + 10ms;
  REQUIRE(guide(answer({rung(rung_kind::listener, start)}), about));
  // the same server; this answer has been under way for 20 ms more on one of the ways
  auto late = answer({rung(rung_kind::listener, start)});
  late.received_us -= 20'000;
  late.sent_us -= 20'000;
  const auto made = rendezvous::detail::guide(about, late, stamp_of(came_at - round_trip - 20ms), came_at);
  REQUIRE(made);
  CHECK(made->rungs[0].start == start);
}

TEST_CASE("a ladder is never longer than any, and our own ports are open for less than a second") {
  auto said = answer({rung(rung_kind::listener, came_at)});
  said.budget_ms = 60'000;
  said.round_trip_us = 60'000'000;
  auto made = guide(said);
  REQUIRE(made);
  CHECK(made->until == came_at + longest_ladder + 1s);
  const auto start = came_at + 50ms;
  said.rungs = {rung(rung_kind::listener_reverse, start), rung(rung_kind::crossing, start + 700ms),
                rung(rung_kind::listener_reverse, start + 900ms)};
  made = guide(said);
  REQUIRE(made);
  clock::duration open(0);
  for (const auto i : {0U, 2U}) open += made->rungs[i].end - made->rungs[i].opens;
  CHECK(open == windows::longest_window);
}

}  // namespace ask_test
