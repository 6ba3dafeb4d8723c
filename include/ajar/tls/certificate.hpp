// SPDX-License-Identifier: BSL-1.0
// ajar/tls/certificate.hpp - the self-signed certificate that carries an Ed25519 key, and the key in one.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/crypto/sign.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace ajar::tls {

/// What stands before the 32 octets of a key in a SubjectPublicKeyInfo (RFC 8410 section 4).
inline constexpr std::array<std::uint8_t, 12> spki_prefix = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                             0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

/// The name of Ed25519 as a signature's algorithm, which is its name as a key's too (RFC 8410 section 3).
inline constexpr std::array<std::uint8_t, 5> ed25519_name = {0x06, 0x03, 0x2b, 0x65, 0x70};

/// The SubjectPublicKeyInfo of an Ed25519 key, in DER.
inline std::array<std::uint8_t, 44> spki_of(const crypto::public_key& key) {
  std::array<std::uint8_t, 44> der{};
  std::copy(spki_prefix.begin(), spki_prefix.end(), der.begin());
  std::copy(key.begin(), key.end(), der.begin() + spki_prefix.size());
  return der;
}

/// The Ed25519 key in a self-signed DER certificate (RFC 5280 section 4.1).
///
/// Errors: certificate_malformed, also for other algorithms, and where somebody else issued it. Its signature is not
/// verified: nothing in it counts but the key, and the handshake proves who holds that.
result<crypto::public_key> key_in_certificate(bytes_view der);

/// Certificate and key as TLS wants them, in DER.
struct credentials {
  bytes certificate;
  bytes private_key;  ///< PKCS#8 (RFC 8410 section 7); wiped at the end

  credentials() = default;
  credentials(credentials&&) = default;
  credentials& operator=(credentials&&) = default;
  ~credentials() { wipe(private_key); }
};

/// Make the self-signed certificate of a key. It says nothing but the key: names and dates are the same for everyone,
/// as nobody looks at them. Throws std::runtime_error where wolfCrypt fails.
credentials make_credentials(const crypto::signing_key& key);

}  // namespace ajar::tls

#ifdef AJAR_HEADER_ONLY
#include <ajar/tls/impl/certificate.ipp>
#endif
