// SPDX-License-Identifier: BSL-1.0
// ajar/testing/run.hpp - run one coroutine to its end, for tests.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>

#include <asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ajar::testing {

namespace detail {

// Shared with the coroutine, which goes on where its runner has given up.
struct running {
  bool ended = false;
  std::exception_ptr thrown;

  void rethrow() const;
};

std::shared_ptr<running> start(asio::io_context& context, awaitable<void> operation, bool stop_at_end);

// co_spawn wants values with a default; a result of a socket has none.
template <class T>
awaitable<void> keep(awaitable<T> operation, std::shared_ptr<std::optional<T>> into) {
  auto value = co_await std::move(operation);
  into->emplace(std::move(value));
}

}  // namespace detail

/// Run a coroutine on `context` until it ends.
///
/// Throws what it threw, and std::runtime_error where it has not ended after `cap` of real time: a test that waits for
/// something that never comes fails instead of hanging.
void run(asio::io_context& context, awaitable<void> operation, std::chrono::seconds cap = std::chrono::seconds(60));

/// The same for a coroutine that gives a value.
template <class T>
T run(asio::io_context& context, awaitable<T> operation, std::chrono::seconds cap = std::chrono::seconds(60)) {
  const auto value = std::make_shared<std::optional<T>>();
  run(context, detail::keep(std::move(operation), value), cap);
  return std::move(**value);
}

/// The same on a context of its own, for what needs no other; `operation` must know no executor before it starts.
template <class T>
T run(awaitable<T> operation, std::chrono::seconds cap = std::chrono::seconds(60)) {
  asio::io_context context;
  return run(context, std::move(operation), cap);
}

}  // namespace ajar::testing

#ifdef AJAR_HEADER_ONLY
#include <ajar/testing/impl/run.ipp>
#endif
