// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/notifier.ipp - what ajar/core/notifier.hpp declares.
#pragma once

#include <ajar/core/notifier.hpp>

#include <cstdint>
#include <utility>

namespace ajar {

// Those who wait hold it: the notifier may go meanwhile.
struct notifier::state {
  explicit state(const asio::any_io_executor& executor) : at(executor, never) {}

  std::uint64_t notified = 0;
  bool gone = false;  // the notifier
  timer at;           // asio::experimental::channel has bugs until Asio 1.27 (docs/compilers.md)
};

struct notifier::waiting {
  using executor_type = erased_handler<std::error_code>::executor_type;
  using cancellation_slot_type = erased_handler<std::error_code>::cancellation_slot_type;
  executor_type get_executor() const noexcept { return then.get_executor(); }
  cancellation_slot_type get_cancellation_slot() const noexcept { return then.get_cancellation_slot(); }
  // both notify() and a cancellation end the wait with operation_aborted
  void operator()(std::error_code error) { then(on->notified == before ? error : std::error_code()); }

  std::shared_ptr<state> on;
  std::uint64_t before;
  erased_handler<std::error_code> then;
};

AJAR_DECL notifier::notifier(const asio::any_io_executor& executor) : state_(std::make_shared<state>(executor)) {}

AJAR_DECL notifier::~notifier() {
  state_->gone = true;
  state_->at.cancel();
}

AJAR_DECL awaitable<result<>> notifier::wait() { return wait_on(state_); }

AJAR_DECL awaitable<result<>> notifier::wait_on(std::shared_ptr<state> of) {
  const auto before = of->notified;
  if (of->gone) co_return fail(errc::canceled);
  auto [error] = co_await of->at.async_wait(use_values);
  (void)error;  // both notify() and a cancellation end the wait with operation_aborted
  if (of->notified == before) co_return fail(errc::canceled);
  co_return result<>{};
}

AJAR_DECL awaitable<result<>> notifier::wait_until(time_point until, errc late) { return wait_on(state_, until, late); }

AJAR_DECL awaitable<result<>> notifier::wait_on(std::shared_ptr<state> of, time_point until, errc late) {
  const auto before = of->notified;
  if (of->gone) co_return fail(errc::canceled);
  of->at.expires_at(until);
  auto [error] = co_await of->at.async_wait(use_values);
  of->at.expires_at(never);
  if (of->notified != before) co_return result<>{};
  co_return fail(error ? errc::canceled : late);
}

AJAR_DECL void notifier::notify() {
  ++state_->notified;
  state_->at.cancel();
}

AJAR_DECL void notifier::async_wait(erased_handler<std::error_code> then) {
  auto& at = state_->at;
  at.async_wait(waiting{state_, state_->notified, std::move(then)});
}

AJAR_DECL asio::any_io_executor notifier::get_executor() { return state_->at.get_executor(); }

}  // namespace ajar
