// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/sign.hpp - Ed25519 keys and signatures (RFC 8032).
#pragma once

#include <wolfssl/options.h>

#include <ajar/core/result.hpp>
#include <ajar/core/secret.hpp>
#include <ajar/crypto/random.hpp>

#include <wolfssl/wolfcrypt/ed25519.h>
#include <memory>
#include <stdexcept>
#include <utility>

namespace ajar::crypto {

using public_key = std::array<std::uint8_t, 32>;
using signature = std::array<std::uint8_t, 64>;

/// An Ed25519 key pair; its seed is wiped when it goes.
class signing_key {
 public:
  /// A new random key.
  static signing_key generate() {
    secret<32> seed;
    fill_random(seed.reveal());
    return signing_key(std::move(seed));
  }

  /// The key of a seed: RFC 8032 section 5.1.5.
  explicit signing_key(secret<32> seed) : seed_(std::move(seed)), key_(std::make_unique<holder>()) {
    const auto octets = seed_.reveal();
    if (wc_ed25519_import_private_only(octets.data(), static_cast<word32>(octets.size()), &key_->key) != 0 ||
        wc_ed25519_make_public(&key_->key, public_.data(), static_cast<word32>(public_.size())) != 0 ||
        wc_ed25519_import_private_key(octets.data(), static_cast<word32>(octets.size()), public_.data(),
                                      static_cast<word32>(public_.size()), &key_->key) != 0) {
      throw std::runtime_error("wolfCrypt refuses an Ed25519 seed");
    }
  }

  const public_key& public_part() const noexcept { return public_; }
  const secret<32>& seed() const noexcept { return seed_; }

  signature sign(bytes_view message) const {
    signature value{};
    auto length = static_cast<word32>(value.size());
    if (wc_ed25519_sign_msg(message.data(), static_cast<word32>(message.size()), value.data(), &length, &key_->key) !=
        0) {
      throw std::runtime_error("wolfCrypt cannot sign");
    }
    return value;
  }

 private:
  struct holder {
    holder() { wc_ed25519_init(&key); }
    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;
    ~holder() { wc_ed25519_free(&key); }
    ed25519_key key{};
  };

  secret<32> seed_;
  public_key public_{};
  std::unique_ptr<holder> key_;
};

/// Check a signature. Errors: signature_invalid, also for octets that are no public key.
inline result<> verify(const public_key& signer, bytes_view message, const signature& value) {
  ed25519_key key{};
  wc_ed25519_init(&key);
  int fits = 0;
  const bool checked = wc_ed25519_import_public(signer.data(), static_cast<word32>(signer.size()), &key) == 0 &&
                       wc_ed25519_verify_msg(value.data(), static_cast<word32>(value.size()), message.data(),
                                             static_cast<word32>(message.size()), &fits, &key) == 0;
  wc_ed25519_free(&key);
  if (!checked || fits != 1) return fail(errc::signature_invalid);
  return {};
}

}  // namespace ajar::crypto
