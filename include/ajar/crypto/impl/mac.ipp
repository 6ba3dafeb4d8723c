// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/impl/mac.ipp - what ajar/crypto/mac.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/crypto/mac.hpp>

#include <wolfssl/wolfcrypt/hmac.h>
#include <stdexcept>

namespace ajar::crypto {

AJAR_DECL digest mac(bytes_view key, bytes_view message) {
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

AJAR_DECL void derive(bytes_view from, bytes_view salt, std::string_view purpose, std::span<std::uint8_t> into) {
  const auto info = as_bytes(purpose);
  if (wc_HKDF(WC_SHA256, from.data(), static_cast<word32>(from.size()), salt.data(), static_cast<word32>(salt.size()),
              info.data(), static_cast<word32>(info.size()), into.data(), static_cast<word32>(into.size())) != 0) {
    throw std::runtime_error("wolfCrypt cannot derive a key");
  }
}

}  // namespace ajar::crypto
