// SPDX-License-Identifier: BSL-1.0
// ajar/windows/redial_grid.hpp - when both ends of a crossing try again.
#pragma once

#include <ajar/core/clock.hpp>

#include <algorithm>

namespace ajar::windows {

/// The instants of a crossing, the same at both ends: start, and then after one, two, three, three, ... gaps.
///
/// A gap is longer than the round trip, as the answer to a SYN has to come before the next SYN replaces it: at a faster
/// cadence nothing ever connects. Each pair of ports has its own instants, a little apart. Pure.
class redial_grid {
 public:
  static constexpr std::chrono::milliseconds shortest_gap{60};
  static constexpr std::chrono::milliseconds between_pairs{20};

  redial_grid(time_point start, clock::duration gap) : start_(start), gap_(gap) {}

  /// The gap for a round trip: a quarter longer, for its jitter.
  static clock::duration gap_for(clock::duration round_trip) {
    return std::max<clock::duration>(shortest_gap, round_trip + round_trip / 4);
  }

  /// @param which  the try, from 0
  /// @param pair   of ports, from 0
  time_point instant(unsigned which, unsigned pair) const {
    const unsigned growing = std::min(which, 2U);  // 1, 1 + 2
    const unsigned gaps = growing * (growing + 1) / 2 + 3 * (which - growing);
    return start_ + pair * clock::duration(between_pairs) + gaps * gap_;
  }

 private:
  time_point start_;
  clock::duration gap_;
};

}  // namespace ajar::windows
