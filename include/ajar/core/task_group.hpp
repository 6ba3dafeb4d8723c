// SPDX-License-Identifier: BSL-1.0
// ajar/core/task_group.hpp - coroutines that belong to somebody: cancelled and joined together.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution_context.hpp>
#include <exception>
#include <list>
#include <memory>
#include <utility>
#include <vector>

namespace ajar {

namespace detail {

// Tells that an execution context is being destroyed, and with it the frames of coroutines that have not ended. Asio
// shuts services down in the opposite order of their making: this one, made behind the first timer, before the reactor.
class context_end final : public asio::execution_context::service {
 public:
  static inline asio::execution_context::id id;
  explicit context_end(asio::execution_context& of) : service(of) {}

  static std::shared_ptr<const bool> of(const asio::any_io_executor& executor) {
    return asio::use_service<context_end>(asio::query(executor, asio::execution::context)).came_;
  }

 private:
  void shutdown() override { *came_ = true; }
  std::shared_ptr<bool> came_ = std::make_shared<bool>(false);
};

}  // namespace detail

/// Children of one owner. The owner cancels and joins them before what they refer to goes away.
///
/// A context that is destroyed takes its coroutines along, and what they hold, in any order: nothing is asked to stop
/// then. A child's exception other than a cancellation leaves through io_context::run(). Threads: one executor.
class task_group {
 public:
  explicit task_group(const asio::any_io_executor& executor) : state_(std::make_shared<state>(executor)) {}
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group() { cancel(); }

  /// Start a child. After cancel() nothing starts any more: the coroutine is dropped.
  ///
  /// @param whose  names the children that end() ends together
  void spawn(awaitable<void> work, bytes_view whose = {}) {
    if (state_->cancelled) return;
    auto stop = std::make_shared<asio::cancellation_signal>();
    auto place = state_->children.insert(state_->children.end(), {stop, {whose.begin(), whose.end()}});
    auto ended = [state = state_, place](std::exception_ptr thrown) {
      state->children.erase(place);
      state->one_ended.notify();
      rethrow(thrown);
    };
    asio::co_spawn(state_->one_ended.get_executor(), std::move(work),
                   asio::bind_cancellation_slot(stop->slot(), std::move(ended)));
  }

  /// Ask the children of one name to stop, and wait until they have: not from one of them. Others go on, and new ones
  /// of the name may start. Cancellation: terminal.
  [[nodiscard]] awaitable<void> end(bytes whose) {
    stop(*state_, [&](const child& one) { return one.whose == whose; });
    return until_none(state_, std::move(whose));
  }

  /// Ask all children to stop, now and for good. They have stopped when join() returns.
  void cancel() {
    state_->cancelled = true;
    stop(*state_, [](const child&) { return true; });
  }

  /// Wait until every child has ended. Cancellation: terminal; the children go on then.
  [[nodiscard]] awaitable<void> join() {
    auto state = state_;
    while (!state->children.empty()) {
      co_await state->one_ended.wait();
    }
  }

  std::size_t size() const noexcept { return state_->children.size(); }
  bool cancelled() const noexcept { return state_->cancelled; }
  /// Is the execution context being destroyed? What is told to others then reaches nobody.
  bool context_ended() const noexcept { return *state_->context_ended; }

 private:
  struct child {
    std::shared_ptr<asio::cancellation_signal> stop;
    bytes whose;
  };
  struct state {
    explicit state(const asio::any_io_executor& executor)
        : one_ended(executor), context_ended(detail::context_end::of(executor)) {}
    notifier one_ended;
    std::shared_ptr<const bool> context_ended;
    std::list<child> children;
    bool cancelled = false;
  };

  template <class Choice>
  static void stop(const state& of, const Choice& chosen) {
    if (*of.context_ended) return;  // some of the children are gone without having ended
    std::vector<std::shared_ptr<asio::cancellation_signal>> all;
    for (const auto& one : of.children) {
      if (chosen(one)) all.push_back(one.stop);
    }
    for (const auto& one : all) one->emit(asio::cancellation_type::terminal);
  }

  static awaitable<void> until_none(std::shared_ptr<state> of, bytes whose) {
    while (std::ranges::any_of(of->children, [&](const child& one) { return one.whose == whose; })) {
      co_await of->one_ended.wait();
    }
  }

  static void rethrow(const std::exception_ptr& thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::system_error& error) {
      if (!is_canceled(error.code())) throw;
    }
  }

  std::shared_ptr<state> state_;
};

}  // namespace ajar
