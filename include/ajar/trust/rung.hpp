// SPDX-License-Identifier: BSL-1.0
// ajar/trust/rung.hpp - one way through a window, as the server plans it for both ends.
#pragma once

#include <ajar/trust/fields.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace ajar::trust {

/// What both ends do at one rung of the ladder.
enum class rung_kind : std::uint8_t {
  crossing = 1,         ///< both connect at one instant: TCP simultaneous open, RFC 9293 section 3.5
  listener = 2,         ///< the server listens: WO 2004/034190, just-in-time listening, steps D and G
  listener_reverse = 3  ///< the client listens: its variation
};

constexpr std::string_view to_string(rung_kind kind) {
  constexpr std::string_view names[] = {"none", "crossing", "listener", "listener-reverse"};
  return names[static_cast<std::size_t>(kind)];
}

/// A set of rung_kinds, one bit each: what an end is able and willing to do.
constexpr std::uint8_t bit_of(rung_kind kind) {
  return static_cast<std::uint8_t>(1U << (static_cast<unsigned>(kind) - 1U));
}
inline constexpr std::uint8_t every_rung = 7;

/// One rung: what, when, and between which endpoints, as each end sees the other's from outside.
struct rung {
  static constexpr std::size_t most_pairs = 2;

  rung_kind kind = rung_kind::listener;
  std::uint64_t start_us = 0;  ///< on the server's clock, as its stamps are; 0: at once
  std::uint16_t grid_ms = 0;   ///< from one try to the next; a crossing's grows. 0: one try
  std::vector<net::tcp::endpoint> server;
  std::vector<net::tcp::endpoint> client;  ///< pair i is server[i] with client[i]; of a listener only the first counts

  bool operator==(const rung&) const = default;

  static void layout(auto& self, auto& io) {
    io(wire::within(self.kind, rung_kind::crossing, rung_kind::listener_reverse), self.start_us, self.grid_ms,
       wire::list<std::uint8_t>(self.server, most_pairs), wire::list<std::uint8_t>(self.client, most_pairs));
  }
};

}  // namespace ajar::trust
