// SPDX-License-Identifier: BSL-1.0
// ajar/windows/impl/cloak.ipp - what ajar/windows/cloak.hpp declares.
#pragma once

#include <ajar/windows/cloak.hpp>

#include <ajar/core/bytes.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/windows/port_pool.hpp>

#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace ajar::windows {

namespace detail {

// Ends with `hit` for packets from the expected source and with `miss` for all others. The network header is reached
// from wherever the kernel lets a program begin (SKF_NET_OFF).
inline std::vector<sock_filter> source_program(const net::address& network, unsigned bits, std::uint32_t hit,
                                               std::uint32_t miss) {
  constexpr std::uint32_t v4_source = 12;  // RFC 791 section 3.1
  constexpr std::uint32_t v6_source = 8;   // RFC 8200 section 3
  bytes octets;
  if (network.is_v4()) {
    for (const auto octet : network.to_v4().to_bytes()) octets.push_back(octet);
  } else {
    for (const auto octet : network.to_v6().to_bytes()) octets.push_back(octet);
  }
  const auto base = static_cast<std::uint32_t>(SKF_NET_OFF) + (network.is_v4() ? v4_source : v6_source);
  std::vector<sock_filter> made;
  for (unsigned at = 0; at < bits; at += 32) {
    const unsigned left = std::min(bits - at, 32U);
    const std::uint32_t mask = left == 32 ? 0xffffffffU : ~(0xffffffffU >> left);
    std::uint32_t word = 0;
    for (unsigned i = 0; i < 4; ++i) word = (word << 8) | octets[at / 8 + i];
    made.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, base + at / 8));
    made.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    made.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word & mask, 1, 0));
    made.push_back(BPF_STMT(BPF_RET | BPF_K, miss));
  }
  made.push_back(BPF_STMT(BPF_RET | BPF_K, hit));
  return made;
}

inline bool attach(int socket, int option, std::vector<sock_filter> program) {
  const sock_fprog whole{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(socket, SOL_SOCKET, option, &whole, sizeof whole) == 0;
}

inline std::uint32_t drops_of(int socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> counts{};
  socklen_t size = sizeof counts;
  if (::getsockopt(socket, SOL_SOCKET, SO_MEMINFO, counts.data(), &size) != 0) return 0;
  return counts[SK_MEMINFO_DROPS];
}

// With a key that nobody has.
inline bool demand_signatures(asio::ip::tcp::acceptor& decoy, const net::tcp::endpoint& at) {
  tcp_md5sig wish{};
  const net::tcp::endpoint anybody(at.protocol(), 0);
  std::memcpy(&wish.tcpm_addr, anybody.data(), anybody.size());
  const auto key = crypto::random_octets<16>();
  wish.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
  wish.tcpm_keylen = static_cast<std::uint16_t>(key.size());
  std::ranges::copy(key, wish.tcpm_key);
  return ::setsockopt(decoy.native_handle(), IPPROTO_TCP, TCP_MD5SIG_EXT, &wish, sizeof wish) == 0;
}

}  // namespace detail

AJAR_DECL cover cover::put_on(asio::ip::tcp::acceptor& port, const expected_source& expected, cloak wish) {
  cover made;
  const auto network = expected.network();
  made.active_ = wish == cloak::none || !network ? cloak::none : cloak::compare;
  if (made.active_ == cloak::none || wish == cloak::compare) return made;
  std::error_code error;
  const auto at = port.local_endpoint(error);
  if (error || at.address().is_v4() != network->is_v4()) return made;
  if (wish != cloak::decoy && made.filter(port, *network, expected.bits())) return made;
  if (wish != cloak::filter) made.hide_behind_decoy(port, at, *network, expected.bits());
  return made;
}

AJAR_DECL void cover::wear() {
  std::error_code ignored;
  if (decoy_) decoy_->listen(1, ignored);
  if (decoy_ && !detail::attach(decoy_->native_handle(), SO_ATTACH_REUSEPORT_CBPF, std::move(program_))) {
    decoy_->close(ignored);
    decoy_.reset();
    active_ = cloak::compare;
  }
}

AJAR_DECL std::uint32_t cover::drops(asio::ip::tcp::acceptor& port) {
  return detail::drops_of(port.native_handle()) + (decoy_ ? detail::drops_of(decoy_->native_handle()) : 0);
}

AJAR_DECL void cover::take_off() {
  std::error_code ignored;
  if (decoy_) decoy_->close(ignored);
  decoy_.reset();
}

AJAR_DECL bool cover::filter(asio::ip::tcp::acceptor& port, const net::address& network, unsigned bits) {
  constexpr std::uint32_t whole = 0xffffffff;
  if (!detail::attach(port.native_handle(), SO_ATTACH_FILTER, detail::source_program(network, bits, whole, 0))) {
    return false;
  }
  active_ = cloak::filter;
  return true;
}

// The decoy listens first and is number 0 of the port's group, the port itself is number 1.
AJAR_DECL void cover::hide_behind_decoy(asio::ip::tcp::acceptor& port, const net::tcp::endpoint& at,
                                        const net::address& network, unsigned bits) {
  auto decoy = detail::bind_acceptor(port.get_executor(), at);
  if (!decoy || !detail::demand_signatures(*decoy, at)) return;
  program_ = detail::source_program(network, bits, 1, 0);
  decoy_.emplace(std::move(*decoy));
  active_ = cloak::decoy;
}

}  // namespace ajar::windows
