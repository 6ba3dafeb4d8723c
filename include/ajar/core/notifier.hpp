// SPDX-License-Identifier: BSL-1.0
// ajar/core/notifier.hpp - wake the coroutine that waits for something to change.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/erased_handler.hpp>
#include <ajar/core/result.hpp>

#include <memory>

namespace ajar {

/// A wake-up: `wait()` suspends until the next `notify()`. A notification that nobody waits for is not kept, so check
/// the condition, then wait, without a suspension in between.
///
/// Who waits when it goes ends with canceled. Threads: one executor. Cancellation of wait(): terminal.
class notifier {
 public:
  explicit notifier(const asio::any_io_executor& executor);
  notifier(const notifier&) = delete;
  notifier& operator=(const notifier&) = delete;
  ~notifier();

  /// Resume all who wait now.
  void notify();

  /// Suspend until the next notify(). Errors: canceled.
  [[nodiscard]] awaitable<result<>> wait();

  /// The same, until an instant at most; for the only one who waits. It costs no more than wait(), where before() needs
  /// some 5 kB for as long as it runs. Errors: `late`, canceled.
  [[nodiscard]] awaitable<result<>> wait_until(time_point until, errc late);

  /// Call once: without an error at the next notify(), with operation_aborted where it is cancelled before.
  void async_wait(erased_handler<std::error_code> then);

  asio::any_io_executor get_executor();

 private:
  struct state;
  template <class Then>
  struct waiting;
  struct beginning;
  static awaitable<result<>> wait_on(std::shared_ptr<state> of, time_point until, errc late);

  std::shared_ptr<state> state_;
};

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/core/impl/notifier.ipp>
#endif
