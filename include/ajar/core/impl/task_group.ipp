// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/task_group.ipp - what ajar/core/task_group.hpp declares.
#pragma once

#include <ajar/core/task_group.hpp>

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

struct task_group::state {
  struct child {
    std::shared_ptr<asio::cancellation_signal> stop;
    bytes whose;
  };

  state(const asio::any_io_executor& executor, thrown_sink sink)
      : one_ended(executor), context_ended(detail::context_end::of(executor)), thrown(std::move(sink)) {}
  notifier one_ended;
  std::shared_ptr<const bool> context_ended;
  std::list<child> children;
  bool cancelled = false;
  thrown_sink thrown;
  std::exception_ptr first_thrown;  // where there is no sink

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

  static awaitable<void> until_all_ended(std::shared_ptr<state> of) {
    while (!of->children.empty()) {
      co_await of->one_ended.wait();
    }
    if (of->first_thrown) std::rethrow_exception(std::exchange(of->first_thrown, nullptr));
  }

  void note(const std::exception_ptr& what) {
    if (!what || is_cancellation(what)) return;
    if (thrown) {
      thrown(what);
    } else if (!first_thrown) {
      first_thrown = what;
    }
  }

  static bool is_cancellation(const std::exception_ptr& what) {
    try {
      std::rethrow_exception(what);
    } catch (const std::system_error& error) {
      return is_canceled(error.code());
    } catch (...) {
      return false;
    }
  }
};

AJAR_DECL task_group::task_group(const asio::any_io_executor& executor, thrown_sink thrown)
    : state_(std::make_shared<state>(executor, std::move(thrown))) {}
AJAR_DECL task_group::~task_group() {
  cancel();
  state_->thrown = nullptr;  // whom it belongs to goes; children may end later
}

AJAR_DECL void task_group::spawn(awaitable<void> work, bytes_view whose) { spawn(nullptr, std::move(work), whose); }

AJAR_DECL void task_group::spawn(std::shared_ptr<const void> owner, awaitable<void> work, bytes_view whose) {
  if (state_->cancelled) return;
  auto stop = std::make_shared<asio::cancellation_signal>();
  auto place = state_->children.insert(state_->children.end(), {stop, {whose.begin(), whose.end()}});
  // it holds the owner: the child's frame is gone when this goes
  auto ended = [all = state_, place, kept = std::move(owner)](std::exception_ptr thrown) {
    all->children.erase(place);
    all->one_ended.notify();
    all->note(thrown);
  };
  asio::co_spawn(state_->one_ended.get_executor(), std::move(work),
                 asio::bind_cancellation_slot(stop->slot(), std::move(ended)));
}

AJAR_DECL void task_group::stop(bytes_view whose) {
  state::stop(*state_, [&](const state::child& one) { return std::ranges::equal(one.whose, whose); });
}

AJAR_DECL awaitable<void> task_group::end(bytes whose) {
  stop(whose);
  return state::until_none(state_, std::move(whose));
}

AJAR_DECL void task_group::cancel() {
  state_->cancelled = true;
  state::stop(*state_, [](const state::child&) { return true; });
}

AJAR_DECL awaitable<void> task_group::join() { return state::until_all_ended(state_); }

AJAR_DECL std::size_t task_group::size() const noexcept { return state_->children.size(); }

AJAR_DECL bool task_group::cancelled() const noexcept { return state_->cancelled; }

AJAR_DECL bool task_group::context_ended() const noexcept { return *state_->context_ended; }

AJAR_DECL awaitable<void> kept(std::shared_ptr<const void> owner, awaitable<void> work) {
  co_await std::move(work);
  (void)owner;
}

}  // namespace ajar
