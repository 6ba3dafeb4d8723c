// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/random.hpp - octets that nobody can guess, from the kernel.
#pragma once

#include <ajar/core/bytes.hpp>

#include <sys/random.h>
#include <cerrno>
#include <concepts>
#include <system_error>

namespace ajar::crypto {

/// Fill with random octets. Throws std::system_error where the kernel has none: nothing can go on safely then.
inline void fill_random(std::span<std::uint8_t> octets) {
  while (!octets.empty()) {
    const auto count = ::getrandom(octets.data(), octets.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw std::system_error(errno, std::system_category(), "getrandom");
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
}

template <std::size_t N>
std::array<std::uint8_t, N> random_octets() {
  std::array<std::uint8_t, N> octets{};
  fill_random(octets);
  return octets;
}

/// A number in [0, below), each equally likely but for a bias of less than 2^-32. Precondition: below is not 0.
inline std::uint32_t random_below(std::uint32_t below) {
  const auto octets = random_octets<8>();
  std::uint64_t value = 0;
  for (const auto octet : octets) value = (value << 8) | octet;
  return static_cast<std::uint32_t>(value % below);
}

}  // namespace ajar::crypto
