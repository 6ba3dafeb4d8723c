// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/life_signs.ipp - what ajar/net/life_signs.hpp declares.
#pragma once

#include <ajar/net/life_signs.hpp>

#include <ajar/net/dial.hpp>

#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <algorithm>
#include <cstddef>

namespace ajar::net {

AJAR_DECL std::optional<life_signs> signs_of(tcp_stream& of) {
  struct whole_tcp_info {  // the C library's header is older than the kernel's
    tcp_info first;
    std::uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    std::uint32_t segs_out, segs_in;
  };
  whole_tcp_info info{};
  socklen_t size = sizeof info;
  if (!of.is_open() || ::getsockopt(of.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  if (size < offsetof(whole_tcp_info, segs_in) + sizeof info.segs_in) return std::nullopt;
  int unread = 0;
  (void)::ioctl(of.native_handle(), FIONREAD, &unread);
  life_signs made;
  made.heard = info.segs_in;
  made.said = info.segs_out;
  made.unanswered = std::max<std::uint32_t>(info.first.tcpi_retransmits, info.first.tcpi_probes);
  const auto state = info.first.tcpi_state;
  made.ended = unread == 0 && (state == TCP_CLOSE || state == TCP_CLOSE_WAIT);
  return made;
}

AJAR_DECL void ask_for_signs(tcp_stream& of) {
  constexpr int most = 127;  // tcp(7): the connection does not end by it before two minutes
  keep_alive_times now;
  now.idle = now.interval = std::chrono::seconds(1);
  now.count = most;
  if (of.is_open()) keep_alive(of, now);  // setting the idle time makes the kernel ask at once
}

AJAR_DECL std::optional<life_signs> signs_of(transport& of) {
  auto* const tcp = of.target<tcp_stream>();
  return tcp ? signs_of(*tcp) : of.signs();
}

AJAR_DECL void ask_for_signs(transport& of) {
  auto* const tcp = of.target<tcp_stream>();
  return tcp ? ask_for_signs(*tcp) : of.ask();
}

}  // namespace ajar::net
