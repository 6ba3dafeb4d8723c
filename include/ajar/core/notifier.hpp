// SPDX-License-Identifier: BSL-1.0
// ajar/core/notifier.hpp - wake every coroutine that waits for something to change.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/erased_handler.hpp>
#include <ajar/core/result.hpp>

#include <cstdint>
#include <utility>

namespace ajar {

/// A wake-up: `wait()` suspends until the next `notify()`. A notification that nobody waits for is not kept, so check
/// the condition, then wait, without a suspension in between.
///
/// Threads: one executor. Cancellation of wait(): terminal.
class notifier {
 public:
  explicit notifier(const asio::any_io_executor& executor) : timer_(executor, never) {}

  /// Resume all who wait now.
  void notify() {
    ++notified_;
    timer_.cancel();
  }

  /// Suspend until the next notify(). Errors: canceled.
  [[nodiscard]] awaitable<result<>> wait() {
    const auto before = notified_;
    auto [error] = co_await timer_.async_wait(use_values);
    (void)error;  // both notify() and a cancellation end the wait with operation_aborted
    if (notified_ == before) co_return fail(errc::canceled);
    co_return result<>{};
  }

  /// Call once: without an error at the next notify(), with operation_aborted where it is cancelled before. The
  /// notifier outlives the wait.
  void async_wait(erased_handler<std::error_code> then) {
    timer_.async_wait(waiting{this, notified_, std::move(then)});
  }

  asio::any_io_executor get_executor() { return timer_.get_executor(); }

 private:
  struct waiting {
    using executor_type = erased_handler<std::error_code>::executor_type;
    using cancellation_slot_type = erased_handler<std::error_code>::cancellation_slot_type;
    executor_type get_executor() const noexcept { return then.get_executor(); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return then.get_cancellation_slot(); }
    // both notify() and a cancellation end the wait with operation_aborted
    void operator()(std::error_code error) { then(on->notified_ == before ? error : std::error_code()); }

    notifier* on;
    std::uint64_t before;
    erased_handler<std::error_code> then;
  };

  std::uint64_t notified_ = 0;
  timer timer_;  // asio::experimental::channel has bugs until Asio 1.27 (docs/compilers.md)
};

}  // namespace ajar
