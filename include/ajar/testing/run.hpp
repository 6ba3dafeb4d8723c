// SPDX-License-Identifier: BSL-1.0
// ajar/testing/run.hpp - run one coroutine to its end, for tests.
#pragma once

#include <ajar/core/awaitable.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ajar::testing {

/// Run a coroutine on `context` until it ends.
///
/// Throws what it threw, and std::runtime_error where it has not ended after `cap` of real time: a test that waits for
/// something that never comes fails instead of hanging.
inline void run(asio::io_context& context, awaitable<void> operation,
                std::chrono::seconds cap = std::chrono::seconds(20)) {
  std::exception_ptr thrown;
  bool ended = false;
  asio::co_spawn(context, std::move(operation), [&](std::exception_ptr error) {
    thrown = error;
    ended = true;
    context.stop();
  });
  context.restart();
  context.run_for(cap);
  if (!ended) throw std::runtime_error("the coroutine has not ended in time");
  if (thrown) std::rethrow_exception(thrown);
}

namespace detail {

// co_spawn wants values with a default; a result of a socket has none.
template <class T>
awaitable<void> keep(awaitable<T> operation, std::optional<T>& into) {
  auto value = co_await std::move(operation);
  into.emplace(std::move(value));
}

}  // namespace detail

/// The same for a coroutine that gives a value.
template <class T>
T run(asio::io_context& context, awaitable<T> operation, std::chrono::seconds cap = std::chrono::seconds(20)) {
  std::optional<T> value;
  run(context, detail::keep(std::move(operation), value), cap);
  return std::move(*value);
}

}  // namespace ajar::testing
