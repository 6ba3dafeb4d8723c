// SPDX-License-Identifier: BSL-1.0
// ajar/windows/window.hpp - a window: one listener for one peer, and another one where a stranger came instead.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/windows/listener.hpp>
#include <ajar/windows/policy.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::windows {

/// How a window listens. Whoever opens it decides.
struct listening {
  net::tcp::endpoint local;  ///< the address to bind, and port 0
  expected_source expected;
  on_stranger policy = on_stranger::close_and_reopen;
  std::uint8_t most_listeners = 3;
  windows::cloak cloak = windows::cloak::automatic;
  std::vector<bound_port> ports{};  ///< held already, for the first listeners; then others at `local`
  report_sink account{};            ///< told of each port, also where the window is given up
};

/// How the peer is told of one listener.
class announced {
 public:
  /// At once: the port opens, then the peer is told. What is slow (a signature) is done before.
  announced(std::function<void()> tell) : tell_(std::move(tell)) {}  // NOLINT: it is nothing else
  /// In time: the peer is told, and the port opens just before its SYN can arrive.
  announced& opening(time_point at) {
    opens_ = at;
    return *this;
  }
  /// How long the port is asked for its connection without sleeping, from the opening on.
  announced& polling(clock::duration time) {
    polls_ = time;
    return *this;
  }
  /// Called once the port is open, with the instant since when.
  announced& when_open(std::function<void(time_point)> act) {
    when_open_ = std::move(act);
    return *this;
  }

  void tell() const { tell_(); }
  void opened(time_point since) const {
    if (when_open_) when_open_(since);
  }
  const std::optional<time_point>& opens() const noexcept { return opens_; }
  clock::duration polls() const noexcept { return polls_; }

 private:
  std::function<void()> tell_;
  std::function<void(time_point)> when_open_;
  std::optional<time_point> opens_;
  clock::duration polls_{0};
};

/// Called with a bound port, not open yet. An error gives the window up.
using announcement = std::function<result<announced>(std::uint8_t attempt, const net::tcp::endpoint& at)>;

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
  total.drops += one.drops;
  total.why = one.why;
  total.cloak = one.cloak;
  total.exposure += one.exposure;
  total.closed = one.closed;
}

inline result<listener> bind_next(const asio::any_io_executor& executor, const listening& how, std::uint8_t attempt) {
  if (attempt <= how.ports.size()) return listen_once(how.ports[attempt - 1U], how.expected, how.cloak);
  return listen_once(executor, how.expected, how.local, how.cloak);
}

}  // namespace detail

/// Open a window and wait for its one guest.
///
/// At no time is more than one port open; each is closed by its first connection, before an octet is read, and by the
/// deadline in any case.
///
/// @param how       where, for whom
/// @param until     absolute, monotonic: until then a port is open at most
/// @param announce  tells the peer where to come
/// @param admit     `awaitable<result<Guest>>(net::tcp_stream)`: authenticates the connection, in a time of its own:
///                  the port has closed before
/// @return the guest or why there is none (bind_failed, window_timeout, window_stranger, what `announce` or `admit`
/// gave, canceled), and what it cost
/// Cancellation: terminal. Threads: the caller's executor. Source: WO 2004/034190, just-in-time listening, D to G.
template <class Guest, class Admit>
[[nodiscard]] awaitable<outcome<Guest>> open_window(listening how, time_point until, announcement announce,
                                                    Admit admit) {
  const auto executor = co_await asio::this_coro::executor;
  outcome<Guest> came{fail(errc::window_timeout), report()};
  for (std::uint8_t attempt = 1; attempt <= how.most_listeners; ++attempt) {
    auto door = detail::bind_next(executor, how, attempt);
    if (!door) {
      came.guest = fail(door.error());
      break;
    }
    door->account(how.account);
    const auto told = announce(attempt, door->local_endpoint());
    result<> ready = told ? result<>() : fail(told.error());
    if (ready && told->opens()) {
      told->tell();
      ready = co_await sleep_precisely(std::min(*told->opens(), until), patience::keeps_core);
    }
    if (ready) ready = door->open();
    if (!ready) {
      came.guest = fail(ready.error());
      break;
    }
    if (!told->opens()) told->tell();
    told->opened(door->report().opened);
    auto stream = co_await door->accept(until, clock::now() + told->polls());
    detail::add(came.cost, door->report());
    if (stream) {
      auto guest = co_await admit(std::move(*stream));
      came.guest = std::move(guest);
    } else {
      came.guest = fail(stream.error());
    }
    if (came.guest || !is_stranger(came.guest.error())) break;
    if (stream) ++came.cost.strangers;  // the listener has counted the others
    if (how.policy == on_stranger::close) break;
    if (clock::now() >= until) break;
  }
  co_return came;
}

}  // namespace ajar::windows
