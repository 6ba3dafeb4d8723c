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

/// Base64 of RFC 4648 section 4, padded.
inline std::string to_base64(bytes_view octets) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t held = 0;
  int bits = 0;
  for (const auto octet : octets) {
    held = (held << 8) | octet;
    for (bits += 8; bits >= 6; bits -= 6) text += digits[(held >> (bits - 6)) & 63];
  }
  if (bits > 0) text += digits[(held << (6 - bits)) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

/// The octets of a base64 text. Nothing where it is none: a foreign character, wrong padding, or bits that fill up the
/// last character and are not zero (one value has one encoding).
inline std::optional<bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int most = 2; most > 0 && text.ends_with('='); --most) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  bytes octets;
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    std::uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z') {
      digit = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      digit = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      digit = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      digit = c == '+' ? 62 : 63;
    } else {
      return std::nullopt;
    }
    held = (held << 6) | digit;
    if ((bits += 6) >= 8) octets.push_back(static_cast<std::uint8_t>(held >> (bits -= 8)));
  }
  if ((held & ((1U << bits) - 1)) != 0) return std::nullopt;
  return octets;
}

/// True where a text is UTF-8 (RFC 3629): no overlong form, no surrogate, nothing beyond U+10FFFF.
inline bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[at]);
    if (first < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return false;
    for (std::size_t i = 1; i < length; ++i) {
      if ((static_cast<std::uint8_t>(text[at + i]) & 0xc0) != 0x80) return false;
    }
    const auto second = static_cast<std::uint8_t>(text[at + 1]);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return false;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return false;
    at += length;
  }
  return true;
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
