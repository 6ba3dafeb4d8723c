// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/passage.hpp - one rung of a window, as one of its two ends goes it.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/rendezvous/window_ports.hpp>
#include <ajar/sessions/proof.hpp>
#include <ajar/trust/window_request.hpp>
#include <ajar/windows/crossing.hpp>
#include <ajar/windows/plan.hpp>
#include <ajar/windows/window.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

/// Which of the two ends of a window this is.
enum class window_end : std::uint8_t { server, client };

/// For TLS and the proofs, from when a connection stands: no port is open any more.
inline constexpr std::chrono::seconds authentication_time{5};

/// The rungs of one answer take no longer, with the crossings among them.
inline constexpr std::chrono::seconds longest_ladder{8};

/// The path of a session that came by a rung.
constexpr sessions::path path_of(trust::rung_kind kind) {
  switch (kind) {
    case trust::rung_kind::crossing:
      return sessions::path::crossing;
    case trust::rung_kind::listener_reverse:
      return sessions::path::window_reverse;
    case trust::rung_kind::listener:
      break;
  }
  return sessions::path::window;
}

/// Which end is the TLS server: whoever listened, and the server in a crossing.
constexpr tls::side tls_side_of(trust::rung_kind kind, window_end here) {
  const bool serves = (here == window_end::client) == (kind == trust::rung_kind::listener_reverse);
  return serves ? tls::side::server : tls::side::client;
}

/// True where this end listens at that rung.
constexpr bool listens(trust::rung_kind kind, window_end here) {
  return kind == (here == window_end::server ? trust::rung_kind::listener : trust::rung_kind::listener_reverse);
}

/// A connection from the right place, not authenticated yet.
struct passage {
  net::tcp_stream stream;
  trust::rung_kind kind = trust::rung_kind::listener;
  std::shared_ptr<void> kept{};  ///< until TLS is up: the other sockets of a crossing
  time_point up{};               ///< when it was connected
  unsigned tries = 1;
};

/// One rung in this end's own time.
struct rung_in_time {
  trust::rung what;
  window_end here = window_end::server;
  time_point start{};
  time_point end{};
  trust::request_id id{};
  time_point opens{};  ///< this end's port, where it listens

  const std::vector<net::tcp::endpoint>& mine() const { return here == window_end::server ? what.server : what.client; }
  const std::vector<net::tcp::endpoint>& theirs() const {
    return here == window_end::server ? what.client : what.server;
  }
};

namespace detail {

// The port that a rung names: one of those that are held, or port 443 of the address that they have.
inline result<windows::bound_port> port_of(window_ports& ports, const net::tcp::endpoint& named,
                                           const asio::any_io_executor& executor) {
  const auto* held = ports.find(named);
  if (held) return held->port;
  const auto* sibling = named.port() == windows::https_port ? ports.beside(named.address()) : nullptr;
  if (!sibling) return fail(errc::bind_failed);
  auto bound = windows::bind_port(executor, {sibling->port.local_endpoint().address(), windows::https_port});
  if (!bound) return fail(errc::port_443_not_permitted);
  return bound;
}

inline awaitable<result<>> readable(net::tcp_stream& stream) {
  auto [error] = co_await stream.async_wait(net::tcp_stream::wait_read, use_values);
  if (error) co_return fail(errc::canceled);
  co_return result<>{};
}

}  // namespace detail

/// Who dials a listener speaks first, at once: somebody who stays silent is not who was expected, and must not use up
/// the time of a window. Errors: window_stranger, canceled. Cancellation: terminal. The stream outlives the wait.
[[nodiscard]] inline awaitable<result<>> speaks(net::tcp_stream& stream, time_point until) {
  constexpr std::chrono::milliseconds slack{150};
  const auto round_trip = net::round_trip(stream).value_or(std::chrono::microseconds(0));
  const auto patience = std::min(until, clock::now() + round_trip * 2 + slack);
  auto waiting = detail::readable(stream);
  auto spoke = co_await before(patience, errc::window_stranger, std::move(waiting));
  co_return spoke;
}

/// Cross: both ends connect at one instant. Errors: windows::cross's, bind_failed, port_443_not_permitted.
/// Cancellation: terminal.
[[nodiscard]] inline awaitable<result<passage>> go_crossing(rung_in_time rung, shared_ports ports) {
  const auto executor = co_await asio::this_coro::executor;
  const auto names = rung.here == window_end::server ? windows::crossing_side::names : windows::crossing_side::follows;
  // a grid of 0 tells that nothing changes addresses between two ends that are near each other
  const bool near = rung.what.grid_ms == 0;
  const auto gap =
      near ? windows::redial_grid::gap_for({}) : clock::duration(std::chrono::milliseconds(rung.what.grid_ms));
  windows::crossing_plan plan(rung.start, gap, names);
  if (near) plan.signed_by(rung.id);
  const auto pairs = std::min(rung.mine().size(), rung.theirs().size());
  for (std::size_t i = 0; i < pairs; ++i) {
    auto port = detail::port_of(*ports, rung.mine()[i], executor);
    if (!port) co_return fail(port.error());
    plan.pair(std::move(*port), rung.theirs()[i]);
  }
  auto crossing = windows::cross(std::move(plan), rung.end);
  auto crossed = co_await std::move(crossing);
  if (!crossed) co_return fail(crossed.error());
  const auto kept = std::make_shared<windows::crossed>(std::move(*crossed));
  passage made{std::move(kept->stream), rung.what.kind, kept, kept->established, kept->tries};
  co_return std::move(made);
}

/// Dial the other end's listener, again at each gap of the rung where no answer comes. Errors: window_timeout (its port
/// answered, and was closed again by then), window_unreachable, bind_failed, canceled. Cancellation: terminal.
[[nodiscard]] inline awaitable<result<passage>> go_dialling(rung_in_time rung, net::dial_options how) {
  if (rung.theirs().empty()) co_return fail(errc::answer_forged);
  const net::dial_times when{rung.start, rung.end, std::chrono::milliseconds(rung.what.grid_ms)};
  auto dialling = net::dial_at(rung.theirs().front(), when, std::move(how));
  auto stream = co_await std::move(dialling);
  if (!stream) {
    if (is_canceled(stream.error()) || stream.error() == errc::bind_failed) co_return fail(stream.error());
    co_return fail(stream.error() == errc::dial_refused ? errc::window_timeout : errc::window_unreachable);
  }
  passage made{std::move(*stream), rung.what.kind, nullptr, clock::now(), 1};
  co_return std::move(made);
}

/// A SYN to where the other end will come from: the firewall before the listener lets in what answers, or comes from
/// that address. It stays until the rung is over.
class punch {
 public:
  punch(const windows::bound_port& from, net::tcp::endpoint to) {
    if (to.port() == 0) to.port(windows::https_port);  // any will do for a firewall that looks at addresses
    auto stream = from.fresh();
    if (stream && net::begin_connect(*stream, to)) stream_.emplace(std::move(*stream));
  }

 private:
  std::optional<net::tcp_stream> stream_;
};

}  // namespace ajar::rendezvous
