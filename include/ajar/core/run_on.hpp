// SPDX-License-Identifier: BSL-1.0
// ajar/core/run_on.hpp - a coroutine that runs elsewhere than the one that awaits it: on a pool's thread, or another's.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>

#include <asio/any_io_executor.hpp>
#include <optional>
#include <utility>

namespace ajar {

/// Run a coroutine on another executor.
///
/// @param where  its context outlives what runs there, or ends it
/// @param work   a coroutine that has not been started; what it refers to is its own, or safe with two threads
/// @return what it gave, on the caller's executor; it throws what the coroutine threw
/// Cancellation: none, as Asio 1.22 would hand it on by the wrong thread: who is cancelled waits until the coroutine
/// has ended, and has what it gave. So it is short, or a slice. Threads: the coroutine has `where`'s, and only that.
[[nodiscard]] awaitable<void> run_on(const asio::any_io_executor& where, awaitable<void> work);

namespace detail {

template <class T>
awaitable<void> keep_value(awaitable<T> work, std::optional<T>& into) {
  T value = co_await std::move(work);
  into.emplace(std::move(value));
}

}  // namespace detail

/// The same with a value. Who awaits lives until the coroutine has ended, so its value has a place.
template <class T>
[[nodiscard]] awaitable<T> run_on(asio::any_io_executor where, awaitable<T> work) {
  std::optional<T> value;
  auto keeping = detail::keep_value(std::move(work), value);
  auto running = run_on(where, std::move(keeping));
  co_await std::move(running);
  co_return std::move(*value);
}

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/core/impl/run_on.ipp>
#endif
