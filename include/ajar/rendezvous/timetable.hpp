// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/timetable.hpp - when each rung of a plan begins and ends.
#pragma once

#include <ajar/core/stamp.hpp>
#include <ajar/rendezvous/passage.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace ajar::rendezvous {

/// What the times depend on.
struct timetable_terms {
  clock::duration round_trip{0};               ///< between the two ends
  clock::duration by_central{0};               ///< of both ends to central, together
  std::optional<clock::duration> opens_after;  ///< windows::arrival::opens_after of a kept pair
  bool met = false;                            ///< the two have met before: the round trip is measured
  std::chrono::milliseconds window_time{0};    ///< from the first start
  time_point until{};                          ///< of an earlier answer to the same request, if there was one
};

/// A rung, and when the server does what.
struct planned_rung {
  rung_in_time time;
  bool same_site = false;
  bool punches = false;
  bool at_once = false;     ///< the server opens before it answers
  bool second_try = false;  ///< of the rung before, at another port
  clock::duration polls{};  ///< how long the open port is asked without sleeping
};

struct timetable {
  std::vector<planned_rung> rungs;
  clock::duration round_trip{0};
  std::string why;
};

/// Microseconds of a message's field.
inline std::uint32_t in_microseconds(clock::duration time) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, 60'000'000));
}

/// Set the times of a plan. The first start is as far ahead as the answer takes to the client, and 10 ms for whatever
/// delays it, or 3 ms between ends that are near each other; the rungs follow one another without a message, each as
/// long as its packets need. Near ends that never met do not wait: the server opens before it answers.
///
/// Pure. Precondition: the plan has rungs.
inline timetable make_timetable(const windows::ladder& plan, const trust::request_id& id, time_point now,
                                const timetable_terms& terms) {
  const bool near = terms.round_trip < windows::short_round_trip;
  const std::chrono::milliseconds spare{near ? 3 : 10};
  const std::chrono::milliseconds early{near ? 1 : 5};  // where no arrival was seen: before the earliest one
  constexpr std::chrono::milliseconds sure{5};          // the second try is early enough for a machine that is busy
  timetable made;
  made.round_trip = terms.round_trip;
  made.why = plan.why;
  const auto gap = windows::redial_grid::gap_for(terms.round_trip);
  const bool first_at_once = near && !terms.met && plan.rungs.front().kind == trust::rung_kind::listener;
  const auto start = first_at_once ? now : now + terms.by_central / 2 + spare;
  const auto end = terms.until == time_point() ? start + terms.window_time : terms.until;
  auto at = start;
  const auto add = [&](const windows::planned& one, std::vector<net::tcp::endpoint> server,
                       std::vector<net::tcp::endpoint> client, clock::duration length) {
    planned_rung rung;
    rung.time.what = {one.kind, 0, 0, std::move(server), std::move(client)};
    rung.time.here = window_end::server;
    rung.time.id = id;
    rung.time.start = at;
    rung.time.end = at + length;
    rung.same_site = one.same_site;
    rung.punches = one.punches;
    rung.at_once = first_at_once && made.rungs.empty();
    rung.time.opens = at + terms.opens_after.value_or(-early);
    if (near && terms.opens_after) rung.polls = std::chrono::microseconds(400);  // the arrival is known to some 100
    if (!rung.at_once) rung.time.what.start_us = stamp_of(at);
    if (one.kind != trust::rung_kind::crossing || !near || !one.unchanged) {
      rung.time.what.grid_ms = static_cast<std::uint16_t>(std::chrono::ceil<std::chrono::milliseconds>(gap).count());
    }
    made.rungs.push_back(std::move(rung));
    at += length;
  };
  for (const auto& one : plan.rungs) {
    if (made.rungs.size() >= trust::window_answer::most_rungs) break;
    if (one.kind == trust::rung_kind::crossing) {
      add(one, one.server, one.client,
          std::max<clock::duration>(std::chrono::milliseconds(150), gap * 3 + terms.round_trip));
    } else if (one.kind == trust::rung_kind::listener && made.rungs.empty() && first_at_once) {
      add(one, {one.server.front()}, one.client, terms.window_time / 2);
    } else {
      // the last acknowledgement comes one and a half round trips after the start
      const auto lead = std::max<clock::duration>(sure, -terms.opens_after.value_or(-early)) + sure;
      const auto length = terms.round_trip * 2 + std::chrono::milliseconds(40) + lead;
      const bool ours = one.kind == trust::rung_kind::listener;
      const auto& ports = ours ? one.server : one.client;  // of the end that listens; the second is for a second try
      for (std::size_t i = 0; i < std::min<std::size_t>(2, ports.size()); ++i) {
        if (made.rungs.size() >= trust::window_answer::most_rungs) break;
        if (ours) {
          add(one, {ports[i]}, one.client, length);
        } else {
          add(one, one.server, {ports[i]}, length);
        }
        auto& rung = made.rungs.back();
        rung.second_try = i > 0;
        if (rung.second_try) rung.time.opens = std::min(rung.time.opens, rung.time.start - sure);
      }
    }
  }
  // what does not fit is left out, and the last one has all the time that is left
  std::erase_if(made.rungs, [&](const planned_rung& rung) { return rung.time.start >= end; });
  if (made.rungs.empty()) return made;
  made.rungs.back().time.end = end;
  // the server is done with one before it opens the next
  for (std::size_t i = 1; i < made.rungs.size(); ++i) {
    const auto& next = made.rungs[i];
    auto& before = made.rungs[i - 1].time;
    if (next.time.what.kind != trust::rung_kind::listener) continue;
    before.end = std::min(before.end, next.time.opens - sure);
  }
  return made;
}

}  // namespace ajar::rendezvous
