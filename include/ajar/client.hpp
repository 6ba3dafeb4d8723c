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
#include <string>
#include <utility>

namespace ajar {

/// A client. One link to each central whose servers it asks for; made when it is needed.
///
/// Threads: its executor only. When it goes, its links and its door are closed; sessions go on. stop() also waits.
/// Source: WO 2004/034190. Example: examples/client/.
class client {
 public:
  client(const asio::any_io_executor& executor, identity::key self, client_options how);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  /// A client on a state folder, which is made where it is not there: with the key and the grants that are kept in it
  /// (state::held_grants). No other process links by that key meanwhile. A grant file that is damaged costs itself
  /// alone.
  ///
  /// @param how  all else
  /// Errors: already_running, state_unusable, state_permissions, key_malformed, the system's.
  static result<std::unique_ptr<client>> open(const asio::any_io_executor& executor, const std::string& folder,
                                              client_options how = client_options());

  /// Begin: links are made as they are needed, and the door stands open while a server may dial it. Call it once.
  void start();

  /// Connect to a server: over the best path that works, or over the one asked for.
  ///
  /// The automatic choice: a session that the server has opened already; a window; a window of our own; waiting for the
  /// server to dial our door.
  /// Errors: not_started, no_grant, grant_expired, clocks_differ, method_not_granted, server_offline,
  /// window_unreachable, window_refused, client_unreachable, outbound_timeout, answer_forged, what the server refuses
  /// with, what ends the link to central. Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps
  /// B, F and G.
  [[nodiscard]] awaitable<result<sessions::session>> connect(identity::peer_id server,
                                                             connect_options how = connect_options());

  /// How this client's connections look from outside, as the central of that server tells: its NAT, its firewall.
  /// Nothing of a family that does not reach central.
  /// Errors: not_started, no_grant, dial_timeout, what ends the link to central, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<net::reflection>> network(identity::peer_id server, deadline until);

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
