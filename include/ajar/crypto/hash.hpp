// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/hash.hpp - SHA-256 (FIPS 180-4).
#pragma once

#include <wolfssl/options.h>

#include <ajar/core/bytes.hpp>

#include <wolfssl/wolfcrypt/sha256.h>

namespace ajar::crypto {

using digest = std::array<std::uint8_t, 32>;

/// SHA-256 over parts that arrive one after the other.
class sha256 {
 public:
  sha256() { wc_InitSha256(&state_); }
  sha256(const sha256&) = delete;
  sha256& operator=(const sha256&) = delete;
  ~sha256() { wc_Sha256Free(&state_); }

  sha256& add(bytes_view octets) {
    wc_Sha256Update(&state_, octets.data(), static_cast<word32>(octets.size()));
    return *this;
  }
  /// The digest of all that was added; begins anew.
  digest finish() {
    digest value{};
    wc_Sha256Final(&state_, value.data());
    return value;
  }

 private:
  wc_Sha256 state_{};
};

inline digest hash(bytes_view octets) { return sha256().add(octets).finish(); }

}  // namespace ajar::crypto
