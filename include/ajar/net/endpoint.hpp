// SPDX-License-Identifier: BSL-1.0
// ajar/net/endpoint.hpp - HOST:PORT, and what kind of address an address is.
#pragma once

#include <ajar/core/result.hpp>

#include <array>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ajar::net {

/// An address and a port.
using address = asio::ip::address;
using tcp = asio::ip::tcp;

/// A host (a name or an address) and a port, not looked up yet.
class endpoint {
 public:
  endpoint() = default;
  endpoint(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}
  explicit endpoint(const tcp::endpoint& at) : host_(at.address().to_string()), port_(at.port()) {}

  const std::string& host() const noexcept { return host_; }
  std::uint16_t port() const noexcept { return port_; }
  bool operator==(const endpoint&) const = default;

 private:
  std::string host_;
  std::uint16_t port_ = 0;
};

/// HOST:PORT, with brackets around an IPv6 address (RFC 3986 section 3.2.2).
inline std::string to_string(const endpoint& at) {
  const bool v6 = at.host().find(':') != std::string::npos;
  return (v6 ? "[" + at.host() + "]" : at.host()) + ":" + std::to_string(at.port());
}
inline std::string to_string(const tcp::endpoint& at) { return to_string(endpoint(at)); }

/// True where a host's name is what failed, and not the way to it.
inline bool is_of_name(const std::error_code& why) {
  return why == errc::name_not_found || why == errc::name_unanswered;
}

/// What happened on the way to a host, in words; with the host's name, where that is what failed.
inline std::string message_about(const endpoint& at, const std::error_code& why) {
  return is_of_name(why) ? at.host() + ": " + why.message() : why.message();
}

/// Read HOST:PORT. Errors: endpoint_malformed (also for hosts of over 253 characters or with other than letters,
/// digits, dots, dashes, underscores, colons and percent signs).
inline result<endpoint> parse_endpoint(std::string_view text) {
  constexpr std::size_t longest_name = 253;  // RFC 1035 section 2.3.4, as text
  const bool bracketed = text.starts_with('[');
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(errc::endpoint_malformed);
  auto host = text.substr(0, colon);
  const auto port_text = text.substr(colon + 1);
  if (bracketed) {
    if (host.size() < 3 || !host.ends_with(']')) return fail(errc::endpoint_malformed);
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(errc::endpoint_malformed);
  }
  constexpr std::string_view others = ".-_:%";
  for (const char c : host) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && others.find(c) == std::string_view::npos) return fail(errc::endpoint_malformed);
  }
  unsigned port = 0;
  const auto* end = port_text.data() + port_text.size();
  const auto parsed = std::from_chars(port_text.data(), end, port);
  if (host.empty() || host.size() > longest_name || parsed.ec != std::errc{} || parsed.ptr != end || port > 65535) {
    return fail(errc::endpoint_malformed);
  }
  return endpoint(std::string(host), static_cast<std::uint16_t>(port));
}

/// Read HOST:PORT, or HOST alone, which has a usual port; an IPv6 address alone may be without brackets. Errors:
/// endpoint_malformed.
inline result<endpoint> parse_host(std::string_view text, std::uint16_t usual) {
  std::error_code error;
  (void)asio::ip::make_address(std::string(text), error);
  if (!error) return endpoint(std::string(text), usual);
  if (auto whole = parse_endpoint(text)) return whole;
  return parse_endpoint(std::string(text) + ":" + std::to_string(usual));
}

/// Read ADDRESS:PORT, without names. Errors: endpoint_malformed.
inline result<tcp::endpoint> parse_numeric_endpoint(std::string_view text) {
  const auto named = parse_endpoint(text);
  if (!named) return fail(named.error());
  std::error_code error;
  const auto at = asio::ip::make_address(named->host(), error);
  if (error) return fail(errc::endpoint_malformed);
  return tcp::endpoint(at, named->port());
}

/// The IPv4 address inside an IPv4-mapped one (RFC 4291 section 2.5.5.2), else the address itself.
inline address unmapped(const address& from) {
  if (from.is_v6() && from.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, from.to_v6());
  }
  return from;
}

enum class scope {
  global,    ///< reachable from the Internet, as far as the number tells
  local,     ///< this machine, this site or a laboratory: loopback, private, shared, benchmarks, documentation
  forbidden  ///< never a peer: unspecified, multicast, link-local and with it metadata services, broadcast, reserved,
             ///< and what leads to an address inside the address
};

namespace detail {

// Of the IANA registries of special-purpose addresses (RFC 6890) those that are not globally reachable. IPv4 stands as
// ::ffff:a.b.c.d; where several have an address, the longest decides.
struct special_purpose {
  std::array<std::uint16_t, 8> begin;
  int bits;
  scope what;
};

inline constexpr int v4 = 96;  // bits before an IPv4 address
inline constexpr std::uint16_t mapped = 0xffff;

inline constexpr special_purpose special_purposes[] = {
    {{0, 0, 0, 0, 0, mapped, 0x0000, 0}, v4 + 8, scope::forbidden},        // this network, RFC 791
    {{0, 0, 0, 0, 0, mapped, 0x0a00, 0}, v4 + 8, scope::local},            // private, RFC 1918
    {{0, 0, 0, 0, 0, mapped, 0x6440, 0}, v4 + 10, scope::local},           // shared, RFC 6598
    {{0, 0, 0, 0, 0, mapped, 0x7f00, 0}, v4 + 8, scope::local},            // loopback, RFC 1122
    {{0, 0, 0, 0, 0, mapped, 0xa9fe, 0}, v4 + 16, scope::forbidden},       // link-local, RFC 3927
    {{0, 0, 0, 0, 0, mapped, 0xac10, 0}, v4 + 12, scope::local},           // private
    {{0, 0, 0, 0, 0, mapped, 0xc000, 0}, v4 + 24, scope::forbidden},       // protocol assignments, RFC 6890
    {{0, 0, 0, 0, 0, mapped, 0xc000, 0x0200}, v4 + 24, scope::local},      // documentation, RFC 5737
    {{0, 0, 0, 0, 0, mapped, 0xc058, 0x6300}, v4 + 24, scope::forbidden},  // relays of 6to4, RFC 7526
    {{0, 0, 0, 0, 0, mapped, 0xc0a8, 0}, v4 + 16, scope::local},           // private
    {{0, 0, 0, 0, 0, mapped, 0xc612, 0}, v4 + 15, scope::local},           // benchmarks, RFC 2544
    {{0, 0, 0, 0, 0, mapped, 0xc633, 0x6400}, v4 + 24, scope::local},      // documentation
    {{0, 0, 0, 0, 0, mapped, 0xcb00, 0x7100}, v4 + 24, scope::local},      // documentation
    {{0, 0, 0, 0, 0, mapped, 0xe000, 0}, v4 + 3, scope::forbidden},        // multicast, reserved, broadcast
    {{0, 0, 0, 0, 0, mapped, 0, 0}, v4, scope::global},                    // all other IPv4
    {{0, 0, 0, 0, 0, 0, 0, 1}, 128, scope::local},                         // loopback, RFC 4291
    {{0xfc00, 0, 0, 0, 0, 0, 0, 0}, 7, scope::local},                      // unique local, RFC 4193
    {{0x2001, 0x0db8, 0, 0, 0, 0, 0, 0}, 32, scope::local},                // documentation, RFC 3849
    {{0x3fff, 0, 0, 0, 0, 0, 0, 0}, 20, scope::local},                     // documentation, RFC 9637
    {{0x2001, 0x0002, 0, 0, 0, 0, 0, 0}, 48, scope::local},                // benchmarks, RFC 5180
    {{0x2001, 0, 0, 0, 0, 0, 0, 0}, 23, scope::forbidden},                 // protocol assignments, Teredo (RFC 4380)
    {{0x2002, 0, 0, 0, 0, 0, 0, 0}, 16, scope::forbidden},                 // 6to4, RFC 3056: an IPv4 address inside
    {{0x2000, 0, 0, 0, 0, 0, 0, 0}, 3, scope::global},                     // unicast, RFC 4291 section 2.4
    {{0, 0, 0, 0, 0, 0, 0, 0}, 0, scope::forbidden},  // all else: unspecified, NAT64, multicast, link-local
};

}  // namespace detail

/// What kind of peer could have this address.
inline scope scope_of(const address& any) {
  const auto octets =
      any.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, any.to_v4()).to_bytes() : any.to_v6().to_bytes();
  const auto begins_as = [&](const detail::special_purpose& one) {
    for (int i = 0; i < one.bits; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const bool is = ((octets[at / 8] >> (7 - at % 8)) & 1) != 0;
      const bool wanted = ((one.begin[at / 16] >> (15 - at % 16)) & 1) != 0;
      if (is != wanted) return false;
    }
    return true;
  };
  const detail::special_purpose* best = nullptr;
  for (const auto& one : detail::special_purposes) {
    if ((!best || one.bits > best->bits) && begins_as(one)) best = &one;
  }
  return best->what;
}

}  // namespace ajar::net
