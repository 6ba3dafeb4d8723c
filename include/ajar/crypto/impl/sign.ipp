// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/impl/sign.ipp - what ajar/crypto/sign.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/crypto/sign.hpp>

#include <wolfssl/wolfcrypt/ed25519.h>
#include <stdexcept>

namespace ajar::crypto {

struct signing_key::holder {
  holder() { wc_ed25519_init(&key); }
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;
  ~holder() { wc_ed25519_free(&key); }
  ed25519_key key{};
};

AJAR_DECL signing_key::signing_key(secret<32> seed) : seed_(std::move(seed)), key_(std::make_unique<holder>()) {
  const auto octets = seed_.reveal();
  if (wc_ed25519_import_private_only(octets.data(), static_cast<word32>(octets.size()), &key_->key) != 0 ||
      wc_ed25519_make_public(&key_->key, public_.data(), static_cast<word32>(public_.size())) != 0 ||
      wc_ed25519_import_private_key(octets.data(), static_cast<word32>(octets.size()), public_.data(),
                                    static_cast<word32>(public_.size()), &key_->key) != 0) {
    throw std::runtime_error("wolfCrypt refuses an Ed25519 seed");
  }
}

AJAR_DECL signing_key::signing_key(signing_key&& other) noexcept = default;
AJAR_DECL signing_key& signing_key::operator=(signing_key&& other) noexcept = default;
AJAR_DECL signing_key::~signing_key() = default;

AJAR_DECL signature signing_key::sign(bytes_view message) const {
  signature value{};
  auto length = static_cast<word32>(value.size());
  if (wc_ed25519_sign_msg(message.data(), static_cast<word32>(message.size()), value.data(), &length, &key_->key) !=
      0) {
    throw std::runtime_error("wolfCrypt cannot sign");
  }
  return value;
}

AJAR_DECL result<> verify(const public_key& signer, bytes_view message, const signature& value) {
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
