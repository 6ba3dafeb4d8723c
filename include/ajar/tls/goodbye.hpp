// SPDX-License-Identifier: BSL-1.0
// ajar/tls/goodbye.hpp - why a connection is cut, as its last record: the end that cuts does not wait.
#pragma once

#include <ajar/core/error.hpp>
#include <ajar/core/secret.hpp>
#include <ajar/crypto/compare.hpp>
#include <ajar/crypto/mac.hpp>
#include <ajar/tls/context.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace ajar::tls {

/// A record of its own: an errc, and a MAC of it under a key of this connection and this direction. What a program
/// sends, or what it passes on for others, never looks like one.
using goodbye = std::array<std::uint8_t, 2 + std::tuple_size_v<crypto::digest>>;

/// What the other end may be told: it is over for good, and by whose word. That a connection was silent, or that this
/// program ends, tells it nothing that it may go by.
inline bool may_be_told(const std::error_code& why) {
  return why == errc::grant_revoked || why == errc::grant_expired || why == errc::grant_unknown ||
         why == errc::service_not_granted;
}

/// @param exporter  the connection's (stream::exporter)
/// @param from      who says it
inline goodbye make_goodbye(const secret<32>& exporter, side from, errc why) {
  goodbye made{};
  const auto value = static_cast<std::uint16_t>(why);
  made[0] = static_cast<std::uint8_t>(value >> 8);
  made[1] = static_cast<std::uint8_t>(value & 255);
  const auto key = crypto::derive<32>(exporter.reveal(), {},
                                      from == side::client ? "ajar goodbye/1 client" : "ajar goodbye/1 server");
  const auto sealed = crypto::mac(key.reveal(), bytes_view(made).first(2));
  std::ranges::copy(sealed, made.begin() + 2);
  return made;
}

/// The cause in a record, where it is a goodbye of `from`.
inline std::optional<errc> open_goodbye(const secret<32>& exporter, side from, const goodbye& record) {
  const auto why = static_cast<errc>(record[0] << 8 | record[1]);
  if (!may_be_told(why)) return std::nullopt;
  const auto expected = make_goodbye(exporter, from, why);
  return crypto::equal(expected, record) ? std::optional(why) : std::nullopt;
}

}  // namespace ajar::tls
