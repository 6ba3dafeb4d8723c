// SPDX-License-Identifier: BSL-1.0
// ajar/core/stamp.hpp - instants of this process's clock, as other machines are told them.
#pragma once

#include <ajar/core/clock.hpp>

#include <algorithm>
#include <cstdint>
#include <random>

namespace ajar {

namespace detail {

// Anywhere, so that a stamp does not tell for how long this machine has been up.
inline std::uint64_t stamp_epoch() {
  static const std::uint64_t epoch = [] {
    std::random_device source;
    return (std::uint64_t{1} << 48U) + (std::uint64_t{source()} << 8U);
  }();
  return epoch;
}

}  // namespace detail

/// Microseconds of the monotonic clock, since an instant that only this process knows.
inline std::uint64_t stamp_of(time_point at) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  return detail::stamp_epoch() + static_cast<std::uint64_t>(since);
}

/// The instant of a stamp of this process. What a liar made of one is an instant too, a hundred years away at most.
inline time_point time_of(std::uint64_t stamp) {
  constexpr std::int64_t farthest = std::chrono::microseconds(std::chrono::years(100)).count();
  const auto since = static_cast<std::int64_t>(stamp - detail::stamp_epoch());
  return time_point(std::chrono::microseconds(std::clamp(since, -farthest, farthest)));
}

}  // namespace ajar
