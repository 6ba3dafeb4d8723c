// SPDX-License-Identifier: BSL-1.0
// ajar/windows/impl/listener.ipp - what ajar/windows/listener.hpp declares.
#pragma once

#include <ajar/windows/listener.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/net/dial.hpp>

#include <asio/error.hpp>
#include <utility>

namespace ajar::windows {

AJAR_DECL listener::listener(asio::ip::tcp::acceptor port, expected_source expected, cloak wish)
    : port_(std::move(port)),
      expected_(std::move(expected)),
      cover_(cover::put_on(port_, expected_, wish)),
      at_(port_.local_endpoint()) {}

AJAR_DECL listener::~listener() {
  if (port_.is_open() && report_.listeners > 0) close(close_cause::canceled);
}

AJAR_DECL result<> listener::open() {
  std::error_code error;
  report_.listeners = 1;
  report_.opened = clock::now();
  cover_.wear();
  port_.listen(1, error);
  report_.cloak = cover_.active();
  if (error) return fail(shortage_or(error, errc::bind_failed));
  return {};
}

AJAR_DECL awaitable<result<net::tcp_stream>> listener::accept(time_point until, time_point poll) {
  auto operation = accept_and_close(poll);
  auto stream = co_await before(until, errc::window_timeout, std::move(operation));
  if (port_.is_open()) close(stream.error() == errc::window_timeout ? close_cause::timeout : close_cause::canceled);
  co_return stream;
}

AJAR_DECL awaitable<result<net::tcp_stream>> listener::accept_and_close(time_point poll) {
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
  if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : shortage_or(error, error));
  const bool expected = cover_.active() == cloak::none || expected_.matches(from.address());
  if (!expected) ++report_.strangers;
  close(expected ? close_cause::accepted : close_cause::stranger);
  if (!expected) {
    net::reset(peer);  // as from a closed port
    co_return fail(errc::window_stranger);
  }
  auto ready = net::prepare(peer);
  if (!ready) co_return fail(ready.error());
  co_return peer;
}

AJAR_DECL void listener::close(close_cause why) {
  std::error_code ignored;
  report_.drops = cover_.drops(port_);
  port_.close(ignored);
  cover_.take_off();
  report_.closed = clock::now();
  report_.exposure = report_.closed - report_.opened;
  report_.why = why;
  if (account_) account_(report_);
}

AJAR_DECL result<listener> listen_once(const asio::any_io_executor& executor, expected_source expected,
                                       const net::tcp::endpoint& local, cloak wish) {
  auto port = detail::bind_silent<asio::ip::tcp::acceptor>(executor, local);
  if (!port) return fail(port.error());
  return listener(std::move(*port), std::move(expected), wish);
}

AJAR_DECL result<listener> listen_once(const bound_port& at, expected_source expected, cloak wish) {
  auto port = at.acceptor();
  if (!port) return fail(port.error());
  return listener(std::move(*port), std::move(expected), wish);
}

}  // namespace ajar::windows
