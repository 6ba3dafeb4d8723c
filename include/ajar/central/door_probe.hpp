// SPDX-License-Identifier: BSL-1.0
// ajar/central/door_probe.hpp - is a client there, and does it want to be dialled?
#pragma once

#include <ajar/identity/key.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/tls/stream.hpp>

#include <utility>

namespace ajar::detail {

/// Dial an address, and see whether that client's key answers for the ALPN of probes.
///
/// Errors: dial's, tls::stream::handshake's. Cancellation: terminal. Source: docs/protocol.md, step B.
[[nodiscard]] inline awaitable<result<>> probe_door(identity::key self, identity::peer_id client, net::tcp::endpoint at,
                                                    time_point until) {
  net::endpoint to(at);
  auto stream = co_await net::dial(to, until);
  if (!stream) co_return fail(stream.error());
  tls::stream<net::tcp_stream> secured(std::move(*stream), self.tls(), tls::side::client,
                                       identity::expect(client, tls::alpn::probe));
  auto shaken = co_await secured.handshake(until);
  if (!shaken) co_return shaken;
  auto parted = co_await secured.shutdown(until);
  (void)parted;  // the handshake has proved it
  co_return result<>{};
}

}  // namespace ajar::detail
