// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/mac.hpp - HMAC-SHA256 (RFC 2104), and keys derived by HKDF-SHA256 (RFC 5869).
#pragma once

#include <wolfssl/options.h>

#include <ajar/core/secret.hpp>
#include <ajar/crypto/hash.hpp>

#include <wolfssl/wolfcrypt/hmac.h>
#include <stdexcept>
#include <string_view>

namespace ajar::crypto {

/// HMAC-SHA256 of a message. Compare it by crypto::equal.
inline digest mac(bytes_view key, bytes_view message) {
  digest made{};
  Hmac state{};
  const bool done = wc_HmacInit(&state, nullptr, INVALID_DEVID) == 0 &&
                    wc_HmacSetKey(&state, WC_SHA256, key.data(), static_cast<word32>(key.size())) == 0 &&
                    wc_HmacUpdate(&state, message.data(), static_cast<word32>(message.size())) == 0 &&
                    wc_HmacFinal(&state, made.data()) == 0;
  wc_HmacFree(&state);
  if (!done) throw std::runtime_error("wolfCrypt cannot compute an HMAC");
  return made;
}

/// N octets from a secret, for one purpose: other purposes have others, and none tells of another.
template <std::size_t N>
secret<N> derive(bytes_view from, bytes_view salt, std::string_view purpose) {
  secret<N> made;
  const auto info = as_bytes(purpose);
  const auto octets = made.reveal();
  if (wc_HKDF(WC_SHA256, from.data(), static_cast<word32>(from.size()), salt.data(), static_cast<word32>(salt.size()),
              info.data(), static_cast<word32>(info.size()), octets.data(), static_cast<word32>(octets.size())) != 0) {
    throw std::runtime_error("wolfCrypt cannot derive a key");
  }
  return made;
}

}  // namespace ajar::crypto
