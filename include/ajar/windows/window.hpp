// SPDX-License-Identifier: BSL-1.0
// ajar/windows/window.hpp - a window: one listener for one peer, and another one where a stranger came instead.
#pragma once

#include <ajar/windows/listener.hpp>

#include <functional>
#include <utility>

namespace ajar::windows {

/// What to do when somebody else comes to the window.
enum class on_stranger {
  close,            ///< nothing more: the rule of WO 2004/034190, and a way to deny service
  close_and_reopen  ///< another port for what is left of the time, a few times
};

/// How a window is opened. Whoever opens it decides.
struct plan {
  net::tcp::endpoint local;  ///< the address to bind, and port 0
  expected_source expected;
  on_stranger policy = on_stranger::close_and_reopen;
  std::uint8_t most_listeners = 3;
};

/// No window stays open for longer, and by default not even so long.
inline constexpr std::chrono::milliseconds longest_window{999};
inline constexpr std::chrono::milliseconds default_window{800};

/// Called with a bound port, not open yet: prepares all that is slow (a signature), and gives what to do in the moment
/// when the port is open. An error gives the window up.
using announcement = std::function<result<std::function<void()>>(std::uint8_t attempt, const net::tcp::endpoint& at)>;

/// True for what a stranger's connection looks like, from the outside or after TLS looked at it.
inline bool is_stranger(const std::error_code& why) {
  for (const auto cause :
       {errc::window_stranger, errc::not_tls, errc::tls_version, errc::certificate_missing, errc::certificate_malformed,
        errc::wrong_key, errc::alpn_missing, errc::alpn_mismatch, errc::handshake_failed, errc::truncated, errc::eof}) {
    if (why == cause) return true;
  }
  return false;
}

/// What came of a window.
template <class Guest>
struct outcome {
  result<Guest> guest;
  report cost;
};

namespace detail {

inline void add(report& total, const report& one) {
  if (total.listeners == 0) total.opened = one.opened;
  total.listeners = static_cast<std::uint16_t>(total.listeners + one.listeners);
  total.strangers = static_cast<std::uint16_t>(total.strangers + one.strangers);
  total.why = one.why;
  total.exposure += one.exposure;
  total.closed = one.closed;
}

}  // namespace detail

/// Open a window and wait for its one guest.
///
/// At no time is more than one port open; each is closed by its first connection, before an octet is read, and by the
/// deadline in any case.
///
/// @param how       the plan
/// @param until     absolute, monotonic; it covers authentication too
/// @param announce  tells the peer where to come
/// @param admit     `awaitable<result<Guest>>(net::tcp_stream)`: authenticates the connection
/// @return the guest or why there is none (bind_failed, window_timeout, window_stranger, what `announce` or `admit`
/// gave, canceled), and what it cost
/// Cancellation: terminal. Threads: the caller's executor. Source: WO 2004/034190, just-in-time listening, D to G.
template <class Guest, class Admit>
[[nodiscard]] awaitable<outcome<Guest>> open_window(plan how, time_point until, announcement announce, Admit admit) {
  const auto executor = co_await asio::this_coro::executor;
  outcome<Guest> came{fail(errc::window_timeout), report()};
  for (std::uint8_t attempt = 1; attempt <= how.most_listeners; ++attempt) {
    auto door = listen_once(executor, how.expected, how.local);
    if (!door) {
      came.guest = fail(door.error());
      break;
    }
    const auto tell = announce(attempt, door->local_endpoint());
    const auto opened = tell ? door->open() : result<>(fail(tell.error()));
    if (!opened) {
      came.guest = fail(opened.error());
      break;
    }
    (*tell)();
    auto stream = co_await door->accept(until);
    detail::add(came.cost, door->report());
    if (stream) {
      auto guest = co_await admit(std::move(*stream));
      came.guest = std::move(guest);
    } else {
      came.guest = fail(stream.error());
    }
    if (came.guest || how.policy == on_stranger::close || !is_stranger(came.guest.error())) break;
    if (stream) ++came.cost.strangers;
    if (clock::now() >= until) break;
  }
  co_return came;
}

}  // namespace ajar::windows
