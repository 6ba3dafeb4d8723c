// SPDX-License-Identifier: BSL-1.0
// A name as a person may see it on a terminal. Pure.
#pragma once

#include <ajar/core/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tools {

// A name from the network for a terminal: UTF-8 as it is, but no control character, nothing that turns the direction
// of writing, and nothing that is no UTF-8.
inline std::string shown(std::string_view name) {
  constexpr std::size_t longest = 4096;
  if (name.size() > longest || !ajar::is_utf8(name)) return ajar::escaped(name, longest);
  for (std::size_t at = 0; at < name.size(); ++at) {
    const auto octet = static_cast<std::uint8_t>(name[at]);
    const auto next = [&](std::size_t i) { return static_cast<std::uint8_t>(name[at + i]); };
    const bool control = octet < 0x20 || octet == 0x7f || octet == '\\' || (octet == 0xc2 && next(1) < 0xa0);
    // U+061C, U+200B to U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FEFF
    const bool direction = (octet == 0xd8 && next(1) == 0x9c) ||
                           (octet == 0xe2 && next(1) == 0x80 &&
                            ((next(2) >= 0x8b && next(2) <= 0x8f) || (next(2) >= 0xa8 && next(2) <= 0xae))) ||
                           (octet == 0xe2 && next(1) == 0x81 && next(2) >= 0xa6 && next(2) <= 0xa9) ||
                           (octet == 0xef && next(1) == 0xbb && next(2) == 0xbf);
    if (control || direction) return ajar::escaped(name, longest);
  }
  return std::string(name);
}

}  // namespace tools
