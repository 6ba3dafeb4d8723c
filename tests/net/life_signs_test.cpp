// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/life_signs.hpp>

#include <doctest/doctest.h>
#include <ajar/net/dial.hpp>
#include <ajar/testing/stream_pair.hpp>
#include <asio/io_context.hpp>
#include <asio/write.hpp>

#include <netinet/tcp.h>
#include <poll.h>
#include <array>

namespace life_signs_test {

using namespace ajar;

namespace {

struct pair_of_tcp {
  pair_of_tcp() {
    net::tcp::acceptor port(context, {asio::ip::address_v4::loopback(), 0});
    here.connect(port.local_endpoint());
    there = port.accept();
    REQUIRE(net::prepare(here).has_value());
  }
  bool readable() {
    pollfd one{here.native_handle(), POLLIN, 0};
    return ::poll(&one, 1, 30'000) == 1;
  }

  asio::io_context context;
  net::tcp_stream here{context};
  net::tcp_stream there{context};
};

}  // namespace

TEST_CASE("a connection of TCP counts what comes and what leaves, and knows its end") {
  pair_of_tcp two;
  const auto before_it = net::signs_of(two.here);
  REQUIRE(before_it);
  CHECK(!before_it->ended);
  asio::write(two.there, asio::buffer("octets"));
  REQUIRE(two.readable());
  auto now = net::signs_of(two.here);
  CHECK(now->heard > before_it->heard);
  CHECK(now->unanswered == 0);
  two.there.close();
  std::array<char, 64> room{};
  CHECK(two.here.read_some(asio::buffer(room)) == sizeof "octets");
  REQUIRE(two.readable());
  CHECK(net::signs_of(two.here)->ended);
}

TEST_CASE("what lies unread is no end yet, a reset is, and a closed connection shows nothing") {
  pair_of_tcp two;
  asio::write(two.there, asio::buffer("octets"));
  two.there.shutdown(asio::socket_base::shutdown_send);
  REQUIRE(two.readable());
  CHECK(!net::signs_of(two.here)->ended);
  pair_of_tcp others;
  net::reset(others.there);
  REQUIRE(others.readable());
  CHECK(net::signs_of(others.here)->ended);
  others.here.close();
  CHECK(!net::signs_of(others.here));
  net::ask_for_signs(others.here);
}

TEST_CASE("to be asked ends no connection, and keep_alive makes it as it was") {
  pair_of_tcp two;
  for (int i = 0; i < 200; ++i) net::ask_for_signs(two.here);
  CHECK(!net::signs_of(two.here)->ended);
  net::keep_alive(two.here, {});
  int count = 0;
  socklen_t size = sizeof count;
  REQUIRE(::getsockopt(two.here.native_handle(), IPPROTO_TCP, TCP_KEEPCNT, &count, &size) == 0);
  CHECK(count == net::keep_alive_times().count);
}

TEST_CASE("a transport gives the signs of what it is made of") {
  asio::io_context context;
  auto both = testing::make_stream_pair(context.get_executor());
  net::transport one(std::move(both.first));
  const auto before_it = net::signs_of(one);
  REQUIRE(before_it);
  net::ask_for_signs(one);
  CHECK(net::signs_of(one)->said == before_it->said + 1);
  CHECK(net::signs_of(one)->heard == before_it->heard + 1);
  pair_of_tcp two;
  net::transport other(std::move(two.here));
  CHECK(net::signs_of(other).has_value());
  net::ask_for_signs(other);
}

}  // namespace life_signs_test
