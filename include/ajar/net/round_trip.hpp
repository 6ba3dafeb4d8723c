// SPDX-License-Identifier: BSL-1.0
// ajar/net/round_trip.hpp - what the kernel measured of a connection.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/net/transport.hpp>

#include <chrono>
#include <optional>

namespace ajar::net {

/// The smoothed round trip of TCP (RFC 6298), if there is one. Through a proxy it is the proxy's. Source: tcp(7).
std::optional<std::chrono::microseconds> round_trip(tcp_stream& of);

/// The shortest one that TCP has seen, if there is one. Source: tcp(7).
std::optional<std::chrono::microseconds> shortest_round_trip(tcp_stream& of);

/// How long ago the other end's kernel acknowledged something, or sent something. Source: tcp(7).
std::optional<std::chrono::milliseconds> heard_ago(tcp_stream& of);

/// The same of a transport: nothing, unless it is of TCP.
std::optional<std::chrono::microseconds> round_trip(transport& of);
std::optional<std::chrono::microseconds> shortest_round_trip(transport& of);
std::optional<std::chrono::milliseconds> heard_ago(transport& of);

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/round_trip.ipp>
#endif
