// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/passage.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/rendezvous/timetable.hpp>
#include <ajar/testing/run.hpp>
#include <ajar/windows/crossing.hpp>
#include <ajar/windows/listener.hpp>
#include <ajar/windows/plan.hpp>
#include <algorithm>
#include <array>
#include <asio/write.hpp>

namespace passage_test {

using namespace ajar;
using namespace ajar::rendezvous;
using namespace std::chrono_literals;

namespace {

const auto loopback = asio::ip::make_address("127.0.0.1");

// The ports of both ends on this machine, as if each saw the other's over a long way, and the plan for them.
struct two_ends {
  two_ends() {
    server->reserve(2);
    for (int i = 0; i < 2; ++i) {
      REQUIRE(server->add(context.get_executor(), {loopback, 0}, net::tcp::endpoint(loopback, 0)));
    }
    auto bound = windows::bind_ports(context.get_executor(), loopback, 2);
    REQUIRE(bound);
    client = std::move(*bound);
    windows::plan_terms terms;
    terms.server.outside = server->outside();
    for (const auto& one : client) terms.client.outside.push_back(one.local_endpoint());
    terms.round_trip = 50ms;
    const auto planned = windows::make_plan(terms);
    timetable_terms times;
    times.round_trip = terms.round_trip;
    times.by_central = 50ms;
    times.window_time = 900ms;
    times.until = time_point();
    plan = make_timetable(planned, {}, clock::now(), times);
  }
  // @return the first rung of that kind
  rung_in_time rung(trust::rung_kind kind) const {
    const auto at = std::ranges::find_if(plan.rungs, [&](const auto& one) { return one.time.what.kind == kind; });
    REQUIRE(at != plan.rungs.end());
    return at->time;
  }

  asio::io_context context;
  shared_ports server = std::make_shared<window_ports>();
  std::vector<windows::bound_port> client;
  timetable plan;
};

// The client's crossing, which is later than the server's.
awaitable<void> cross_late(windows::bound_port from, net::tcp::endpoint to, bool& connected) {
  auto stream = from.fresh();
  REQUIRE(stream);
  auto begun = net::begin_connect(*stream, to);
  REQUIRE(begun);
  auto standing = net::connected(*stream);
  auto stands = co_await before(clock::now() + 30s, errc::dial_timeout, std::move(standing));
  connected = stands.has_value();
}

awaitable<void> listen_after_a_crossing(two_ends& all) {
  const auto executor = co_await asio::this_coro::executor;
  auto crossing = all.rung(trust::rung_kind::crossing);
  crossing.start = clock::now();
  crossing.end = crossing.start + 50ms;
  const auto listening = all.rung(trust::rung_kind::listener);
  CHECK(crossing.mine().front() == listening.mine().front());
  auto going = go_crossing(crossing, all.server);
  auto crossed = co_await std::move(going);
  REQUIRE(!crossed);  // nobody was there
  CHECK(crossed.error() == errc::crossing_failed);

  auto port = rendezvous::detail::port_of(*all.server, listening.mine().front(), executor);
  REQUIRE(port);
  CHECK(port->local_endpoint() == crossing.mine().front());
  auto door = windows::listen_once(*port, windows::expected_source::of(loopback), windows::cloak::none);
  REQUIRE(door);
  REQUIRE(door->open());
  bool connected = false;
  task_group late(executor);
  late.spawn(cross_late(all.client.front(), crossing.mine().front(), connected));
  auto came = co_await door->accept(clock::now() + 30s);
  REQUIRE(came);
  CHECK(came->remote_endpoint() == all.client.front().local_endpoint());
  CHECK(door->report().listeners == 1);
  co_await late.join();
  CHECK(connected);
}

// The other end of a crossing, which both pairs reach; it names itself on the pair that it is told to.
awaitable<void> answer_the_named(asio::ip::tcp::acceptor& first, asio::ip::tcp::acceptor& second,
                                 std::vector<net::tcp_stream>& lost) {
  auto [error, one] = co_await first.async_accept(use_values);
  REQUIRE(!error);
  auto [also, other] = co_await second.async_accept(use_values);
  REQUIRE(!also);
  constexpr int until_both_are_seen = 200;
  for (int i = 0; i < until_both_are_seen; ++i) {
    auto others = co_await yield(ajar::patience::shares_core);
    REQUIRE(others);
  }
  const bool first_is_named = one.available() != 0;
  auto& named = first_is_named ? one : other;
  REQUIRE(named.available() == 1);
  CHECK((first_is_named ? other : one).available() == 0);
  const std::uint8_t here = 1;
  auto [unsent, count] = co_await asio::async_write(named, asio::buffer(&here, 1), use_values);
  REQUIRE(!unsent);
  CHECK(count == 1);
  lost.push_back(std::move(first_is_named ? other : one));
}

std::error_code read_at_once(net::tcp_stream& from) {
  std::array<char, 1> octet{};
  std::error_code error;
  from.non_blocking(true);
  from.read_some(asio::buffer(octet), error);
  return error;
}

awaitable<void> lose_one_pair(two_ends& all) {
  const auto executor = co_await asio::this_coro::executor;
  asio::ip::tcp::acceptor first(executor, {loopback, 0});
  asio::ip::tcp::acceptor second(executor, {loopback, 0});
  std::vector<net::tcp_stream> lost;
  task_group other_end(executor);
  other_end.spawn(answer_the_named(first, second, lost));
  auto rung = all.rung(trust::rung_kind::crossing);
  rung.start = clock::now() - 1s;  // so both pairs begin at one instant
  rung.what.grid_ms = 10'000;      // and neither tries again
  rung.end = clock::now() + 30s;
  rung.what.client = {first.local_endpoint(), second.local_endpoint()};
  auto going = go_crossing(rung, all.server);
  auto came = co_await std::move(going);
  REQUIRE_MESSAGE(came, came.error().message());
  co_await other_end.join();
  REQUIRE(lost.size() == 1);
  REQUIRE(came->kept);
  CHECK(read_at_once(lost.front()) == asio::error::would_block);  // it stays: TLS is not up yet
  const auto stream = std::move(came->stream);
  CHECK(read_at_once(lost.front()) == asio::error::would_block);
  came->kept.reset();
  lost.front().non_blocking(false);
  std::array<char, 1> octet{};
  auto [ended, count] = co_await lost.front().async_read_some(asio::buffer(octet), use_values);
  CHECK(ended == asio::error::eof);
  CHECK(count == 0);
}

}  // namespace

TEST_CASE("the listener after a crossing is at its port, and takes a SYN of the crossing that comes late") {
  two_ends all;
  testing::run(all.context, listen_after_a_crossing(all));
}

TEST_CASE("the connection of a crossing that lost stays until the passage lets go of it") {
  two_ends all;
  testing::run(all.context, lose_one_pair(all));
}

TEST_CASE("a port that answered and was closed was too far away, where the round trip says so, and only then") {
  const std::error_code cut = errc::truncated;
  CHECK(cause_at_port(cut, 653ms) == errc::way_too_long);
  CHECK(cause_at_port(cut, 800ms) == errc::way_too_long);
  for (const auto near : {1ms, 600ms, 652ms}) CHECK(cause_at_port(cut, near) == cut);
  CHECK(cause_at_port(cut, std::nullopt) == cut);
  for (const auto other : {errc::wrong_key, errc::not_tls, errc::canceled, errc::grant_revoked}) {
    CHECK(cause_at_port(other, 800ms) == other);
  }
}

}  // namespace passage_test
