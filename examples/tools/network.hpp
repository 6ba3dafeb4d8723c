// SPDX-License-Identifier: BSL-1.0
// "network": the NAT and the firewall before a tool, for a person and as JSON.
#pragma once

#include "status.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace tools {

namespace detail {

inline std::string_view meaning_of_mapping(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> meanings[] = {
      {"none", "no NAT: address and port are seen as they are"},
      {"preserving", "a NAT that keeps the port"},
      {"stable", "a NAT with another port, the same one for everybody"},
      {"step", "a NAT that counts its ports up: the next one can be foretold"},
      {"random", "a NAT with another port for everybody: only a peer that can be reached helps"},
  };
  for (const auto& [each, text] : meanings) {
    if (each == name) return text;
  }
  return "not known: too few of central's answers came through";
}

inline std::string_view meaning_of_filtering(const std::string& name) {
  constexpr std::pair<std::string_view, std::string_view> meanings[] = {
      {"endpoint-independent", "anybody is let in"},
      {"address-dependent", "whoever's address was called is let in"},
      {"port-dependent", "only who was called is let in, port for port"},
  };
  for (const auto& [each, text] : meanings) {
    if (each == name) return text;
  }
  return "not known: nobody has tried";
}

inline void print_family(std::string_view name, const json& one) {
  if (one.is_null()) {
    fmt::print("{}  central is not reached\n", name);
    return;
  }
  const auto maps = one.at("mapping").get<std::string>();
  const auto filters = one.at("filtering").get<std::string>();
  fmt::print("{}  {}\n", name, one.at("outside").get<std::string>());
  fmt::print("      mapping    {:20}  {}\n", maps, meaning_of_mapping(maps));
  fmt::print("      filtering  {:20}  {}\n", filters, meaning_of_filtering(filters));
  if (one.at("only_443")) fmt::print("      a firewall lets out only connections to port 443\n");
}

}  // namespace detail

inline void print_network(const json& network, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", dumped(network));
    return;
  }
  detail::print_family("IPv4", network.at("ipv4"));
  detail::print_family("IPv6", network.at("ipv6"));
}

// ajar-server network: the running server knows it.
inline int server_network(std::string_view tool, const settings& given) {
  const auto folder = ajar::state::folder::place(text_option(given, "state"), "server");
  if (!folder) return complain(tool, "state folder", folder.error());
  const auto answer = detail::ask_status(*folder, "control");
  if (!answer) return complain(tool, *folder, answer.error());
  if (!answer->contains("network")) return complain(tool, *folder, ajar::errc::message_malformed);
  print_network(answer->at("network"), given.count("json") != 0);
  return success;
}

}  // namespace tools
