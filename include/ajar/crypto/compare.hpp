// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/compare.hpp - compare without telling by time where octets differ.
#pragma once

#include <ajar/core/bytes.hpp>

namespace ajar::crypto {

/// True where both are the same octets; its time depends on the length alone, which is no secret.
inline bool equal(bytes_view a, bytes_view b) noexcept {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace ajar::crypto
