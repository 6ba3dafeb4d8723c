// SPDX-License-Identifier: BSL-1.0
// ajar/windows/port_pool.hpp - local ports that are held for one window, silent until they are used.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/net/transport.hpp>

#include <asio/ip/tcp.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::windows {

/// Firewalls that let out only TCP to this port are common.
inline constexpr std::uint16_t https_port = 443;

namespace detail {

// A socket that others of ours may share the port with.
result<net::tcp_stream> bind_stream(const asio::any_io_executor& executor, const net::tcp::endpoint& local);
result<asio::ip::tcp::acceptor> bind_acceptor(const asio::any_io_executor& executor, const net::tcp::endpoint& local);

}  // namespace detail

/// A local port that nobody else gets while this lives. Nothing listens at it, and nothing is sent.
///
/// Several sockets can share it: fresh ones that connect, each to another place or after the one before is closed, and
/// one that listens. All have to be bound before that one listens, as Linux permits none beside a listener (socket(7),
/// SO_REUSEADDR). Copies share the port. Threads: one executor.
class bound_port {
 public:
  /// @param lent  goes with the last copy
  explicit bound_port(net::tcp_stream holder, std::shared_ptr<const void> lent = nullptr)
      : lent_(std::move(lent)),
        holder_(std::make_shared<net::tcp_stream>(std::move(holder))),
        at_(holder_->local_endpoint()) {}

  const net::tcp::endpoint& local_endpoint() const noexcept { return at_; }

  /// A socket at this port, to connect with. Errors: bind_failed.
  result<net::tcp_stream> fresh() const;

  /// A socket at this port, to listen with later. Errors: bind_failed.
  result<asio::ip::tcp::acceptor> acceptor() const;

 private:
  std::shared_ptr<const void> lent_;
  std::shared_ptr<net::tcp_stream> holder_;
  net::tcp::endpoint at_;
};

/// Hold a port. @param local  the address; port 0 takes a random one
/// Errors: bind_failed.
result<bound_port> bind_port(const asio::any_io_executor& executor, const net::tcp::endpoint& local);

/// Ports from one to another, both among them.
struct port_range {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  std::uint32_t size() const noexcept { return last < first ? 0U : std::uint32_t{last} - first + 1; }
  bool contains(std::uint16_t port) const noexcept { return first <= port && port <= last; }
  bool operator==(const port_range&) const = default;
};

/// Read FIRST-LAST, from 1024 on, of at least 4: a window takes two of each family. Nothing where it is none.
inline std::optional<port_range> parse_port_range(std::string_view text) {
  constexpr std::uint16_t unprivileged = 1024;
  constexpr std::uint32_t fewest = 4;
  port_range made;
  const auto* end = text.data() + text.size();
  const auto one = std::from_chars(text.data(), end, made.first);
  if (one.ec != std::errc() || one.ptr == end || *one.ptr != '-') return std::nullopt;
  const auto two = std::from_chars(one.ptr + 1, end, made.last);
  if (two.ec != std::errc() || two.ptr != end) return std::nullopt;
  if (made.first < unprivileged || made.size() < fewest) return std::nullopt;
  return made;
}

/// Lends the ports of a range, each to one at a time: two windows must not share one. Threads: one executor.
class port_lender : public std::enable_shared_from_this<port_lender> {
 public:
  explicit port_lender(port_range among) : among_(among) {}

  /// Hold a port of the range: one after another from a random one on, until one is free; lent as long as it is held.
  /// Errors: bind_failed, a shortage.
  result<bound_port> lend(const asio::any_io_executor& executor, const net::address& local);

 private:
  struct loan;

  port_range among_;
  std::set<std::uint16_t> lent_;
};

/// Hold several random ports of one address. Errors: bind_failed.
result<std::vector<bound_port>> bind_ports(const asio::any_io_executor& executor, const net::address& local,
                                           std::size_t count);

}  // namespace ajar::windows

#ifdef AJAR_HEADER_ONLY
#include <ajar/windows/impl/port_pool.ipp>
#endif
