// SPDX-License-Identifier: BSL-1.0
#include <ajar/signalling/uplink.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>

namespace uplink_test {

using namespace ajar;
using namespace ajar::signalling;
using namespace std::chrono_literals;

namespace {

struct silent : uplink_events {
  void linked(const welcome&) override {}
  result<> received(const message&) override { return {}; }
  void lost(const std::error_code&, std::optional<std::chrono::milliseconds>) override {}
};

}  // namespace

TEST_CASE("what central says to those it has never admitted, or of a login, is final") {
  for (const auto cause :
       {errc::evicted, errc::login_too_low, errc::unknown_version, errc::state_damaged, errc::canceled}) {
    CHECK_MESSAGE(is_final(cause, false), make_error_code(cause).message());
    CHECK_MESSAGE(is_final(cause, true), make_error_code(cause).message());
  }
  CHECK(is_final(errc::not_admitted, false));
  CHECK(!is_final(errc::not_admitted, true));  // its list may be wrong for a moment
}

TEST_CASE("whoever else answers in central's place can end nothing") {
  for (const auto cause :
       {errc::not_tls, errc::tls_version, errc::alpn_mismatch, errc::alpn_missing, errc::wrong_key,
        errc::certificate_malformed, errc::certificate_missing, errc::refused_by_peer, errc::handshake_failed}) {
    CHECK(is_foreign(cause));
    CHECK(!is_final(cause, false));
  }
  for (const auto cause : {errc::dial_refused, errc::link_lost, errc::evicted, errc::not_admitted, errc::truncated}) {
    CHECK(!is_foreign(cause));
  }
}

TEST_CASE("what time may mend is not final") {
  for (const auto cause :
       {errc::link_lost, errc::link_timeout, errc::dial_refused, errc::dial_timeout, errc::dial_unreachable,
        errc::name_not_found, errc::name_unanswered, errc::handshake_timeout, errc::truncated, errc::eof,
        errc::central_busy, errc::limit_reached, errc::unexpected_message, errc::unknown_message}) {
    CHECK_MESSAGE(!is_final(cause, false), make_error_code(cause).message());
  }
  CHECK(!is_final(std::make_error_code(std::errc::network_down), false));
  CHECK(!is_final(std::error_code(static_cast<int>(errc::evicted), std::generic_category()), false));
}

TEST_CASE("the options say what they were told, and stand without a visit's interval otherwise") {
  uplink_options standing(role::client);
  CHECK(!standing.interval());
  CHECK(standing.greet_within() == 10s);
  std::uint64_t count = 6;
  uplink_options visiting(role::server, trust::method::outbound | trust::method::window);
  visiting.visit_every(60s).greet_within(3s).logins([&count] { return result<std::uint64_t>(++count); });
  CHECK(visiting.who() == role::server);
  CHECK(visiting.methods() == (trust::method::outbound | trust::method::window));
  CHECK(visiting.interval() == 60s);
  CHECK(visiting.greet_within() == 3s);
  CHECK(visiting.next_login() == 7);
  CHECK(visiting.next_login() == 8);
}

TEST_CASE("an uplink that is not up sends nothing, and may be closed") {
  const auto self = identity::key::generate();
  const identity::url central{net::endpoint("central.example", 443), identity::key::generate().id()};
  silent events;
  uplink one(self, central, uplink_options(role::client), events);
  CHECK(!one.is_up());
  CHECK(one.send(ping{1}).error() == errc::link_lost);
  CHECK(!one.round_trip());
  CHECK(!one.local_address());
  CHECK(one.central() == central);
  one.leave();
  one.close();
  CHECK(!one.is_up());
}

namespace {

// Notes when a link came up and went.
struct stopwatch : uplink_events {
  void linked(const welcome&) override { up = clock::now(); }
  result<> received(const message&) override { return {}; }
  void lost(const std::error_code& why, std::optional<std::chrono::milliseconds>) override {
    if (!cause) cause = why;
    if (down == time_point()) down = clock::now();
  }
  time_point up{};
  time_point down{};
  std::error_code cause;
};

// Welcomes one peer, and says nothing more.
awaitable<void> welcome_once(std::shared_ptr<net::port> at, identity::key self, std::chrono::milliseconds heartbeat,
                             std::optional<signalling::link>& kept) {
  auto accepting = at->accept();
  auto stream = co_await std::move(accepting);
  if (!stream) co_return;
  auto expected = tls::expectation::any_key(tls::alpn::link);
  auto securing = tls::secure(std::move(*stream), self.tls(), tls::side::server, std::move(expected), never);
  auto secured = co_await std::move(securing);
  if (!secured) co_return;
  kept.emplace(std::move(*secured));
  auto said = co_await kept->receive(never);
  REQUIRE(said);
  welcome greeting;
  greeting.heartbeat = heartbeat;
  greeting.seen = {asio::ip::make_address("192.0.2.1"), 7};
  (void)kept->send(greeting);
  auto silent = co_await sleep_until(clock::now() + 12h);
  (void)silent;
}

awaitable<void> keep_up(uplink& one) {
  auto why = co_await one.run();
  (void)why;
}

awaitable<void> run_once(uplink& one, const stopwatch& watch, task_group& others) {
  const auto executor = co_await asio::this_coro::executor;
  task_group work(executor);
  work.spawn(keep_up(one));
  while (watch.down == time_point()) {
    auto slept = co_await sleep_until(clock::now() + 100ms);
    if (!slept) break;
  }
  work.cancel();
  others.cancel();
  co_await work.join();
  co_await others.join();
}

}  // namespace

TEST_CASE("whatever central says, its silence ends a link after seconds at the soonest, and within half an hour") {
  for (const auto& [said, expected] :
       {std::pair<std::chrono::milliseconds, clock::duration>{1ms, 2500ms}, {15s, 37500ms}, {49 * 24h, 25min}}) {
    INFO(said.count());
    testing::manual_clock time;
    asio::io_context context;
    testing::network world(context.get_executor());
    const auto self = identity::key::generate();
    const auto central = identity::key::generate();
    const auto at = asio::ip::make_address("198.51.100.1");
    auto port = world.host(at)->listen(context.get_executor(), {at, 443}, {});
    REQUIRE(port);
    uplink_options how(role::server, trust::method::outbound | trust::method::window);
    how.logins([] { return result<std::uint64_t>(1); }).network(world.host(asio::ip::make_address("192.0.2.1")));
    stopwatch watch;
    uplink one(self, {net::endpoint("198.51.100.1", 443), central.id()}, how, watch);
    std::optional<signalling::link> kept;
    task_group others(context.get_executor());
    others.spawn(welcome_once(*port, central, said, kept));
    time.run(context, run_once(one, watch, others));
    CHECK_MESSAGE(watch.cause == errc::link_timeout, watch.cause.message());
    CHECK(watch.down - watch.up == expected);
  }
}

namespace {

// Takes connections, and says nothing: nothing at all, or nothing behind TLS.
awaitable<void> hold(std::shared_ptr<net::port> at, std::optional<identity::key> self) {
  std::vector<net::transport> held;
  std::vector<tls::stream> secured;
  for (;;) {
    auto accepting = at->accept();
    auto stream = co_await std::move(accepting);
    if (!stream) co_return;
    if (!self) {
      held.push_back(std::move(*stream));
      continue;
    }
    auto expected = tls::expectation::any_key(tls::alpn::link);
    auto securing = tls::secure(std::move(*stream), self->tls(), tls::side::server, std::move(expected), never);
    auto shaken = co_await std::move(securing);
    if (shaken) secured.push_back(std::move(*shaken));
  }
}

}  // namespace

TEST_CASE("each address of central's name has its part of the time, up to central's own greeting") {
  testing::manual_clock time;
  asio::io_context context;
  testing::network world(context.get_executor());
  const auto self = identity::key::generate();
  const auto central = identity::key::generate();
  std::vector<std::shared_ptr<net::port>> ports;
  for (const auto* address : {"198.51.100.1", "198.51.100.2", "198.51.100.3"}) {
    const auto at = asio::ip::make_address(address);
    world.name("central.test", at);
    auto port = world.host(at)->listen(context.get_executor(), {at, 443}, {});
    REQUIRE(port);
    ports.push_back(*port);
  }
  uplink_options how(role::server, trust::method::outbound | trust::method::window);
  std::uint64_t logins = 0;
  how.logins([&logins] { return result<std::uint64_t>(++logins); }).greet_within(12s);
  how.network(world.host(asio::ip::make_address("192.0.2.1")));
  stopwatch watch;
  uplink one(self, {net::endpoint("central.test", 443), central.id()}, how, watch);
  CHECK(one.late() == errc::dial_timeout);
  std::optional<signalling::link> kept;
  task_group others(context.get_executor());
  others.spawn(hold(ports[0], std::nullopt));
  others.spawn(hold(ports[1], central));
  others.spawn(welcome_once(ports[2], central, 15s, kept));
  const auto begun = clock::now();
  time.run(context, run_once(one, watch, others));
  CHECK(watch.up - begun == 8s);
  CHECK(logins == 2);
  CHECK_MESSAGE(watch.cause == errc::link_timeout, watch.cause.message());
}

TEST_CASE("where time mends nothing soon, central is asked again slowly") {
  for (const auto cause : {errc::not_admitted, errc::grant_expired, errc::grant_revoked, errc::wrong_key}) {
    CHECK(is_hopeless(cause));
    CHECK(!is_final(cause, true));
  }
  for (const auto cause : {errc::dial_refused, errc::link_lost, errc::central_busy}) CHECK(!is_hopeless(cause));
}

}  // namespace uplink_test
