// SPDX-License-Identifier: BSL-1.0
#include <ajar/server.hpp>

#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>

#include "village/scripted_peer.hpp"

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <asio/write.hpp>
#include <random>

namespace server_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

struct scene : village::served {
  explicit scene(const std::function<void(server_options&)>& adjust = {})
      : served([&adjust](server_options& options) {
          options.cloak(windows::cloak::compare);
          if (adjust) adjust(options);
        }) {}
};

constexpr const char* opened = "opened a port";

std::string ending_of(const net::tcp::endpoint& at) { return ":" + std::to_string(at.port()); }

// The right client goes in, is served, and leaves. Where it came too late for one port, it takes the next.
awaitable<result<>> go_in(scene& all, village::visitor& who, trust::window_answer said,
                          std::optional<net::address> from = std::nullopt) {
  result<sessions::session> session = fail(errc::window_timeout);
  for (const auto& rung : said.rungs) {
    if (rung.kind != trust::rung_kind::listener) continue;
    auto seen = co_await all.steps.saw_ending(opened, ending_of(rung.server.at(0)), 10s);
    if (!seen) break;
    auto entering = village::enter_at(rung.server.at(0), who.self, all.id(), said.id, who.grant.body().id, from);
    session = co_await std::move(entering);
    if (session || session.error() != errc::dial_refused) break;
  }
  if (!session) co_return fail(session.error());
  auto greeted = co_await village::greet(*session);
  co_return greeted;
}

// The next answer; where it names a port, once that is open: a server that has met the client opens it in time only.
awaitable<result<trust::window_answer>> hear(scene& all, village::visitor& who) {
  auto said = co_await village::await_answer(who);
  if (!said || said->code != 0) co_return said;
  auto seen = co_await all.steps.saw_ending(opened, ending_of(said->rungs.at(0).server.at(0)));
  if (!seen) co_return fail(errc::window_timeout);
  co_return said;
}

// Asks, gets an answer, goes in.
awaitable<result<>> ask_and_go_in(scene& all, village::visitor& who) {
  const auto id = who.ask();
  auto said = co_await hear(all, who);
  if (!said) co_return fail(said.error());
  if (said->id != id || said->code != 0) co_return fail(errc::unexpected_message);
  auto went = co_await go_in(all, who, *said);
  co_return went;
}

// ---- who comes to the window ----------------------------------------------------------------------------------------

awaitable<void> blurt(net::tcp::endpoint at, bytes what) {
  auto stream = co_await village::dial(at);
  REQUIRE(stream);
  auto [error, count] = co_await asio::async_write(*stream, asio::buffer(what), use_values);
  (void)error;
  (void)count;
  auto ended = co_await village::read_to_end(*stream);
  (void)ended;
}

bytes spoken(std::string_view text) { return {text.begin(), text.end()}; }

awaitable<void> speak_http(scene&, net::tcp::endpoint at) {
  return blurt(at, spoken("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

awaitable<void> speak_garbage(scene&, net::tcp::endpoint at) {
  std::mt19937 from(7);
  bytes made(4096);
  for (auto& octet : made) octet = static_cast<std::uint8_t>(from());
  return blurt(at, made);
}

// A hello of TLS 1.2 without extensions (RFC 5246 section 7.4.1.2).
awaitable<void> speak_tls_1_2(scene&, net::tcp::endpoint at) {
  bytes body{3, 3};
  body.insert(body.end(), 32, 0x55);
  const bytes rest{0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0};
  body.insert(body.end(), rest.begin(), rest.end());
  const auto size = static_cast<std::uint8_t>(body.size());
  bytes record{22, 3, 1, 0, static_cast<std::uint8_t>(size + 4), 1, 0, 0, size};
  record.insert(record.end(), body.begin(), body.end());
  return blurt(at, record);
}

awaitable<void> hang_up(scene&, net::tcp::endpoint at) {
  auto stream = co_await village::dial(at);
  REQUIRE(stream);
}

awaitable<void> come_from_elsewhere(scene&, net::tcp::endpoint at) {
  auto stream = co_await village::dial(at, village::elsewhere());
  REQUIRE(stream);
  auto ended = co_await village::read_to_end(*stream);
  CHECK(ended == asio::error::connection_reset);
}

// TLS 1.3 tells the client only after its own handshake that its key was refused.
awaitable<void> show_another_key(scene& all, net::tcp::endpoint at) {
  const auto other = identity::key::generate();
  const trust::request_id none{};
  auto entering = village::enter_at(at, other, all.id(), none, none);
  auto session = co_await std::move(entering);
  REQUIRE(!session);
  CHECK_MESSAGE((session.error() == errc::refused_by_peer || session.error() == errc::truncated),
                session.error().message());
}

awaitable<void> want_another_protocol(scene& all, net::tcp::endpoint at) {
  auto securing = village::secure_at(at, all.client, all.id(), tls::alpn::probe);
  auto secured = co_await std::move(securing);
  CHECK(!secured);
}

// The right key, and a TLS client that names no protocol.
class nameless {
 public:
  nameless(const identity::key& self, net::tcp_stream& below)
      : below_(below), tls_(wolfSSL_new(self.tls().native(tls::side::client))) {
    wolfSSL_set_verify(tls_.get(), WOLFSSL_VERIFY_NONE, nullptr);
    wolfSSL_SSLSetIORecv(tls_.get(), &nameless::receive);
    wolfSSL_SSLSetIOSend(tls_.get(), &nameless::send);
    wolfSSL_SetIOReadCtx(tls_.get(), &below_);
    wolfSSL_SetIOWriteCtx(tls_.get(), &below_);
    wolfSSL_UseKeyShare(tls_.get(), WOLFSSL_ECC_X25519);
  }
  // True when there is nothing to wait for any more.
  bool step() {
    const int done = wolfSSL_connect(tls_.get());
    return done == WOLFSSL_SUCCESS || wolfSSL_get_error(tls_.get(), done) != WOLFSSL_ERROR_WANT_READ;
  }

 private:
  static int receive(WOLFSSL*, char* into, int size, void* below) {
    std::error_code error;
    const auto count =
        static_cast<net::tcp_stream*>(below)->read_some(asio::buffer(into, static_cast<std::size_t>(size)), error);
    if (error == asio::error::would_block) return WOLFSSL_CBIO_ERR_WANT_READ;
    return error ? WOLFSSL_CBIO_ERR_CONN_CLOSE : static_cast<int>(count);
  }
  static int send(WOLFSSL*, char* from, int size, void* below) {
    std::error_code error;
    const auto count =
        static_cast<net::tcp_stream*>(below)->write_some(asio::buffer(from, static_cast<std::size_t>(size)), error);
    return error ? WOLFSSL_CBIO_ERR_CONN_CLOSE : static_cast<int>(count);
  }
  struct release {
    void operator()(WOLFSSL* tls) const noexcept { wolfSSL_free(tls); }
  };
  net::tcp_stream& below_;
  std::unique_ptr<WOLFSSL, release> tls_;
};

awaitable<void> want_no_protocol(scene& all, net::tcp::endpoint at) {
  auto stream = co_await village::dial(at);
  REQUIRE(stream);
  nameless one(all.client, *stream);
  bool ended = one.step();
  while (!ended) {
    auto [error] = co_await stream->async_wait(asio::socket_base::wait_read, use_values);
    if (error) co_return;
    ended = one.step();
  }
  auto closed = co_await village::read_to_end(*stream);
  (void)closed;
}

using intruder = awaitable<void> (*)(scene&, net::tcp::endpoint);

// ---- the tests ------------------------------------------------------------------------------------------------------

// A stranger, and the right client at the port that follows; then everything is as before.
awaitable<void> suffer(scene& all, village::visitor& who, intruder act) {
  const auto before_it = village::own_sockets();
  const auto exposed = all.home->exposed();
  const auto id = who.ask();
  auto first = co_await hear(all, who);
  REQUIRE(first);
  CHECK((first->id == id && first->code == 0 && first->attempt == 1));
  CHECK(village::own_sockets().listening == before_it.listening + 1);
  auto intruding = act(all, first->rungs.at(0).server.at(0));
  co_await std::move(intruding);
  auto second = co_await hear(all, who);
  REQUIRE_MESSAGE(second, second.error().message());
  CHECK((second->id == id && second->code == 0 && second->attempt == 2));
  CHECK(village::own_sockets().listening == before_it.listening + 1);
  auto went = co_await go_in(all, who, *second);
  CHECK_MESSAGE(went, went.error().message());
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  CHECK(all.home->sessions() == 0);
  CHECK(all.home->exposed().windows == exposed.windows + 1);
  CHECK(all.home->exposed().listeners == exposed.listeners + 2);
  CHECK(all.home->exposed().strangers == exposed.strangers + 1);
}

awaitable<void> suffer_all(scene& all) {
  auto linked = co_await all.steps.saw("linked to central");
  REQUIRE(linked);
  const auto before_all = village::own_sockets();
  const std::pair<std::string, intruder> intruders[] = {
      {"from elsewhere", come_from_elsewhere},
      {"another key", show_another_key},
      {"another ALPN", want_another_protocol},
      {"no ALPN", want_no_protocol},
      {"TLS 1.2", speak_tls_1_2},
      {"HTTP", speak_http},
      {"garbage", speak_garbage},
      {"hangs up", hang_up},
  };
  for (const auto& [name, act] : intruders) {
    INFO(name);
    all.client = identity::key::generate();  // the server has not met it: its port is open when it answers
    {
      auto who = co_await village::arrive(all);
      REQUIRE(who);
      auto suffering = suffer(all, *who, act);
      co_await std::move(suffering);
    }
    auto settled = co_await village::settles(before_all);
    CHECK(settled);
  }
  co_await village::stop(all);
}

awaitable<void> strangers_come(scene& all, std::uint8_t listeners, intruder act = come_from_elsewhere) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto before_it = village::own_sockets();
  who->ask();
  std::vector<net::tcp::endpoint> ports;
  for (std::uint8_t attempt = 1; attempt <= listeners; ++attempt) {
    auto said = co_await hear(all, *who);
    REQUIRE(said);
    CHECK(said->attempt == attempt);
    ports.push_back(said->rungs.at(0).server.at(0));
    CHECK(village::own_sockets().listening == before_it.listening + 1);
    auto intruding = act(all, ports.back());
    co_await std::move(intruding);
  }
  auto closed = co_await all.steps.saw("the window is closed");
  CHECK(closed);
  const bool by_address = act == come_from_elsewhere;  // else the port had let him in, and TLS has not
  CHECK(all.steps.last("the window is closed").starts_with(by_address ? "stranger" : "accepted"));
  CHECK(all.home->exposed().listeners == listeners);
  CHECK(all.home->exposed().strangers == listeners);
  for (const auto& port : ports) {
    auto again = co_await village::dial(port);
    CHECK(!again);
  }
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  auto went = co_await ask_and_go_in(all, *who);  // the next answer is the next window's: there was none in between
  CHECK_MESSAGE(went, went.error().message());
  co_await village::stop(all);
}

// Connects, says nothing or not all, and is cut off: that was a stranger.
awaitable<void> say_little(scene& all, bytes what) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto before_it = village::own_sockets();
  who->ask();
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  {
    auto stream = co_await village::dial(said->rungs.at(0).server.at(0));
    REQUIRE(stream);
    auto closed = co_await all.steps.saw("somebody connected, the port is closed");
    CHECK(closed);
    CHECK(village::own_sockets().listening == before_it.listening);
    auto [error, count] = co_await asio::async_write(*stream, asio::buffer(what), use_values);
    CHECK(!error);
    CHECK(count == what.size());
    auto ended = co_await village::read_to_end(*stream);
    CHECK(ended);
  }
  auto second = co_await hear(all, *who);
  REQUIRE(second);
  CHECK(second->attempt == 2);
  auto went = co_await go_in(all, *who, *second);
  CHECK_MESSAGE(went, went.error().message());
  CHECK(all.home->exposed().listeners == 2);
  CHECK(all.home->exposed().strangers == 1);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  went = co_await ask_and_go_in(all, *who);
  CHECK_MESSAGE(went, went.error().message());
  co_await village::stop(all);
}

// Says all of a hello, and nothing more. The client comes in at the next port.
awaitable<void> stall(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto before_it = village::own_sockets();
  who->ask();
  auto first = co_await hear(all, *who);
  REQUIRE(first);
  {
    auto stream = co_await village::dial(first->rungs.at(0).server.at(0));
    REQUIRE(stream);
    const auto other = identity::key::generate();
    nameless one(other, *stream);
    CHECK(!one.step());
    auto second = co_await hear(all, *who);
    REQUIRE_MESSAGE(second, second.error().message());
    CHECK(second->attempt == 2);
    auto went = co_await go_in(all, *who, *second);
    CHECK_MESSAGE(went, went.error().message());
    auto ended = co_await village::read_to_end(*stream);  // nobody waits for him any more
    CHECK(ended);
  }
  CHECK(all.home->exposed().listeners == 2);
  CHECK(all.home->exposed().strangers == 1);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  co_await village::stop(all);
}

// A line between a client and a window, which brings nothing back until it is let.
struct slow_line {
  explicit slow_line(asio::io_context& context) : entrance(context, village::loopback()), let(context.get_executor()) {}

  static awaitable<void> carry(net::tcp_stream& from, net::tcp_stream& to) {
    std::array<std::uint8_t, 4096> room{};
    for (;;) {
      auto [error, count] = co_await from.async_read_some(asio::buffer(room), use_values);
      if (error) break;
      auto [unsent, sent] = co_await asio::async_write(to, asio::buffer(room.data(), count), use_values);
      (void)sent;
      if (unsent) break;
    }
    std::error_code ignored;
    to.shutdown(net::tcp_stream::shutdown_send, ignored);
  }
  static awaitable<void> carry_back(slow_line& all, net::tcp_stream& from, net::tcp_stream& to) {
    auto waited = co_await all.let.wait();
    if (!waited) co_return;
    auto carrying = carry(from, to);
    co_await std::move(carrying);
  }
  static awaitable<void> run(slow_line& all, net::tcp::endpoint to) {
    const auto executor = co_await asio::this_coro::executor;
    net::tcp_stream near(executor);
    auto [error] = co_await all.entrance.async_accept(near, use_values);
    if (error) co_return;
    auto far = co_await village::dial(to);
    if (!far) co_return;
    task_group both(executor);
    both.spawn(carry(near, *far));
    both.spawn(carry_back(all, *far, near));
    co_await both.join();
  }

  asio::ip::tcp::acceptor entrance;
  notifier let;
};

awaitable<void> enter_slowly(scene& all, village::visitor& who, net::tcp::endpoint at, trust::request_id id,
                             result<>& into) {
  auto entering = village::enter_at(at, who.self, all.id(), id, who.grant.body().id);
  auto session = co_await std::move(entering);
  into = session ? result<>() : fail(session.error());
  if (!session) co_return;
  auto greeted = co_await village::greet(*session);
  into = greeted;
}

// The client is so slow that it is taken for a stranger; it gets in all the same, and the next port closes.
awaitable<void> be_slow(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto before_it = village::own_sockets();
  const auto id = who->ask();
  auto first = co_await hear(all, *who);
  REQUIRE(first);
  {
    slow_line line(all.here.context);
    task_group work(all.here.context.get_executor());
    result<> went = fail(errc::canceled);
    work.spawn(slow_line::run(line, first->rungs.at(0).server.at(0)));
    work.spawn(enter_slowly(all, *who, line.entrance.local_endpoint(), id, went));
    auto second = co_await hear(all, *who);
    REQUIRE_MESSAGE(second, second.error().message());
    CHECK(second->attempt == 2);
    line.let.notify();
    co_await work.join();
    CHECK_MESSAGE(went, went.error().message());
    auto late = co_await village::dial(second->rungs.at(0).server.at(0));
    REQUIRE(!late);
    CHECK(late.error() == errc::dial_refused);
  }
  CHECK(all.home->exposed().windows == 1);
  CHECK(all.home->exposed().listeners == 2);
  CHECK(all.home->exposed().strangers == 0);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  co_await village::stop(all);
}

awaitable<void> come_too_late(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto before_it = village::own_sockets();
  who->ask(who->body(50ms));
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  CHECK(said->budget_ms <= 50);
  auto closed = co_await all.steps.saw("the window is closed");
  CHECK(closed);
  CHECK(all.steps.last("the window is closed").starts_with("timeout"));
  auto went = co_await go_in(all, *who, *said);
  REQUIRE(!went);
  CHECK(went.error() == errc::dial_refused);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  went = co_await ask_and_go_in(all, *who);
  CHECK_MESSAGE(went, went.error().message());
  co_await village::stop(all);
}

enum class lie { nonce, grant };

// The right key at the right window, with a claim of something else.
awaitable<void> claim_wrongly(scene& all, village::visitor& who, lie how) {
  const auto before_it = village::own_sockets();
  const auto other = all.here.home.issue(all.client.id());
  who.ask();
  auto said = co_await hear(all, who);
  REQUIRE(said);
  const auto nonce = how == lie::nonce ? crypto::random_octets<16>() : said->id;
  const auto grant = how == lie::grant ? other.body().id : who.grant.body().id;
  auto entering = village::enter_at(said->rungs.at(0).server.at(0), who.self, all.id(), nonce, grant);
  auto session = co_await std::move(entering);
  REQUIRE(!session);
  CHECK(session.error() == errc::proof_invalid);
  auto closed = co_await all.steps.saw("the window is closed", all.steps.count("opened a port"));
  CHECK(closed);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  CHECK(all.home->sessions() == 0);
}

awaitable<void> claim_all(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  co_await claim_wrongly(all, *who, lie::nonce);
  co_await claim_wrongly(all, *who, lie::grant);
  CHECK(all.home->exposed().listeners == 2);  // it was no stranger: no further port opens
  auto went = co_await ask_and_go_in(all, *who);
  CHECK_MESSAGE(went, went.error().message());
  co_await village::stop(all);
}

awaitable<void> roam(scene& all, bool granted) {
  village::terms with;
  with.roam = granted;
  auto who = co_await village::arrive(all, with);
  REQUIRE(who);
  auto body = who->body();
  body.roam = true;
  who->ask(body);
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  if (granted) {
    REQUIRE(said->code == 0);
    auto went = co_await go_in(all, *who, *said, village::elsewhere());
    CHECK_MESSAGE(went, went.error().message());
  } else {
    CHECK(errc_from_wire(said->code) == errc::address_not_permitted);
    CHECK(all.steps.count("opened a port") == 0);
  }
  co_await village::stop(all);
}

// What central cannot judge, and the server must.
awaitable<void> ask_under_another_nonce(scene& all, village::visitor& who) {
  auto body = who.body();
  body.nonce = crypto::random_octets<32>();
  const auto id = who.ask(body);
  auto said = co_await village::await_answer(who);
  REQUIRE(said);
  CHECK(said->id == id);
  CHECK(errc_from_wire(said->code) == errc::request_stale);
  CHECK(all.steps.count("opened a port") == 0);
}

// A grant that central was not shown is no reason to trouble the server.
awaitable<void> ask_by_another_grant(scene& all, village::visitor& who) {
  auto body = who.body();
  body.grant = crypto::random_octets<16>();
  const auto id = who.ask(body);
  auto said = co_await village::await_message<signalling::failure>(who.up);
  REQUIRE(said);
  CHECK(said->id == id);
  CHECK(said->why == errc::grant_unknown);
  CHECK(all.steps.count("opened a port") == 0);
}

awaitable<void> ask_all(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  co_await ask_under_another_nonce(all, *who);
  co_await ask_by_another_grant(all, *who);
  auto went = co_await ask_and_go_in(all, *who);
  CHECK_MESSAGE(went, went.error().message());
  // one octet of the request is another: central ends the link of whoever sends that
  auto octets = trust::signed_request::sign(who->body(), who->self).octets();
  octets.back() ^= 1;
  (void)who->up.send(signalling::request{octets});
  auto why = co_await village::await_end(who->up);
  CHECK(why == errc::signature_invalid);
  CHECK(all.steps.count("opened a port") == 1);
  co_await village::stop(all);
}

}  // namespace

TEST_CASE("whoever comes to a window instead of the client closes it, and the client gets in at the next port") {
  scene all;
  testing::run(all.here.context, suffer_all(all));
}

TEST_CASE("a window has three listeners at most, however many strangers come") {
  scene all;
  testing::run(all.here.context, strangers_come(all, 3));
}

TEST_CASE("a window closes for good at the first stranger where the policy says so") {
  scene all([](server_options& options) { options.on_stranger(windows::on_stranger::close); });
  testing::run(all.here.context, strangers_come(all, 1));
}

TEST_CASE("a window closes for good at the first stranger whom TLS finds, whatever cloak it wears") {
  for (const auto worn : {windows::cloak::compare, windows::cloak::none}) {
    CAPTURE(std::string(to_string(worn)));
    for (const intruder act : {show_another_key, speak_garbage}) {
      scene all([worn](server_options& options) { options.on_stranger(windows::on_stranger::close).cloak(worn); });
      testing::run(all.here.context, strangers_come(all, 1, act));
    }
  }
}

TEST_CASE("whoever connects and says nothing has closed the port, and soon makes room for another") {
  const std::pair<const char*, bytes> some[] = {{"nothing", {}},
                                                {"an octet", {22}},
                                                {"a record's header", {22, 3, 1, 1, 0}},
                                                {"half a record", {22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3}}};
  for (const auto& [name, what] : some) {
    INFO(std::string(name));
    scene all;
    testing::run(all.here.context, say_little(all, what));
  }
}

TEST_CASE("whoever says hello and stalls makes room for another, beside whom he may go on") {
  scene stalled;
  testing::run(stalled.here.context, stall(stalled));
  scene slow;
  testing::run(slow.here.context, be_slow(slow));
}

TEST_CASE("the right client finds the port closed when it comes too late") {
  scene all;
  testing::run(all.here.context, come_too_late(all));
}

TEST_CASE("the right key with a proof for another window or another grant is refused") {
  scene all;
  testing::run(all.here.context, claim_all(all));
}

TEST_CASE("a client comes from another address only by a grant that lets it roam") {
  for (const bool granted : {true, false}) {
    scene all;
    testing::run(all.here.context, roam(all, granted));
  }
}

TEST_CASE("a request under another nonce or an unknown grant opens no port, and a damaged one ends the link") {
  scene all;
  testing::run(all.here.context, ask_all(all));
}

namespace {

awaitable<void> find_it_full(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto id = who->ask();
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  CHECK(said->id == id);
  CHECK(errc_from_wire(said->code) == errc::server_busy);
  CHECK(all.steps.count("refused a window") == 1);
  CHECK(all.steps.count("opened a port") == 0);
  co_await village::stop(all);
}

}  // namespace

TEST_CASE("a server that has no room for a command, or for a session that waits, says so to its client") {
  for (const bool commands : {true, false}) {
    scene all([=](server_options& options) { options.most_at_once(commands ? 1024 : 0, commands ? 0 : 1024); });
    testing::run(all.here.context, find_it_full(all));
  }
}

}  // namespace server_test
