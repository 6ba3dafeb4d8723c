// SPDX-License-Identifier: BSL-1.0
// ajar/windows/listener.hpp - a port that is open for one connection, for less than a second.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/windows/expected_source.hpp>
#include <ajar/windows/port_pool.hpp>
#include <ajar/windows/report.hpp>

#include <asio/ip/tcp.hpp>
#include <memory>
#include <utility>

namespace ajar::windows {

/// A one-shot listener: the first connection closes it, before an octet is read.
///
/// From listen() on it is exposed; accept() ends that in any case, and so does the destructor, which ends accept() too.
/// Moves, does not copy. Threads: one executor.
/// Source: WO 2004/034190, just-in-time listening, steps D and G.
class listener {
 public:
  /// @param port  bound, and not listening yet
  listener(asio::ip::tcp::acceptor port, expected_source expected, cloak wish);
  listener(listener&&) noexcept = default;
  listener& operator=(listener&&) = delete;
  ~listener();

  /// Who gets the account of the port when it closes; not where it was never open.
  void account(report_sink to);

  /// Where it can be reached.
  net::tcp::endpoint local_endpoint() const;

  /// Open the port. Everything slow is done before: from here on every microsecond counts. Errors: bind_failed, a
  /// shortage.
  result<> open();

  /// Wait for the one connection; the port is closed when this returns, whatever it returns.
  ///
  /// @param until  absolute, monotonic
  /// @param poll   ask the kernel again and again until then, and sleep afterwards: it takes some 50 us to wake up
  /// @return the connection: from where the peer was expected, but not yet authenticated
  /// Errors: window_timeout, window_stranger (somebody else connected, and was reset), a shortage (there was no
  /// descriptor for who came), canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<net::tcp_stream>> accept(time_point until, time_point poll = {});

  /// What it cost. Complete after accept().
  const windows::report& report() const noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

/// Bind a port for one expected peer. It is not open yet: open() is, as late as possible.
///
/// @param local  the address to bind; port 0 takes a random one
/// Errors: bind_failed.
result<listener> listen_once(const asio::any_io_executor& executor, expected_source expected,
                             const net::tcp::endpoint& local, cloak wish = cloak::automatic);

/// The same at a port that is held already. Every other socket of the port is bound before this one opens.
result<listener> listen_once(const bound_port& at, expected_source expected, cloak wish = cloak::automatic);

}  // namespace ajar::windows

#ifdef AJAR_HEADER_ONLY
#include <ajar/windows/impl/listener.ipp>
#endif
