// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/port_pool.hpp>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include "open_ports.hpp"

using namespace ajar;
using namespace ajar::windows;

namespace {

const auto here = asio::ip::make_address("127.0.0.1");

/// Without SO_REUSEADDR, as a stranger's socket is.
std::error_code bind_as_stranger(asio::io_context& context, const net::tcp::endpoint& at) {
  asio::ip::tcp::socket socket(context, at.protocol());
  std::error_code error;
  socket.bind(at, error);
  return error;
}

}  // namespace

TEST_CASE("a held port is silent, and nobody else gets it") {
  asio::io_context context;
  const auto port = bind_port(context.get_executor(), {here, 0}).value();
  CHECK(port.local_endpoint().port() != 0);
  CHECK(open_ports::all().empty());
  CHECK(bind_as_stranger(context, port.local_endpoint()) == asio::error::address_in_use);
}

TEST_CASE("several sockets share a port, also to connect to several places, and one of them may listen last") {
  asio::io_context context;
  const auto port = bind_port(context.get_executor(), {here, 0}).value();
  auto first = port.fresh();
  auto second = port.fresh();
  auto listening = port.acceptor();
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  REQUIRE(listening.has_value());
  CHECK(second->local_endpoint() == port.local_endpoint());
  CHECK(listening->local_endpoint() == port.local_endpoint());
  std::error_code error;
  listening->listen(1, error);
  CHECK(!error);
  CHECK(open_ports::all().size() == 1);
  CHECK(port.fresh().error() == errc::bind_failed);  // beside a listener nothing more is bound
}

TEST_CASE("copies share the port, and it is free when the last one goes") {
  asio::io_context context;
  bool free = false;
  // Several, as one may be in TIME_WAIT, from another process: a holder may have it even then, a stranger may not.
  for (int i = 0; i < 20 && !free; ++i) {
    auto port = std::make_optional(bind_port(context.get_executor(), {here, 0}).value());
    const auto at = port->local_endpoint();
    auto copy = std::make_optional(*port);
    port.reset();
    CHECK(bind_as_stranger(context, at) == asio::error::address_in_use);
    copy.reset();
    free = !bind_as_stranger(context, at);
  }
  CHECK(free);
}

TEST_CASE("several ports are several, and an address that is not ours has none") {
  asio::io_context context;
  const auto all = bind_ports(context.get_executor(), here, 3).value();
  REQUIRE(all.size() == 3);
  CHECK(all[0].local_endpoint() != all[1].local_endpoint());
  CHECK(all[1].local_endpoint() != all[2].local_endpoint());
  CHECK(bind_ports(context.get_executor(), asio::ip::make_address("192.0.2.1"), 1).error() == errc::bind_failed);
}

TEST_CASE("a port of IPv6 is one of IPv6 alone") {
  asio::io_context context;
  bool free = false;
  for (int i = 0; i < 20 && !free; ++i) {  // several, as IPv4's port of that number may be another process's
    const auto six = bind_port(context.get_executor(), {asio::ip::address_v6::any(), 0}).value();
    free = !bind_as_stranger(context, {here, six.local_endpoint().port()});
  }
  CHECK(free);
}
