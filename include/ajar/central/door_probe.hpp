// SPDX-License-Identifier: BSL-1.0
// ajar/central/door_probe.hpp - is a client there, and does it want to be dialled?
#pragma once

#include <ajar/identity/key.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/tls/stream.hpp>

#include <utility>

namespace ajar::detail {

/// For all of a probe. Three SYNs leave in it at most, wherever the client says that its door is.
inline constexpr std::chrono::milliseconds door_probe_time{2'500};

/// Dial an address, and see whether that client's key answers for the ALPN of probes.
///
/// Errors: dial's, tls::stream::handshake's. Cancellation: terminal. Source: docs/protocol.md, step B.
[[nodiscard]] inline awaitable<result<>> probe_door(identity::key self, identity::peer_id client,
                                                    net::tcp::endpoint at) {
  constexpr std::chrono::milliseconds gap{850};  // each socket is gone before the kernel sends again
  static_assert(gap * 3 >= door_probe_time && gap < std::chrono::seconds(1));
  const auto until = clock::now() + door_probe_time;
  const net::dial_times when{clock::now(), until, gap};
  auto dialling = net::dial_at(at, when);
  auto stream = co_await std::move(dialling);
  if (!stream) co_return fail(stream.error());
  tls::stream secured(std::move(*stream), self.tls(), tls::side::client, identity::expect(client, tls::alpn::probe));
  auto shaken = co_await secured.handshake(until);
  if (!shaken) co_return shaken;
  auto parted = co_await secured.shutdown(until);
  (void)parted;  // the handshake has proved it
  co_return result<>{};
}

}  // namespace ajar::detail
