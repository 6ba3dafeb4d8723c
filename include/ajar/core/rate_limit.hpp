// SPDX-License-Identifier: BSL-1.0
// ajar/core/rate_limit.hpp - so many at once, and then one every so often.
#pragma once

#include <ajar/core/clock.hpp>

#include <algorithm>
#include <cstdint>

namespace ajar {

/// A token bucket in two instants. Pure. Source: ITU-T I.371, generic cell rate algorithm.
class rate_limit {
 public:
  /// @param each   on and on, one in so long
  /// @param burst  so many at once after a rest
  constexpr rate_limit(clock::duration each, std::int64_t burst) : each_(each), burst_(burst) {}

  /// One more. False where it is too early for it: it does not count then.
  bool take(time_point now) noexcept {
    const auto next = std::max(due_, now) + each_;
    if (next - now > each_ * burst_) return false;
    due_ = next;
    return true;
  }

  /// Nothing was taken for so long that the whole burst is there again.
  bool rested(time_point now) const noexcept { return due_ <= now; }

 private:
  clock::duration each_;
  std::int64_t burst_;
  time_point due_{};  // when all that was taken is paid for
};

}  // namespace ajar
