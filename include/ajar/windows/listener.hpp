// SPDX-License-Identifier: BSL-1.0
// ajar/windows/listener.hpp - a port that is open for one connection, for less than a second.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/windows/expected_source.hpp>
#include <ajar/windows/report.hpp>

#include <asio/ip/tcp.hpp>
#include <utility>

namespace ajar::windows {

/// A one-shot listener: the first connection closes it, before an octet is read.
///
/// From listen() on it is exposed; accept() ends that in any case, and so does the destructor. Threads: one executor.
/// Source: WO 2004/034190, just-in-time listening, steps D and G.
class listener {
 public:
  /// @param port  bound, and not listening yet
  listener(asio::ip::tcp::acceptor port, expected_source expected, cloak wish)
      : port_(std::move(port)),
        expected_(std::move(expected)),
        cover_(cover::put_on(port_, expected_, wish)),
        at_(port_.local_endpoint()) {}

  /// Where it can be reached.
  net::tcp::endpoint local_endpoint() const { return at_; }

  /// Open the port. Everything slow is done before: from here on every microsecond counts. Errors: bind_failed.
  result<> open() {
    std::error_code error;
    report_.listeners = 1;
    report_.opened = clock::now();
    cover_.wear();
    port_.listen(1, error);
    report_.cloak = cover_.active();
    if (error) return fail(errc::bind_failed);
    return {};
  }

  /// Wait for the one connection; the port is closed when this returns, whatever it returns.
  ///
  /// @param until  absolute, monotonic
  /// @param poll   ask the kernel again and again until then, and sleep afterwards: it takes some 50 us to wake up
  /// @return the connection: from where the peer was expected, but not yet authenticated
  /// Errors: window_timeout, window_stranger (somebody else connected, and was reset), canceled. Cancellation:
  /// terminal.
  [[nodiscard]] awaitable<result<net::tcp_stream>> accept(time_point until, time_point poll = {}) {
    auto operation = accept_and_close(poll);
    auto stream = co_await before(until, errc::window_timeout, std::move(operation));
    if (port_.is_open()) close(stream.error() == errc::window_timeout ? close_cause::timeout : close_cause::canceled);
    co_return stream;
  }

  /// What it cost. Complete after accept().
  const windows::report& report() const noexcept { return report_; }

 private:
  awaitable<result<net::tcp_stream>> accept_and_close(time_point poll) {
    net::tcp_stream peer(port_.get_executor());
    net::tcp::endpoint from;
    std::error_code error;
    if (clock::now() < poll) port_.non_blocking(true, error);
    while (!error && clock::now() < poll) {
      port_.accept(peer, from, error);
      if (error != asio::error::would_block) break;
      error.clear();
      auto others = co_await yield(patience::shares_core);
      if (!others) co_return fail(others.error());
    }
    if (!error && !peer.is_open()) {
      auto [failed] = co_await port_.async_accept(peer, from, use_values);
      error = failed;
    }
    if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
    const bool expected = cover_.active() == cloak::none || expected_.matches(from.address());
    close(expected ? close_cause::accepted : close_cause::stranger);
    if (!expected) {
      ++report_.strangers;
      net::reset(peer);  // as from a closed port
      co_return fail(errc::window_stranger);
    }
    auto ready = net::prepare(peer);
    if (!ready) co_return fail(ready.error());
    co_return peer;
  }

  void close(close_cause why) {
    std::error_code ignored;
    report_.drops = cover_.drops(port_);
    port_.close(ignored);
    cover_.take_off();
    report_.closed = clock::now();
    report_.exposure = report_.closed - report_.opened;
    report_.why = why;
  }

  asio::ip::tcp::acceptor port_;
  expected_source expected_;
  cover cover_;
  net::tcp::endpoint at_;
  windows::report report_;
};

/// Bind a port for one expected peer. It is not open yet: open() is, as late as possible.
///
/// @param local  the address to bind; port 0 takes a random one
/// Errors: bind_failed.
inline result<listener> listen_once(const asio::any_io_executor& executor, expected_source expected,
                                    const net::tcp::endpoint& local, cloak wish = cloak::automatic) {
  auto port = detail::bind_silent<asio::ip::tcp::acceptor>(executor, local);
  if (!port) return fail(port.error());
  return listener(std::move(*port), std::move(expected), wish);
}

/// The same at a port that is held already. Every other socket of the port is bound before this one opens.
inline result<listener> listen_once(const bound_port& at, expected_source expected, cloak wish = cloak::automatic) {
  auto port = at.acceptor();
  if (!port) return fail(port.error());
  return listener(std::move(*port), std::move(expected), wish);
}

}  // namespace ajar::windows
