// SPDX-License-Identifier: BSL-1.0
#include <ajar/windows/listener.hpp>

#include <doctest/doctest.h>
#include <ajar/core/task_group.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/testing/run.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <optional>

#include "../no_descriptors.hpp"

namespace listener_test {

using namespace ajar;
using namespace ajar::windows;

namespace {

const auto here = asio::ip::make_address("127.0.0.1");

time_point soon() { return clock::now() + std::chrono::seconds(30); }

listener open_for(asio::io_context& context, expected_source expected, const net::address& on = here) {
  auto door = listen_once(context.get_executor(), std::move(expected), {on, 0}, cloak::compare).value();
  REQUIRE(door.open().has_value());
  return door;
}

errc dial_result(asio::io_context& context, const net::tcp::endpoint& to) {
  auto stream = testing::run(context, net::dial(net::endpoint(to), soon()));
  return stream ? errc{} : static_cast<errc>(stream.error().value());
}

awaitable<void> dial_once(net::tcp::endpoint to, time_point at) {
  const net::dial_times when{at, soon()};
  auto stream = co_await net::dial_at(to, when);
  CHECK(stream.has_value());
}

}  // namespace

TEST_CASE("a window lets one connection in and is closed before it is used") {
  asio::io_context context;
  auto door = open_for(context, expected_source::of(here));
  auto guest = testing::run(context, net::dial(net::endpoint(door.local_endpoint()), soon()));
  REQUIRE(guest.has_value());
  auto accepted = testing::run(context, door.accept(soon()));
  REQUIRE(accepted.has_value());
  CHECK(dial_result(context, door.local_endpoint()) == errc::dial_refused);
  CHECK(door.report().why == close_cause::accepted);
  CHECK(door.report().listeners == 1);
  CHECK(door.report().exposure.count() > 0);
  CHECK(door.report().exposure == door.report().closed - door.report().opened);
}

TEST_CASE("a window closes when a stranger connects, who is reset") {
  asio::io_context context;
  auto door = open_for(context, expected_source::of(asio::ip::make_address("127.0.0.2")));
  auto stranger = testing::run(context, net::dial(net::endpoint(door.local_endpoint()), soon()));
  REQUIRE(stranger.has_value());
  CHECK(testing::run(context, door.accept(soon())).error() == errc::window_stranger);
  CHECK(door.report().why == close_cause::stranger);
  CHECK(door.report().strangers == 1);
  CHECK(dial_result(context, door.local_endpoint()) == errc::dial_refused);
  stranger->non_blocking(false);
  std::array<char, 1> octet{};
  std::error_code error;
  stranger->read_some(asio::buffer(octet), error);
  CHECK(error == asio::error::connection_reset);
}

TEST_CASE("a window closes at its deadline") {
  asio::io_context context;
  auto door = open_for(context, expected_source::anywhere());
  CHECK(testing::run(context, door.accept(clock::now() + std::chrono::milliseconds(10))).error() ==
        errc::window_timeout);
  CHECK(door.report().why == close_cause::timeout);
  CHECK(dial_result(context, door.local_endpoint()) == errc::dial_refused);
}

TEST_CASE("a window works over IPv6 and takes no IPv4") {
  asio::io_context context;
  const auto loopback = asio::ip::make_address("::1");
  auto door = open_for(context, expected_source::of(loopback), loopback);
  auto guest = testing::run(context, net::dial(net::endpoint(door.local_endpoint()), soon()));
  REQUIRE(guest.has_value());
  CHECK(testing::run(context, door.accept(soon())).has_value());
}

TEST_CASE("a window before open() is no open port") {
  asio::io_context context;
  auto door = listen_once(context.get_executor(), expected_source::anywhere(), {here, 0}).value();
  CHECK(dial_result(context, door.local_endpoint()) == errc::dial_refused);
}

TEST_CASE("an address that is not ours cannot be bound") {
  asio::io_context context;
  CHECK(listen_once(context.get_executor(), expected_source::anywhere(), {asio::ip::make_address("192.0.2.1"), 0})
            .error() == errc::bind_failed);
}

TEST_CASE("a port that is asked for its connection without sleeping takes it, and sleeps on where none comes") {
  for (const auto asked_for : {std::chrono::milliseconds(300), std::chrono::milliseconds(2)}) {
    asio::io_context context;
    auto door = open_for(context, expected_source::of(here));
    task_group work(context.get_executor());
    const auto at = clock::now() + std::chrono::milliseconds(6);  // while it is asked, and after
    work.spawn(dial_once(door.local_endpoint(), at));
    auto accepted = testing::run(context, door.accept(soon(), clock::now() + asked_for));
    REQUIRE(accepted.has_value());
    CHECK(accepted->non_blocking());
    CHECK(door.report().why == close_cause::accepted);
    testing::run(context, work.join());
  }
  asio::io_context context;
  auto door = open_for(context, expected_source::of(here));
  const auto until = clock::now() + std::chrono::milliseconds(3);
  CHECK(testing::run(context, door.accept(until, until + std::chrono::seconds(1))).error() == errc::window_timeout);
}

TEST_CASE("where there is no descriptor for who comes, the window closes and tells that") {
  for (const auto asked_for : {std::chrono::milliseconds(0), std::chrono::milliseconds(300)}) {
    asio::io_context context;
    auto door = open_for(context, expected_source::of(here));
    auto guest = testing::run(context, net::dial(net::endpoint(door.local_endpoint()), soon()));
    REQUIRE(guest.has_value());
    const no_descriptors none;
    const auto came = testing::run(context, door.accept(soon(), clock::now() + asked_for));
    CHECK(came.error() == std::errc::too_many_files_open);
    CHECK(door.report().exposure.count() > 0);
    const auto next = listen_once(context.get_executor(), expected_source::of(here), {here, 0});
    CHECK(next.error() == std::errc::too_many_files_open);
  }
}

namespace {

awaitable<void> tell_end(awaitable<result<net::tcp_stream>> accepting, std::optional<std::error_code>& into) {
  auto came = co_await std::move(accepting);
  into = came ? std::error_code() : came.error();
}

}  // namespace

TEST_CASE("a listener may go while it accepts: the port is closed, and accept ends") {
  for (const auto poll : {clock::duration(0), clock::duration(std::chrono::seconds(20))}) {
    for (int handlers = 0; handlers < 4; ++handlers) {
      asio::io_context context;
      std::optional<listener> door(open_for(context, expected_source::of(here)));
      const auto at = door->local_endpoint();
      int told = 0;
      door->account([&](const report& cost) { told += cost.why == close_cause::canceled ? 1 : 0; });
      std::optional<std::error_code> ended;
      asio::co_spawn(context, tell_end(door->accept(soon(), clock::now() + poll), ended), asio::detached);
      for (int i = 0; i < handlers; ++i) context.poll_one();
      CHECK(!ended);
      door.reset();
      CHECK(told == 1);
      CHECK(dial_result(context, at) == errc::dial_refused);
      context.restart();
      context.run_for(std::chrono::seconds(15));
      CHECK(ended == make_error_code(errc::canceled));
      CHECK(told == 1);
    }
  }
}

}  // namespace listener_test
