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
  std::size_t half_open = 2048;            ///< connections that are not linked yet
  std::size_t half_open_per_address = 64;  ///< the same, of one IPv4 address or IPv6 /64
  std::size_t refusals_per_address = 120;  ///< a minute; afterwards its connections are closed unseen
  std::size_t links = 200'000;             ///< in total
};

/// Counts by address. Pure; bounded by the connections there are and by those refused within the last minute.
class accept_budget {
 public:
  explicit accept_budget(accept_limits limits) : limits_(limits) {}

  /// A connection came. @return whether it may go on; if so, ended() follows in any case
  bool begin(const net::address& from, time_point now) {
    forget(now);
    auto& one = addresses_[key_of(from)];
    const bool refused_often = one.refusals >= limits_.refusals_per_address;
    if (refused_often || half_open_ + links_ >= limits_.links || half_open_ >= limits_.half_open ||
        one.half_open >= limits_.half_open_per_address) {
      return false;
    }
    ++one.half_open;
    ++half_open_;
    return true;
  }

  /// It is linked now, or it ended before it was.
  void linked(const net::address& from) {
    half_open_ended(from);
    ++links_;
  }
  void refused(const net::address& from) {
    half_open_ended(from);
    ++addresses_[key_of(from)].refusals;
  }
  /// A link ended.
  void unlinked() { --links_; }

  /// From now on. Who is there stays.
  void limit(accept_limits limits) { limits_ = limits; }

  std::size_t links() const noexcept { return links_; }
  std::size_t half_open() const noexcept { return half_open_; }

 private:
  struct use {
    std::size_t half_open = 0;
    std::size_t refusals = 0;
  };

  // whoever has one address of a /64 has them all (RFC 6177)
  static net::address key_of(const net::address& from) {
    const auto at = net::unmapped(from);
    if (at.is_v4()) return at;
    auto octets = at.to_v6().to_bytes();
    std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
    return asio::ip::address_v6(octets);
  }

  void half_open_ended(const net::address& from) {
    --half_open_;
    const auto found = addresses_.find(key_of(from));
    if (found == addresses_.end()) return;
    --found->second.half_open;
    if (found->second.half_open == 0 && found->second.refusals == 0) addresses_.erase(found);
  }

  void forget(time_point now) {
    if (now < next_minute_) return;
    next_minute_ = now + std::chrono::minutes(1);
    for (auto& [address, one] : addresses_) one.refusals = 0;
    std::erase_if(addresses_, [](const auto& one) { return one.second.half_open == 0; });
  }

  accept_limits limits_;
  std::map<net::address, use> addresses_;
  std::size_t half_open_ = 0;
  std::size_t links_ = 0;
  time_point next_minute_{};
};

}  // namespace ajar::switchboard
