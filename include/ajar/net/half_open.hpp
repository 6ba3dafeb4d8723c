// SPDX-License-Identifier: BSL-1.0
// ajar/net/half_open.hpp - room for connections of which nobody knows yet who is there.
#pragma once

#include <ajar/net/endpoint.hpp>

#include <algorithm>
#include <asio/ip/address_v4.hpp>
#include <asio/ip/address_v6.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace ajar::net {

/// As many connections as there is room for, of which nobody knows yet who is there. Nobody who comes is turned away:
/// where there is no room left, the oldest one of the largest crowd goes, so that whoever fills the room with silence
/// pushes out his own. A crowd is what one site may have: /24 and then /32 of IPv4; /48, /56 and then /64 of IPv6
/// (RFC 6177). Addresses that were good once go last. Pure.
class half_open {
 public:
  using ticket = std::uint64_t;

  /// @param most         connections in total
  /// @param most_of_one  of one IPv4 address or IPv6 /64
  half_open(std::size_t most, std::size_t most_of_one) : most_(most), most_of_one_(most_of_one) {}

  struct placed {
    ticket own;                     ///< for end()
    std::optional<ticket> evicted;  ///< the connection that has to go for it; it is not counted any more
  };

  /// A connection came.
  placed begin(const address& from) {
    const auto narrow = prefix_of(from, narrow_bits(from));
    placed made{next_++, std::nullopt};
    const auto site = sites_.find(narrow);
    if (site != sites_.end() && site->second.size() >= most_of_one_) {
      made.evicted = *site->second.begin();
    } else if (entries_.size() >= most_) {
      made.evicted = victim();
    }
    if (made.evicted) end(*made.evicted);
    entries_.emplace(made.own, narrow);
    sites_[narrow].insert(made.own);
    if (!good_.contains(narrow)) add(narrow, 1);
    return made;
  }

  /// It is known now who is there, or it ended. Once more changes nothing.
  void end(ticket which) {
    const auto found = entries_.find(which);
    if (found == entries_.end()) return;
    const auto site = sites_.find(found->second);
    site->second.erase(which);
    if (!good_.contains(found->second)) add(found->second, -1);
    if (site->second.empty()) sites_.erase(site);
    entries_.erase(found);
  }

  /// Somebody good has come from there.
  void good(const address& from) {
    constexpr std::size_t most_good = 4096;
    const auto narrow = prefix_of(from, narrow_bits(from));
    if (!good_.insert(narrow).second) return;
    count_of(narrow, -1);
    order_.push_back(narrow);
    if (order_.size() <= most_good) return;
    const auto oldest = order_.front();
    order_.pop_front();
    good_.erase(oldest);
    count_of(oldest, 1);
  }

  void limit(std::size_t most, std::size_t most_of_one) {
    most_ = most;
    most_of_one_ = most_of_one;
  }

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  using crowds = std::map<address, std::size_t>;

  static unsigned narrow_bits(const address& at) { return unmapped(at).is_v4() ? 32 : 64; }

  static address prefix_of(const address& from, unsigned bits) {
    const auto at = unmapped(from);
    if (at.is_v4()) {
      const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
      return asio::ip::address_v4(at.to_v4().to_uint() & mask);
    }
    auto octets = at.to_v6().to_bytes();
    std::fill(octets.begin() + bits / 8, octets.end(), std::uint8_t{0});
    return asio::ip::address_v6(octets);
  }
  static address wide(const address& narrow) { return prefix_of(narrow, narrow.is_v4() ? 24 : 48); }
  static address middle(const address& narrow) { return narrow.is_v4() ? narrow : prefix_of(narrow, 56); }

  static void change(crowds& in, const address& at, std::ptrdiff_t by) {
    const auto found = in.try_emplace(at, 0).first;
    found->second = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(found->second) + by);
    if (found->second == 0) in.erase(found);
  }
  void add(const address& narrow, std::ptrdiff_t by) {
    change(wide_, wide(narrow), by);
    change(middle_, middle(narrow), by);
    change(narrow_, narrow, by);
  }
  // All that are there from one site begin to count, or do not any more.
  void count_of(const address& narrow, std::ptrdiff_t sign) {
    const auto site = sites_.find(narrow);
    if (site != sites_.end()) add(narrow, sign * static_cast<std::ptrdiff_t>(site->second.size()));
  }

  // The largest crowd of those that lie in a prefix: they stand beside each other.
  template <class Belongs>
  static address largest(const crowds& in, const address& first, Belongs belongs) {
    auto at = in.lower_bound(first);
    auto best = at;
    for (; at != in.end() && belongs(at->first); ++at) {
      if (at->second > best->second) best = at;
    }
    return best->first;
  }

  ticket victim() const {
    if (wide_.empty()) return entries_.begin()->first;  // all are good
    const auto site =
        std::ranges::max_element(wide_, {}, [](const crowds::value_type& one) { return one.second; })->first;
    const auto net = largest(middle_, site, [&](const address& one) { return wide(one) == site; });
    const auto host = largest(narrow_, net, [&](const address& one) { return middle(one) == net; });
    return *sites_.at(host).begin();
  }

  std::size_t most_;
  std::size_t most_of_one_;
  ticket next_ = 0;
  std::map<ticket, address> entries_;          // the oldest first
  std::map<address, std::set<ticket>> sites_;  // by narrow prefix
  crowds wide_, middle_, narrow_;              // of those that are not good
  std::set<address> good_;
  std::deque<address> order_;
};

}  // namespace ajar::net
