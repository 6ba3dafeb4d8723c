// SPDX-License-Identifier: BSL-1.0
// Under which address others on its network find this machine.
#pragma once

#include "admission.hpp"

#include <ajar/net/endpoint.hpp>
#include <ajar/net/network.hpp>

#include <optional>

namespace tools {

// The address that the routes give to what leaves this machine. Nothing where there is no such route.
inline std::optional<ajar::net::address> address_towards_others(bool v6) {
  // RFC 5737 and RFC 3849: nobody has them
  return ajar::net::source_towards(asio::ip::make_address(v6 ? "2001:db8::1" : "192.0.2.1"));
}

// What the URL names, where the port is open at all addresses. Nothing where no other machine is in reach.
inline std::optional<ajar::net::address> address_to_name(const ajar::net::address& listening) {
  auto found = address_towards_others(false);
  if (!found && listening.is_v6()) found = address_towards_others(true);
  return found;
}

// What others are told: by its name, else by an address that they can reach.
inline ajar::net::endpoint endpoint_to_name(const settings& given, const ajar::net::tcp::endpoint& listening) {
  if (given.count("name")) return *ajar::net::parse_host(text_option(given, "name"), listening.port());  // checked
  if (!listening.address().is_unspecified()) return ajar::net::endpoint(listening);
  const auto found = address_to_name(listening.address());
  tell("{}: the URL names {}; --name says another\n", central_tool,
       found ? "the address that this machine has towards others" : "no address, as no other machine is in reach");
  return ajar::net::endpoint(found ? ajar::net::tcp::endpoint(*found, listening.port()) : listening);
}

}  // namespace tools
