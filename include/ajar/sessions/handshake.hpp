// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/handshake.hpp - from a stream that TLS has secured to a session: the proof.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/places.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/sessions/session.hpp>

#include <functional>

namespace ajar::sessions {

/// The client's side of the proof, on a stream that TLS has secured.
///
/// @param nonce  the window's request id; outbound: random
/// Errors: what the server refuses with (grant_expired, grant_revoked, too_many_sessions, ...), proof_invalid,
/// handshake_timeout, the stream's own, canceled. Cancellation: terminal. Source: RFC 8446 section 7.5 (exporters).
[[nodiscard]] awaitable<result<session>> enter(tls::stream stream, identity::key self, path over, session_nonce nonce,
                                               trust::grant_id grant, deadline until);

/// Asked with what the client claims, before it is let in: the grant, the deadline and the revocations, once more.
/// What it gives is the session's place, from then on until the session closes.
using entry_check = std::function<result<place>(const claim&, const identity::peer_id& client)>;

/// The server's side of the proof.
///
/// @param over    the path that this connection came by: a claim of another one is refused
/// @param enters  the last word on the claim
/// Errors: what `enters` gives, proof_invalid, handshake_timeout, the stream's own, canceled; the client is told.
/// Cancellation: terminal.
[[nodiscard]] awaitable<result<session>> let_in(tls::stream stream, identity::key self, path over, entry_check enters,
                                                deadline until);

}  // namespace ajar::sessions

#ifdef AJAR_HEADER_ONLY
#include <ajar/sessions/impl/handshake.ipp>
#endif
