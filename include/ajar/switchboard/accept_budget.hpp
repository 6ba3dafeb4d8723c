// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/accept_budget.hpp - how much of central one address may use before it is known who is there.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/net/endpoint.hpp>

#include <asio/ip/address_v6.hpp>
#include <map>

namespace ajar::switchboard {

/// The limits of central's port.
struct accept_limits {
  std::size_t half_open = 2048;            ///< connections that are not linked yet (net::half_open)
  std::size_t half_open_per_address = 64;  ///< the same, of one IPv4 address or IPv6 /64
  std::size_t refusals_per_address = 120;  ///< a minute; afterwards its connections are closed unseen
  std::size_t links = 200'000;             ///< in total
};

/// Counts links, and refusals by address, of a minute. Pure; bounded.
class accept_budget {
 public:
  static constexpr std::size_t most_addresses = 100'000;  // whose refusals are counted at a time

  explicit accept_budget(accept_limits limits) : limits_(limits) {}

  /// May a connection from there go on?
  bool permits(const net::address& from, time_point now) {
    forget(now);
    const auto found = refusals_.find(key_of(from));
    return found == refusals_.end() || found->second < limits_.refusals_per_address;
  }

  /// It is known who is there: is there room for its link? It is counted from here on.
  bool link() {
    if (links_ >= limits_.links) return false;
    ++links_;
    return true;
  }
  /// A connection ended before it was a link, by its own fault; or it was refused something, so many times.
  void refused(const net::address& from, std::size_t times = 1) {
    const auto key = key_of(from);
    if (refusals_.size() < most_addresses || refusals_.contains(key)) refusals_[key] += times;
  }
  /// A link ended, or what was to become one.
  void unlinked() { --links_; }

  /// From now on. Who is there stays.
  void limit(accept_limits limits) { limits_ = limits; }

  std::size_t links() const noexcept { return links_; }
  const accept_limits& limits() const noexcept { return limits_; }

 private:
  // whoever has one address of a /64 has them all (RFC 6177)
  static net::address key_of(const net::address& from) {
    const auto at = net::unmapped(from);
    if (at.is_v4()) return at;
    auto octets = at.to_v6().to_bytes();
    std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
    return asio::ip::address_v6(octets);
  }

  void forget(time_point now) {
    if (now < next_minute_) return;
    next_minute_ = now + std::chrono::minutes(1);
    refusals_.clear();
  }

  accept_limits limits_;
  std::map<net::address, std::size_t> refusals_;
  std::size_t links_ = 0;
  time_point next_minute_{};
};

}  // namespace ajar::switchboard
