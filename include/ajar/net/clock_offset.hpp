// SPDX-License-Identifier: BSL-1.0
// ajar/net/clock_offset.hpp - how far two machines' clocks are apart, from one question and its answer.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace ajar::net {

/// Of one exchange, in microseconds: the first and the last on our clock, the others on theirs.
struct four_stamps {
  std::uint64_t we_sent = 0;
  std::uint64_t they_received = 0;
  std::uint64_t they_sent = 0;
  std::uint64_t we_received = 0;
};

/// Their clock against ours.
struct clock_offset {
  std::uint64_t ahead = 0;                  ///< theirs minus ours, modulo 2^64
  std::chrono::microseconds round_trip{0};  ///< of the exchange, without their time for it: twice the error at most

  std::uint64_t to_local(std::uint64_t theirs) const noexcept { return theirs - ahead; }
  std::uint64_t to_theirs(std::uint64_t ours) const noexcept { return ours + ahead; }
};

/// Half the difference of the two ways is the error. Pure; stamps of a liar give an error or an offset, nothing else.
///
/// Errors: message_malformed, where an exchange took a negative time or more than a minute.
/// Source: RFC 5905 section 8.
inline result<clock_offset> offset_of(const four_stamps& of) {
  constexpr std::uint64_t longest = 60'000'000;
  const std::uint64_t ours = of.we_received - of.we_sent;
  const std::uint64_t theirs = of.they_sent - of.they_received;
  if (ours > longest || theirs > ours) return fail(errc::message_malformed);
  const auto path = ours - theirs;
  // both clocks modulo 2^64: ((t2 - t1) + (t3 - t4)) / 2, without the sum that would wrap
  return clock_offset{of.they_received - of.we_sent - path / 2, std::chrono::microseconds(path)};
}

/// One other clock, from several exchanges: that of the shortest round trip counts, as its two ways differ least, until
/// clocks may have drifted by more than that is better. So the offset seldom changes, and what is learned of its error
/// (windows/arrival.hpp) stays true. Pure. Source: RFC 5905 section 10, the clock filter.
class clock_filter {
 public:
  /// @return what is best known now
  clock_offset add(const clock_offset& one, time_point now) {
    if (!best_ || is_another_clock(one, now) || error(one) <= error(*best_) + drift(now - since_)) {
      best_ = one;
      since_ = now;
    }
    return *best_;
  }

 private:
  static std::chrono::microseconds error(const clock_offset& of) { return of.round_trip / 2; }
  // 15 millionths, RFC 5905 section 7.2.
  static std::chrono::microseconds drift(clock::duration age) {
    return std::chrono::duration_cast<std::chrono::microseconds>(age * 15 / 1'000'000);
  }
  // Further off than both exchanges can explain: the other process was started anew.
  bool is_another_clock(const clock_offset& one, time_point now) const {
    constexpr std::chrono::microseconds least{100};
    const auto apart = static_cast<std::int64_t>(one.ahead - best_->ahead);
    const auto most = error(one) + error(*best_) + drift(now - since_) + least;
    return apart > most.count() || apart < -most.count();
  }

  std::optional<clock_offset> best_;
  time_point since_{};
};

}  // namespace ajar::net
