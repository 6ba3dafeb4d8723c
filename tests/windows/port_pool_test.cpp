// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/port_pool.hpp>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <set>
#include <vector>

#include "open_ports.hpp"

namespace port_pool_test {

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

TEST_CASE("a range of ports is read, and what is none is not") {
  CHECK(parse_port_range("40000-40099") == port_range{40000, 40099});
  CHECK(parse_port_range("1024-1027")->size() == 4);
  CHECK(parse_port_range("65532-65535")->contains(65535));
  for (const auto* wrong : {"", "-", "40000", "40000-", "-40000", "40000-40002", "40003-40000", "1000-2000",
                            "40000-70000", "40000-40099 ", " 40000-40099", "40000:40099", "4e4-5e4"}) {
    CHECK_MESSAGE(!parse_port_range(wrong), wrong);
  }
}

TEST_CASE("the ports of a range are lent to one at a time, and come back") {
  asio::io_context context;
  const auto first = bind_port(context.get_executor(), {here, 0}).value().local_endpoint().port();
  const port_range among{static_cast<std::uint16_t>(first - 3), first};
  const auto lender = std::make_shared<port_lender>(among);
  for (int round = 0; round < 3; ++round) {
    std::set<std::uint16_t> taken;
    std::vector<bound_port> held;
    while (auto one = lender->lend(context.get_executor(), here)) {
      CHECK(among.contains(one->local_endpoint().port()));
      CHECK(taken.insert(one->local_endpoint().port()).second);
      held.push_back(std::move(*one));
      REQUIRE(held.size() <= among.size());
    }
    CHECK(!held.empty());
    CHECK(lender->lend(context.get_executor(), here).error() == errc::bind_failed);
  }
}

}  // namespace port_pool_test
