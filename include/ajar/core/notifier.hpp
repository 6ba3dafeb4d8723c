// SPDX-License-Identifier: BSL-1.0
// ajar/core/notifier.hpp - wake every coroutine that waits for something to change.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
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
  void notify();

  /// Suspend until the next notify(). Errors: canceled.
  [[nodiscard]] awaitable<result<>> wait();

  /// Call once: without an error at the next notify(), with operation_aborted where it is cancelled before. The
  /// notifier outlives the wait.
  void async_wait(erased_handler<std::error_code> then);

  asio::any_io_executor get_executor() { return timer_.get_executor(); }

 private:
  struct waiting;

  std::uint64_t notified_ = 0;
  timer timer_;  // asio::experimental::channel has bugs until Asio 1.27 (docs/compilers.md)
};

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/core/impl/notifier.ipp>
#endif
