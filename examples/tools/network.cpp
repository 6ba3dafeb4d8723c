// SPDX-License-Identifier: BSL-1.0
#include "network.hpp"

#include "ask.hpp"
#include "complaint.hpp"
#include "console.hpp"
#include "status_json.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/state/folder.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

namespace tools {

std::string_view meaning_of_mapping(const std::string& name) {
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

std::string_view meaning_of_filtering(const std::string& name) {
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

namespace {

std::string family_table(std::string_view name, const json& one) {
  if (one.is_null()) return fmt::format("{}  central is not reached\n", name);
  const auto maps = one.at("mapping").get<std::string>();
  const auto filters = one.at("filtering").get<std::string>();
  auto text = fmt::format("{}  {}\n", name, ajar::escaped(one.at("outside").get<std::string>()));
  text += fmt::format("      mapping    {:20}  {}\n", ajar::escaped(maps), meaning_of_mapping(maps));
  text += fmt::format("      filtering  {:20}  {}\n", ajar::escaped(filters), meaning_of_filtering(filters));
  if (one.at("only_443")) text += "      a firewall lets out only connections to port 443\n";
  return text;
}

void print_answer(const json& network, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", dumped(network));
    return;
  }
  fmt::print("{}", network_table(network));
}

}  // namespace

std::string network_table(const json& network) {
  return family_table("IPv4", network.at("ipv4")) + family_table("IPv6", network.at("ipv6"));
}

void print_network(const ajar::net::reflection& network, bool as_json) { print_answer(json_of(network), as_json); }

int server_network(std::string_view tool, const settings& given) {
  const auto folder = ajar::state::folder::place(text_option(given, "state"), "server");
  if (!folder) return complain(tool, "state folder", folder.error());
  const auto answer = status_answer(*folder, "control");
  if (!answer) return complain(tool, *folder, answer.error());
  if (!answer->contains("network")) return complain(tool, *folder, ajar::errc::message_malformed);
  print_answer(answer->at("network"), given.count("json") != 0);
  return success;
}

}  // namespace tools
