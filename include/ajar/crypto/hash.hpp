// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/hash.hpp - SHA-256 (FIPS 180-4).
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>

#include <memory>

namespace ajar::crypto {

using digest = std::array<std::uint8_t, 32>;

/// SHA-256 over parts that arrive one after the other.
class sha256 {
 public:
  sha256();
  sha256(const sha256&) = delete;
  sha256& operator=(const sha256&) = delete;
  ~sha256();

  sha256& add(bytes_view octets);
  /// The digest of all that was added; begins anew.
  digest finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

digest hash(bytes_view octets);

}  // namespace ajar::crypto

#ifdef AJAR_HEADER_ONLY
#include <ajar/crypto/impl/hash.ipp>
#endif
