// SPDX-License-Identifier: BSL-1.0
// ajar/streams/window_tuner.hpp - how large a flow-control window should be: small beside small requests, large far
// away.
#pragma once

#include <ajar/core/clock.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace ajar::streams {

/// Windows begin small, so that a small answer beside bulk does not queue behind megabytes, and grow to twice the rate
/// at which the reader takes octets times the least round trip seen. Twice, as nghttp2 announces room at half a window.
///
/// The rate is what the application took, so a slow reader keeps a small window. Pure.
/// Source: RFC 9113 section 5.2; measured: docs/benchmarks.md.
class window_tuner {
 public:
  static constexpr std::int32_t stream_start = 256 * 1024;
  static constexpr std::int32_t session_start = 1024 * 1024;
  static constexpr std::int32_t most = 32 * 1024 * 1024;  ///< 1 Gbit/s at 100 ms needs 25 MiB

  /// What one stream, or the session as a whole, has received since the probe in flight left.
  class meter {
   public:
    explicit meter(std::int32_t start) : window_(start) {}
    void took(std::size_t octets) noexcept { since_probe_ += octets; }
    std::int32_t window() const noexcept { return window_; }

   private:
    friend class window_tuner;
    std::int32_t window_;
    std::uint64_t since_probe_ = 0;
  };

  /// Octets have come: should a PING leave now, to learn the round trip?
  bool wants_probe(time_point now) noexcept {
    if (sent_ || now < next_) return false;
    return true;
  }
  void probe_sent(time_point now) noexcept { sent_ = now; }
  /// The streams that there are when the probe leaves begin to count.
  static void begin(meter& one) noexcept { one.since_probe_ = 0; }

  /// The probe came back. @return false where none was under way
  bool probe_answered(time_point now) noexcept {
    if (!sent_) return false;
    took_ = std::max<clock::duration>(now - *sent_, std::chrono::microseconds(1));
    least_ = least_ ? std::min(*least_, took_) : took_;
    sent_.reset();
    next_ = now + std::max<clock::duration>(took_, least_interval);
    return true;
  }
  /// The new window of a meter, where it should grow; after probe_answered().
  std::optional<std::int32_t> grow(meter& one) const noexcept {
    const auto octets = static_cast<double>(one.since_probe_);
    const auto wanted = 2 * octets * static_cast<double>(least_->count()) / static_cast<double>(took_.count());
    const auto window = static_cast<std::int32_t>(std::min(wanted, static_cast<double>(most)));
    if (window <= one.window_) return std::nullopt;
    one.window_ = window;
    return window;
  }

  std::optional<clock::duration> least_round_trip() const noexcept { return least_; }

 private:
  static constexpr std::chrono::milliseconds least_interval{10};

  std::optional<time_point> sent_;
  std::optional<clock::duration> least_;
  clock::duration took_{};
  time_point next_{};
};

}  // namespace ajar::streams
