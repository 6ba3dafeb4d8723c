// SPDX-License-Identifier: BSL-1.0
// ajar/windows/crossing.hpp - both ends connect at one instant: TCP simultaneous open, with no listener at any time.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/windows/port_pool.hpp>
#include <ajar/windows/redial_grid.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::windows {

/// Both ends send an octet as soon as they are connected. The server's names the winning pair of ports.
enum class crossing_side { names, follows };

struct crossed;

/// Of the TCP MD5 signature option, where a crossing uses it.
using crossing_key = std::array<std::uint8_t, 16>;

/// What both ends do, and when. The other end has the same plan with the endpoints exchanged.
class crossing_plan {
 public:
  /// @param start  of the first try, on this end's clock; the other end's differs by less than the one-way delay
  /// @param gap    redial_grid::gap_for the round trip
  crossing_plan(time_point start, clock::duration gap, crossing_side side) : grid_(start, gap), side_(side) {}

  /// Add a pair of ports, at most two. The order is the same at both ends.
  crossing_plan& pair(bound_port from, net::tcp::endpoint to) {
    pairs_.push_back({std::move(from), std::move(to)});
    return *this;
  }
  /// Both ends sign their segments, with a key that both know: where nothing between them changes addresses, and the
  /// round trip is so short that SYNs seldom meet in flight. It authenticates nobody: TLS does.
  crossing_plan& signed_by(const crossing_key& key) {
    key_ = key;
    return *this;
  }

 private:
  friend struct crossing_work;
  friend awaitable<result<crossed>> cross(crossing_plan how, time_point until);
  struct pair_of_ports {
    bound_port from;
    net::tcp::endpoint to;
  };
  redial_grid grid_;
  crossing_side side_;
  std::optional<crossing_key> key_;
  std::vector<pair_of_ports> pairs_;
};

/// A crossing that succeeded.
struct crossed {
  net::tcp_stream stream;                 ///< both first octets are consumed
  std::size_t pair = 0;                   ///< that won
  unsigned tries = 1;                     ///< of that pair
  time_point established{};               ///< when the kernel had it connected
  std::vector<net::tcp_stream> others{};  ///< connections that lost: they stay until this goes, after the TLS handshake
};

/// Connect to the other end while it connects to us. No socket listens at any time, so that to anybody else the ports
/// are what closed ports are.
///
/// @param until  absolute, monotonic; of the connection and its first octets
/// Errors: crossing_failed, canceled. Cancellation: terminal. Threads: the caller's executor.
/// Source: RFC 9293 section 3.5, figure 8; WO 2004/034190, step D: the packet that opens one's own NAT.
[[nodiscard]] awaitable<result<crossed>> cross(crossing_plan how, time_point until);

}  // namespace ajar::windows

#ifdef AJAR_HEADER_ONLY
#include <ajar/windows/impl/crossing.ipp>
#endif
