// SPDX-License-Identifier: BSL-1.0
// ajar/core/task_group.hpp - coroutines that belong to somebody: cancelled and joined together.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>

#include <asio/any_io_executor.hpp>
#include <exception>
#include <functional>
#include <memory>

namespace ajar {

/// Children of one owner. The owner cancels and joins them before what they refer to goes away.
///
/// A context that is destroyed takes its coroutines along, and what they hold, in any order: nothing is asked to stop
/// then. A child's exception other than a cancellation ends that child alone, and is told to the owner: by `thrown`,
/// or else by the next join(), which throws the first. It never leaves through io_context::run(). Threads: one
/// executor.
class task_group {
 public:
  /// Told what a child has thrown.
  using thrown_sink = std::function<void(const std::exception_ptr&)>;

  explicit task_group(const asio::any_io_executor& executor, thrown_sink thrown = {});
  task_group(const task_group&) = delete;
  task_group& operator=(const task_group&) = delete;
  ~task_group();

  /// Start a child. After cancel() nothing starts any more: the coroutine is dropped.
  ///
  /// @param whose  names the children that end() ends together
  void spawn(awaitable<void> work, bytes_view whose = {});
  /// The same; `owner` lives until the child has ended, so that the child may be a member of it.
  void spawn(std::shared_ptr<const void> owner, awaitable<void> work, bytes_view whose = {});

  /// Ask the children of one name to stop, and wait until they have: not from one of them. Others go on, and new ones
  /// of the name may start. Cancellation: terminal.
  [[nodiscard]] awaitable<void> end(bytes whose);

  /// Ask the children of one name to stop, and wait for nothing.
  void stop(bytes_view whose);

  /// Ask all children to stop, now and for good. They have stopped when join() returns.
  void cancel();

  /// Wait until every child has ended. Throws what a child has thrown, where nobody else is told. Cancellation:
  /// terminal; the children go on then.
  [[nodiscard]] awaitable<void> join();

  std::size_t size() const noexcept;
  bool cancelled() const noexcept;
  /// Is the execution context being destroyed? What is told to others then reaches nobody.
  bool context_ended() const noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

/// A coroutine whose owner lives as long as it does: for a caller who awaits a member of what somebody else may drop.
template <class T>
[[nodiscard]] awaitable<T> kept(std::shared_ptr<const void> owner, awaitable<T> work) {
  T value = co_await std::move(work);
  (void)owner;
  co_return value;
}

[[nodiscard]] awaitable<void> kept(std::shared_ptr<const void> owner, awaitable<void> work);

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/core/impl/task_group.ipp>
#endif
