// SPDX-License-Identifier: BSL-1.0
// ajar/windows/expected_source.hpp - where the one expected peer may connect from.
#pragma once

#include <ajar/crypto/compare.hpp>
#include <ajar/net/endpoint.hpp>

#include <optional>

namespace ajar::windows {

/// An address, a prefix, or any address. It only keeps strangers out early: the key decides, always.
class expected_source {
 public:
  /// The peer that central saw at this address: IPv4 exactly, IPv6 its /64 (RFC 8981: hosts change the rest).
  static expected_source of(const net::address& seen) {
    const auto at = net::unmapped(seen);
    return prefix(at, at.is_v4() ? 32 : 64);
  }
  /// Addresses that share the first `bits` bits. Precondition: at most 32 for IPv4, 128 for IPv6.
  static expected_source prefix(const net::address& network, unsigned bits) {
    expected_source made;
    made.network_ = net::unmapped(network);
    made.bits_ = bits;
    return made;
  }
  /// Anywhere: for grants that let their client roam.
  static expected_source anywhere() { return {}; }

  /// The prefix; nothing where it is anywhere.
  const std::optional<net::address>& network() const noexcept { return network_; }
  unsigned bits() const noexcept { return bits_; }

  bool matches(const net::address& from) const {
    if (!network_) return true;
    const auto other = net::unmapped(from);
    if (other.is_v4() != network_->is_v4()) return false;
    if (other.is_v4()) return same_start(network_->to_v4().to_bytes(), other.to_v4().to_bytes());
    return same_start(network_->to_v6().to_bytes(), other.to_v6().to_bytes());
  }

 private:
  template <class Octets>
  bool same_start(const Octets& a, const Octets& b) const {
    for (std::size_t i = 0; i < bits_; i += 8) {
      const auto left = bits_ - i;
      const auto mask = left >= 8 ? 0xffU : (0xffU << (8 - left)) & 0xffU;
      if (((a[i / 8] ^ b[i / 8]) & mask) != 0) return false;
    }
    return true;
  }

  std::optional<net::address> network_;
  unsigned bits_ = 0;
};

}  // namespace ajar::windows
