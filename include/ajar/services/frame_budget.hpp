// SPDX-License-Identifier: BSL-1.0
// ajar/services/frame_budget.hpp - how many frames a peer may send that move nothing on.
#pragma once

#include <ajar/core/clock.hpp>

#include <algorithm>
#include <cstdint>

namespace ajar::services {

/// Frames without content (empty DATA, PING, SETTINGS, WINDOW_UPDATE, PRIORITY) cost; bodies that move,
/// in either direction, and time earn. nghttp2 bounds resets, continuations and acknowledgements by itself, not these:
/// 100 000 empty DATA frames took it 1.1 s.
///
/// An honest peer sends about one WINDOW_UPDATE for each half window, so it never comes near the limit. Pure.
class frame_budget {
 public:
  static constexpr std::int64_t burst = 10'000;             ///< frames at once
  static constexpr std::int64_t per_second = 1'000;         ///< frames, on and on
  static constexpr std::int64_t octets_for_a_frame = 4096;  ///< of bodies

  /// Octets of a body moved.
  void earn(std::size_t octets) noexcept { add(static_cast<std::int64_t>(octets)); }

  /// A frame without content came. False where the budget is spent.
  bool spend(time_point now) noexcept {
    if (last_ != time_point{}) {
      const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - last_).count();
      constexpr std::int64_t whole_burst_us = burst * 1'000'000 / per_second;
      add(std::min<std::int64_t>(passed, whole_burst_us) * per_second * octets_for_a_frame / 1'000'000);
    }
    last_ = now;
    balance_ -= octets_for_a_frame;
    return balance_ >= 0;
  }

 private:
  void add(std::int64_t octets) noexcept { balance_ = std::min(balance_ + octets, burst * octets_for_a_frame); }

  std::int64_t balance_ = burst * octets_for_a_frame;  // in octets
  time_point last_{};
};

}  // namespace ajar::services
