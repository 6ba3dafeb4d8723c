// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/respond.hpp - a server does what a client asked for through central: plans the way, and goes it.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/rendezvous/respond_options.hpp>
#include <ajar/rendezvous/response.hpp>
#include <ajar/sessions/session.hpp>

#include <memory>

namespace ajar::rendezvous {

/// Do nothing about a command but to tell the client why.
void refuse(std::shared_ptr<respond_policy> policy, identity::key self, respond_options how, opened_command what,
            const std::error_code& why);

/// Carry out one command of central's, if its request is good; the client gets a signed answer in any case.
///
/// @return the session, or why there is none: those of respond_policy::may_open, address_not_permitted, no_direct_path,
/// port_443_not_permitted, those of windows::open_window, windows::cross, net::dial, tls::secure and
/// sessions::let_in
///
/// Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps C, D, E and G.
[[nodiscard]] awaitable<result<sessions::session>> respond(std::shared_ptr<respond_policy> policy, identity::key self,
                                                           respond_options how, opened_command what);

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/respond.ipp>
#endif
