// SPDX-License-Identifier: BSL-1.0
// ajar/core/deadline.hpp - race an operation against an instant, or against another one; the only place
// that does.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>

#include <asio/error.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace ajar {

/// True for the errors that mean "somebody cancelled this".
inline bool is_canceled(const std::error_code& code) noexcept {
  return code == errc::canceled || code == asio::error::operation_aborted;
}

namespace detail {

template <class T>
struct outcome {
  std::optional<result<T>> value;
  std::exception_ptr thrown;
};

// operator|| waits for one *success*, so a failure, thrown or not, has to look like a success to it.
template <class T>
awaitable<void> settle(awaitable<result<T>> operation, outcome<T>& into) {
  try {
    auto value = co_await std::move(operation);
    into.value.emplace(std::move(value));
  } catch (const std::system_error& error) {
    if (is_canceled(error.code())) {
      into.value.emplace(fail(errc::canceled));
    } else {
      into.thrown = std::current_exception();
    }
  } catch (...) {
    into.thrown = std::current_exception();
  }
}

// Run work until an instant, cancel it then, and wait for its end; true where the instant came first.
[[nodiscard]] awaitable<bool> race(time_point until, awaitable<void> work);
// The same until something else has ended.
[[nodiscard]] awaitable<void> race(awaitable<void> other, awaitable<void> work);

template <class T>
result<T> taken(outcome<T>& done, const std::error_code& where_none) {
  if (done.thrown) std::rethrow_exception(done.thrown);
  if (!done.value) return fail(where_none);
  return std::move(*done.value);
}

template <class T>
awaitable<result<T>> ended_before(time_point until, errc late, awaitable<result<T>> operation) {
  outcome<T> done;
  auto work = settle(std::move(operation), done);
  auto racing = race(until, std::move(work));
  const bool expired = co_await std::move(racing);
  const bool stopped = !done.thrown && (!done.value || (!*done.value && is_canceled(done.value->error())));
  if (expired && stopped) co_return fail(late);
  co_return taken(done, errc::canceled);
}

}  // namespace detail

/// Run an operation until an instant; cancel it then, and wait until it has stopped.
///
/// @param until      `never` runs it without a deadline
/// @param late       the error that names which step was late
/// @param operation  a coroutine that has not been started
/// @return what the operation gave, or `late`
/// Cancellation: terminal, handed on to the operation. Threads: the caller's executor only.
template <class T>
[[nodiscard]] awaitable<result<T>> before(deadline until, errc late, awaitable<result<T>> operation) {
  if (time_point(until) == never) return operation;
  return detail::ended_before(until, late, std::move(operation));
}

/// Run an operation until something else has ended, whatever that gave; cancel the operation then, and wait until it
/// has stopped. The other one is cancelled when the operation ends first.
///
/// @param other      a coroutine that has not been started: it begins first
/// @param operation  likewise
/// @return what the operation gave; canceled where the other one ended before
/// Cancellation: terminal, handed on to both. Threads: the caller's executor only.
template <class T>
[[nodiscard]] awaitable<result<T>> unless(awaitable<result<>> other, awaitable<result<T>> operation) {
  detail::outcome<void> over;
  detail::outcome<T> done;
  auto watching = detail::settle(std::move(other), over);
  auto work = detail::settle(std::move(operation), done);
  auto racing = detail::race(std::move(watching), std::move(work));
  co_await std::move(racing);
  if (over.thrown) std::rethrow_exception(over.thrown);
  co_return detail::taken(done, errc::canceled);
}

/// Wait until an instant. Errors: canceled. Cancellation: terminal.
[[nodiscard]] awaitable<result<>> sleep_until(time_point until);

/// Whether a wait that asks the clock again and again leaves its core to other threads meanwhile.
enum class patience { keeps_core, shares_core };

/// Let other coroutines run, and come back at once. Errors: canceled. Cancellation: terminal.
[[nodiscard]] awaitable<result<>> yield(patience how);

/// Wait until an instant, to some microseconds: timers are late by 60 and, on a virtual machine at rest, by hundreds;
/// so the last ones are waited for by asking the clock. Errors: canceled. Cancellation: terminal.
[[nodiscard]] awaitable<result<>> sleep_precisely(time_point until, patience how);

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/core/impl/deadline.ipp>
#endif
