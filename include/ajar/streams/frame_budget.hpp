// SPDX-License-Identifier: BSL-1.0
// ajar/streams/frame_budget.hpp - how many frames a peer may send that move nothing on.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace ajar::streams {

/// Frames without content (empty DATA, PING, SETTINGS, WINDOW_UPDATE, PRIORITY, unknown ones) cost; bodies that move,
/// in either direction, and time earn. nghttp2 bounds resets, continuations and acknowledgements by itself, not these:
/// 100 000 empty DATA frames took it 1.1 s.
///
/// The frames are read from the octets themselves: nghttp2 passes over those of closed streams and of unknown kinds in
/// silence. An honest peer sends about one WINDOW_UPDATE for each half window, so it never comes near the limit. Pure.
class frame_budget {
 public:
  static constexpr std::int64_t burst = 10'000;             ///< frames at once
  static constexpr std::int64_t per_second = 1'000;         ///< frames, on and on
  static constexpr std::int64_t octets_for_a_frame = 4096;  ///< of bodies

  /// Octets of a body moved.
  void earn(std::size_t octets) noexcept { add(static_cast<std::int64_t>(octets)); }

  /// Octets have come, cut anywhere. False where the budget is spent. Source: RFC 9113 section 4.1.
  bool read(bytes_view octets, time_point now) noexcept {
    while (!octets.empty()) {
      if (to_skip_ != 0) {
        const auto count = std::min(to_skip_, octets.size());
        to_skip_ -= count;
        octets = octets.subspan(count);
      } else {
        head_[head_size_++] = octets.front();
        octets = octets.subspan(1);
        if (head_size_ < head_.size()) continue;
        head_size_ = 0;
        to_skip_ = static_cast<std::size_t>(head_[0] << 16 | head_[1] << 8 | head_[2]);
        if (is_empty() && !spend(now)) return false;
      }
    }
    return true;
  }
  /// The preface of a client is no frame.
  void skip(std::size_t octets) noexcept { to_skip_ += octets; }

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

  bool is_empty() const noexcept {
    constexpr std::uint8_t data = 0, headers = 1, settings = 4, ping = 6, continuation = 9, ack_or_end = 1;
    const auto kind = head_[3];
    const bool flagged = (head_[4] & ack_or_end) != 0;
    if (kind == data) return to_skip_ == 0 && !flagged;
    if (kind == ping || kind == settings) return !flagged;
    return kind != headers && kind != continuation;
  }

  std::array<std::uint8_t, 9> head_{};
  std::size_t head_size_ = 0;
  std::size_t to_skip_ = 0;
  std::int64_t balance_ = burst * octets_for_a_frame;  // in octets
  time_point last_{};
};

}  // namespace ajar::streams
