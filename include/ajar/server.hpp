// SPDX-License-Identifier: BSL-1.0
// ajar/server.hpp - the server: reachable by its authorised clients, with no port that stands open.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/server/options.hpp>
#include <ajar/server/status.hpp>
#include <ajar/sessions/session.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ajar {

using windows::exposure;

/// A server. Its sessions come from accept(), whichever way they came about.
///
/// Threads: its executor only. When it goes, its windows and sessions are closed; stop() also waits for them.
/// Source: WO 2004/034190: the non-listening server, and just-in-time listening. Example: examples/server/.
class server {
 public:
  server(const asio::any_io_executor& executor, identity::key self, server_options how);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  /// A server on a state folder, which is made where it is not there: with the key, the grants, the invites and the
  /// revocations that are kept in it (server_state). No other process runs a server on it meanwhile; grants that
  /// another one issues there count at once.
  ///
  /// @param how  all else
  /// Errors: already_running, state_unusable, state_permissions, state_damaged, key_malformed, the system's.
  static result<std::unique_ptr<server>> open(const asio::any_io_executor& executor, const std::string& folder,
                                              server_options how);

  /// Link to central, and serve. Call it once.
  void start();

  /// Wait for the next session. No port is open while this waits.
  /// Errors: canceled after stop(), or the final cause that the link to its own central ended by
  /// (signalling::is_final): no session comes any more, and those that are there go on until stop(). Cancellation:
  /// terminal.
  [[nodiscard]] awaitable<result<sessions::session>> accept();

  /// The next session whose grant permits this service; one without it is ended, and its client told
  /// service_not_granted. For a server of one service; one of several asks permits() when it knows what is wanted.
  /// Errors and cancellation: accept()'s.
  [[nodiscard]] awaitable<result<sessions::session>> accept(std::string service);

  /// What the grant that a session came by lets it do with a service, now.
  /// Errors: service_not_granted, grant_revoked, grant_unknown, server_busy (the grants cannot be looked up).
  result<trust::service_right> permits(const sessions::session& guest, std::string_view service) const;

  /// Take grants back. Nothing comes in by them from now on; on return nothing that came by them is alive here: no
  /// session, no handshake, no window. Central is told, at every link until it has acknowledged.
  ///
  /// @param list  signed by this server, kept by the caller (state::issued_grants::revoke); the one before goes
  ///
  /// Errors: signature_invalid (it is another's), serial_too_low. Cancellation: terminal; nobody enters by these grants
  /// even so.
  [[nodiscard]] awaitable<result<>> revoke(trust::signed_revocations list);

  /// Be linked to another central as well, from now on: for clients that know this server by that one, as where it
  /// moves from one to another. Grants, invites, revocations, sessions and what they may cost are the same for all. Of
  /// a client that several of them tell of the first one counts. accept() ends when every link has ended for good.
  void also_at(const identity::url& central);
  /// Leave one of several: its clients do not find this server there any more; sessions go on.
  /// Errors: url_malformed (it is not linked to that one), server_offline (there is no other).
  result<> leave(const identity::url& central);

  /// There are other invites than before: central is told of those there are now.
  void announce_invites();

  /// Run a coroutine as long as the server, at most: stop() cancels it.
  void spawn(awaitable<void> work);

  /// End everything: windows and sessions are closed, central is told, and all coroutines have ended on return.
  [[nodiscard]] awaitable<void> stop();

  /// For the windows that open from now on: what strangers bring about, and where they are bound (server_options).
  void set_on_stranger(windows::on_stranger policy);
  void set_window_address(std::optional<net::address> at);

  /// What its windows cost so far.
  const exposure& exposed() const noexcept;
  /// All that it knows of itself now.
  server_status status() const;
  /// The sessions that are alive.
  std::size_t sessions() const;
  bool linked() const;

 private:
  std::shared_ptr<detail::server_node> state_;
};

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/impl/server.ipp>
#endif
