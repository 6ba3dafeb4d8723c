// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/notifier.ipp - what ajar/core/notifier.hpp declares.
#pragma once

#include <ajar/core/notifier.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace ajar {

// Those who wait hold it: the notifier may go meanwhile.
struct notifier::state {
  explicit state(const asio::any_io_executor& executor) : at(executor, never) {}

  std::uint64_t notified = 0;
  bool gone = false;  // the notifier
  timer at;           // asio::experimental::channel has bugs until Asio 1.27 (docs/compilers.md)
};

// A wait that is under way: `then` takes an error, or a result.
template <class Then>
struct notifier::waiting {
  using executor_type = asio::associated_executor_t<Then, asio::any_io_executor>;
  using cancellation_slot_type = asio::associated_cancellation_slot_t<Then>;
  executor_type get_executor() const noexcept { return asio::get_associated_executor(then, on->at.get_executor()); }
  cancellation_slot_type get_cancellation_slot() const noexcept { return asio::get_associated_cancellation_slot(then); }
  // both notify() and a cancellation end the wait with operation_aborted
  void operator()(const std::error_code& error) {
    if constexpr (std::is_invocable_v<Then&, result<>>) {
      then(on->notified == before ? result<>(fail(errc::canceled)) : result<>());
    } else {
      then(on->notified == before ? error : std::error_code());
    }
  }

  std::shared_ptr<state> on;
  std::uint64_t before;
  Then then;
};

struct notifier::beginning {
  template <class Then>
  void operator()(Then then, std::shared_ptr<state> on) const {
    auto& at = on->at;
    const auto before = on->notified;
    if (on->gone) at.expires_at(time_point{});  // nobody notifies any more
    at.async_wait(waiting<Then>{std::move(on), before, std::move(then)});
  }
};

AJAR_DECL notifier::notifier(const asio::any_io_executor& executor) : state_(std::make_shared<state>(executor)) {}

AJAR_DECL notifier::~notifier() {
  state_->gone = true;
  state_->at.cancel();
}

// no coroutine of its own: it is waited for more often than anything else
AJAR_DECL awaitable<result<>> notifier::wait() {
  return asio::async_initiate<const asio::use_awaitable_t<>, void(result<>)>(beginning(), use_awaitable, state_);
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

AJAR_DECL void notifier::async_wait(erased_handler<std::error_code> then) { beginning()(std::move(then), state_); }

AJAR_DECL asio::any_io_executor notifier::get_executor() { return state_->at.get_executor(); }

}  // namespace ajar
