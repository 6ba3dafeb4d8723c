// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/heartbeat.hpp - when to ask "are you there?", and when to stop believing it.
#pragma once

#include <ajar/core/clock.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace ajar::signalling {

/// Decides for one link: a ping every interval, and the end after two and a half intervals of silence.
///
/// The half-dead link, up for the kernel and gone for everybody, is the commonest complaint about systems of this kind.
/// Pure: it is told the time.
class heartbeat {
 public:
  /// @param round_trip  what the greeting took, if that is known
  heartbeat(clock::duration interval, time_point now, std::optional<clock::duration> round_trip = std::nullopt)
      : interval_(interval), heard_(now), next_ping_(now + interval), shortest_(round_trip) {}

  /// Anything at all came.
  void heard(time_point now) { heard_ = now; }

  /// The token of a ping that is to be sent now, if one is.
  std::optional<std::uint64_t> due(time_point now) {
    if (now < next_ping_) return std::nullopt;
    next_ping_ = now + interval_;
    sent_ = now;
    return ++token_;
  }

  /// A pong came. Only the answer to the last ping tells a round trip.
  void answered(std::uint64_t token, time_point now) {
    if (token != token_ || !sent_) return;
    const auto round_trip = now - *sent_;
    shortest_ = shortest_ ? std::min(*shortest_, round_trip) : round_trip;
    sent_.reset();
  }

  bool dead(time_point now) const { return now >= dead_at(); }

  /// When due() or dead() is to be asked next.
  time_point next() const { return std::min(next_ping_, dead_at()); }

  /// The shortest round trip so far: the path without its queues.
  std::optional<clock::duration> round_trip() const { return shortest_; }

 private:
  time_point dead_at() const { return heard_ + interval_ * 5 / 2; }

  clock::duration interval_;
  time_point heard_;
  time_point next_ping_;
  std::uint64_t token_ = 0;
  std::optional<time_point> sent_;
  std::optional<clock::duration> shortest_;
};

}  // namespace ajar::signalling
