// SPDX-License-Identifier: BSL-1.0
#include "scripted_central.hpp"

#include <sys/poll.h>
#include <ajar/core/deadline.hpp>

namespace village {

ajar::awaitable<ajar::result<link>> scripted_central::hear() {
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
  if (said->who == ajar::signalling::role::server) nonce = said->nonce;
  co_return std::move(up);
}

ajar::awaitable<ajar::result<link>> scripted_central::welcome() {
  auto up = co_await hear();
  if (up) (void)up->send(greeting());
  co_return std::move(up);
}

bool scripted_central::has_guest(asio::ip::tcp::acceptor& port) {
  pollfd one{port.native_handle(), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

ajar::awaitable<ajar::result<ajar::net::tcp_stream>> scripted_central::accept(asio::ip::tcp::acceptor& port) {
  ajar::net::tcp_stream stream(port.get_executor());
  auto [error] = co_await port.async_accept(stream, ajar::use_values);
  if (error) co_return ajar::fail(error);
  auto ready = ajar::net::prepare(stream);
  if (!ready) co_return ajar::fail(ready.error());
  co_return std::move(stream);
}

}  // namespace village
