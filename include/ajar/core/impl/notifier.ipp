// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/notifier.ipp - what ajar/core/notifier.hpp declares.
#pragma once

#include <ajar/core/notifier.hpp>

#include <utility>

namespace ajar {

struct notifier::waiting {
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

AJAR_DECL awaitable<result<>> notifier::wait() {
  const auto before = notified_;
  auto [error] = co_await timer_.async_wait(use_values);
  (void)error;  // both notify() and a cancellation end the wait with operation_aborted
  if (notified_ == before) co_return fail(errc::canceled);
  co_return result<>{};
}

AJAR_DECL void notifier::notify() {
  ++notified_;
  timer_.cancel();
}

AJAR_DECL void notifier::async_wait(erased_handler<std::error_code> then) {
  timer_.async_wait(waiting{this, notified_, std::move(then)});
}

}  // namespace ajar
