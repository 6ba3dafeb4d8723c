// SPDX-License-Identifier: BSL-1.0
#include <ajar/tls/stream.hpp>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/testing/fuse.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/run.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "secured_pair.hpp"

#include <malloc.h>
#include <cstdlib>

namespace stream_test {

#ifdef __SANITIZE_ADDRESS__
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

using namespace ajar;
using tls::stream;

namespace {

struct party {
  crypto::signing_key key = crypto::signing_key::generate();
  tls::context context{tls::make_credentials(key)};
};

time_point soon() { return clock::now() + std::chrono::seconds(30); }

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
    CHECK(testing::run(context, handshake_within(server, std::chrono::seconds(30))).error() == errc::not_tls);
  }
  auto silent = connected(context);
  stream waiting(std::move(silent.server), here.context, tls::side::server, tls::expectation::any_key("x"));
  CHECK(testing::run(context, handshake_within(waiting, std::chrono::milliseconds(20))).error() ==
        errc::handshake_timeout);
  auto cut = connected(context);
  cut.client.close();
  stream alone(std::move(cut.server), here.context, tls::side::server, tls::expectation::any_key("x"));
  CHECK(testing::run(context, handshake_within(alone, std::chrono::seconds(30))).error() == errc::truncated);
}

TEST_CASE("a socket that blocks, as acceptors give them, does not block the thread") {
  asio::io_context context;
  asio::ip::tcp::acceptor listener(context, {asio::ip::make_address("127.0.0.1"), 0});
  auto silent = testing::run(context, net::dial(net::endpoint(listener.local_endpoint()), soon()));
  REQUIRE(silent);
  const party own;
  stream server(listener.accept(), own.context, tls::side::server, tls::expectation::any_key(tls::alpn::link));
  auto done = testing::run(context, server.handshake(clock::now() + std::chrono::milliseconds(50)));
  REQUIRE(!done);
  CHECK(done.error() == errc::handshake_timeout);
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
  two.context.run_for(std::chrono::seconds(30));
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

// ---- over streams in memory -----------------------------------------------------------------------------------------

namespace {

using testing::pair_options;

struct memory_pair {
  explicit memory_pair(const pair_options& how = pair_options())
      : memory_pair(std::make_unique<asio::io_context>(), how) {}

  party here;
  party there;
  std::unique_ptr<asio::io_context> context;
  std::pair<testing::stream, testing::stream> ends;
  stream client{std::move(ends.first), here.context, tls::side::client,
                tls::expectation::key(there.key.public_part(), tls::alpn::session)};
  stream server{std::move(ends.second), there.context, tls::side::server,
                tls::expectation::key(here.key.public_part(), tls::alpn::session)};

 private:
  memory_pair(std::unique_ptr<asio::io_context> on, const pair_options& how)
      : context(std::move(on)), ends(testing::make_stream_pair(context->get_executor(), how)) {}
};

awaitable<void> shake_one(stream& one, result<>& into) {
  auto done = co_await one.handshake(soon());
  into = done;
  if (!done) one.close();
}

outcome shake_both(memory_pair& two) {
  outcome got{fail(errc::canceled), fail(errc::canceled)};
  task_group group(two.context->get_executor());
  group.spawn(shake_one(two.client, got.client));
  group.spawn(shake_one(two.server, got.server));
  testing::run(*two.context, group.join());
  return got;
}

awaitable<void> receive_exactly(stream& from, bytes& into, result<>& how) {
  auto got = co_await from.read(into, soon());
  how = got;
}

awaitable<result<>> read_within(stream& from, std::chrono::milliseconds time) {
  std::array<std::uint8_t, 8> room{};
  auto count = co_await from.read_some(room, clock::now() + time);
  if (!count) co_return fail(count.error());
  co_return result<>{};
}

awaitable<void> close_after(stream& one, task_group& group) {
  auto rested = co_await sleep_until(clock::now() + std::chrono::milliseconds(5));
  (void)rested;
  one.close();
  co_await group.join();
}

// The heap in use, the sanitizer's where there is one.
std::size_t allocated() {
#ifdef __SANITIZE_ADDRESS__
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

awaitable<void> send_and_end(stream& to, bytes what, result<>& into) {
  auto sent = co_await to.write(what, soon());
  into = sent;
}

// Everything until the stream's end, and how it ended.
awaitable<void> receive_until_end(stream& from, bytes& into, std::error_code& how) {
  std::array<std::uint8_t, 1000> room{};
  for (;;) {
    auto count = co_await from.read_some(room, soon());
    if (!count) {
      how = count.error();
      co_return;
    }
    into.insert(into.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

awaitable<void> echo_once(std::shared_ptr<stream> on) {
  std::array<std::uint8_t, 4> room{};
  auto shaken = co_await on->handshake(never);
  if (!shaken) co_return;
  auto got = co_await on->read(room);
  if (!got) co_return;
  auto sent = co_await on->write(room);
  if (!sent) co_return;
  auto ended = co_await on->shutdown(never);
  (void)ended;
}

// A client and a server that greet each other; what the client saw.
awaitable<result<>> greet(testing::fuse& with, party& here, party& there, bool server_too, pair_options how) {
  const auto executor = co_await asio::this_coro::executor;
  auto ends = testing::make_stream_pair(executor, how);
  with.arm(ends.first);
  if (server_too) with.arm(ends.second);
  const auto expected = tls::expectation::key(there.key.public_part(), tls::alpn::session);
  stream client(std::move(ends.first), here.context, tls::side::client, expected);
  auto server = std::make_shared<stream>(std::move(ends.second), there.context, tls::side::server,
                                         tls::expectation::key(here.key.public_part(), tls::alpn::session));
  task_group group(executor);
  group.spawn(echo_once(server));
  auto shaken = co_await client.handshake(never);
  if (!shaken) co_return shaken;
  std::array<std::uint8_t, 4> room{'p', 'i', 'n', 'g'};
  auto sent = co_await client.write(room);
  if (!sent) co_return sent;
  room = {};
  auto got = co_await client.read(room);
  if (!got) co_return got;
  if (as_text(room) != "ping") throw std::logic_error("wrong plaintext");
  auto ended = co_await client.shutdown(never);
  if (!ended) co_return ended;
  co_await group.join();
  co_return ended;
}

bool has_openssl() { return std::system("command -v openssl >/dev/null && command -v timeout >/dev/null") == 0; }

// What a handshake gives with OpenSSL's own client at the other end.
std::error_code with_openssl(const std::string& arguments) {
  party here;
  asio::io_context context;
  asio::ip::tcp::acceptor listener(context, {asio::ip::make_address("127.0.0.1"), 0});
  const auto port = std::to_string(listener.local_endpoint().port());
  const auto command =
      "timeout 30 openssl s_client -connect 127.0.0.1:" + port + " " + arguments + " </dev/null >/dev/null 2>&1 &";
  REQUIRE(std::system(command.c_str()) == 0);
  net::tcp_stream socket(context);
  listener.async_accept(socket, [](std::error_code) {});
  context.run_for(std::chrono::seconds(30));
  REQUIRE(socket.is_open());
  REQUIRE(net::prepare(socket).has_value());
  stream server(std::move(socket), here.context, tls::side::server, tls::expectation::any_key(tls::alpn::session));
  return testing::run(context, handshake_within(server, std::chrono::seconds(30))).error();
}

}  // namespace

TEST_CASE("a handshake succeeds through the shortest reads and writes and the smallest buffers") {
  for (const auto& how : {pair_options().short_reads(1).short_writes(1), pair_options().buffer(1),
                          pair_options().buffer(60).short_reads(7)}) {
    memory_pair two(how);
    const auto got = shake_both(two);
    CHECK(got.client.has_value());
    CHECK(got.server.has_value());
    CHECK(crypto::equal(two.client.exporter().reveal(), two.server.exporter().reveal()));
  }
}

TEST_CASE("both directions carry megabytes at once through small buffers, and end cleanly") {
  memory_pair two(pair_options().buffer(5000).short_reads(3000).short_writes(4000));
  shake_both(two);
  const auto one = pattern(2'100'000);
  const auto other = pattern(2'000'003);
  bytes at_server(one.size());
  bytes at_client(other.size());
  std::array<result<>, 4> done;
  task_group group(two.context->get_executor());
  group.spawn(send_and_end(two.client, one, done[0]));
  group.spawn(send_and_end(two.server, other, done[1]));
  group.spawn(receive_exactly(two.server, at_server, done[2]));
  group.spawn(receive_exactly(two.client, at_client, done[3]));
  testing::run(*two.context, group.join());
  for (const auto& each : done) CHECK(each.has_value());
  CHECK((at_server == one));
  CHECK((at_client == other));
}

TEST_CASE("any operation below may fail, and the handshake and what follows ends with an error") {
  party here;
  party there;
  testing::fuse one;
  const auto both = one.fail_each(
      [&](testing::fuse& with) { return greet(with, here, there, true, pair_options().buffer(700).short_reads(500)); });
  CHECK(both.failed > 15);
}

TEST_CASE("a client may be cancelled at every suspension") {
  party here;
  party there;
  testing::fuse one;
  const auto report =
      one.cancel_each([&](testing::fuse& with) { return greet(with, here, there, false, pair_options().buffer(100)); });
  CHECK(report.failed > 15);
}

TEST_CASE("one octet changed on the way is an error, and never another text") {
  const auto sent = pattern(5000);
  for (const std::size_t at : {std::size_t(0), std::size_t(4), std::size_t(100), std::size_t(5020)}) {
    memory_pair two;
    shake_both(two);
    std::size_t passed = 0;
    two.client.lowest_layer().target<testing::stream>()->on_send([&passed, at](bytes& flight) {
      if (at >= passed && at < passed + flight.size()) flight[at - passed] ^= 1;
      passed += flight.size();
      return testing::fate::deliver;
    });
    bytes got;
    std::error_code how;
    result<> written;
    task_group group(two.context->get_executor());
    group.spawn(send_and_end(two.client, sent, written));
    group.spawn(receive_until_end(two.server, got, how));
    testing::run(*two.context, close_after(two.client, group));
    CHECK(got.empty());
    CHECK(how);
    CHECK(how != errc::eof);
  }
}

TEST_CASE("any octet of the handshake changed on the way is an error on one side at least") {
  for (const bool from_client : {true, false}) {
    for (std::size_t at = 0; at < 1000; at += 61) {
      memory_pair two;
      std::size_t passed = 0;
      auto& sender = from_client ? two.client : two.server;
      sender.lowest_layer().target<testing::stream>()->on_send([&passed, at](bytes& flight) {
        if (at >= passed && at < passed + flight.size()) flight[at - passed] ^= 4;
        passed += flight.size();
        return testing::fate::deliver;
      });
      const auto got = shake_both(two);
      if (passed <= at) break;
      const auto later = got.client ? testing::run(*two.context, read_once(two.client)).error() : got.client.error();
      CHECK_MESSAGE((!got.server || !got.client), from_client << at);
      CHECK_MESSAGE(later, from_client << at);
    }
  }
}

TEST_CASE("a path that is cut while octets fly is a truncation, and what came before it is right") {
  memory_pair two;
  shake_both(two);
  const auto sent = pattern(40'000);
  std::size_t passed = 0;
  two.client.lowest_layer().target<testing::stream>()->on_send([&passed](bytes& flight) {
    passed += flight.size();
    if (passed < 20'000) return testing::fate::deliver;
    flight.resize(flight.size() / 2);
    return testing::fate::cut;
  });
  bytes got;
  std::error_code how;
  result<> written;
  task_group group(two.context->get_executor());
  group.spawn(send_and_end(two.client, sent, written));
  group.spawn(receive_until_end(two.server, got, how));
  testing::run(*two.context, group.join());
  CHECK(how == errc::truncated);
  CHECK(got.size() < sent.size());
  CHECK(std::equal(got.begin(), got.end(), sent.begin()));
  CHECK(testing::run(*two.context, read_once(two.client)).error() == errc::truncated);
}

TEST_CASE("a reset is a truncation too") {
  memory_pair two;
  shake_both(two);
  two.client.lowest_layer().target<testing::stream>()->reset();
  CHECK(testing::run(*two.context, read_once(two.server)).error() == errc::truncated);
}

TEST_CASE("a silent other side is a timeout, without waiting for it in real time") {
  testing::manual_clock time;
  memory_pair two;
  const auto began = clock::now();
  CHECK(time.run(*two.context, handshake_within(two.server, std::chrono::minutes(5))).error() ==
        errc::handshake_timeout);
  CHECK(clock::now() == began + std::chrono::minutes(5));
}

TEST_CASE("a writer that cannot leave does not keep a reader waiting") {
  memory_pair two(pair_options().buffer(2000));
  shake_both(two);
  result<> written = fail(errc::would_block);
  task_group group(two.context->get_executor());
  group.spawn(send_and_end(two.server, pattern(100'000), written));
  two.context->restart();
  two.context->poll();
  CHECK(written.error() == errc::would_block);
  REQUIRE(two.client.put(as_bytes("urgent")).has_value());
  CHECK(testing::run(*two.context, read_once(two.server)).value() == 6);
  group.cancel();
  testing::run(*two.context, group.join());
}

TEST_CASE("a wait for octets ends at once where a read has left some") {
  testing::manual_clock time;
  memory_pair two;
  shake_both(two);
  REQUIRE(two.client.put(as_bytes("ab")).has_value());
  bytes room(1);
  CHECK(time.run(*two.context, two.server.read_some(room)).value() == 1);
  CHECK(time.run(*two.context, before(clock::now() + std::chrono::hours(1), errc::read_timeout, two.server.readable()))
            .has_value());
  CHECK(two.server.try_read(room).value() == 1);
  CHECK(time.run(*two.context, before(clock::now() + std::chrono::hours(1), errc::read_timeout, two.server.readable()))
            .error() == errc::read_timeout);
}

TEST_CASE("who has read all there was is spared one more question, and who asks again is answered") {
  testing::manual_clock time;
  memory_pair two;
  shake_both(two);
  auto& server = two.server;
  int asked = 0;
  server.lowest_layer().target<testing::stream>()->on_operation([&] { return ++asked, std::error_code(); });
  bytes room(64);
  CHECK(server.try_read(room).error() == errc::would_block);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(two.client.put(as_bytes("all")).has_value());
    asked = 0;
    CHECK(server.try_read(room).value() == 3);
    CHECK(server.try_read(room).error() == errc::would_block);
    CHECK(asked == 1);
    CHECK(server.try_read(room).error() == errc::would_block);
    CHECK(asked == 2);
  }
  REQUIRE(two.client.put(as_bytes("first")).has_value());
  CHECK(server.try_read(room).value() == 5);
  REQUIRE(two.client.put(as_bytes("second")).has_value());
  CHECK(server.try_read(room).error() == errc::would_block);
  CHECK(time.run(*two.context, before(clock::now() + std::chrono::hours(1), errc::read_timeout, server.readable())));
  CHECK(server.try_read(room).value() == 6);
}

TEST_CASE("a read that is cancelled loses nothing") {
  memory_pair two;
  shake_both(two);
  for (int i = 0; i < 3; ++i) {
    CHECK(testing::run(*two.context, read_within(two.server, std::chrono::milliseconds(0))).error() ==
          errc::read_timeout);
    REQUIRE(two.client.put(as_bytes("again")).has_value());
    CHECK(testing::run(*two.context, read_once(two.server)).value() == 5);
  }
}

TEST_CASE("Asio's own operations work on it in memory too, many buffers at once, and end with Asio's end of file") {
  memory_pair two(pair_options().buffer(3000));
  shake_both(two);
  const auto sent = pattern(200'000);
  bytes got(sent.size());
  const std::array<asio::const_buffer, 3> parts{asio::buffer(sent.data(), 70'000), asio::const_buffer(),
                                                asio::buffer(sent.data() + 70'000, 130'000)};
  std::error_code wrote = errc::would_block;
  std::error_code ended;
  result<> said = fail(errc::canceled);
  task_group group(two.context->get_executor());
  asio::async_write(two.client, parts, [&](std::error_code error, std::size_t) {
    wrote = error;
    group.spawn(say_goodbye(two.client, said));
  });
  asio::async_read(two.server, asio::buffer(got), [&](std::error_code, std::size_t) {
    two.server.async_read_some(asio::buffer(got.data(), 1), [&](std::error_code error, std::size_t) {
      ended = error;
      two.server.close();
    });
  });
  two.context->restart();
  two.context->run_for(std::chrono::seconds(30));
  CHECK(!wrote);
  CHECK((got == sent));
  CHECK(ended == asio::error::eof);
}

TEST_CASE("operations go on when their stream moves, and end when it goes") {
  memory_pair two;
  shake_both(two);
  bytes got(4);
  result<> read = fail(errc::would_block);
  result<> parted = fail(errc::would_block);
  task_group group(two.context->get_executor());
  group.spawn(receive_exactly(two.server, got, read));
  two.context->restart();
  two.context->poll();
  std::optional<stream> moved(std::move(two.server));
  REQUIRE(two.client.put(as_bytes("text")).has_value());
  two.context->poll();
  CHECK(read.has_value());
  CHECK(as_text(got) == "text");
  read = fail(errc::would_block);
  group.spawn(receive_exactly(*moved, got, read));
  group.spawn(say_goodbye(*moved, parted));
  two.context->restart();
  two.context->poll();
  CHECK(read.error() == errc::would_block);
  moved.reset();
  testing::run(*two.context, group.join());
  CHECK(read.error() == errc::canceled);
  CHECK(!parted);
  CHECK(testing::run(*two.context, read_once(two.client)).error() == errc::eof);
}

TEST_CASE("who waits gets the cause that a stream is closed with, and so does who comes later") {
  memory_pair two;
  shake_both(two);
  bytes got(4);
  result<> read = fail(errc::would_block);
  task_group group(two.context->get_executor());
  group.spawn(receive_exactly(two.server, got, read));
  two.context->restart();
  two.context->poll();
  REQUIRE(two.client.put(as_bytes("text")).has_value());
  two.server.close(errc::grant_expired);
  two.server.close(errc::grant_revoked);
  testing::run(*two.context, group.join());
  CHECK(read.error() == errc::grant_expired);
  CHECK(testing::run(*two.context, read_once(two.server)).error() == errc::grant_expired);
  CHECK(two.server.put(as_bytes("more")).error() == errc::grant_expired);
  CHECK(testing::run(*two.context, two.server.shutdown(soon())).error() == errc::grant_expired);
}

TEST_CASE(
    "the end of a stream is told once, in the order of asking, with what it carried, and at once when it is over") {
  std::string told;
  {
    memory_pair two;
    shake_both(two);
    two.server.when_closed([&](const tls::traffic& carried) { told += "first " + std::to_string(carried.out); });
    two.server.when_closed([&](const tls::traffic&) { told += ", second"; });
    REQUIRE(two.server.put(as_bytes("text")).has_value());
    CHECK(told.empty());
    two.server.close();
    CHECK(told == "first 4, second");
    two.server.when_closed([&](const tls::traffic& carried) { told += ", later " + std::to_string(carried.out); });
    CHECK(told == "first 4, second, later 4");
    two.client.when_closed([&](const tls::traffic&) { told += ", gone"; });
  }
  CHECK(told == "first 4, second, later 4, gone");
}

TEST_CASE("an idle stream's heap is small") {
  std::vector<std::unique_ptr<memory_pair>> all;
  constexpr std::size_t count = 20;
  party here;
  party there;
  asio::io_context context;
  const auto made = [&](std::pair<testing::stream, testing::stream>& ends) {
    return std::pair<stream, stream>(
        stream(std::move(ends.first), here.context, tls::side::client, tls::expectation::any_key("x")),
        stream(std::move(ends.second), there.context, tls::side::server, tls::expectation::any_key("x")));
  };
  std::vector<std::pair<stream, stream>> idle;
  idle.reserve(count);
  std::size_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i == 1) before = allocated();  // the first one pays for what is made once
    auto ends = testing::make_stream_pair(context.get_executor());
    idle.push_back(made(ends));
    result<> one = fail(errc::canceled);
    result<> other = fail(errc::canceled);
    task_group group(context.get_executor());
    group.spawn(shake_one(idle.back().first, one));
    group.spawn(shake_one(idle.back().second, other));
    testing::run(context, group.join());
    REQUIRE(one.has_value());
    REQUIRE(other.has_value());
  }
  const auto each = (allocated() - before) / (2 * (count - 1));
  MESSAGE("heap of an idle stream, its transport in memory included: " << each << " octets");
#ifdef WOLFSSL_NO_TLS12  // the bundled build
  CHECK(each < 16 * 1024);
#endif
}

TEST_CASE("OpenSSL's client is told what it lacks") {
  if (!has_openssl()) {
    MESSAGE("skipped: the openssl command is not here");
    return;
  }
  CHECK(with_openssl("-tls1_2") == errc::tls_version);
  CHECK(with_openssl("-tls1_3 -alpn ajar-session/1") == errc::certificate_missing);
}

// ---- one peer and the thread that it shares with others -------------------------------------------------------------

namespace {

// Two ends in memory with room for all that one of them sends: whoever reads or writes there never has to wait.
struct tireless {
  explicit tireless() {
    const testing::pair_options large = testing::pair_options().buffer(64 << 20);
    auto raw = testing::make_stream_pair(context.get_executor(), large);
    auto both = time.run(context, secured::pair(who, tls::alpn::session, std::move(raw)));
    REQUIRE(both.has_value());
    ends = *both;
  }

  // Octets that one end has moved by the time that a timer which is due now, beside it, has its turn.
  void start_beside_timer(awaitable<void> work, const stream& moves) {
    asio::co_spawn(context, std::move(work), asio::detached);
    due.emplace(context.get_executor(), clock::now());
    due->async_wait([this, &moves](std::error_code) { waited = moves.carried().in + moves.carried().out; });
    time.settle(context);
  }

  testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  std::shared_ptr<secured::ends> ends;
  std::optional<timer> due;
  std::uint64_t waited = 0;
};

awaitable<void> write_on(stream& to, std::size_t size, std::size_t times) {
  const bytes octets(size, 5);
  for (std::size_t i = 0; i < times; ++i) {
    auto sent = co_await to.write(octets);
    CHECK(sent);
  }
}

awaitable<void> read_on(stream& from) {
  std::array<std::uint8_t, 4096> room{};
  for (;;) {
    auto count = co_await from.read_some(room);
    if (!count) co_return;
  }
}

awaitable<void> part_from(stream& from, std::optional<result<>>& into) {
  auto parted = co_await from.shutdown(never);
  into = parted;
}

}  // namespace

TEST_CASE("beside a peer that never stops sending a timer of the same thread has its turn") {
  for (const auto& [size, times] : {std::pair{1U, 20'000U}, {1'000U, 4'000U}, {16'000U, 250U}}) {
    tireless one;
    one.time.run(one.context, write_on(one.ends->client, size, times));
    one.start_beside_timer(read_on(one.ends->server), one.ends->server);
    CHECK(one.ends->server.carried().in == std::uint64_t{size} * times);
    CHECK_MESSAGE(one.waited * (size + 22) / size <= 512 * 1024, one.waited << " octets in pieces of " << size);
    CHECK_MESSAGE(one.waited / size <= 6'000, one.waited << " octets in pieces of " << size);  // a record costs, too
  }
}

TEST_CASE("beside a peer that takes whatever comes a timer of the same thread has its turn") {
  tireless one;
  one.start_beside_timer(write_on(one.ends->client, 64 * 1024, 50), one.ends->client);
  CHECK(one.ends->client.carried().out == 50 * 64 * 1024);
  CHECK_MESSAGE(one.waited <= 512 * 1024, one.waited);
}

TEST_CASE("a peer that goes on sending after a goodbye is heard for so long and no longer") {
  tireless one;
  one.time.run(one.context, write_on(one.ends->client, 64 * 1024, 400));
  std::optional<result<>> parted;
  one.start_beside_timer(part_from(one.ends->server, parted), one.ends->server);
  REQUIRE(parted);
  REQUIRE(!*parted);
  CHECK(parted->error() == errc::limit_reached);
  CHECK(!one.ends->server.is_open());
  CHECK(one.ends->server.carried().in < 17 << 20);
  CHECK_MESSAGE(one.waited <= 512 * 1024, one.waited);
}

TEST_CASE("a peer that goes on sending single octets after a goodbye is heard for no longer") {
  tireless one;
  one.time.run(one.context, write_on(one.ends->client, 1, 20'000));
  std::optional<result<>> parted;
  one.start_beside_timer(part_from(one.ends->server, parted), one.ends->server);
  REQUIRE(parted);
  REQUIRE(!*parted);
  CHECK(parted->error() == errc::limit_reached);
  CHECK(one.ends->server.carried().in <= 16 * 1024);
}

}  // namespace stream_test
