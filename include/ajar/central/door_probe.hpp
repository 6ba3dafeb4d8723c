// SPDX-License-Identifier: BSL-1.0
// ajar/central/door_probe.hpp - is a client there, and does it want to be dialled?
#pragma once

#include <ajar/identity/key.hpp>
#include <ajar/net/network.hpp>
#include <ajar/tls/stream.hpp>

#include <utility>

namespace ajar::detail {

/// For all of a probe. Three SYNs leave in it at most, wherever the client says that its door is.
inline constexpr std::chrono::milliseconds door_probe_time{2'500};

/// Dial an address, and see whether that client's key answers for the ALPN of probes.
///
/// Errors: dial's, tls::stream::handshake's. Cancellation: terminal. Source: docs/protocol.md, step B.
[[nodiscard]] inline awaitable<result<>> probe_door(std::shared_ptr<net::network> over, identity::key self,
                                                    identity::peer_id client, net::tcp::endpoint at) {
  constexpr std::chrono::milliseconds gap{850};  // each socket is gone before the kernel sends again
  static_assert(gap * 3 >= door_probe_time && gap < std::chrono::seconds(1));
  const auto until = clock::now() + door_probe_time;
  const net::dial_times when{clock::now(), until, gap};
  auto dialling = over->dial_at(at, when);
  auto expected = identity::expect(client, tls::alpn::probe);
  auto securing = tls::secure(std::move(dialling), self.tls(), std::move(expected), until);
  auto secured = co_await std::move(securing);
  if (!secured) co_return fail(secured.error());
  auto parted = co_await secured->shutdown(until);
  (void)parted;  // the handshake has proved it
  co_return result<>{};
}

}  // namespace ajar::detail
