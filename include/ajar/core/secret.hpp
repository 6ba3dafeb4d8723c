// SPDX-License-Identifier: BSL-1.0
// ajar/core/secret.hpp - octets that are wiped when they go.
#pragma once

#include <ajar/core/bytes.hpp>

#include <array>
#include <cstring>
#include <utility>

namespace ajar {

/// Overwrite octets in a way that the compiler may not leave out.
inline void wipe(std::span<std::uint8_t> octets) noexcept {
  if (!octets.empty()) ::explicit_bzero(octets.data(), octets.size());
}

/// N secret octets. They move, leaving zeroes behind; they are not copied by accident, printed or compared.
template <std::size_t N>
class secret {
 public:
  secret() = default;
  explicit secret(std::span<const std::uint8_t, N> octets) noexcept { std::memcpy(octets_.data(), octets.data(), N); }
  secret(secret&& other) noexcept : octets_(other.octets_) { other.clear(); }
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      octets_ = other.octets_;
      other.clear();
    }
    return *this;
  }
  ~secret() { clear(); }

  std::span<std::uint8_t, N> reveal() noexcept { return octets_; }
  std::span<const std::uint8_t, N> reveal() const noexcept { return octets_; }
  void clear() noexcept { wipe(octets_); }

 private:
  std::array<std::uint8_t, N> octets_{};
};

}  // namespace ajar
