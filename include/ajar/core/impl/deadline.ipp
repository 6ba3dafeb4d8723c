// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/deadline.ipp - what ajar/core/deadline.hpp declares.
#pragma once

#include <ajar/core/deadline.hpp>

#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <thread>

namespace ajar {

namespace detail {

inline awaitable<void> expire(timer& at, bool& expired) {
  auto [error] = co_await at.async_wait(use_values);
  expired = !error;
}

AJAR_DECL awaitable<bool> race(time_point until, awaitable<void> work) {
  using namespace asio::experimental::awaitable_operators;
  timer at(co_await asio::this_coro::executor, until);
  bool expired = false;
  auto wait = expire(at, expired);
  auto first = co_await (std::move(work) || std::move(wait));
  (void)first;
  co_return expired;
}

AJAR_DECL awaitable<void> race(awaitable<void> other, awaitable<void> work) {
  using namespace asio::experimental::awaitable_operators;
  auto first = co_await (std::move(other) || std::move(work));
  (void)first;
}

}  // namespace detail

AJAR_DECL awaitable<result<>> sleep_until(time_point until) {
  timer at(co_await asio::this_coro::executor, until);
  auto [error] = co_await at.async_wait(use_values);
  if (error) co_return fail(errc::canceled);
  co_return result<>{};
}

AJAR_DECL awaitable<result<>> yield(patience how) {
  if (how == patience::shares_core) std::this_thread::yield();
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, use_awaitable);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return fail(errc::canceled);
  co_return result<>{};
}

AJAR_DECL awaitable<result<>> sleep_precisely(time_point until, patience how) {
  constexpr std::chrono::microseconds lateness{500};
  result<> slept;
  if (clock::now() < until - lateness) {
    slept = co_await sleep_until(until - lateness);
  }
  while (slept && clock::now() < until) {
    slept = co_await yield(how);
  }
  co_return slept;
}

}  // namespace ajar
