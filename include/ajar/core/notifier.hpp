// SPDX-License-Identifier: BSL-1.0
// ajar/core/notifier.hpp - wake every coroutine that waits for something to change.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
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

  /// The same for Asio's composed operations: void(std::error_code) at the next notify(), or when it is cancelled; the
  /// operation's own cancellation state tells which.
  template <class Token>
  auto async_wait(Token&& token) {
    return timer_.async_wait(std::forward<Token>(token));
  }

  asio::any_io_executor get_executor() { return timer_.get_executor(); }

 private:
  std::uint64_t notified_ = 0;
  timer timer_;  // asio::experimental::channel has bugs until Asio 1.27 (docs/compilers.md)
};

}  // namespace ajar
