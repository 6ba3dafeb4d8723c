// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/mac.hpp - HMAC-SHA256 (RFC 2104), and keys derived by HKDF-SHA256 (RFC 5869).
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/secret.hpp>
#include <ajar/crypto/hash.hpp>

#include <string_view>

namespace ajar::crypto {

/// HMAC-SHA256 of a message. Compare it by crypto::equal. Throws std::runtime_error where wolfCrypt fails.
digest mac(bytes_view key, bytes_view message);

/// As many octets from a secret as there is room for, for one purpose: other purposes have others, and none tells of
/// another. Throws std::runtime_error where wolfCrypt fails.
void derive(bytes_view from, bytes_view salt, std::string_view purpose, std::span<std::uint8_t> into);

/// N of them.
template <std::size_t N>
secret<N> derive(bytes_view from, bytes_view salt, std::string_view purpose) {
  secret<N> made;
  derive(from, salt, purpose, made.reveal());
  return made;
}

}  // namespace ajar::crypto

#ifdef AJAR_HEADER_ONLY
#include <ajar/crypto/impl/mac.ipp>
#endif
