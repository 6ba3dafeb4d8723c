// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/round_trip.ipp - what ajar/net/round_trip.hpp declares.
#pragma once

#include <ajar/net/round_trip.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace ajar::net {

AJAR_DECL std::optional<std::chrono::microseconds> round_trip(tcp_stream& of) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (!of.is_open() || ::getsockopt(of.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (info.tcpi_rtt == 0) return std::nullopt;
  return std::chrono::microseconds(info.tcpi_rtt);
}

AJAR_DECL std::optional<std::chrono::microseconds> shortest_round_trip(tcp_stream& of) {
  struct whole_tcp_info {  // the C library's header is older than the kernel's
    tcp_info first;
    std::uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    std::uint32_t segs_out, segs_in, notsent_bytes, min_rtt;
  };
  whole_tcp_info info{};
  socklen_t size = sizeof info;
  if (!of.is_open() || ::getsockopt(of.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(whole_tcp_info, min_rtt) + sizeof info.min_rtt || info.min_rtt == 0) return std::nullopt;
  return std::chrono::microseconds(info.min_rtt);
}

AJAR_DECL std::optional<std::chrono::milliseconds> heard_ago(tcp_stream& of) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (!of.is_open() || ::getsockopt(of.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return std::chrono::milliseconds(std::min(info.tcpi_last_ack_recv, info.tcpi_last_data_recv));
}

AJAR_DECL std::optional<std::chrono::microseconds> round_trip(transport& of) {
  auto* const stream = of.target<tcp_stream>();
  return stream ? round_trip(*stream) : std::nullopt;
}

AJAR_DECL std::optional<std::chrono::microseconds> shortest_round_trip(transport& of) {
  auto* const stream = of.target<tcp_stream>();
  return stream ? shortest_round_trip(*stream) : std::nullopt;
}

AJAR_DECL std::optional<std::chrono::milliseconds> heard_ago(transport& of) {
  auto* const stream = of.target<tcp_stream>();
  return stream ? heard_ago(*stream) : std::nullopt;
}

}  // namespace ajar::net
