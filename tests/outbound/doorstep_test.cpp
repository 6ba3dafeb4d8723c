// SPDX-License-Identifier: BSL-1.0
#include <ajar/outbound/doorstep.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>
#include <asio/detached.hpp>
#include <list>

#include "../windows/open_ports.hpp"

namespace doorstep_test {

using namespace ajar;
using namespace std::chrono_literals;
using ajar::outbound::doorstep;

namespace {

constexpr std::size_t most_of_one = 8;

const auto here = asio::ip::make_address("127.0.0.1");

// What became of somebody who came to the door.
struct caller {
  std::optional<std::error_code> shaken;  // the handshake, as he sees it
  std::optional<std::error_code> told;    // what he read afterwards; no error: an octet
};

// A client's doorstep, a server that it holds a grant of, and its central.
struct scene {
  explicit scene(net::tcp::endpoint local = {here, 0}) { make(std::move(local)); }

  void make(net::tcp::endpoint local) {
    const auto is = [](const identity::key& key) {
      return [id = key.id()](const crypto::public_key& shown) { return identity::names(id, shown); };
    };
    door = std::make_unique<doorstep>(context.get_executor(), client, net::sockets(), std::move(local), is(server),
                                      is(central), [this](doorstep::stream guest) {
                                        guests.push_back(std::move(guest));
                                        (void)guests.back().put(bytes{1});
                                      });
  }

  template <class Condition>
  void run_until(Condition met) {
    const auto cap = std::chrono::steady_clock::now() + 15s;
    context.restart();
    while (!met() && context.run_one_until(cap) != 0) {
    }
    REQUIRE(met());
  }

  // Somebody connects with a key and says what he wants; he reads one octet.
  std::shared_ptr<caller> call(const identity::key& who, std::string_view alpn = tls::alpn::session) {
    auto into = std::make_shared<caller>();
    auto expected = identity::expect(client.id(), alpn);
    asio::co_spawn(context, call_door(who, door->local_endpoint(), std::move(expected), into), asio::detached);
    return into;
  }
  caller answered(const identity::key& who, std::string_view alpn = tls::alpn::session) {
    const auto into = call(who, alpn);
    run_until([&] { return into->told.has_value(); });
    return *into;
  }
  static awaitable<void> call_door(identity::key who, net::tcp::endpoint to, tls::expectation expected,
                                   std::shared_ptr<caller> into) {
    net::endpoint at(to);
    auto raw = co_await net::dial(at, never);
    if (!raw) {
      into->shaken = into->told = raw.error();
      co_return;
    }
    auto entering = enter(std::move(who), std::move(*raw), std::move(expected), into);
    co_await std::move(entering);
  }
  static awaitable<void> enter(identity::key who, net::tcp_stream raw, tls::expectation expected,
                               std::shared_ptr<caller> into) {
    doorstep::stream stream(std::move(raw), who.tls(), tls::side::client, std::move(expected));
    auto shaken = co_await stream.handshake(never);
    into->shaken = shaken ? std::error_code() : shaken.error();
    std::array<std::uint8_t, 1> octet{};
    auto got = co_await stream.read_some(octet);
    into->told = got ? std::error_code() : got.error();
  }

  // A connection that says nothing; it is accepted when this returns.
  net::tcp_stream& silent_caller() {
    auto& one = silent.emplace_back(context);
    one.connect(door->local_endpoint());
    one.non_blocking(true);
    const auto open = open_ports::all();
    REQUIRE(open.size() == 1);
    REQUIRE(open_ports::readable(open[0], 30s));
    run_until([&] { return !open_ports::readable(open[0]); });
    context.restart();
    context.poll();  // what comes of it
    return one;
  }
  // What the other end of a connection has come to.
  static std::error_code state_of(net::tcp_stream& one) {
    std::array<char, 1> octet{};
    std::error_code error;
    one.read_some(asio::buffer(octet), error);
    return error;
  }

  asio::io_context context;
  identity::key client = identity::key::generate();
  identity::key server = identity::key::generate();
  identity::key central = identity::key::generate();
  std::list<doorstep::stream> guests;
  std::list<net::tcp_stream> silent;
  std::unique_ptr<doorstep> door;
};

}  // namespace

TEST_CASE("a doorstep is no open port until it is opened, and after it is closed") {
  scene one;
  CHECK(!one.door->is_open());
  CHECK(open_ports::all().empty());
  CHECK(one.door->report().listeners == 0);
  REQUIRE(one.door->open().has_value());
  CHECK(one.door->is_open());
  CHECK(open_ports::all().size() == 1);
  CHECK(one.door->local_endpoint().address() == here);
  CHECK(one.door->local_endpoint().port() != 0);
  const auto at = one.door->local_endpoint();
  one.door->close();
  CHECK(!one.door->is_open());
  CHECK(open_ports::all().empty());
  one.door->close();
  const auto dialled = testing::run(one.context, net::dial(net::endpoint(at), never));
  CHECK(dialled.error() == errc::dial_refused);
}

TEST_CASE("a doorstep that is gone has closed its port") {
  scene one;
  REQUIRE(one.door->open().has_value());
  one.door.reset();
  CHECK(open_ports::all().empty());
}

TEST_CASE("a server with a grant gets in, with its key proved") {
  scene one;
  REQUIRE(one.door->open().has_value());
  for (std::size_t number = 1; number <= 2; ++number) {  // the port stays open for others
    const auto server = one.answered(one.server);
    CHECK(!*server.shaken);
    CHECK(!*server.told);
    REQUIRE(one.guests.size() == number);
    CHECK(one.guests.back().peer_key() == one.server.public_part());
    CHECK(one.guests.back().protocol() == tls::alpn::session);
    CHECK(one.door->is_open());
  }
}

TEST_CASE("central proves the door, and is told goodbye: it is no guest") {
  scene one;
  REQUIRE(one.door->open().has_value());
  const auto central = one.answered(one.central, tls::alpn::probe);
  CHECK(!*central.shaken);
  CHECK(*central.told == errc::eof);
  CHECK(one.guests.empty());
}

TEST_CASE("a stranger is refused inside the handshake, whatever he asks for") {
  scene one;
  REQUIRE(one.door->open().has_value());
  for (const auto alpn : {tls::alpn::session, tls::alpn::probe}) {
    const auto stranger = one.answered(identity::key::generate(), alpn);
    CHECK(*stranger.told == errc::refused_by_peer);
  }
  CHECK(one.guests.empty());
}

TEST_CASE("central does not get in as a server, and a server proves no door") {
  scene one;
  REQUIRE(one.door->open().has_value());
  CHECK(*one.answered(one.central, tls::alpn::session).told == errc::truncated);
  CHECK(*one.answered(one.server, tls::alpn::probe).told == errc::truncated);
  CHECK(one.guests.empty());
}

TEST_CASE("nobody gets in with another protocol") {
  scene one;
  REQUIRE(one.door->open().has_value());
  CHECK(*one.answered(one.server, tls::alpn::link).shaken == errc::alpn_mismatch);
  CHECK(one.guests.empty());
}

TEST_CASE("an open doorstep stays as it is when it is opened again") {
  scene one;
  REQUIRE(one.door->open().has_value());
  const auto at = one.door->local_endpoint();
  REQUIRE(one.door->open().has_value());
  CHECK(one.door->local_endpoint() == at);
  CHECK(one.door->report().listeners == 1);
  CHECK(open_ports::all().size() == 1);
}

TEST_CASE("a doorstep of a fixed port opens again there, while a guest of before still has it") {
  scene one;
  REQUIRE(one.door->open().has_value());
  const auto at = one.door->local_endpoint();
  one.make(at);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(one.door->open().has_value());
    CHECK(one.door->local_endpoint() == at);
    CHECK(!*one.answered(one.server).told);
    one.door->close();
  }
  CHECK(one.guests.size() == 3);
}

TEST_CASE("a port that somebody has, or an address that is not ours, cannot be opened") {
  scene one;
  REQUIRE(one.door->open().has_value());
  for (const auto& at :
       {one.door->local_endpoint(), net::tcp::endpoint(asio::ip::make_address("192.0.2.1"), std::uint16_t{0})}) {
    scene other(at);
    CHECK(other.door->open().error() == errc::bind_failed);
    CHECK(!other.door->is_open());
    CHECK(other.door->report().listeners == 0);
  }
  CHECK(open_ports::all().size() == 1);
}

TEST_CASE("the exposure of all openings is one account") {
  testing::manual_clock time;
  scene one;
  const auto began = time.now();
  CHECK(one.door->report().exposure == 0ns);
  REQUIRE(one.door->open().has_value());
  time.advance(one.context, 2s);
  CHECK(one.door->report().exposure == 2s);
  one.door->close();
  time.advance(one.context, 1h);
  CHECK(one.door->report().exposure == 2s);
  CHECK(one.door->report().closed == began + 2s);
  REQUIRE(one.door->open().has_value());
  time.advance(one.context, 3s);
  CHECK(one.door->report().exposure == 5s);
  one.door->close();
  const auto cost = one.door->report();
  CHECK(cost.exposure == 5s);
  CHECK(cost.listeners == 2);
  CHECK(cost.opened == began);
  CHECK(cost.closed == began + 1h + 5s);
}

TEST_CASE("whoever was accepted gets in though the port closes while he shakes hands") {
  scene one;
  REQUIRE(one.door->open().has_value());
  auto& early = one.silent_caller();
  one.door->close();
  CHECK(open_ports::all().empty());
  CHECK(scene::state_of(early) == asio::error::would_block);
  const auto into = std::make_shared<caller>();
  auto expected = identity::expect(one.client.id(), tls::alpn::session);
  asio::co_spawn(one.context, scene::enter(one.server, std::move(early), std::move(expected), into), asio::detached);
  one.run_until([&] { return into->told.has_value(); });
  CHECK(!*into->told);
  CHECK(one.guests.size() == 1);
}

TEST_CASE("connections that say nothing are so many of one address, the oldest makes room, and all end after a while") {
  testing::manual_clock time;
  scene one;
  REQUIRE(one.door->open().has_value());
  for (std::size_t i = 0; i < most_of_one; ++i) one.silent_caller();
  for (auto& held : one.silent) CHECK(scene::state_of(held) == asio::error::would_block);
  one.silent_caller();
  REQUIRE(open_ports::readable(one.silent.front().native_handle(), 30s));
  CHECK(scene::state_of(one.silent.front()) == asio::error::eof);
  CHECK(!*one.answered(one.server).told);  // he makes room for himself
  CHECK(one.guests.size() == 1);
  CHECK(one.door->is_open());

  time.advance(one.context, 3s);
  for (auto& held : one.silent) {
    REQUIRE(open_ports::readable(held.native_handle(), 30s));
    CHECK(scene::state_of(held) == asio::error::eof);
  }
}

TEST_CASE("a doorstep that is stopped waits for nobody who shakes hands") {
  scene one;
  REQUIRE(one.door->open().has_value());
  auto& held = one.silent_caller();
  testing::run(one.context, one.door->stop());
  CHECK(open_ports::all().empty());
  REQUIRE(open_ports::readable(held.native_handle(), 30s));
  CHECK(scene::state_of(held) == asio::error::eof);
  testing::run(one.context, one.door->stop());
}

TEST_CASE("a doorstep that is gone takes no guest any more") {
  scene one;
  REQUIRE(one.door->open().has_value());
  auto& held = one.silent_caller();
  one.door.reset();
  one.context.restart();
  one.context.poll();
  REQUIRE(open_ports::readable(held.native_handle(), 30s));
  CHECK(scene::state_of(held) == asio::error::eof);
}

TEST_CASE("a doorstep may go while it is being stopped, which ends all the same") {
  for (int handlers = 0; handlers < 5; ++handlers) {
    scene one;
    REQUIRE(one.door->open().has_value());
    auto& held = one.silent_caller();
    bool stopped = false;
    asio::co_spawn(one.context, one.door->stop(), [&](std::exception_ptr thrown) { stopped = !thrown; });
    for (int i = 0; i < handlers; ++i) one.context.poll_one();
    one.door.reset();
    one.run_until([&] { return stopped; });
    REQUIRE(open_ports::readable(held.native_handle(), 30s));
    CHECK(scene::state_of(held) == asio::error::eof);
  }
}

}  // namespace doorstep_test
