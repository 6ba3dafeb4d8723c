// SPDX-License-Identifier: BSL-1.0
// "network": the NAT and the firewall before a tool, for a person and as JSON.
#pragma once

#include "settings.hpp"

#include <ajar/net/reflection.hpp>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tools {

// For a person: two families, what is there, and what that means.
std::string network_table(const nlohmann::ordered_json& network);

// What a status calls a NAT's mapping, and a firewall's filtering, in words.
std::string_view meaning_of_mapping(const std::string& name);
std::string_view meaning_of_filtering(const std::string& name);

void print_network(const ajar::net::reflection& network, bool as_json);

// ajar-server network: the running server knows it.
int server_network(std::string_view tool, const settings& given);

}  // namespace tools
