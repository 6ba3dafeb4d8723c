// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/sign.hpp - Ed25519 keys and signatures (RFC 8032).
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/secret.hpp>
#include <ajar/crypto/random.hpp>

#include <memory>
#include <utility>

namespace ajar::crypto {

using public_key = std::array<std::uint8_t, 32>;
using signature = std::array<std::uint8_t, 64>;

/// An Ed25519 key pair; its seed is wiped when it goes. Throws std::runtime_error where wolfCrypt fails.
class signing_key {
 public:
  /// A new random key.
  static signing_key generate() {
    secret<32> seed;
    fill_random(seed.reveal());
    return signing_key(std::move(seed));
  }

  /// The key of a seed: RFC 8032 section 5.1.5.
  explicit signing_key(secret<32> seed);
  signing_key(signing_key&& other) noexcept;
  signing_key& operator=(signing_key&& other) noexcept;
  ~signing_key();

  const public_key& public_part() const noexcept { return public_; }
  const secret<32>& seed() const noexcept { return seed_; }

  signature sign(bytes_view message) const;

 private:
  struct holder;

  secret<32> seed_;
  public_key public_{};
  std::unique_ptr<holder> key_;
};

/// Check a signature. Errors: signature_invalid, also for octets that are no public key.
result<> verify(const public_key& signer, bytes_view message, const signature& value);

}  // namespace ajar::crypto

#ifdef AJAR_HEADER_ONLY
#include <ajar/crypto/impl/sign.ipp>
#endif
