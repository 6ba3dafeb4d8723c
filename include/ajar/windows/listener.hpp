// SPDX-License-Identifier: BSL-1.0
// ajar/windows/listener.hpp - a port that is open for one connection, for less than a second.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/windows/expected_source.hpp>
#include <ajar/windows/report.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <utility>

namespace ajar::windows {

/// A one-shot listener: the first connection closes it, before an octet is read.
///
/// From listen() on it is exposed; accept() ends that in any case, and so does the destructor. Threads: one executor.
/// Source: WO 2004/034190, just-in-time listening, steps D and G.
class listener {
 public:
  listener(asio::ip::tcp::acceptor port, expected_source expected)
      : port_(std::move(port)), expected_(std::move(expected)) {}

  /// Where it can be reached.
  net::tcp::endpoint local_endpoint() const { return at_; }

  /// Open the port. Everything slow is done before: from here on every microsecond counts. Errors: bind_failed.
  result<> open() {
    std::error_code error;
    report_.listeners = 1;
    report_.opened = clock::now();
    port_.listen(1, error);
    if (error) return fail(errc::bind_failed);
    return {};
  }

  /// Wait for the one connection; the port is closed when this returns, whatever it returns.
  ///
  /// @param until  absolute, monotonic
  /// @return the connection: from where the peer was expected, but not yet authenticated
  /// Errors: window_timeout, window_stranger (somebody else connected, and was reset), canceled. Cancellation:
  /// terminal.
  [[nodiscard]] awaitable<result<net::tcp_stream>> accept(time_point until) {
    auto operation = accept_and_close();
    auto stream = co_await before(until, errc::window_timeout, std::move(operation));
    if (port_.is_open()) close(stream.error() == errc::window_timeout ? close_cause::timeout : close_cause::canceled);
    co_return stream;
  }

  /// What it cost. Complete after accept().
  const windows::report& report() const noexcept { return report_; }

 private:
  friend result<listener> listen_once(asio::any_io_executor executor, expected_source expected,
                                      net::tcp::endpoint local);

  awaitable<result<net::tcp_stream>> accept_and_close() {
    net::tcp_stream peer(port_.get_executor());
    net::tcp::endpoint from;
    auto [error] = co_await port_.async_accept(peer, from, use_values);
    if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
    const bool expected = expected_.matches(from.address());
    close(expected ? close_cause::accepted : close_cause::stranger);
    std::error_code ignored;
    if (!expected) {
      ++report_.strangers;
      peer.set_option(asio::socket_base::linger(true, 0), ignored);  // a reset, as from a closed port
      peer.close(ignored);
      co_return fail(errc::window_stranger);
    }
    auto ready = net::prepare(peer);
    if (!ready) co_return fail(ready.error());
    co_return peer;
  }

  void close(close_cause why) {
    std::error_code ignored;
    port_.close(ignored);
    report_.closed = clock::now();
    report_.exposure = report_.closed - report_.opened;
    report_.why = why;
  }

  asio::ip::tcp::acceptor port_;
  expected_source expected_;
  net::tcp::endpoint at_;
  windows::report report_;
};

/// Bind a random port for one expected peer. It is not open yet: open() is, as late as possible.
///
/// @param local  the address to bind, and port 0
/// Errors: bind_failed.
inline result<listener> listen_once(asio::any_io_executor executor, expected_source expected,
                                    net::tcp::endpoint local) {
  asio::ip::tcp::acceptor port(executor);
  std::error_code error;
  port.open(local.protocol(), error);
  if (!error && local.protocol() == net::tcp::v6()) port.set_option(asio::ip::v6_only(true), error);
  if (!error) port.bind(local, error);
  if (!error) port.non_blocking(true, error);
  const auto at = error ? net::tcp::endpoint() : port.local_endpoint(error);
  if (error) return fail(errc::bind_failed);
  listener made(std::move(port), std::move(expected));
  made.at_ = at;
  return made;
}

}  // namespace ajar::windows
