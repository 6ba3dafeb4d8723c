// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/round_trip.hpp>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

namespace round_trip_test {

using namespace ajar;

TEST_CASE("the kernel tells the round trip of a connection that is open") {
  asio::io_context context;
  asio::ip::tcp::acceptor port(context, {asio::ip::address_v4::loopback(), 0});
  net::tcp_stream stream(context);
  CHECK_FALSE(net::round_trip(stream));
  stream.connect(port.local_endpoint());
  const auto measured = net::round_trip(stream);
  REQUIRE(measured);
  CHECK(measured->count() > 0);
  CHECK(*measured < std::chrono::seconds(10));
  stream.close();
  CHECK_FALSE(net::round_trip(stream));
}

TEST_CASE("the kernel tells how long ago it heard of the other end") {
  asio::io_context context;
  asio::ip::tcp::acceptor port(context, {asio::ip::address_v4::loopback(), 0});
  net::tcp_stream stream(context);
  CHECK_FALSE(net::heard_ago(stream));
  stream.connect(port.local_endpoint());
  const auto heard = net::heard_ago(stream);
  REQUIRE(heard);
  CHECK(*heard < std::chrono::minutes(10));
  stream.close();
  CHECK_FALSE(net::heard_ago(stream));
}

}  // namespace round_trip_test
