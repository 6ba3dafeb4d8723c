// SPDX-License-Identifier: BSL-1.0
// ajar/trust/may_enter.hpp - may this peer come in, by this grant, in this way, now?
#pragma once

#include <ajar/trust/revocations.hpp>

namespace ajar::trust {

/// What the server knows when somebody stands at the door, or asks to.
struct entry {
  identity::peer_id server;  ///< who decides
  identity::peer_id client;  ///< whose key was proved
  trust::method method = trust::method::window;
  wall_time now{};
  std::size_t sessions = 0;  ///< that this client has already
};

/// The server's own check of a grant: before a window opens, after the handshake, and again whenever it may have ended.
///
/// Errors: grant_unknown (another server signed it), grant_of_another, grant_not_yet_valid, grant_expired,
/// grant_revoked, method_not_granted, too_many_sessions.
inline result<> may_enter(const signed_grant& given, const revocations& revoked, const entry& at) {
  const auto& body = given.body();
  if (given.signer() != at.server) return fail(errc::grant_unknown);
  if (body.client != at.client) return fail(errc::grant_of_another);
  if (revoked.contains(body.id)) return fail(errc::grant_revoked);
  if (at.now < body.not_before) return fail(errc::grant_not_yet_valid);
  if (at.now >= body.not_after) return fail(errc::grant_expired);
  if (!body.permits(at.method)) return fail(errc::method_not_granted);
  if (at.sessions >= body.sessions) return fail(errc::too_many_sessions);
  return {};
}

}  // namespace ajar::trust
