// SPDX-License-Identifier: BSL-1.0
// ajar/windows/cloak.hpp - a listener that answers nobody but the one it expects.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/windows/expected_source.hpp>

#include <linux/filter.h>
#include <asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>
#include <string_view>
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
  static cover put_on(asio::ip::tcp::acceptor& port, const expected_source& expected, cloak wish);

  cloak active() const noexcept { return active_; }

  /// Just before the port listens.
  void wear();

  /// Packets that were dropped, by the port or by its decoy, while both are open.
  std::uint32_t drops(asio::ip::tcp::acceptor& port);

  /// Just after the port is closed.
  void take_off();

 private:
  bool filter(asio::ip::tcp::acceptor& port, const net::address& network, unsigned bits);
  void hide_behind_decoy(asio::ip::tcp::acceptor& port, const net::tcp::endpoint& at, const net::address& network,
                         unsigned bits);

  cloak active_ = cloak::none;
  std::optional<asio::ip::tcp::acceptor> decoy_;
  std::vector<sock_filter> program_;
};

}  // namespace ajar::windows

#ifdef AJAR_HEADER_ONLY
#include <ajar/windows/impl/cloak.ipp>
#endif
