// SPDX-License-Identifier: BSL-1.0
// ajar/windows/cloak.hpp - a listener that answers nobody but the one it expects.
#pragma once

#include <ajar/crypto/random.hpp>
#include <ajar/windows/expected_source.hpp>
#include <ajar/windows/port_pool.hpp>

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::windows {

/// How a listener treats everybody else, from the weakest to the best.
enum class cloak : std::uint8_t {
  none = 0,        ///< whoever comes first is taken, and TLS decides: the rule of WO 2004/034190
  compare = 1,     ///< whoever comes first is taken, compared, and reset if he is another
  decoy = 2,       ///< the kernel hands him to a second listener, which drops what is not signed (RFC 2385): no answer
  filter = 3,      ///< the kernel drops his packets before TCP looks at them: no answer
  automatic = 255  ///< a wish: the best that this process may use
};

constexpr std::string_view to_string(cloak kind) {
  switch (kind) {
    case cloak::none:
      return "none";
    case cloak::compare:
      return "compare";
    case cloak::decoy:
      return "decoy";
    case cloak::filter:
      return "filter";
    case cloak::automatic:
      break;
  }
  return "auto";
}

/// The inverse of to_string.
constexpr std::optional<cloak> parse_cloak(std::string_view name) {
  for (const auto kind : {cloak::none, cloak::compare, cloak::decoy, cloak::filter, cloak::automatic}) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

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

}  // namespace detail

/// What keeps others from one listener: put on while the port is bound, worn from just before it listens until just
/// after it closes.
///
/// A silent port among ports that answer with a reset is itself a hint: only a crossing looks like a closed port.
/// Source: socket(7), SO_ATTACH_FILTER and SO_ATTACH_REUSEPORT_CBPF; tcp(7); RFC 2385.
class cover {
 public:
  cover() = default;

  /// The best that is wished and permitted. A filter needs CAP_NET_ADMIN on newer kernels; a decoy needs nothing. Where
  /// anybody is expected there is nothing to hide from.
  static cover put_on(asio::ip::tcp::acceptor& port, const expected_source& expected, cloak wish) {
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

  cloak active() const noexcept { return active_; }

  /// Just before the port listens.
  void wear() {
    std::error_code ignored;
    if (decoy_) decoy_->listen(1, ignored);
    if (decoy_ && !detail::attach(decoy_->native_handle(), SO_ATTACH_REUSEPORT_CBPF, std::move(program_))) {
      decoy_->close(ignored);
      decoy_.reset();
      active_ = cloak::compare;
    }
  }

  /// Packets that were dropped, by the port or by its decoy, while both are open.
  std::uint32_t drops(asio::ip::tcp::acceptor& port) {
    return detail::drops_of(port.native_handle()) + (decoy_ ? detail::drops_of(decoy_->native_handle()) : 0);
  }

  /// Just after the port is closed.
  void take_off() {
    std::error_code ignored;
    if (decoy_) decoy_->close(ignored);
    decoy_.reset();
  }

 private:
  bool filter(asio::ip::tcp::acceptor& port, const net::address& network, unsigned bits) {
    constexpr std::uint32_t whole = 0xffffffff;
    if (!detail::attach(port.native_handle(), SO_ATTACH_FILTER, detail::source_program(network, bits, whole, 0))) {
      return false;
    }
    active_ = cloak::filter;
    return true;
  }

  // The decoy listens first and is number 0 of the port's group, the port itself is number 1.
  void hide_behind_decoy(asio::ip::tcp::acceptor& port, const net::tcp::endpoint& at, const net::address& network,
                         unsigned bits) {
    auto decoy = detail::bind_silent<asio::ip::tcp::acceptor>(port.get_executor(), at);
    if (!decoy || !demand_signatures(*decoy, at)) return;
    program_ = detail::source_program(network, bits, 1, 0);
    decoy_.emplace(std::move(*decoy));
    active_ = cloak::decoy;
  }

  // With a key that nobody has.
  static bool demand_signatures(asio::ip::tcp::acceptor& decoy, const net::tcp::endpoint& at) {
    tcp_md5sig wish{};
    const net::tcp::endpoint anybody(at.protocol(), 0);
    std::memcpy(&wish.tcpm_addr, anybody.data(), anybody.size());
    const auto key = crypto::random_octets<16>();
    wish.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
    wish.tcpm_keylen = static_cast<std::uint16_t>(key.size());
    std::ranges::copy(key, wish.tcpm_key);
    return ::setsockopt(decoy.native_handle(), IPPROTO_TCP, TCP_MD5SIG_EXT, &wish, sizeof wish) == 0;
  }

  cloak active_ = cloak::none;
  std::optional<asio::ip::tcp::acceptor> decoy_;
  std::vector<sock_filter> program_;
};

}  // namespace ajar::windows
