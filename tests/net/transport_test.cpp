// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/transport.hpp>

#include <doctest/doctest.h>
#include <ajar/net/dial.hpp>
#include <ajar/testing/run.hpp>
#include <ajar/testing/stream_pair.hpp>

namespace transport_test {

using namespace ajar;

namespace {

struct connected_pair {
  connected_pair() {
    asio::ip::tcp::acceptor listener(context, {asio::ip::address_v4::loopback(), 0});
    net::tcp_stream dialled(context);
    dialled.connect(listener.local_endpoint());
    here.emplace(std::move(dialled));
    there.emplace(listener.accept());
  }
  asio::io_context context;
  std::optional<net::transport> here;
  std::optional<net::transport> there;
};

std::error_code waited(asio::io_context& context, net::transport& on, asio::socket_base::wait_type until) {
  std::error_code how = errc::would_block;
  on.async_wait(until, [&](std::error_code error) { how = error; });
  context.restart();
  context.run_for(std::chrono::seconds(30));
  return how;
}

}  // namespace

TEST_CASE("TCP is a transport, which does not block whatever it was before") {
  connected_pair two;
  std::array<std::uint8_t, 8> room{};
  std::error_code error;
  CHECK(two.there->read_some(asio::buffer(room), error) == 0);
  CHECK(error == asio::error::would_block);
  CHECK(two.here->write_some(asio::buffer("abc", 3), error) == 3);
  CHECK(!waited(two.context, *two.there, asio::socket_base::wait_read));
  CHECK(two.there->read_some(asio::buffer(room), error) == 3);
  CHECK(two.here->local_endpoint() == two.there->remote_endpoint());
  CHECK(two.here->target<net::tcp_stream>());
  CHECK(!two.here->target<testing::stream>());
}

TEST_CASE("its end is seen at the other end, and it has no addresses any more") {
  connected_pair two;
  two.here->shutdown_send();
  CHECK(!waited(two.context, *two.there, asio::socket_base::wait_read));
  std::array<std::uint8_t, 8> room{};
  std::error_code error;
  CHECK(two.there->read_some(asio::buffer(room), error) == 0);
  CHECK(error == asio::error::eof);
  CHECK(two.here->is_open());
  two.here->close();
  CHECK(!two.here->is_open());
  CHECK(!two.here->remote_endpoint());
  CHECK(!two.here->local_endpoint());
  two.here->close();
}

TEST_CASE("a wait ends when it is cancelled, when the transport is closed, and goes on when it moves") {
  connected_pair two;
  const auto wait = [&](std::error_code& how) {
    two.there->async_wait(asio::socket_base::wait_read, [&](std::error_code error) { how = error; });
  };
  std::error_code first = errc::would_block;
  wait(first);
  two.there->cancel();
  two.context.run_for(std::chrono::seconds(30));
  CHECK(first == asio::error::operation_aborted);
  std::error_code second = errc::would_block;
  wait(second);
  net::transport moved(std::move(*two.there));
  std::error_code error;
  two.here->write_some(asio::buffer("a", 1), error);
  two.context.restart();
  two.context.run_for(std::chrono::seconds(30));
  CHECK(!second);
  two.there = std::move(moved);
  std::array<std::uint8_t, 8> room{};
  two.there->read_some(asio::buffer(room), error);
  std::error_code third = errc::would_block;
  wait(third);
  two.there->close();
  two.context.restart();
  two.context.run_for(std::chrono::seconds(30));
  CHECK(third == asio::error::operation_aborted);
}

TEST_CASE("a stream in memory is a transport too") {
  asio::io_context context;
  auto ends = testing::make_stream_pair(context.get_executor());
  net::transport here(std::move(ends.first));
  net::transport there(std::move(ends.second));
  std::error_code error;
  CHECK(here.write_some(asio::buffer("abc", 3), error) == 3);
  CHECK(!waited(context, there, asio::socket_base::wait_read));
  REQUIRE(there.target<testing::stream>());
  CHECK(there.target<testing::stream>()->is_open());
  CHECK(!there.target<net::tcp_stream>());
}

}  // namespace transport_test
