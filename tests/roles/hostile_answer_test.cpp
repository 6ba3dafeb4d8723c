// SPDX-License-Identifier: BSL-1.0
#include <ajar/client.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>

#include "village/scripted_central.hpp"

namespace hostile_answer_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// A client, and the key of its server; central is the test.
struct lure {
  explicit lure(std::chrono::seconds life = 3600s, village::meeting::kind where = village::meeting::kind::loopback)
      : meeting(where), central(meeting), steps(context) {
    village::terms with;
    with.life = life;
    client_options options;
    options.grants({{central.url(), "home", home.issue(key.id(), with)}});
    options.network(meeting.of_role).logins(village::logins()).on_step(steps.sink("client "));
    if (where == village::meeting::kind::memory) options.door(meeting.at_role);
    visitor.emplace(context.get_executor(), key, options);
    visitor->start();
  }

  village::meeting meeting;
  asio::io_context& context = meeting.context;
  village::owner home;
  village::scripted_central central;
  village::watch steps;
  identity::key key = identity::key::generate();
  std::optional<client> visitor;
};

// Where no window is opened: in memory.
struct distant_lure : lure {
  distant_lure() : lure(3600s, village::meeting::kind::memory) {}
};

struct ended {
  std::error_code why;
  bool session = false;
};

awaitable<void> connect(lure& all, by way, ended& into) {
  connect_options how;
  how.over(way).until(village::soon());
  const auto server = all.home.key.id();
  auto session = co_await all.visitor->connect(server, how);
  into.session = session.has_value();
  if (!session) into.why = session.error();
}

// As a true central would: the grant is taken, the server is there.
awaitable<result<>> take_grant(lure& all, village::link& up) {
  auto presented = co_await village::await_message<signalling::present_grant>(up);
  if (!presented) co_return fail(presented.error());
  const auto grant = trust::signed_grant::open(presented->grant);
  if (!grant) co_return fail(grant.error());
  (void)up.send(signalling::grant_result{grant->body().id, 0});
  signalling::presence now;
  now.server = all.home.key.id();
  now.state = signalling::presence_state::online;
  now.methods = trust::method::outbound | trust::method::window;
  now.nonce = all.central.nonce;
  now.seen = village::loopback(9);
  (void)up.send(now);
  co_return result<>();
}

// The same, up to the client's request.
awaitable<result<trust::signed_request>> await_request(lure& all, village::link& up) {
  auto taken = co_await take_grant(all, up);
  if (!taken) co_return fail(taken.error());
  auto asked = co_await village::await_message<signalling::request>(up);
  if (!asked) co_return fail(asked.error());
  co_return trust::signed_request::open(asked->signed_request);
}

trust::window_answer answer_to(const trust::signed_request& asked, net::tcp::endpoint at) {
  trust::window_answer made;
  made.id = asked.body().id;
  made.client = asked.signer();
  made.budget_ms = 900;
  made.rungs.resize(1);
  made.rungs[0].server = {std::move(at)};
  return made;
}

enum class forgery { by_central, another_request, another_client, another_endpoint, garbage, no_endpoint };

bytes forge(lure& all, forgery how, const trust::signed_request& asked, const net::tcp::endpoint& impostor) {
  auto body = answer_to(asked, impostor);
  if (how == forgery::another_request) body.id = crypto::random_octets<16>();
  if (how == forgery::another_client) body.client = all.central.key.id();
  if (how == forgery::no_endpoint) body.rungs[0].server.clear();
  auto octets = trust::signed_answer::sign(body, how == forgery::by_central ? all.central.key : all.home.key).octets();
  if (how == forgery::another_endpoint) octets[octets.size() - 64 - 2] ^= 1;
  if (how == forgery::garbage) octets.assign(200, 0x41);
  return octets;
}

// The answer is not what the server said: nobody is dialled.
awaitable<void> forge_answer(lure& all, forgery how) {
  asio::ip::tcp::acceptor impostor(all.context, village::loopback());
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::window, end));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto asked = co_await await_request(all, *up);
  REQUIRE(asked);
  CHECK(asked->signer() == all.key.id());
  const auto octets = forge(all, how, *asked, impostor.local_endpoint());
  (void)up->send(signalling::answer{asked->body().id, true, octets});
  co_await work.join();
  CHECK(!end.session);
  if (how == forgery::garbage) {
    CHECK_MESSAGE(end.why.category() == category(), end.why.message());
  } else {
    CHECK_MESSAGE(end.why == errc::answer_forged, end.why.message());
  }
  CHECK(!village::has_guest(impostor));
  CHECK(all.steps.count("connect") == 0);
  co_await all.visitor->stop();
}

// The answer is the server's, but somebody else has its port: he learns nothing but a hello.
awaitable<void> pose_as_server(lure& all) {
  asio::ip::tcp::acceptor port(all.context, village::loopback());
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::window, end));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto asked = co_await await_request(all, *up);
  REQUIRE(asked);
  const auto octets = trust::signed_answer::sign(answer_to(*asked, port.local_endpoint()), all.home.key).octets();
  (void)up->send(signalling::answer{asked->body().id, true, octets});
  auto accepting = village::accept(port);
  auto stream = co_await before(village::soon(), errc::link_timeout, std::move(accepting));
  REQUIRE(stream);
  auto securing = tls::secure(net::transport(std::move(*stream)), all.central.key.tls(), tls::side::server,
                              tls::expectation::any_key(tls::alpn::session), village::soon());
  auto secured = co_await std::move(securing);
  CHECK_MESSAGE(!secured, "the client has shown its certificate to an impostor");
  co_await work.join();
  CHECK(!end.session);
  CHECK_MESSAGE(end.why == errc::wrong_key, end.why.message());
  co_await all.visitor->stop();
}

// Another answer comes while the server is slow to let the client in: it is for the next one, should this fail.
awaitable<void> answer_twice(lure& all) {
  asio::ip::tcp::acceptor first(all.context, village::loopback());
  asio::ip::tcp::acceptor second(all.context, village::loopback());
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::window, end));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto asked = co_await await_request(all, *up);
  REQUIRE(asked);
  auto body = answer_to(*asked, first.local_endpoint());
  (void)up->send(signalling::answer{body.id, false, trust::signed_answer::sign(body, all.home.key).octets()});
  auto accepting = village::accept(first);
  auto stream = co_await before(village::soon(), errc::link_timeout, std::move(accepting));
  REQUIRE(stream);
  auto [error] = co_await stream->async_wait(asio::socket_base::wait_read, use_values);
  REQUIRE(!error);
  body = answer_to(*asked, second.local_endpoint());
  body.attempt = 2;
  (void)up->send(signalling::answer{body.id, true, trust::signed_answer::sign(body, all.home.key).octets()});
  (void)up->send(signalling::ping{7});
  auto heard = co_await village::await_message<signalling::pong>(*up);  // behind the answer
  REQUIRE(heard);
  auto securing = tls::secure(net::transport(std::move(*stream)), all.home.key.tls(), tls::side::server,
                              tls::expectation::any_key(tls::alpn::session), village::soon());
  auto secured = co_await std::move(securing);
  REQUIRE_MESSAGE(secured, secured.error().message());
  sessions::entry_check enters = [](const sessions::claim&, const identity::peer_id&) {
    return result<place>(place());
  };
  auto letting = sessions::let_in(std::move(*secured), all.home.key, sessions::path::window, enters, village::soon());
  auto guest = co_await std::move(letting);
  CHECK(guest);
  co_await work.join();
  CHECK_MESSAGE(end.session, end.why.message());
  CHECK(!village::has_guest(second));
  co_await all.visitor->stop();
}

// Central fails it, with whatever cause.
awaitable<void> fail_request(lure& all, errc why) {
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::window, end));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto asked = co_await await_request(all, *up);
  REQUIRE(asked);
  (void)up->send(signalling::failure{crypto::random_octets<16>(), errc::server_offline});  // of nobody's request
  (void)up->send(signalling::failure{asked->body().id, why});
  co_await work.join();
  CHECK(!end.session);
  CHECK_MESSAGE(end.why == why, end.why.message());
  co_await all.visitor->stop();
}

// Central takes a grant for an old one, or a new one, that is neither by the client's clock.
awaitable<void> refuse_its_time(lure& all, errc why, ended& into) {
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::outbound, into));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto presented = co_await village::await_message<signalling::present_grant>(*up);
  REQUIRE(presented);
  const auto grant = trust::signed_grant::open(presented->grant);
  REQUIRE(grant);
  (void)up->send(signalling::grant_result{grant->body().id, static_cast<std::uint16_t>(why)});
  co_await work.join();
  co_await all.visitor->stop();
}

awaitable<void> end_link(lure& all, bytes last, errc expected, bool for_good) {
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::outbound, end));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto taken = co_await take_grant(all, *up);
  REQUIRE(taken);
  (void)up->stream().put(last);
  const std::string step = for_good ? "the link to central ended for good" : "no link to central";
  auto told = co_await all.steps.saw(step);
  CHECK(told);
  CHECK(all.steps.last(step) == make_error_code(expected).message());
  CHECK(!end.session);
  if (for_good) {
    co_await work.join();
    CHECK_MESSAGE(end.why == expected, end.why.message());
    auto alone = co_await all.central.is_left_alone(30min);
    CHECK(alone);
    connect_options how;
    const auto server = all.home.key.id();
    auto session = co_await all.visitor->connect(server, how);
    REQUIRE(!session);
    CHECK_MESSAGE(session.error() == expected, session.error().message());
  } else {
    auto again = co_await all.central.hear();
    CHECK(again);
    CHECK_MESSAGE(!end.why, "a lost link ends no connection: " << end.why.message());
  }
  co_await all.visitor->stop();
  co_await work.join();
}

// Central has no room at first, or is cut off on its way: a connection waits for it until its own deadline.
awaitable<void> come_again(lure& all, bool told) {
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::outbound, end));
  {
    auto first = co_await all.central.hear();
    REQUIRE(first);
    if (told) {
      first->close(errc::central_busy);
      co_await first->part();
    }
  }
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto taken = co_await take_grant(all, *up);
  CHECK(taken);
  CHECK(!end.session);
  co_await all.visitor->stop();
  co_await work.join();
}

awaitable<bool> await_listeners(std::size_t count) {
  const auto until = village::soon();
  while (village::own_sockets().listening != count && clock::now() < until) {
    auto slept = co_await sleep_until(clock::now() + 1ms);
    if (!slept) break;
  }
  co_return village::own_sockets().listening == count;
}

// Between a reverse window's opening and its end: a refusal closes it at once, and central cannot forge one.
awaitable<void> refuse_reverse(lure& all, bool forged) {
  const auto before_it = village::own_sockets();
  ended end;
  task_group work(all.context.get_executor());
  work.spawn(connect(all, by::window_reverse, end));
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto asked = co_await await_request(all, *up);
  REQUIRE(asked);
  CHECK(asked->body().rungs == trust::bit_of(trust::rung_kind::listener_reverse));
  REQUIRE(!asked->body().outside.empty());
  CHECK(village::own_sockets().listening == before_it.listening);
  auto body = answer_to(*asked, village::loopback(9));
  body.rungs[0].kind = trust::rung_kind::listener_reverse;
  body.rungs[0].client = {asked->body().outside[0]};
  const auto planned = trust::signed_answer::sign(body, all.home.key).octets();
  (void)up->send(signalling::answer{asked->body().id, false, planned});
  auto opened = co_await await_listeners(before_it.listening + 1);
  CHECK(opened);
  body.rungs.clear();
  body.attempt = 2;
  body.code = static_cast<std::uint16_t>(errc::too_many_windows);
  const auto octets = trust::signed_answer::sign(body, forged ? all.central.key : all.home.key).octets();
  (void)up->send(signalling::answer{asked->body().id, true, octets});
  co_await work.join();
  CHECK(!end.session);
  CHECK_MESSAGE(end.why == (forged ? errc::answer_forged : errc::too_many_windows), end.why.message());
  CHECK(village::own_sockets().listening == before_it.listening);
  co_await all.visitor->stop();
}

}  // namespace

TEST_CASE("a client dials nobody for an answer that its server has not signed, for it and for this request") {
  for (const auto how : {forgery::by_central, forgery::another_request, forgery::another_client,
                         forgery::another_endpoint, forgery::garbage, forgery::no_endpoint}) {
    INFO(static_cast<int>(how));
    lure all;
    all.meeting.run(forge_answer(all, how));
  }
}

TEST_CASE("whoever has the server's port and not its key learns nothing of the client") {
  lure all;
  all.meeting.run(pose_as_server(all));
}

TEST_CASE("a client is told why central cannot help") {
  for (const auto why : {errc::unknown_server, errc::server_offline, errc::too_many_requests}) {
    lure all;
    all.meeting.run(fail_request(all, why));
  }
}

TEST_CASE("a client does not blame a grant, or itself, for a clock that is wrong elsewhere") {
  for (const auto why : {errc::grant_expired, errc::grant_not_yet_valid, errc::grant_revoked}) {
    distant_lure all;
    ended end;
    all.meeting.run(refuse_its_time(all, why, end));
    CHECK(end.why == (why == errc::grant_revoked ? why : errc::clocks_differ));
  }
}

TEST_CASE("a client leaves a central that talks nonsense with its cause, and comes back") {
  const std::pair<bytes, errc> some[] = {
      {bytes{0, 0, 1, 99, 0}, errc::unknown_message},
      {bytes{0xff, 0xff, 0xff, 1}, errc::message_too_long},
      {signalling::to_frame(signalling::welcome{1s, village::loopback(1)}), errc::unexpected_message},
      {signalling::to_frame(signalling::command{{village::loopback(1)}, bytes(200, 1)}), errc::unexpected_message},
      {signalling::to_frame(signalling::roster_update{}), errc::unexpected_message},
      {signalling::to_frame(signalling::goodbye{errc::central_busy}), errc::central_busy},
  };
  for (const auto& [octets, expected] : some) {
    distant_lure all;
    all.meeting.run(end_link(all, octets, expected, false));
  }
}

TEST_CASE("a client waits for a central that has no room for it now") {
  for (const bool told : {true, false}) {
    distant_lure all;
    all.meeting.run(come_again(all, told));
  }
}

TEST_CASE("a client that central dismisses for good says so, and does not come back") {
  for (const auto why : {errc::evicted, errc::login_too_low, errc::unknown_version}) {
    distant_lure all;
    all.meeting.run(end_link(all, signalling::to_frame(signalling::goodbye{why}), why, true));
  }
}

TEST_CASE("a client that is being let in goes to no other port, whatever answer comes meanwhile") {
  lure all;
  all.meeting.run(answer_twice(all));
}

TEST_CASE("a refusal closes a client's own window at once, and only its server can refuse") {
  for (const bool forged : {true, false}) {
    lure all;
    all.meeting.run(refuse_reverse(all, forged));
  }
}

}  // namespace hostile_answer_test
