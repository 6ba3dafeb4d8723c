// SPDX-License-Identifier: BSL-1.0
// ajar/net/reflection.hpp - how this machine's connections look from outside: the words for NATs and firewalls.
#pragma once

#include <ajar/net/endpoint.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace ajar::net {

/// How a NAT names a local port outside. Source: RFC 4787 section 4.1, RFC 5382 section 4.1.
enum class mapping : std::uint8_t {
  unknown = 0,     ///< not reflected
  none = 1,        ///< no NAT: the same address and port
  preserving = 2,  ///< another address, the same port
  stable = 3,      ///< another port, the same one for every destination
  step = 4,        ///< another port for every destination, at a constant distance from the one before
  random = 5       ///< another port for every destination, which nobody can foretell
};

/// What a NAT or firewall lets in. Source: RFC 4787 section 5.
enum class filtering : std::uint8_t {
  unknown = 0,               ///< not reflected: nobody may listen here, or central could not try
  endpoint_independent = 1,  ///< anybody, once the port was used
  address_dependent = 2,     ///< from any port of an address that the port has sent to
  port_dependent = 3         ///< only from the very address and port that the port has sent to
};

constexpr std::string_view to_string(mapping kind) {
  constexpr std::string_view names[] = {"unknown", "none", "preserving", "stable", "step", "random"};
  return names[static_cast<std::size_t>(kind)];
}
constexpr std::string_view to_string(filtering kind) {
  constexpr std::string_view names[] = {"unknown", "endpoint-independent", "address-dependent", "port-dependent"};
  return names[static_cast<std::size_t>(kind)];
}

/// One address family, from outside.
struct reflected {
  address outside;  ///< that others see
  net::mapping maps = mapping::unknown;
  net::filtering filters = filtering::unknown;
  std::int16_t step = 0;  ///< mapping::step: from one foreign port to the next
  bool only_443 = false;  ///< a firewall lets out nothing but TCP to port 443

  bool operator==(const reflected&) const = default;
};

/// Both families; what is missing was not reached, or is not there.
struct reflection {
  std::optional<reflected> v4;
  std::optional<reflected> v6;

  const std::optional<reflected>& of(bool family_6) const noexcept { return family_6 ? v6 : v4; }
  std::optional<reflected>& of(bool family_6) noexcept { return family_6 ? v6 : v4; }
  bool operator==(const reflection&) const = default;
};

/// Can the foreign port of a fresh local port be known before it is used?
constexpr bool is_predictable(mapping kind) {
  return kind == mapping::none || kind == mapping::preserving || kind == mapping::stable || kind == mapping::step;
}

}  // namespace ajar::net
