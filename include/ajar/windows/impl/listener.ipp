// SPDX-License-Identifier: BSL-1.0
// ajar/windows/impl/listener.ipp - what ajar/windows/listener.hpp declares.
#pragma once

#include <ajar/windows/listener.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/dial.hpp>

#include <asio/error.hpp>
#include <utility>

namespace ajar::windows {

// Whoever accepts keeps it (kept()): the listener may go meanwhile.
struct listener::state {
  state(asio::ip::tcp::acceptor from, expected_source source, cloak wish)
      : port(std::move(from)),
        expected(std::move(source)),
        over(cover::put_on(port, expected, wish)),
        at(port.local_endpoint()) {}

  bool is_listening() const { return port.is_open() && cost.listeners > 0; }

  void close(close_cause why) {
    std::error_code ignored;
    cost.drops = over.drops(port);
    port.close(ignored);
    over.take_off();
    cost.closed = clock::now();
    cost.exposure = cost.closed - cost.opened;
    cost.why = why;
    if (account) account(cost);
  }

  awaitable<result<net::tcp_stream>> accept(time_point until, time_point poll) {
    auto operation = accept_and_close(poll);
    auto stream = co_await before(until, errc::window_timeout, std::move(operation));
    if (port.is_open()) {
      close(stream.error() == errc::window_timeout ? close_cause::timeout : close_cause::canceled);
    }
    co_return stream;
  }

  awaitable<result<net::tcp_stream>> accept_and_close(time_point poll) {
    if (!port.is_open()) co_return fail(errc::canceled);  // the listener went before this began
    net::tcp_stream peer(port.get_executor());
    net::tcp::endpoint from;
    std::error_code error;
    if (clock::now() < poll) port.non_blocking(true, error);
    while (!error && clock::now() < poll) {
      port.accept(peer, from, error);
      if (error != asio::error::would_block) break;
      error.clear();
      auto others = co_await yield(patience::shares_core);
      if (!others) co_return fail(others.error());
      if (!port.is_open()) co_return fail(errc::canceled);
    }
    if (!error && !peer.is_open()) {
      auto [failed] = co_await port.async_accept(peer, from, use_values);
      error = failed;
    }
    if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : shortage_or(error, error));
    if (!port.is_open()) co_return fail(errc::canceled);  // the listener went while somebody came
    const bool awaited = over.active() == cloak::none || expected.matches(from.address());
    if (!awaited) ++cost.strangers;
    close(awaited ? close_cause::accepted : close_cause::stranger);
    if (!awaited) {
      net::reset(peer);  // as from a closed port
      co_return fail(errc::window_stranger);
    }
    auto ready = net::prepare(peer);
    if (!ready) co_return fail(ready.error());
    co_return peer;
  }

  asio::ip::tcp::acceptor port;
  expected_source expected;
  cover over;
  net::tcp::endpoint at;
  windows::report cost;
  report_sink account;
};

AJAR_DECL listener::listener(asio::ip::tcp::acceptor port, expected_source expected, cloak wish)
    : state_(std::make_shared<state>(std::move(port), std::move(expected), wish)) {}

AJAR_DECL listener::~listener() {
  if (state_ && state_->is_listening()) state_->close(close_cause::canceled);
}

AJAR_DECL void listener::account(report_sink to) { state_->account = std::move(to); }

AJAR_DECL net::tcp::endpoint listener::local_endpoint() const { return state_->at; }

AJAR_DECL const windows::report& listener::report() const noexcept { return state_->cost; }

AJAR_DECL result<> listener::open() {
  auto& all = *state_;
  std::error_code error;
  all.cost.listeners = 1;
  all.cost.opened = clock::now();
  all.over.wear();
  all.port.listen(1, error);
  all.cost.cloak = all.over.active();
  if (error) return fail(shortage_or(error, errc::bind_failed));
  return {};
}

AJAR_DECL awaitable<result<net::tcp_stream>> listener::accept(time_point until, time_point poll) {
  return kept(state_, state_->accept(until, poll));
}

AJAR_DECL result<listener> listen_once(const asio::any_io_executor& executor, expected_source expected,
                                       const net::tcp::endpoint& local, cloak wish) {
  auto port = detail::bind_acceptor(executor, local);
  if (!port) return fail(port.error());
  return listener(std::move(*port), std::move(expected), wish);
}

AJAR_DECL result<listener> listen_once(const bound_port& at, expected_source expected, cloak wish) {
  auto port = at.acceptor();
  if (!port) return fail(port.error());
  return listener(std::move(*port), std::move(expected), wish);
}

}  // namespace ajar::windows
