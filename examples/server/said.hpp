// SPDX-License-Identifier: BSL-1.0
// What the commands of ajar-server have in common.
#pragma once

#include "../tools/console.hpp"
#include "../tools/settings.hpp"

#include <ajar/identity/url.hpp>
#include <ajar/telling/log_line.hpp>
#include <ajar/trust/grant.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace tools {

inline constexpr const char* server_tool = "ajar-server";

inline int wrong(std::string_view what) {
  tell("{}: {}\n", server_tool, what);
  return usage;
}

// "outbound,window" -> bits. Nothing for other words.
inline std::optional<std::uint8_t> parse_methods(std::string_view text) {
  std::uint8_t bits = 0;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto word = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const auto bit = word == "outbound" ? ajar::trust::method::outbound : ajar::trust::method::window;
    if (word != "outbound" && word != "window") return std::nullopt;
    bits = static_cast<std::uint8_t>(bits | static_cast<std::uint8_t>(bit));
  }
  return bits == 0 ? std::nullopt : std::optional(bits);
}

// In the environment, so that it is said once for all commands.
inline constexpr const char* central_variable = "AJAR_CENTRAL";

inline bool central_is_said(const settings& given) {
  return given.count("central") != 0 || std::getenv(central_variable) != nullptr;
}

inline std::optional<ajar::identity::url> central_of(const settings& given) {
  const bool option = given.count("central") != 0;
  const auto* variable = std::getenv(central_variable);
  if (!option && !variable) {
    return wrong("name central by --central or $AJAR_CENTRAL: 'ajar-central run' prints its URL"), std::nullopt;
  }
  const auto text = option ? text_option(given, "central") : std::string(variable);
  auto url = ajar::identity::parse_url(text);
  if (url) return std::move(*url);
  complain(server_tool, (option ? "--central '" : "$AJAR_CENTRAL '") + ajar::escaped(text) + "'", url.error());
  return std::nullopt;
}

}  // namespace tools
