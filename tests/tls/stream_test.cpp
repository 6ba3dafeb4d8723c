// SPDX-License-Identifier: BSL-1.0
#include <ajar/tls/stream.hpp>

#include <doctest/doctest.h>
#include <ajar/net/dial.hpp>
#include <ajar/testing/run.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

using namespace ajar;
using stream = tls::stream<net::tcp_stream>;

namespace {

struct party {
  crypto::signing_key key = crypto::signing_key::generate();
  tls::context context{tls::make_credentials(key)};
};

time_point soon() { return clock::now() + std::chrono::seconds(5); }

struct sockets {
  net::tcp_stream client;
  net::tcp_stream server;
};

sockets connected(asio::io_context& context) {
  asio::ip::tcp::acceptor listener(context, {asio::ip::make_address("127.0.0.1"), 0});
  auto client = testing::run(context, net::dial(net::endpoint(listener.local_endpoint()), soon()));
  sockets both{std::move(client.value()), listener.accept()};
  REQUIRE(net::prepare(both.server).has_value());
  return both;
}

awaitable<void> shake(stream& one, result<>& into, time_point until) {
  auto done = co_await one.handshake(until);
  into = done;
  if (!done) one.close();
}

struct outcome {
  result<> client;
  result<> server;
};

outcome shake_both(asio::io_context& context, stream& client, stream& server) {
  outcome got{fail(errc::canceled), fail(errc::canceled)};
  task_group group(context.get_executor());
  group.spawn(shake(client, got.client, soon()));
  group.spawn(shake(server, got.server, soon()));
  testing::run(context, group.join());
  return got;
}

struct pair {
  party here;
  party there;
  asio::io_context context;
  sockets both = connected(context);
  stream client{std::move(both.client), here.context, tls::side::client,
                tls::expectation::key(there.key.public_part(), tls::alpn::session)};
  stream server{std::move(both.server), there.context, tls::side::server,
                tls::expectation::key(here.key.public_part(), tls::alpn::session)};
};

awaitable<void> send_all(stream& to, bytes what, result<>& into) {
  auto sent = co_await to.write(what);
  into = sent;
}

awaitable<void> receive_all(stream& from, std::size_t count, bytes& into) {
  into.resize(count);
  auto got = co_await from.read(into);
  if (!got) into.clear();
}

awaitable<result<std::size_t>> read_once(stream& from) {
  std::array<std::uint8_t, 64> room{};
  auto count = co_await from.read_some(room, soon());
  co_return count;
}

awaitable<void> say_goodbye(stream& one, result<>& into) {
  auto done = co_await one.shutdown(soon());
  into = done;
}

awaitable<result<>> handshake_within(stream& one, std::chrono::milliseconds time) {
  auto done = co_await one.handshake(clock::now() + time);
  co_return done;
}

bytes pattern(std::size_t count) {
  bytes octets(count);
  for (std::size_t i = 0; i < count; ++i) octets[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8));
  return octets;
}

}  // namespace

TEST_CASE("two parties that expect each other shake hands and know each other and one secret") {
  pair two;
  const auto got = shake_both(two.context, two.client, two.server);
  REQUIRE(got.client.has_value());
  REQUIRE(got.server.has_value());
  CHECK(two.client.peer_key() == two.there.key.public_part());
  CHECK(two.server.peer_key() == two.here.key.public_part());
  CHECK(two.client.protocol() == "ajar-session/1");
  CHECK(crypto::equal(two.client.exporter().reveal(), two.server.exporter().reveal()));
  pair others;
  shake_both(others.context, others.client, others.server);
  CHECK(!crypto::equal(two.client.exporter().reveal(), others.client.exporter().reveal()));
}

TEST_CASE("a client with another key is refused, and learns it at its first read") {
  pair two;
  party stranger;
  auto both = connected(two.context);
  stream client(std::move(both.client), stranger.context, tls::side::client,
                tls::expectation::key(two.there.key.public_part(), tls::alpn::session));
  stream server(std::move(both.server), two.there.context, tls::side::server,
                tls::expectation::key(two.here.key.public_part(), tls::alpn::session));
  const auto got = shake_both(two.context, client, server);
  CHECK(got.server.error() == errc::wrong_key);
  CHECK(got.client.has_value());  // TLS 1.3 tells the client only afterwards
  CHECK(testing::run(two.context, read_once(client)).error() == errc::refused_by_peer);
}

TEST_CASE("a server with another key is refused by the client") {
  pair two;
  party stranger;
  auto both = connected(two.context);
  stream client(std::move(both.client), two.here.context, tls::side::client,
                tls::expectation::key(two.there.key.public_part(), tls::alpn::session));
  stream server(std::move(both.server), stranger.context, tls::side::server,
                tls::expectation::any_key(tls::alpn::session));
  const auto got = shake_both(two.context, client, server);
  CHECK(got.client.error() == errc::wrong_key);
  CHECK(got.server.error() == errc::refused_by_peer);
}

TEST_CASE("another purpose is refused on both sides") {
  pair two;
  auto both = connected(two.context);
  stream client(std::move(both.client), two.here.context, tls::side::client,
                tls::expectation::any_key(tls::alpn::probe));
  stream server(std::move(both.server), two.there.context, tls::side::server,
                tls::expectation::any_key(tls::alpn::session));
  const auto got = shake_both(two.context, client, server);
  CHECK(got.server.error() == errc::alpn_mismatch);
  CHECK(got.client.error() == errc::alpn_mismatch);
}

TEST_CASE("a door for two purposes tells which it was") {
  pair two;
  auto both = connected(two.context);
  stream client(std::move(both.client), two.here.context, tls::side::client,
                tls::expectation::any_key(tls::alpn::probe));
  stream server(std::move(both.server), two.there.context, tls::side::server,
                tls::expectation::any_key(tls::alpn::session).or_alpn(tls::alpn::probe));
  const auto got = shake_both(two.context, client, server);
  REQUIRE(got.server.has_value());
  CHECK(server.protocol() == "ajar-probe/1");
}

TEST_CASE("plain HTTP and garbage are no TLS, silence is a timeout, and a cut is a truncation") {
  party here;
  asio::io_context context;
  for (const char* text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x01\x02\x03\x04\x05\x06\x07\x08\x09"}) {
    auto both = connected(context);
    asio::write(both.client, asio::buffer(text, std::strlen(text)));
    stream server(std::move(both.server), here.context, tls::side::server, tls::expectation::any_key("x"));
    CHECK(testing::run(context, handshake_within(server, std::chrono::seconds(5))).error() == errc::not_tls);
  }
  auto silent = connected(context);
  stream waiting(std::move(silent.server), here.context, tls::side::server, tls::expectation::any_key("x"));
  CHECK(testing::run(context, handshake_within(waiting, std::chrono::milliseconds(20))).error() ==
        errc::handshake_timeout);
  auto cut = connected(context);
  cut.client.close();
  stream alone(std::move(cut.server), here.context, tls::side::server, tls::expectation::any_key("x"));
  CHECK(testing::run(context, handshake_within(alone, std::chrono::seconds(5))).error() == errc::truncated);
}

TEST_CASE("both directions carry megabytes at once") {
  pair two;
  shake_both(two.context, two.client, two.server);
  const auto one = pattern(3'000'000);
  const auto other = pattern(2'500'001);
  bytes at_server;
  bytes at_client;
  result<> first = fail(errc::canceled);
  result<> second = fail(errc::canceled);
  task_group group(two.context.get_executor());
  group.spawn(send_all(two.client, one, first));
  group.spawn(send_all(two.server, other, second));
  group.spawn(receive_all(two.server, one.size(), at_server));
  group.spawn(receive_all(two.client, other.size(), at_client));
  testing::run(two.context, group.join());
  CHECK(first.has_value());
  CHECK(second.has_value());
  CHECK((at_server == one));
  CHECK((at_client == other));
}

TEST_CASE("Asio's own operations work on it") {
  pair two;
  shake_both(two.context, two.client, two.server);
  const auto sent = pattern(500'000);
  bytes got(sent.size());
  std::size_t written = 0;
  std::error_code ended;
  asio::async_write(two.client, asio::buffer(sent), [&](std::error_code error, std::size_t count) {
    written = error ? 0 : count;
    two.client.close();
  });
  asio::async_read(two.server, asio::buffer(got), [&](std::error_code, std::size_t) {
    two.server.async_read_some(asio::buffer(got.data(), 1), [&](std::error_code error, std::size_t) { ended = error; });
  });
  two.context.restart();
  two.context.run_for(std::chrono::seconds(10));
  CHECK(written == sent.size());
  CHECK((got == sent));
  CHECK(ended == errc::truncated);
}

TEST_CASE("a goodbye on both sides is a clean end for both") {
  pair two;
  shake_both(two.context, two.client, two.server);
  result<> first = fail(errc::canceled);
  result<> second = fail(errc::canceled);
  task_group group(two.context.get_executor());
  group.spawn(say_goodbye(two.client, first));
  group.spawn(say_goodbye(two.server, second));
  testing::run(two.context, group.join());
  CHECK(first.has_value());
  CHECK(second.has_value());
}

TEST_CASE("one side says goodbye: the other reads the end, a cut it reads as truncated") {
  pair two;
  shake_both(two.context, two.client, two.server);
  result<> said = fail(errc::canceled);
  task_group group(two.context.get_executor());
  group.spawn(say_goodbye(two.client, said));
  CHECK(testing::run(two.context, read_once(two.server)).error() == errc::eof);
  CHECK(testing::run(two.context, read_once(two.server)).error() == errc::eof);
  group.cancel();
  testing::run(two.context, group.join());
  pair cut;
  shake_both(cut.context, cut.client, cut.server);
  cut.client.close();
  CHECK(testing::run(cut.context, read_once(cut.server)).error() == errc::truncated);
}

TEST_CASE("a read with a deadline ends at it, and the stream goes on") {
  pair two;
  shake_both(two.context, two.client, two.server);
  const auto read_briefly = [](stream& from) -> awaitable<result<std::size_t>> {
    std::array<std::uint8_t, 4> room{};
    auto count = co_await from.read_some(room, clock::now() + std::chrono::milliseconds(5));
    co_return count;
  };
  CHECK(testing::run(two.context, read_briefly(two.server)).error() == errc::read_timeout);
  REQUIRE(two.client.put(as_bytes("late")).has_value());
  CHECK(testing::run(two.context, read_once(two.server)).value() == 4);
}
