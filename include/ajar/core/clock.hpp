// SPDX-License-Identifier: BSL-1.0
// ajar/core/clock.hpp - the monotonic clock of deadlines, and the wall clock of statements.
#pragma once

#include <ajar/core/config.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <chrono>

namespace ajar {

namespace testing {
class manual_clock;
}
struct clock_waits;

/// Seconds since 1970 in UTC, as signed statements carry them. Never used for a deadline.
using wall_time = std::chrono::sys_seconds;

inline wall_time wall_now();

/// The monotonic clock. It is std::chrono::steady_clock, unless a test holds it (testing/manual_clock.hpp).
class clock {
 public:
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    if (held_) return *held_;
    return time_point(std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }

 private:
  friend class testing::manual_clock;
  friend struct clock_waits;
  friend wall_time wall_now();
  static inline constinit thread_local const time_point* held_ = nullptr;
  static inline constinit thread_local std::chrono::seconds wall_ahead_{};  // of a held clock
  static inline constinit thread_local time_point next_expiry_{};           // noted only while the clock is held
};

/// How Asio's timers wait on the clock. A held clock learns here which expiry comes next, as Asio tells nobody else.
struct clock_waits {
  static clock::duration to_wait_duration(const clock::duration& remaining) noexcept {
    if (clock::held_) clock::next_expiry_ = *clock::held_ + remaining;
    return remaining;
  }
  static clock::duration to_wait_duration(const clock::time_point& at) noexcept {
    return to_wait_duration(at - clock::now());
  }
};

/// An instant of the monotonic clock: what every deadline is.
using time_point = clock::time_point;

/// No deadline.
inline constexpr time_point never = time_point::max();

/// Until when something waits: an instant, or so long from now on.
class deadline {
 public:
  deadline(time_point at) noexcept : at_(at) {}  // NOLINT(google-explicit-constructor): meant to be said as it is
  /// Counted from where this is made. What would be beyond all instants is never.
  template <class Rep, class Period>
  deadline(const std::chrono::duration<Rep, Period>& from_now)  // NOLINT(google-explicit-constructor)
      : at_(after(clock::now(), from_now)) {}
  operator time_point() const noexcept { return at_; }  // NOLINT(google-explicit-constructor)

 private:
  template <class Rep, class Period>
  static time_point after(time_point now, const std::chrono::duration<Rep, Period>& length) {
    using seconds = std::chrono::duration<double>;  // which has room for all of any kind
    return seconds(length) < seconds(never - now) ? now + std::chrono::ceil<clock::duration>(length) : never;
  }

  time_point at_;
};

/// A timer of the monotonic clock.
using timer = asio::basic_waitable_timer<clock, clock_waits, asio::any_io_executor>;

/// The wall clock now. Where a test holds the monotonic clock, the two move together.
inline wall_time wall_now() {
  const auto since = [](clock::duration one) { return std::chrono::floor<std::chrono::seconds>(one); };
  if (clock::held_) return wall_time(since(clock::held_->time_since_epoch()) + clock::wall_ahead_);
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace ajar
