// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/redeem.hpp - a link to central for one redemption of an invite.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/network.hpp>
#include <ajar/signalling/message.hpp>

namespace ajar::signalling {

/// Send a redemption to its server, and wait for what the server says.
///
/// @return the sealed answer, as central gave it: trust::redeemer::open reads it
/// Errors: dial's and the handshake's; what central or the server refuses with; exchange_timeout; canceled.
/// Cancellation: terminal.
[[nodiscard]] awaitable<result<bytes>> redeem_through(identity::key self, identity::url central, redeem what,
                                                      time_point until,
                                                      std::shared_ptr<net::network> over = net::sockets());

}  // namespace ajar::signalling

#ifdef AJAR_HEADER_ONLY
#include <ajar/signalling/impl/redeem.ipp>
#endif
