// SPDX-License-Identifier: BSL-1.0
// A central that does what a test says: it has a key of its own, and nobody else's.
#pragma once

#include "scripted_peer.hpp"

#include <sys/poll.h>
#include <ajar/core/deadline.hpp>

namespace village {

class scripted_central {
 public:
  explicit scripted_central(asio::io_context& context) : port_(context, loopback()) { port_.non_blocking(true); }

  ajar::url url() const { return {ajar::net::endpoint(port_.local_endpoint()), key.id()}; }

  // The next link, up to its hello, which is not answered.
  ajar::awaitable<ajar::result<link>> hear() {
    auto accepting = accept(port_);
    auto stream = co_await ajar::before(soon(), ajar::errc::link_timeout, std::move(accepting));
    if (!stream) co_return ajar::fail(stream.error());
    ajar::tls::stream secured(std::move(*stream), key.tls(), ajar::tls::side::server,
                              ajar::tls::expectation::any_key(ajar::tls::alpn::link));
    auto shaken = co_await secured.handshake(soon());
    if (!shaken) co_return ajar::fail(shaken.error());
    link up(std::move(secured));
    auto said = co_await await_message<ajar::signalling::hello>(up);
    if (!said) co_return ajar::fail(said.error());
    co_return std::move(up);
  }

  // The next link, welcomed.
  ajar::awaitable<ajar::result<link>> welcome() {
    auto up = co_await hear();
    if (up) (void)up->send(greeting());
    co_return std::move(up);
  }

  ajar::signalling::welcome greeting() const { return {nonce, 15s, loopback(7)}; }

  // Somebody dials again, and nobody has accepted it.
  bool is_dialled() { return has_guest(port_); }
  static bool has_guest(asio::ip::tcp::acceptor& port) {
    pollfd one{port.native_handle(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }

  static ajar::awaitable<ajar::result<ajar::net::tcp_stream>> accept(asio::ip::tcp::acceptor& port) {
    ajar::net::tcp_stream stream(port.get_executor());
    auto [error] = co_await port.async_accept(stream, ajar::use_values);
    if (error) co_return ajar::fail(error);
    auto ready = ajar::net::prepare(stream);
    if (!ready) co_return ajar::fail(ready.error());
    co_return std::move(stream);
  }

  ajar::identity::key key = ajar::identity::key::generate();
  ajar::trust::link_nonce nonce = ajar::crypto::random_octets<32>();

 private:
  asio::ip::tcp::acceptor port_;
};

}  // namespace village
