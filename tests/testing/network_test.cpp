// SPDX-License-Identifier: BSL-1.0
#include <ajar/testing/network.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>

namespace network_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

struct world {
  testing::manual_clock time;
  asio::io_context context;
  testing::network network{context.get_executor()};
  net::address here = asio::ip::make_address("192.0.2.1");
  net::address there = asio::ip::make_address("198.51.100.1");
  net::tcp::endpoint door{there, 443};

  result<testing::stream> dial(const net::endpoint& to) {
    return time.run(context, network.dial(here, to, time.now() + 1s));
  }
};

struct both_ends {
  testing::stream client;
  testing::stream server;
};

both_ends connect(world& in, testing::network_listener& door) {
  auto client = in.dial(net::endpoint(door.local_endpoint()));
  auto server = in.time.run(in.context, door.accept());
  REQUIRE(client.has_value());
  REQUIRE(server.has_value());
  return {std::move(*client), std::move(*server)};
}

std::error_code read_error(testing::stream& from) {
  std::array<char, 8> room{};
  std::error_code error;
  from.read_some(asio::buffer(room), error);
  return error;
}

std::error_code write_error(testing::stream& to) {
  std::error_code error;
  to.write_some(asio::const_buffer("x", 1), error);
  return error;
}

}  // namespace

TEST_CASE("a dial by name reaches the listener, and both ends know the addresses") {
  world in;
  in.network.name("central.test", in.there);
  auto door = in.network.listen(in.door).value();
  auto client = in.dial(net::endpoint("central.test", 443));
  auto server = in.time.run(in.context, door.accept());
  REQUIRE(client.has_value());
  REQUIRE(server.has_value());
  CHECK(server->remote_endpoint().address() == in.here);
  CHECK(server->remote_endpoint() == client->local_endpoint());
  CHECK(server->local_endpoint() == in.door);
  CHECK(!write_error(*client));
  CHECK(!read_error(*server));
}

TEST_CASE("a dial where nobody listens is refused, and one to an unknown name not found") {
  world in;
  CHECK(in.dial(net::endpoint(in.door)).error() == errc::dial_refused);
  CHECK(in.dial(net::endpoint("nobody.test", 1)).error() == errc::name_not_found);
  {
    auto door = in.network.listen(in.door).value();
    CHECK(in.network.listen(in.door).error() == errc::bind_failed);
    CHECK(in.network.listen({in.there, 0}).value().local_endpoint().port() != 0);
  }
  CHECK(in.dial(net::endpoint(in.door)).error() == errc::dial_refused);
}

TEST_CASE("a dial takes a round trip, and octets one way each") {
  world in;
  in.network.delay(in.here, in.there, 30ms);
  in.network.delay(in.there, in.here, 20ms);
  const auto began = in.time.now();
  CHECK(in.dial(net::endpoint(in.door)).error() == errc::dial_refused);
  CHECK(in.time.now() == began + 50ms);
  auto door = in.network.listen(in.door).value();
  auto ends = connect(in, door);
  CHECK(in.time.now() == began + 100ms);
  CHECK(!write_error(ends.server));
  in.time.advance(in.context, 19ms);
  CHECK(read_error(ends.client) == asio::error::would_block);
  in.time.advance(in.context, 1ms);
  CHECK(!read_error(ends.client));
}

TEST_CASE("a black hole swallows dials and octets, and after the mending they pass again") {
  world in;
  auto door = in.network.listen(in.door).value();
  auto ends = connect(in, door);
  in.network.black_hole(in.here, in.there);
  const auto began = in.time.now();
  CHECK(in.dial(net::endpoint(in.door)).error() == errc::dial_timeout);
  CHECK(in.time.now() == began + 1s);
  CHECK(!write_error(ends.client));
  CHECK(read_error(ends.server) == asio::error::would_block);
  in.network.mend(in.here, in.there);
  CHECK(!write_error(ends.client));
  CHECK(!read_error(ends.server));
  in.network.black_hole(in.here, in.there);
  std::error_code ignored;
  ends.client.close(ignored);
  CHECK(read_error(ends.server) == asio::error::would_block);
}

TEST_CASE("a path that is cut ends its streams on both sides, and no others") {
  world in;
  auto door = in.network.listen(in.door).value();
  auto ends = connect(in, door);
  auto other = in.time.run(in.context, in.network.dial(in.there, net::endpoint(in.door), never));
  in.network.cut(in.there, in.here);
  CHECK(read_error(ends.client) == asio::error::eof);
  CHECK(read_error(ends.server) == asio::error::eof);
  CHECK(write_error(ends.client) == asio::error::connection_reset);
  CHECK(read_error(*other) == asio::error::would_block);
}

TEST_CASE("a listener that closes resets whom it has not accepted, and ends its accept") {
  world in;
  auto door = in.network.listen(in.door).value();
  auto client = in.dial(net::endpoint(in.door));
  REQUIRE(client.has_value());
  door.close();
  CHECK(read_error(*client) == asio::error::connection_reset);
  CHECK(in.time.run(in.context, door.accept()).error() == errc::canceled);
}

}  // namespace network_test
