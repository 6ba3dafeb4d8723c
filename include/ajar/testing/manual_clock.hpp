// SPDX-License-Identifier: BSL-1.0
// ajar/testing/manual_clock.hpp - hold the monotonic clock of this thread, and move it by hand.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/testing/run.hpp>

namespace ajar::testing {

/// While it lives, ajar::clock stands still on this thread: twenty seconds of keep-alive take microseconds.
///
/// Timers of ajar::clock follow it, and wall_now(), which begins at the real time; sockets and other clocks go on in
/// real time. One at a time on a thread, made
/// before the timers that it moves, and gone after them. Example: tests/testing/manual_clock_test.cpp.
class manual_clock {
 public:
  explicit manual_clock(time_point start = time_point(std::chrono::hours(1000))) : now_(start) {
    if (clock::held_) throw std::logic_error("manual_clock: this thread's clock is held already");
    const auto wall = wall_now();
    clock::wall_ahead_ = wall.time_since_epoch() - std::chrono::floor<std::chrono::seconds>(start.time_since_epoch());
    clock::held_ = &now_;
  }
  manual_clock(const manual_clock&) = delete;
  manual_clock& operator=(const manual_clock&) = delete;
  ~manual_clock() { clock::held_ = nullptr; }

  time_point now() const noexcept { return now_; }

  /// Run all that is ready now, without moving the time.
  void settle(asio::io_context& context);

  /// Move the time, stopping at each timer's expiry to run what it wakes.
  void advance(asio::io_context& context, clock::duration by);

  /// Run a coroutine to its end, moving the time to the next expiry whenever nothing else is ready.
  ///
  /// Throws what it threw, and std::runtime_error where it has not ended after `cap` of this clock.
  void run(asio::io_context& context, awaitable<void> operation, clock::duration cap = std::chrono::hours(24));

  /// The same for a coroutine that gives a value.
  template <class T>
  T run(asio::io_context& context, awaitable<T> operation, clock::duration cap = std::chrono::hours(24)) {
    const auto value = std::make_shared<std::optional<T>>();
    run(context, detail::keep(std::move(operation), value), cap);
    return std::move(**value);
  }

 private:
  // What the reactor noted last; it may be one that was cancelled since, and then nothing happens there.
  time_point next_expiry() const {
    const auto noted = clock::next_expiry_;
    return noted > now_ ? noted : never;
  }

  time_point now_;
};

}  // namespace ajar::testing

#ifdef AJAR_HEADER_ONLY
#include <ajar/testing/impl/manual_clock.ipp>
#endif
