// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/redeem.hpp - a link to central for one thing: to redeem an invite, or to go over to another key.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/network.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/trust/succession.hpp>

namespace ajar::signalling {

/// Send a redemption to its server, and wait for what the server says.
///
/// @return the sealed answer, as central gave it: trust::redeemer::open reads it
/// Errors: dial's and the handshake's; what central or the server refuses with; exchange_timeout; canceled.
/// Cancellation: terminal.
[[nodiscard]] awaitable<result<bytes>> redeem_through(identity::key self, identity::url central, redeem what,
                                                      time_point until,
                                                      std::shared_ptr<net::network> over = net::sockets());

/// Tell central that a server which it serves goes over to another key: it serves that one too from then on. Again is
/// harmless.
///
/// @param successor  the key that the server goes over to
/// Errors: dial's and the handshake's; not_admitted (it does not serve the key before), what trust::successor_of says
/// there, central_busy (it cannot keep it), exchange_timeout; canceled. Cancellation: terminal.
[[nodiscard]] awaitable<result<>> succeed_at(identity::key successor, identity::url central,
                                             trust::signed_succession said, time_point until,
                                             std::shared_ptr<net::network> over = net::sockets());

}  // namespace ajar::signalling

#ifdef AJAR_HEADER_ONLY
#include <ajar/signalling/impl/redeem.ipp>
#endif
