// SPDX-License-Identifier: BSL-1.0
#include <ajar/sessions/handshake.hpp>

#include <doctest/doctest.h>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/fuse.hpp>
#include <ajar/testing/manual_clock.hpp>

#include "../tls/secured_pair.hpp"

namespace handshake_test {

using namespace ajar;
using namespace ajar::sessions;
using namespace std::chrono_literals;
using testing::pair_options;

namespace {

result<place> anybody(const claim&, const identity::peer_id&) { return place(); }

session_nonce nonce_of(std::uint8_t octet) {
  session_nonce made;
  made.fill(octet);
  return made;
}

const session_nonce nonce = nonce_of(0x17);
const trust::grant_id grant = nonce_of(0x42);

// What became of one side.
struct outcome {
  std::optional<ajar::sessions::session> session;
  std::error_code error = errc::would_block;
};

awaitable<void> enter_as(secured::stream stream, identity::key self, path way, time_point until,
                         std::shared_ptr<outcome> into) {
  auto made = co_await enter(std::move(stream), self, way, nonce, grant, until);
  into->error = made ? std::error_code() : made.error();
  if (made) into->session.emplace(std::move(*made));
}

awaitable<void> let_in_as(secured::stream stream, identity::key self, path way, entry_check enters, time_point until,
                          std::shared_ptr<outcome> into) {
  auto made = co_await let_in(std::move(stream), self, way, enters, until);
  into->error = made ? std::error_code() : made.error();
  if (made) into->session.emplace(std::move(*made));
}

awaitable<result<wire::frame>> read_frame(std::shared_ptr<secured::stream> from) {
  std::array<std::uint8_t, 4> header{};
  auto got = co_await from->read(header);
  if (!got) co_return fail(got.error());
  wire::frame made;
  made.kind = header[3];
  made.payload.resize(static_cast<std::size_t>(header[1] << 8 | header[2]));
  got = co_await from->read(made.payload);
  if (!got) co_return fail(got.error());
  co_return made;
}

awaitable<void> read_frame_into(std::shared_ptr<secured::stream> from, std::shared_ptr<result<wire::frame>> into) {
  auto got = co_await read_frame(from);
  *into = got;
}

bytes framed(std::uint8_t kind, bytes_view payload) {
  bytes octets;
  wire::append_frame(octets, kind, payload);
  return octets;
}

// The server's and the client's key, and two ends between them; who accepted the connection is the TLS server.
struct meeting {
  explicit meeting(bool client_accepts = false) {
    auto raw = testing::make_stream_pair(context.get_executor());
    secured::people by_tls = who;
    if (client_accepts) std::swap(by_tls.client, by_tls.server);
    auto both = time.run(context, secured::pair(by_tls, tls::alpn::session, std::move(raw)));
    REQUIRE(both.has_value());
    client = std::make_shared<secured::stream>(std::move(client_accepts ? (*both)->server : (*both)->client));
    server = std::make_shared<secured::stream>(std::move(client_accepts ? (*both)->client : (*both)->server));
  }

  void start_client(path way, std::chrono::milliseconds within = 5s) {
    auto running = enter_as(std::move(*client), who.client, way, clock::now() + within, at_client);
    asio::co_spawn(context, std::move(running), asio::detached);
    time.settle(context);
  }
  void start_server(path way, entry_check enters = anybody, std::chrono::milliseconds within = 5s) {
    auto running = let_in_as(std::move(*server), who.server, way, std::move(enters), clock::now() + within, at_server);
    asio::co_spawn(context, std::move(running), asio::detached);
    time.settle(context);
  }
  // The client's signature, over whatever is given.
  claim claimed(const proof_terms& terms, proof_role by = proof_role::client) {
    return {terms.path, terms.nonce, terms.grant, who.client.sign(to_be_proved(terms, by, exporter()))};
  }
  std::span<const std::uint8_t, 32> exporter() const { return client->exporter().reveal(); }
  proof_terms terms(path way = path::window) const { return {way, nonce, grant, who.client.id(), who.server.id()}; }

  // The server's verdict on octets of a client; what the client is told has to be the same.
  std::error_code verdict(const bytes& octets, path way = path::window) {
    REQUIRE(client->put(octets).has_value());
    auto told = std::make_shared<result<wire::frame>>(fail(errc::would_block));
    asio::co_spawn(context, read_frame_into(client, told), asio::detached);
    start_server(way);
    time.advance(context, 300ms);
    if (!at_server->error) return {};
    REQUIRE(told->has_value());
    CHECK((*told)->kind == refused_kind);
    wire::reader in((*told)->payload);
    CHECK(in.number<std::uint16_t>() == at_server->error.value());
    CHECK(in.finish().has_value());
    return at_server->error;
  }
  std::error_code verdict(const claim& of, path way = path::window) {
    return verdict(framed(claim::kind, of.encode()), way);
  }
  // The client's verdict on octets of a server.
  std::error_code verdict_on_answer(const bytes& octets) {
    REQUIRE(server->put(octets).has_value());
    start_client(path::window);
    return at_client->error;
  }

  testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  std::shared_ptr<secured::stream> client;
  std::shared_ptr<secured::stream> server;
  std::shared_ptr<outcome> at_client = std::make_shared<outcome>();
  std::shared_ptr<outcome> at_server = std::make_shared<outcome>();
};

}  // namespace

TEST_CASE("by every path and from either side of TLS a client enters, and both know who and how") {
  for (const auto way : {path::outbound, path::window, path::window_reverse}) {
    for (const bool client_accepts : {false, true}) {
      meeting two(client_accepts);
      claim seen;
      identity::peer_id by;
      two.start_client(way);
      two.start_server(way, [&](const claim& what, const identity::peer_id& client) {
        seen = what;
        by = client;
        return result<place>();
      });
      REQUIRE(!two.at_client->error);
      REQUIRE(!two.at_server->error);
      CHECK(by == two.who.client.id());
      CHECK(seen.path == way);
      CHECK(seen.nonce == nonce);
      CHECK(seen.grant == grant);
      const auto& here = two.at_client->session->info();
      const auto& there = two.at_server->session->info();
      CHECK(here.peer == two.who.server.id());
      CHECK(there.peer == two.who.client.id());
      for (const auto* one : {&here, &there}) {
        CHECK(one->path == way);
        CHECK(one->nonce == nonce);
        CHECK(one->grant == grant);
        CHECK(!one->window);
      }
    }
  }
}

TEST_CASE("what was signed and what is claimed have to be the same, in every field") {
  {
    meeting good;
    CHECK(!good.verdict(good.claimed(good.terms())));
  }
  const auto refused = [](auto change) {
    meeting two;
    auto made = two.claimed(two.terms());
    change(made);
    return two.verdict(made) == errc::proof_invalid;
  };
  CHECK(refused([](claim& made) { made.path = path::outbound; }));
  CHECK(refused([](claim& made) { made.path = path::window_reverse; }));
  CHECK(refused([](claim& made) { made.nonce[0] ^= 1; }));
  CHECK(refused([](claim& made) { made.nonce[15] ^= 0x80; }));
  CHECK(refused([](claim& made) { made.grant[0] ^= 1; }));
  CHECK(refused([](claim& made) { made.grant[15] ^= 0x80; }));
  for (std::size_t i = 0; i < 64; i += 7) {
    CHECK(refused([i](claim& made) { made.signature[i] ^= 2; }));
  }
  CHECK(refused([](claim& made) { made.signature = {}; }));
}

TEST_CASE("a claim that is signed well, but for something else, is refused") {
  const auto refused = [](auto make) {
    meeting two;
    const claim made = make(two);
    return two.verdict(made) == errc::proof_invalid;
  };
  const auto stranger = identity::key::generate();
  CHECK(refused([](meeting& two) { return two.claimed(two.terms(), proof_role::server); }));
  CHECK(refused([](meeting& two) { return two.claimed(two.terms(path::outbound)); }));
  CHECK(refused([&](meeting& two) {
    auto of_another = two.terms();
    of_another.client = stranger.id();
    return two.claimed(of_another);
  }));
  CHECK(refused([&](meeting& two) {
    auto to_another = two.terms();
    to_another.server = stranger.id();
    return two.claimed(to_another);
  }));
  CHECK(refused([&](meeting& two) {
    auto made = two.claimed(two.terms());
    made.signature = stranger.sign(to_be_proved(two.terms(), proof_role::client, two.exporter()));
    return made;
  }));
}

TEST_CASE("a claim from another connection of the same two peers is refused") {
  asio::io_context context;
  secured::people who;
  const auto connect = [&] {
    auto raw = testing::make_stream_pair(context.get_executor());
    return *testing::run(context, secured::pair(who, tls::alpn::session, std::move(raw)));
  };
  const auto first = connect();
  const auto second = connect();
  const proof_terms terms{path::window, nonce, grant, who.client.id(), who.server.id()};
  const auto octets = to_be_proved(terms, proof_role::client, first->client.exporter().reveal());
  const claim made{path::window, nonce, grant, who.client.sign(octets)};
  for (const auto& on : {second, first}) {
    auto into = std::make_shared<outcome>();
    REQUIRE(on->client.put(framed(claim::kind, made.encode())).has_value());
    auto running = let_in_as(std::move(on->server), who.server, path::window, anybody, never, into);
    asio::co_spawn(context, std::move(running), asio::detached);
    context.restart();
    context.poll();
    if (on == first) {
      CHECK(!into->error);
    } else {
      on->client.close();
      context.restart();
      context.poll();
      CHECK(into->error == errc::proof_invalid);
    }
  }
}

TEST_CASE("the entry check has the last word, and the client is told it") {
  for (const auto why : {errc::grant_expired, errc::grant_revoked, errc::grant_unknown, errc::too_many_sessions,
                         errc::request_replayed, errc::method_not_granted}) {
    meeting two;
    two.start_client(path::window);
    two.start_server(path::window,
                     [why](const claim&, const identity::peer_id&) -> result<place> { return fail(why); });
    CHECK(two.at_client->error == why);
    CHECK(two.at_server->error == why);
  }
}

TEST_CASE("the entry check sees the nonce, and holds it against the window's own") {
  meeting wrong;
  wrong.start_client(path::window);
  wrong.start_server(path::window, [](const claim& made, const identity::peer_id&) -> result<place> {
    if (made.nonce != nonce_of(0x18)) return fail(errc::window_stranger);
    return {};
  });
  CHECK(wrong.at_client->error == errc::window_stranger);
}

TEST_CASE("a session's place is taken with the decision, and given back when it closes") {
  meeting two;
  places<int> all;
  two.start_client(path::window);
  two.start_server(path::window, [&](const claim&, const identity::peer_id&) -> result<place> { return all.take(1); });
  REQUIRE(two.at_server->session);
  CHECK(all.taken() == 1);
  two.at_server->session->close();
  CHECK(all.taken() == 0);
}

TEST_CASE("a place is given back where no session comes of it") {
  meeting two;
  places<int> all;
  bool asked = false;
  const auto at_once = two.server->watch();
  two.start_client(path::window);
  two.start_server(path::window, [&](const claim&, const identity::peer_id&) -> result<place> {
    asked = true;
    at_once.cut(errc::link_lost);
    return all.take(1);
  });
  CHECK(asked);
  CHECK(!two.at_server->session);
  CHECK(all.taken() == 0);
}

TEST_CASE("a refusal by an error of another category tells no number") {
  meeting foreign;
  foreign.start_client(path::window);
  const auto broken = std::make_error_code(std::errc::io_error);
  foreign.start_server(path::window,
                       [&](const claim&, const identity::peer_id&) -> result<place> { return fail(broken); });
  CHECK(foreign.at_server->error == broken);
  CHECK(foreign.at_client->error == errc::proof_invalid);  // the number of another category says nothing elsewhere
}

TEST_CASE("the entry check is not asked about a claim that is not proved") {
  meeting two;
  auto made = two.claimed(two.terms());
  made.signature[0] ^= 1;
  REQUIRE(two.client->put(framed(claim::kind, made.encode())).has_value());
  bool asked = false;
  two.start_server(path::window, [&](const claim&, const identity::peer_id&) {
    asked = true;
    return result<place>();
  });
  CHECK(!asked);
}

TEST_CASE("what is no claim is refused by its fault") {
  const auto verdict = [](const bytes& octets) { return meeting().verdict(octets); };
  CHECK(verdict(framed(9, bytes(claim::size))) == errc::unexpected_message);
  CHECK(verdict(framed(claim::kind, bytes(claim::size))) == errc::unknown_version);
  CHECK(verdict(framed(claim::kind, bytes{0, 1, 2})) == errc::message_truncated);
  CHECK(verdict(bytes{0, 1, 1, claim::kind}) == errc::message_too_long);  // 257 octets: not waited for
  CHECK(verdict(bytes{0xff, 0xff, 0xff, claim::kind}) == errc::message_too_long);
}

TEST_CASE("a server that holds the TLS key and signs with another is found out") {
  const auto with = [](auto make) {
    meeting two;
    const crypto::signature made = make(two);
    return two.verdict_on_answer(framed(accepted_kind, made));
  };
  CHECK(!with(
      [](meeting& two) { return two.who.server.sign(to_be_proved(two.terms(), proof_role::server, two.exporter())); }));
  CHECK(with([](meeting& two) {
          return identity::key::generate().sign(to_be_proved(two.terms(), proof_role::server, two.exporter()));
        }) == errc::proof_invalid);
  CHECK(with([](meeting& two) {
          return two.who.server.sign(to_be_proved(two.terms(), proof_role::client, two.exporter()));
        }) == errc::proof_invalid);
  CHECK(with([](meeting& two) { return two.claimed(two.terms()).signature; }) == errc::proof_invalid);  // its own
  CHECK(with([](meeting& two) {
          auto other = two.terms();
          other.grant[3] ^= 1;
          return two.who.server.sign(to_be_proved(other, proof_role::server, two.exporter()));
        }) == errc::proof_invalid);
  CHECK(with([](meeting&) { return crypto::signature{}; }) == errc::proof_invalid);
}

TEST_CASE("an answer that is none ends the client's entry by its fault") {
  const auto verdict = [](const bytes& octets) {
    meeting two;
    const auto why = two.verdict_on_answer(octets);
    CHECK(!two.at_client->session);
    return why;
  };
  CHECK(verdict(framed(9, bytes(64))) == errc::unexpected_message);
  CHECK(verdict(framed(accepted_kind, bytes(63))) == errc::message_malformed);
  CHECK(verdict(framed(accepted_kind, bytes(65))) == errc::message_malformed);
  CHECK(verdict(framed(refused_kind, bytes{0})) == errc::message_malformed);
  CHECK(verdict(framed(refused_kind, bytes{0, 102, 0})) == errc::message_malformed);
  CHECK(verdict(framed(refused_kind, bytes{0, 0})) == errc::message_malformed);  // no refusal without a cause
  CHECK(verdict(framed(refused_kind, bytes{0, 102})) == errc::grant_expired);
  CHECK(verdict(bytes{0, 1, 1, accepted_kind}) == errc::message_too_long);
}

TEST_CASE("whoever waits for a silent other side gives up at its deadline") {
  meeting alone;
  alone.start_client(path::window, 700ms);
  alone.time.advance(alone.context, 699ms);
  CHECK(alone.at_client->error == errc::would_block);
  alone.time.advance(alone.context, 1ms);
  CHECK(alone.at_client->error == errc::handshake_timeout);
}

TEST_CASE("an octet now and then does not move the deadline") {
  meeting trickle;
  trickle.start_server(path::window, anybody, 700ms);
  const auto octets = framed(claim::kind, trickle.claimed(trickle.terms()).encode());
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(trickle.at_server->error == errc::would_block);
    REQUIRE(trickle.client->put(bytes_view(octets).subspan(i, 1)).has_value());
    trickle.time.advance(trickle.context, 100ms);
  }
  trickle.time.advance(trickle.context, 300ms);  // for telling it
  CHECK(trickle.at_server->error == errc::handshake_timeout);
}

TEST_CASE("a refusal that nobody takes holds the server for a moment only") {
  meeting two;
  auto made = two.claimed(two.terms());
  made.signature[0] ^= 1;
  REQUIRE(two.client->put(framed(claim::kind, made.encode())).has_value());
  two.start_server(path::window, anybody, 1h);
  two.time.advance(two.context, 201ms);
  CHECK(two.at_server->error == errc::proof_invalid);
}

TEST_CASE("an end in the middle of the proof is a truncation") {
  {
    meeting two;
    two.start_server(path::window);
    two.client->close();
    two.time.settle(two.context);
    CHECK(two.at_server->error == errc::truncated);
  }
  meeting other;
  other.start_client(path::window);
  other.server->close();
  other.time.settle(other.context);
  CHECK(other.at_client->error == errc::truncated);
}

// ---- from the bare transport

namespace {

struct outset {
  result<> client = fail(errc::would_block);
  result<> server = fail(errc::would_block);
};

awaitable<void> secure_one(testing::stream transport, tls::side which, identity::key self, identity::peer_id other,
                           time_point until, std::shared_ptr<outset> into) {
  auto expected = identity::expect(other, tls::alpn::session);
  auto made = co_await tls::secure(std::move(transport), self.tls(), which, std::move(expected), until);
  auto& mine = which == tls::side::client ? into->client : into->server;
  mine = made ? result<>() : result<>(fail(made.error()));
}

// A client enters and a server lets it in, from the first octet on; then they greet each other.
awaitable<result<>> serve(testing::stream transport, secured::people who) {
  auto expected = identity::expect(who.client.id(), tls::alpn::session);
  auto stream =
      co_await tls::secure(std::move(transport), who.server.tls(), tls::side::server, std::move(expected), never);
  if (!stream) co_return fail(stream.error());
  entry_check enters = anybody;
  auto session = co_await let_in(std::move(*stream), who.server, path::window, std::move(enters), never);
  if (!session) co_return fail(session.error());
  std::array<std::uint8_t, 5> room{};
  auto done = co_await session->read(room);
  if (!done) co_return done;
  done = co_await session->write(room);
  if (!done) co_return done;
  done = co_await session->shutdown(never);
  co_return done;
}

awaitable<void> serve_into(testing::stream transport, secured::people who, std::shared_ptr<result<>> into) {
  auto done = co_await serve(std::move(transport), who);
  *into = done;
}

awaitable<result<>> visit(testing::fuse& with, secured::people who, bool server_too) {
  const auto executor = co_await asio::this_coro::executor;
  auto ends = testing::make_stream_pair(executor, pair_options().buffer(500).short_reads(400));
  with.arm(ends.first);
  if (server_too) with.arm(ends.second);
  const auto served = std::make_shared<result<>>();
  task_group group(executor);
  group.spawn(serve_into(std::move(ends.second), who, served));
  auto expected = identity::expect(who.server.id(), tls::alpn::session);
  auto stream =
      co_await tls::secure(std::move(ends.first), who.client.tls(), tls::side::client, std::move(expected), never);
  if (!stream) co_return fail(stream.error());
  auto session = co_await enter(std::move(*stream), who.client, path::window, nonce, grant, never);
  if (!session) co_return fail(session.error());
  std::array<std::uint8_t, 5> room{'h', 'e', 'l', 'l', 'o'};
  auto done = co_await session->write(room);
  if (!done) co_return done;
  room = {};
  done = co_await session->read(room);
  if (!done) co_return done;
  if (as_text(room) != "hello") throw std::logic_error("wrong plaintext");
  done = co_await session->shutdown(never);
  if (!done) co_return done;
  co_await group.join();
  co_return *served;
}

}  // namespace

TEST_CASE("TLS on a fresh connection holds the other's key against the expected one") {
  const auto stranger = identity::key::generate();
  for (const bool right : {true, false}) {
    testing::manual_clock time;
    asio::io_context context;
    secured::people who;
    auto ends = testing::make_stream_pair(context.get_executor());
    const auto into = std::make_shared<outset>();
    const auto expected = right ? who.client.id() : stranger.id();
    const auto until = clock::now() + 1s;
    asio::co_spawn(context,
                   secure_one(std::move(ends.first), tls::side::client, who.client, who.server.id(), until, into),
                   asio::detached);
    asio::co_spawn(context, secure_one(std::move(ends.second), tls::side::server, who.server, expected, until, into),
                   asio::detached);
    time.settle(context);
    CHECK(into->client.has_value());  // TLS 1.3 tells the client only afterwards
    CHECK(into->server.has_value() == right);
    if (!right) CHECK(into->server.error() == errc::wrong_key);
  }
}

TEST_CASE("a connection that never speaks is given up at the window's deadline") {
  for (const auto which : {tls::side::client, tls::side::server}) {
    testing::manual_clock time;
    asio::io_context context;
    secured::people who;
    auto ends = testing::make_stream_pair(context.get_executor());
    const auto into = std::make_shared<outset>();
    const auto until = clock::now() + 150ms;
    asio::co_spawn(context, secure_one(std::move(ends.first), which, who.client, who.server.id(), until, into),
                   asio::detached);
    time.advance(context, 149ms);
    const auto& mine = which == tls::side::client ? into->client : into->server;
    CHECK(mine.error() == errc::would_block);
    time.advance(context, 1ms);
    CHECK(mine.error() == errc::handshake_timeout);
  }
}

TEST_CASE("any operation below may fail, and nobody enters without knowing it") {
  const secured::people who;
  testing::fuse one;
  const auto report = one.fail_each([&](testing::fuse& with) { return visit(with, who, true); });
  CHECK(report.failed > 15);
}

TEST_CASE("a client may be cancelled at every suspension of its entry") {
  const secured::people who;
  testing::fuse one;
  const auto report = one.cancel_each([&](testing::fuse& with) { return visit(with, who, false); });
  CHECK(report.failed > 8);
}

}  // namespace handshake_test
