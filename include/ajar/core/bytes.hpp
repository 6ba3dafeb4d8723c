// SPDX-License-Identifier: BSL-1.0
// ajar/core/bytes.hpp - octets, and how they are written for people.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ajar {

using bytes = std::vector<std::uint8_t>;
using bytes_view = std::span<const std::uint8_t>;

/// The octets of a text, without a copy.
inline bytes_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The text of some octets, without a copy and as they are: escape it before it is shown.
inline std::string_view as_text(bytes_view octets) noexcept {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// Lower-case hexadecimal.
inline std::string to_hex(bytes_view octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (const auto octet : octets) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

/// Base32 of RFC 4648 section 6 in lower case, without padding.
inline std::string to_base32(bytes_view octets) {
  constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  std::uint32_t held = 0;
  int bits = 0;
  for (const auto octet : octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 5; bits -= 5) text += digits[(held >> (bits - 5)) & 31];
  }
  if (bits > 0) text += digits[(held << (5 - bits)) & 31];
  return text;
}

/// The octets of a base32 text; dashes and case do not matter. Nothing where a character is none of base32's, or where
/// the bits that fill up the last character are not zero (one value has one encoding).
inline std::optional<bytes> from_base32(std::string_view text) {
  bytes octets;
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    std::uint32_t digit = 0;
    if (c == '-') continue;
    if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint32_t>(c - 'a');
    } else if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= '2' && c <= '7') {
      digit = static_cast<std::uint32_t>(c - '2') + 26;
    } else {
      return std::nullopt;
    }
    held = (held << 5) | digit;
    if ((bits += 5) >= 8) octets.push_back(static_cast<std::uint8_t>(held >> (bits -= 8)));
  }
  if (bits >= 5 || (held & ((1U << bits) - 1)) != 0) return std::nullopt;
  return octets;
}

/// Text from elsewhere made safe for a terminal and a log: one line, printable ASCII, the rest as \xNN.
inline std::string escaped(std::string_view text, std::size_t most = 256) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string safe;
  for (const char c : text.substr(0, most)) {
    const auto octet = static_cast<std::uint8_t>(c);
    if (octet >= 0x20 && octet < 0x7f && c != '\\') {
      safe += c;
    } else {
      safe += "\\x";
      safe += digits[octet >> 4];
      safe += digits[octet & 15];
    }
  }
  if (text.size() > most) safe += "...";
  return safe;
}

}  // namespace ajar
