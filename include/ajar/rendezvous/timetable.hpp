// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/timetable.hpp - when each rung of a plan begins and ends.
#pragma once

#include <ajar/core/stamp.hpp>
#include <ajar/rendezvous/passage.hpp>
#include <ajar/windows/plan.hpp>
#include <ajar/windows/policy.hpp>
#include <ajar/windows/redial_grid.hpp>

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
  std::chrono::milliseconds window_time{0};    ///< that ports may be open, all together
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
  std::optional<errc> cause{};  ///< where there are no rungs, and more time would not help
};

/// Microseconds of a message's field.
inline std::uint32_t in_microseconds(clock::duration time) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, 60'000'000));
}

namespace detail {

// Sets the times of one plan.
class scheduler {
 public:
  scheduler(const windows::ladder& plan, const trust::request_id& id, time_point now, const timetable_terms& terms)
      : plan_(plan), id_(id), terms_(terms), near_(terms.round_trip < windows::short_round_trip) {
    const std::chrono::milliseconds spare{near_ ? 3 : 10};
    at_once_ = near_ && !terms.met && plan.rungs.front().kind == trust::rung_kind::listener;
    at_ = at_once_ ? now : now + terms.by_central / 2 + spare;
    made_.round_trip = terms.round_trip;
    made_.why = plan.why;
  }

  timetable make() {
    for (const auto& one : plan_.rungs) {
      if (!has_room()) break;
      if (one.kind != trust::rung_kind::crossing && is_too_far()) continue;
      if (one.kind == trust::rung_kind::crossing) {
        add(one, one.server, one.client, crossing_time());
      } else if (at_once_ && made_.rungs.empty()) {
        add(one, {one.server.front()}, one.client, terms_.window_time / 2);
      } else {
        add_listeners(one);
      }
    }
    if (!made_.rungs.empty()) {
      end_in_time();
    } else if (is_too_far()) {
      made_.cause = errc::way_too_long;
      made_.why = "the round trip is longer than a port may be open for";
    }
    return std::move(made_);
  }

 private:
  static constexpr std::chrono::milliseconds sure{5};  // the second try is early enough for a machine that is busy

  bool has_room() const { return made_.rungs.size() < trust::window_answer::most_rungs; }

  // Nobody would come in time: a port that opens with the first SYN is open for one and a half round trips, one that
  // opens when it arrives for one. What was not measured may be shorter than by central.
  bool is_too_far() const {
    const auto longest = terms_.opens_after ? windows::longest_way * 3 / 2 : windows::longest_way;
    return terms_.met && terms_.round_trip > longest;
  }

  // Where no arrival was seen: before the earliest one.
  clock::duration opens_after() const { return terms_.opens_after.value_or(-std::chrono::milliseconds(near_ ? 1 : 5)); }

  // Three tries; two where the round trip is so long that a third would have others wait for seconds.
  clock::duration crossing_time() const {
    constexpr std::chrono::milliseconds least{150};
    constexpr std::chrono::milliseconds patience{1500};
    const auto gap = windows::redial_grid::gap_for(terms_.round_trip);
    const auto three = gap * 3 + terms_.round_trip;
    return std::max<clock::duration>(least, three < patience ? three : gap + terms_.round_trip + least);
  }

  // The last acknowledgement comes one and a half round trips after the start.
  clock::duration listening_time() const {
    const auto lead = std::max<clock::duration>(sure, -opens_after()) + sure;
    return terms_.round_trip * 2 + std::chrono::milliseconds(40) + lead;
  }

  // One at each port of the end that listens; the second is for a second try.
  void add_listeners(const windows::planned& one) {
    const bool ours = one.kind == trust::rung_kind::listener;
    const auto& ports = ours ? one.server : one.client;
    for (std::size_t i = 0; i < std::min<std::size_t>(2, ports.size()) && has_room(); ++i) {
      if (ours) {
        add(one, {ports[i]}, one.client, listening_time());
      } else {
        add(one, one.server, {ports[i]}, listening_time());
      }
      if (i == 0) continue;
      auto& rung = made_.rungs.back();
      rung.second_try = true;
      rung.time.opens = std::min(rung.time.opens, rung.time.start - sure);
    }
  }

  void add(const windows::planned& one, std::vector<net::tcp::endpoint> server, std::vector<net::tcp::endpoint> client,
           clock::duration length) {
    planned_rung rung;
    rung.time.what = {one.kind, 0, 0, std::move(server), std::move(client)};
    rung.time.here = window_end::server;
    rung.time.id = id_;
    rung.time.start = at_;
    rung.time.end = at_ + length;
    rung.same_site = one.same_site;
    rung.punches = one.punches;
    rung.at_once = at_once_ && made_.rungs.empty();
    rung.time.opens = at_ + opens_after();
    if (near_ && terms_.opens_after) rung.polls = std::chrono::microseconds(400);  // the arrival is known to some 100
    if (!rung.at_once) rung.time.what.start_us = stamp_of(at_);
    if (one.kind != trust::rung_kind::crossing || !near_ || !one.unchanged) {
      const auto gap = windows::redial_grid::gap_for(terms_.round_trip);
      const auto count = std::chrono::ceil<std::chrono::milliseconds>(gap).count();
      rung.time.what.grid_ms = static_cast<std::uint16_t>(std::min<std::int64_t>(count, longest_gap.count()));
    }
    made_.rungs.push_back(std::move(rung));
    at_ += length;
  }

  // The ladder and its ports have so much time; what does not fit is left out, and the last one has all that is left.
  void end_in_time() {
    constexpr std::chrono::milliseconds useful{20};  // nobody comes to a port that is open for less
    auto& rungs = made_.rungs;
    auto left = terms_.window_time;
    const auto end = terms_.until == time_point() ? rungs.front().time.start + longest_ladder : terms_.until;
    for (std::size_t i = 0; i < rungs.size(); ++i) {
      auto& time = rungs[i].time;
      const bool opens = time.what.kind != trust::rung_kind::crossing;
      if (time.start >= end || (opens && left < useful)) {
        rungs.resize(i);
        break;
      }
      time.end = std::min(time.end, end);
      if (opens) left -= shorten(time, left);
    }
    if (rungs.empty()) return;
    last_has_all(left, end);
    // the server is done with one before it opens the next
    for (std::size_t i = 1; i < rungs.size(); ++i) {
      const auto& next = rungs[i];
      auto& before = rungs[i - 1].time;
      if (next.time.what.kind == trust::rung_kind::listener) before.end = std::min(before.end, next.time.opens - sure);
    }
  }

  // @return for how long a port is open
  static std::chrono::milliseconds shorten(rung_in_time& time, std::chrono::milliseconds left) {
    const auto from = std::min(time.opens, time.start);
    time.end = std::min<time_point>(time.end, from + left);
    return std::min(left, std::chrono::ceil<std::chrono::milliseconds>(time.end - from));
  }

  void last_has_all(std::chrono::milliseconds left, time_point end) {
    auto& last = made_.rungs.back().time;
    const bool crosses = last.what.kind == trust::rung_kind::crossing;
    const auto own =
        crosses ? std::max<time_point>(last.end, made_.rungs.front().time.start + terms_.window_time) : last.end + left;
    last.end = std::min<time_point>(own, end);
  }

  static constexpr std::chrono::milliseconds longest_gap{2'000};

  const windows::ladder& plan_;
  const trust::request_id& id_;
  const timetable_terms& terms_;
  bool near_;
  bool at_once_ = false;
  time_point at_{};
  timetable made_;
};

}  // namespace detail

/// Set the times of a plan. The first start is as far ahead as the answer takes to the client, and 10 ms for whatever
/// delays it, or 3 ms between ends that are near each other; the rungs follow one another without a message, each as
/// long as its packets need, and listeners no longer than ports may be open. Near ends that never met do not wait: the
/// server opens before it answers. Where the round trip was measured, and a port would close before anybody can be
/// there, none opens: way_too_long, if there is no other rung.
///
/// Pure. Precondition: the plan has rungs.
inline timetable make_timetable(const windows::ladder& plan, const trust::request_id& id, time_point now,
                                const timetable_terms& terms) {
  return detail::scheduler(plan, id, now, terms).make();
}

}  // namespace ajar::rendezvous
