// SPDX-License-Identifier: BSL-1.0
// ajar/client.hpp - the client: reaches servers that have no open port.
#pragma once

#include <ajar/client/options.hpp>
#include <ajar/client/status.hpp>
#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/net/reflection.hpp>
#include <ajar/sessions/session.hpp>

#include <memory>
#include <utility>

namespace ajar {

/// A client. One link to each central whose servers it asks for; made at the first use.
///
/// Threads: its executor only. When it goes, its links and its door are closed; sessions go on. stop() also waits.
/// Source: WO 2004/034190. Example: examples/client/.
class client {
 public:
  client(const asio::any_io_executor& executor, identity::key self, client_options how);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  /// Connect to a server: over the best path that works, or over the one asked for.
  ///
  /// The automatic choice: a session that the server has opened already; a window; a window of our own; waiting for the
  /// server to dial our door.
  /// Errors: no_grant, grant_expired, method_not_granted, server_offline, window_unreachable, window_refused,
  /// client_unreachable, outbound_timeout, answer_forged, what the server refuses with, what ends the link to central.
  /// Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps B, F and G.
  [[nodiscard]] awaitable<result<sessions::session>> connect(identity::peer_id server,
                                                             connect_options how = connect_options());

  /// How this client's connections look from outside, as the central of that server tells: its NAT, its firewall.
  /// Nothing of a family that does not reach central.
  /// Errors: no_grant, dial_timeout, what ends the link to central, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<net::reflection>> network(identity::peer_id server, time_point until);

  /// Close links and door, and wait until all coroutines have ended; sessions go on. Nothing connects afterwards.
  [[nodiscard]] awaitable<void> stop();

  /// What the door cost so far.
  windows::report door_report() const;
  /// All that it knows of itself now; also after stop().
  client_status status() const;

 private:
  std::shared_ptr<detail::client_node> state_;
};

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/impl/client.ipp>
#endif
