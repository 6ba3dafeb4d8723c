// SPDX-License-Identifier: BSL-1.0
// ajar/client/join.hpp - from an invite to a grant.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/net/network.hpp>
#include <ajar/trust/invite.hpp>
#include <ajar/trust/redemption.hpp>

namespace ajar {

/// Redeem an invite by one key, through the central that it names. Again with the same key is harmless, and gets the
/// same. One that central itself gave out (trust::invites_server) is redeemed by a server's key.
///
/// @return the grant, or why the server gives none: `invite_pending` means not yet; neither where central serves this
///         server from now on
/// Errors: dial's and the handshake's; server_offline, unknown_server, invite_unknown, invite_expired, not_admitted;
/// answer_forged; exchange_timeout, canceled. Cancellation: terminal; the server may have recorded the use.
[[nodiscard]] awaitable<result<trust::redeemed>> join(identity::key self, trust::invite with, deadline until,
                                                      std::shared_ptr<net::network> over = net::sockets());

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/client/impl/join.ipp>
#endif
