// SPDX-License-Identifier: BSL-1.0
#include "scripted_central.hpp"

#include <sys/poll.h>
#include <ajar/core/deadline.hpp>

namespace village {

meeting::meeting(kind where) {
  if (where == kind::memory) {
    time.emplace();
    at_central = {asio::ip::make_address("198.51.100.1"), 443};
    at_role = {asio::ip::make_address("203.0.113.1"), 7000};
    of_central = world.host(at_central.address());
    of_role = world.host(at_role.address());
  } else {
    at_central = loopback();
    at_role = loopback();
    of_central = ajar::net::sockets();
    of_role = ajar::net::sockets();
  }
}

void meeting::run(ajar::awaitable<void> what) {
  if (time) {
    time->run(context, std::move(what));
  } else {
    ajar::testing::run(context, std::move(what));
  }
}

scripted_central::scripted_central(asio::io_context& context, const shared_network& over,
                                   const ajar::net::tcp::endpoint& at) {
  auto opened = over->listen(context.get_executor(), at, {});
  REQUIRE(opened);
  port_ = std::move(*opened);
}

ajar::awaitable<ajar::result<ajar::net::transport>> scripted_central::accept(ajar::time_point until) {
  auto accepting = port_->accept();
  auto came = co_await ajar::before(until, ajar::errc::link_timeout, std::move(accepting));
  co_return came;
}

ajar::awaitable<bool> scripted_central::is_left_alone(std::chrono::seconds within) {
  auto came = co_await accept(ajar::clock::now() + within);
  co_return !came && came.error() == ajar::errc::link_timeout;
}

ajar::awaitable<ajar::result<link>> scripted_central::hear() {
  auto stream = co_await accept(soon());
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

bool has_guest(asio::ip::tcp::acceptor& port) {
  pollfd one{port.native_handle(), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

ajar::awaitable<ajar::result<ajar::net::tcp_stream>> accept(asio::ip::tcp::acceptor& port) {
  ajar::net::tcp_stream stream(port.get_executor());
  auto [error] = co_await port.async_accept(stream, ajar::use_values);
  if (error) co_return ajar::fail(error);
  auto ready = ajar::net::prepare(stream);
  if (!ready) co_return ajar::fail(ready.error());
  co_return std::move(stream);
}

}  // namespace village
