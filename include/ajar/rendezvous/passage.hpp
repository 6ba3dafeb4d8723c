// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/passage.hpp - one rung of a window, as one of its two ends goes it.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/dial_options.hpp>
#include <ajar/net/transport.hpp>
#include <ajar/rendezvous/window_ports.hpp>
#include <ajar/sessions/proof.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/trust/rung.hpp>
#include <ajar/trust/window_request.hpp>
#include <ajar/windows/policy.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace ajar::rendezvous {

/// Which of the two ends of a window this is.
enum class window_end : std::uint8_t { server, client };

/// For TLS and the proofs, from when a connection stands: no port is open any more.
inline constexpr std::chrono::seconds authentication_time{5};

/// From when somebody connected to a port until he has shown his key: whoever needs longer shares the time of the
/// window with the next listener. Most of it is for slow lines, and for machines that are busy.
constexpr clock::duration handshake_part(clock::duration round_trip) {
  return round_trip * 2 + std::chrono::milliseconds(500);
}

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

/// Why no session came of a port of the other end that answered. Over so long a way the port has closed, as it must,
/// before the last packet of our connection was there.
///
/// @param round_trip  that the kernel measured
inline std::error_code cause_at_port(const std::error_code& why, std::optional<clock::duration> round_trip) {
  const bool too_late = round_trip && *round_trip > windows::longest_way;
  return too_late && why == errc::truncated ? make_error_code(errc::way_too_long) : why;
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
result<windows::bound_port> port_of(window_ports& ports, const net::tcp::endpoint& named,
                                    const asio::any_io_executor& executor);

}  // namespace detail

/// Who dials a listener speaks first, at once and to the end of his first TLS record: somebody who stays silent, or
/// stops in its midst, is not who was expected, and must not use up the time of a window. Errors: window_stranger,
/// canceled. Cancellation: terminal. The stream outlives the wait.
[[nodiscard]] awaitable<result<>> speaks(net::tcp_stream& stream, time_point until);

/// Cross: both ends connect at one instant. Errors: windows::cross's, bind_failed, port_443_not_permitted.
/// Cancellation: terminal.
[[nodiscard]] awaitable<result<passage>> go_crossing(rung_in_time rung, shared_ports ports);

/// Dial the other end's listener, again at each gap of the rung where no answer comes. Errors: window_timeout (its port
/// answered, and was closed again by then), window_unreachable, bind_failed, canceled. Cancellation: terminal.
[[nodiscard]] awaitable<result<passage>> go_dialling(rung_in_time rung, net::dial_options how);

/// A SYN to where the other end will come from: the firewall before the listener lets in what answers, or comes from
/// that address. It stays until the rung is over.
class punch {
 public:
  punch(const windows::bound_port& from, net::tcp::endpoint to);

  /// What kept it from being sent, where that is a shortage here.
  const std::error_code& short_of() const noexcept { return short_of_; }

 private:
  std::optional<net::tcp_stream> stream_;
  std::error_code short_of_;
};

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/passage.ipp>
#endif
