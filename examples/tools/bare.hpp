// SPDX-License-Identifier: BSL-1.0
// What the tools speak over a session: one question, one answer. A user's own program would put its protocol here.
//
// Frames as on a link (ajar/wire/frame.hpp). From the client: get (1) {name}, ping (2) {token 8}. From the server:
// found (3) {length u64, cost} and then that many octets, failed (4) {errc u16}, pong (5) {token 8, cost}; cost is
// {exposure ns u64, listeners u16, strangers u16} of the window that the server opened, or zeroes.
#pragma once

#include <ajar/sessions/session.hpp>

#include <algorithm>

namespace tools::bare {

enum kind : std::uint8_t { get = 1, ping = 2, found = 3, failed = 4, pong = 5 };

inline constexpr std::size_t longest_name = 64;

struct cost {
  std::uint64_t exposure_ns = 0;
  std::uint16_t listeners = 0;
  std::uint16_t strangers = 0;
};

inline cost cost_of(const ajar::sessions::session& session) {
  const auto& window = session.info().window;
  if (!window) return {};
  return {static_cast<std::uint64_t>(window->exposure.count()), window->listeners, window->strangers};
}
inline void encode(ajar::wire::writer& out, const cost& what) {
  out.number(what.exposure_ns).number(what.listeners).number(what.strangers);
}
inline cost decode_cost(ajar::wire::reader& in) {
  cost made;
  made.exposure_ns = in.number<std::uint64_t>();
  made.listeners = in.number<std::uint16_t>();
  made.strangers = in.number<std::uint16_t>();
  return made;
}

inline ajar::bytes frame_of(kind what, const ajar::bytes& payload) {
  ajar::bytes octets;
  ajar::wire::append_frame(octets, what, payload);
  return octets;
}

// The next frame, of at most 256 octets. Errors: message_too_long, the session's.
inline ajar::awaitable<ajar::result<ajar::wire::frame>> read_frame(ajar::sessions::session& from,
                                                                   ajar::time_point until) {
  constexpr std::size_t longest = 256;
  std::array<std::uint8_t, ajar::wire::frame_header_size> octets{};
  auto done = co_await from.read(octets, until);
  if (!done) co_return ajar::fail(done.error());
  const auto header = ajar::wire::parse_frame_header(octets);
  if (!header) co_return ajar::fail(header.error());
  if (header->length > longest) co_return ajar::fail(ajar::errc::message_too_long);
  ajar::wire::frame frame;
  frame.kind = header->kind;
  frame.payload.resize(header->length);
  done = co_await from.read(frame.payload, until);
  if (!done) co_return ajar::fail(done.error());
  co_return std::move(frame);
}

}  // namespace tools::bare
