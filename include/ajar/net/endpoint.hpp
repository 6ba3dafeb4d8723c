// SPDX-License-Identifier: BSL-1.0
// ajar/net/endpoint.hpp - HOST:PORT, and what kind of address an address is.
#pragma once

#include <ajar/core/result.hpp>

#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <charconv>
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
  local,     ///< this machine or this site: loopback, private (RFC 1918), shared (RFC 6598), unique local (RFC 4193)
  forbidden  ///< never a peer: unspecified, multicast, link-local and with it metadata services, broadcast, reserved
};

/// What kind of peer could have this address: the registries of RFC 6890.
inline scope scope_of(const address& any) {
  const auto at = unmapped(any);
  if (at.is_v4()) {
    const auto n = at.to_v4().to_uint();
    const auto in = [n](std::uint32_t net, int bits) { return (n >> (32 - bits)) == (net >> (32 - bits)); };
    if (in(0x7f000000, 8) || in(0x0a000000, 8) || in(0xac100000, 12) || in(0xc0a80000, 16) || in(0x64400000, 10)) {
      return scope::local;
    }
    if (in(0x00000000, 8) || in(0xa9fe0000, 16) || in(0xe0000000, 3)) return scope::forbidden;
    return scope::global;
  }
  const auto v6 = at.to_v6();
  const auto octets = v6.to_bytes();
  if (v6.is_loopback() || (octets[0] & 0xfe) == 0xfc) return scope::local;
  if (v6.is_unspecified() || v6.is_multicast() || v6.is_link_local() || v6.is_site_local()) return scope::forbidden;
  const bool global_unicast = (octets[0] & 0xe0) == 0x20;  // 2000::/3, RFC 4291 section 2.4
  return global_unicast ? scope::global : scope::forbidden;
}

}  // namespace ajar::net
