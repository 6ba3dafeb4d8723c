// SPDX-License-Identifier: BSL-1.0
// HTTP/2 frames made by hand: what a hostile peer would send. RFC 9113 section 4, RFC 7541 section 6.2.2.
#pragma once

#include <ajar/core/bytes.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace forge {

using ajar::bytes;
using ajar::bytes_view;

enum kind : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9
};
enum flag : std::uint8_t { none = 0, end_stream = 1, ack = 1, end_headers = 4 };

inline bytes frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, bytes_view payload = {}) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  bytes made{static_cast<std::uint8_t>(size >> 16),
             static_cast<std::uint8_t>(size >> 8),
             static_cast<std::uint8_t>(size),
             type,
             flags,
             static_cast<std::uint8_t>(stream >> 24),
             static_cast<std::uint8_t>(stream >> 16),
             static_cast<std::uint8_t>(stream >> 8),
             static_cast<std::uint8_t>(stream)};
  made.insert(made.end(), payload.begin(), payload.end());
  return made;
}

inline bytes number(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

inline bytes& operator+=(bytes& to, const bytes& more) {
  to.insert(to.end(), more.begin(), more.end());
  return to;
}

// A literal field, not indexed; names and values of at most 126 octets.
inline bytes field(std::string_view name, std::string_view value) {
  bytes made{0, static_cast<std::uint8_t>(name.size())};
  made += bytes(name.begin(), name.end());
  made += bytes{static_cast<std::uint8_t>(value.size())};
  made += bytes(value.begin(), value.end());
  return made;
}

using fields = std::vector<std::pair<std::string_view, std::string_view>>;

inline bytes block(const fields& all) {
  bytes made;
  for (const auto& [name, value] : all) made += field(name, value);
  return made;
}

inline fields get(std::string_view path) {
  return {{":method", "GET"}, {":scheme", "https"}, {":authority", "ajar"}, {":path", path}};
}

inline bytes ask(std::uint32_t stream, const fields& head, std::uint8_t flags = end_headers | end_stream) {
  return frame(headers, flags, stream, block(head));
}

inline bytes setting(std::uint16_t which, std::uint32_t value) {
  bytes payload{static_cast<std::uint8_t>(which >> 8), static_cast<std::uint8_t>(which)};
  payload += number(value);
  return payload;
}
inline constexpr std::uint16_t initial_window_size = 4;

// What a client sends first (RFC 9113 section 3.4).
inline bytes preface(const bytes& some_settings = {}) {
  constexpr std::string_view magic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  bytes made(magic.begin(), magic.end());
  made += frame(settings, none, 0, some_settings);
  return made;
}

}  // namespace forge
