// SPDX-License-Identifier: BSL-1.0
#include <ajar/server.hpp>

#include <ajar/core/deadline.hpp>

#include "village/scripted_central.hpp"

namespace hostile_central_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// A server, and the key of a client that it knows; central is the test.
struct siege {
  explicit siege(const std::function<void(server_options&)>& adjust = {},
                 village::meeting::kind where = village::meeting::kind::loopback)
      : meeting(where), central(meeting), steps(context) {
    server_options options(central.url());
    options.network(meeting.of_role).logins(village::logins()).on_step(steps.sink("server "));
    options.grants([this](const trust::grant_id& id) { return home.find(id); });
    if (adjust) adjust(options);
    target.emplace(context.get_executor(), home.key, options);
    target->start();
  }

  trust::window_request body(const trust::signed_grant& grant) const {
    trust::window_request made;
    made.id = crypto::random_octets<16>();
    made.server = home.key.id();
    made.nonce = central.nonce;
    made.grant = grant.body().id;
    made.budget_ms = 100;
    return made;
  }

  village::meeting meeting;
  asio::io_context& context = meeting.context;
  village::owner home;
  village::scripted_central central;
  village::watch steps;
  std::optional<server> target;
  identity::key client = identity::key::generate();
};

// Where no window is opened: in memory.
struct distant_siege : siege {
  distant_siege() : siege({}, village::meeting::kind::memory) {}
};

signalling::command command_of(const bytes& request, const char* seen = "127.0.0.1") {
  return {{net::tcp::endpoint(asio::ip::make_address(seen), 9)}, request};
}

bytes signed_by(const identity::key& who, const trust::window_request& body) {
  return trust::signed_request::sign(body, who).octets();
}

// The next answer that says something: an empty one only ends its exchange.
awaitable<result<signalling::answer>> await_answer(village::link& up) {
  for (;;) {
    auto got = co_await village::await_message<signalling::answer>(up);
    if (!got || !got->signed_answer.empty()) co_return got;
  }
}

// What the server answers to a command; 0 where it opened a port.
awaitable<result<std::uint16_t>> verdict(village::link& up, signalling::command what) {
  (void)up.send(what);
  auto got = co_await await_answer(up);
  if (!got) co_return fail(got.error());
  auto opened = trust::signed_answer::open(got->signed_answer);
  if (!opened) co_return fail(opened.error());
  co_return opened->body().code;
}

awaitable<void> expect_refusal(siege& all, village::link& up, signalling::command what, errc expected) {
  const auto opened = all.steps.count("opened a port");
  const auto listening = village::own_sockets().listening;
  auto code = co_await verdict(up, std::move(what));
  REQUIRE(code);
  CHECK_MESSAGE(errc_from_wire(*code) == expected, make_error_code(errc_from_wire(*code)).message());
  CHECK(all.steps.count("opened a port") == opened);
  CHECK(village::own_sockets().listening <= listening);  // one that was open may have closed meanwhile
}

// ---- windows that nobody asked for ----------------------------------------------------------------------------------

awaitable<void> command_garbage(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  const auto grant = all.home.issue(all.client.id());
  const auto listening = village::own_sockets().listening;
  auto damaged = signed_by(all.client, all.body(grant));
  damaged[40] ^= 1;
  auto cut = damaged;
  cut.resize(100);
  std::size_t refused = 0;
  for (const bytes& what : {damaged, cut, bytes{}, bytes(4000, 0x41)}) {
    (void)up->send(command_of(what));
    auto told = co_await all.steps.saw("refused a command", ++refused);
    CHECK(told);
  }
  CHECK(village::own_sockets().listening == listening);
  // the same server opens a port for what the client has signed
  auto code = co_await verdict(*up, command_of(signed_by(all.client, all.body(grant))));
  REQUIRE(code);
  CHECK(*code == 0);
  CHECK(village::own_sockets().listening <= listening + 1);
  auto closed = co_await all.steps.saw("the window is closed");
  CHECK(closed);
  CHECK(village::own_sockets().listening == listening);
  CHECK(all.steps.count("opened a port") == 1);
  co_await all.target->stop();
}

awaitable<void> command_in_others_names(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  const auto grant = all.home.issue(all.client.id());
  const auto body = all.body(grant);
  const auto by_central = command_of(signed_by(all.central.key, body));
  co_await expect_refusal(all, *up, by_central, errc::grant_of_another);
  // a grant that central has signed itself is none of the server's
  trust::grant own = grant.body();
  own.client = all.central.key.id();
  own.id = crypto::random_octets<16>();
  auto unknown = body;
  unknown.grant = own.id;
  const auto of_central = command_of(signed_by(all.central.key, unknown));
  co_await expect_refusal(all, *up, of_central, errc::grant_unknown);
  all.home.issued.emplace(own.id, trust::signed_grant::sign(own, all.central.key));
  co_await expect_refusal(all, *up, of_central, errc::grant_unknown);
  auto other = body;
  other.server = identity::key::generate().id();
  const auto for_other = command_of(signed_by(all.client, other));
  co_await expect_refusal(all, *up, for_other, errc::request_of_another);
  auto stale = body;
  stale.nonce = crypto::random_octets<32>();
  const auto of_yesterday = command_of(signed_by(all.client, stale));
  co_await expect_refusal(all, *up, of_yesterday, errc::request_stale);
  co_await all.target->stop();
}

awaitable<void> replay(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  const auto grant = all.home.issue(all.client.id());
  const auto first = command_of(signed_by(all.client, all.body(grant)));
  auto code = co_await verdict(*up, first);
  REQUIRE(code);
  CHECK(*code == 0);
  co_await expect_refusal(all, *up, first, errc::request_replayed);
  auto closed = co_await all.steps.saw("the window is closed");
  CHECK(closed);
  co_await expect_refusal(all, *up, first, errc::request_replayed);
  const auto old = all.central.nonce;
  up->close(errc::link_lost);
  co_await up->part();
  auto again = co_await all.central.welcome();
  REQUIRE(again);
  CHECK(all.central.nonce != old);  // the server draws another one
  co_await expect_refusal(all, *again, first, errc::request_stale);
  // central tells the client the old one again, and the client signs another request under it
  auto body = all.body(grant);
  body.nonce = old;
  const auto under_old = command_of(signed_by(all.client, body));
  co_await expect_refusal(all, *again, under_old, errc::request_stale);
  CHECK(all.steps.count("opened a port") == 1);
  co_await all.target->stop();
}

awaitable<void> flood(siege& all) {
  constexpr std::size_t each = 300;
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  village::terms with;
  with.windows_a_minute = 3;
  const auto grant = all.home.issue(all.client.id(), with);
  const auto before_it = village::own_sockets();
  for (std::size_t i = 0; i < each; ++i) {
    (void)up->send(command_of(bytes(200, static_cast<std::uint8_t>(i))));
    const auto genuine = command_of(signed_by(all.client, all.body(grant)));
    (void)up->send(genuine);
  }
  std::size_t opened = 0;
  for (std::size_t i = 0; i < each; ++i) {
    auto got = co_await await_answer(*up);
    REQUIRE(got);
    const auto said = trust::signed_answer::open(got->signed_answer);
    REQUIRE(said);
    opened += said->body().code == 0 ? 1 : 0;
    if (said->body().code != 0) CHECK(errc_from_wire(said->body().code) == errc::too_many_windows);
  }
  CHECK(opened == 3);
  auto closed = co_await all.steps.saw("the window is closed", 3);
  CHECK(closed);
  CHECK(all.steps.count("opened a port") == 3);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  co_await all.target->stop();
}

// A client that asks again and again has as many ports open at a time as its grant says, and the rest waits.
awaitable<void> ask_for_many_ports(siege& all, std::uint16_t at_a_time) {
  constexpr std::size_t each = 10;
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  village::terms with;
  with.windows_at_a_time = at_a_time;
  const auto grant = all.home.issue(all.client.id(), with);
  const auto listening = village::own_sockets().listening;
  for (std::size_t i = 0; i < each; ++i) (void)up->send(command_of(signed_by(all.client, all.body(grant))));
  auto opened = co_await all.steps.saw("opened a port", at_a_time);
  CHECK(opened);
  for (std::size_t i = 1; i <= each; ++i) {
    CHECK(village::own_sockets().listening <= listening + at_a_time);
    auto closed = co_await all.steps.saw("the window is closed", i);
    CHECK(closed);
  }
  CHECK(all.steps.count("opened a port") == each);
  CHECK(all.steps.count("refused a window") == 0);
  co_await all.target->stop();
}

// Those who wait are few: a flood is refused at once, and holds no command of anybody else.
awaitable<void> ask_for_too_many_ports(siege& all) {
  constexpr std::size_t each = 200;
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  const auto grant = all.home.issue(all.client.id());
  for (std::size_t i = 0; i < each; ++i) (void)up->send(command_of(signed_by(all.client, all.body(grant))));
  for (std::size_t i = 0; i < each; ++i) {
    auto got = co_await await_answer(*up);
    REQUIRE(got);
    CHECK(all.target->status().windows_open <= 10);  // two that are open, and eight
  }
  co_await all.target->stop();
}

awaitable<void> spend_the_minute(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  village::terms with;
  with.listening = 400ms;  // what one window may cost
  const auto grant = all.home.issue(all.client.id(), with);
  auto code = co_await verdict(*up, command_of(signed_by(all.client, all.body(grant))));
  REQUIRE(code);
  CHECK(*code == 0);
  auto closed = co_await all.steps.saw("the window is closed");
  CHECK(closed);
  const auto spent = all.target->status();
  CHECK(spent.listened_last_minute == spent.exposed.open);
  CHECK(spent.listened_limit == 30s);
  REQUIRE(spent.listened_by.size() == 1);
  CHECK(spent.listened_by[0].grant == grant.body().id);
  CHECK(spent.listened_by[0].client == all.client.id());
  CHECK(spent.listened_by[0].open == spent.exposed.open);
  CHECK(spent.listened_by[0].limit == 400ms);
  co_await expect_refusal(all, *up, command_of(signed_by(all.client, all.body(grant))), errc::too_many_windows);
  co_await all.target->stop();
}

// The client's own window is dialled only where the client is.
awaitable<void> point_elsewhere(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  asio::ip::tcp::acceptor victim(all.context, village::loopback());
  village::terms with;
  with.lan = false;
  const auto near = all.home.issue(all.client.id());
  const auto far = all.home.issue(all.client.id(), with);
  auto body = all.body(near);
  body.rungs = trust::bit_of(trust::rung_kind::listener_reverse);
  body.outside = {victim.local_endpoint()};
  // signed by the client, but central saw it elsewhere
  const auto moved = command_of(signed_by(all.client, body), "127.0.0.8");
  co_await expect_refusal(all, *up, moved, errc::address_not_permitted);
  // central says that the client is at the metadata service
  body.id = crypto::random_octets<16>();
  body.outside = {net::tcp::endpoint(asio::ip::make_address("169.254.169.254"), 80)};
  const auto reserved = command_of(signed_by(all.client, body), "169.254.169.254");
  co_await expect_refusal(all, *up, reserved, errc::address_not_permitted);
  // this machine, without LAN in the grant
  body.id = crypto::random_octets<16>();
  body.grant = far.body().id;
  body.outside = {victim.local_endpoint()};
  const auto local = command_of(signed_by(all.client, body));
  co_await expect_refusal(all, *up, local, errc::address_not_permitted);
  CHECK(all.steps.count("dial the client's window") == 0);
  CHECK(!village::has_guest(victim));
  co_await all.target->stop();
}

// Central sees the server at loopback, and the client elsewhere.
awaitable<void> come_from_elsewhere(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  const auto grant = all.home.issue(all.client.id());
  for (int i = 0; i < 2; ++i) {
    (void)up->send(command_of(signed_by(all.client, all.body(grant)), "192.0.2.77"));
    auto got = co_await await_answer(*up);
    REQUIRE(got);
    const auto opened = trust::signed_answer::open(got->signed_answer);
    REQUIRE(opened);
    for (const auto& rung : opened->body().rungs) {
      for (const auto& at : rung.server) CHECK_MESSAGE(!at.address().is_loopback(), net::to_string(at));
    }
  }
  CHECK(all.steps.count("central sees this server at loopback, and a client is elsewhere") == 1);
  // who is on this host, too, gets a port as before
  auto code = co_await verdict(*up, command_of(signed_by(all.client, all.body(grant))));
  REQUIRE(code);
  CHECK(*code == 0);
  co_await all.target->stop();
}

awaitable<void> come_through_a_router(siege& all, windows::port_range among) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  const auto grant = all.home.issue(all.client.id());
  (void)up->send(command_of(signed_by(all.client, all.body(grant))));
  auto got = co_await await_answer(*up);
  REQUIRE(got);
  const auto opened = trust::signed_answer::open(got->signed_answer);
  REQUIRE(opened);
  CHECK(opened->body().code == 0);
  for (const auto& rung : opened->body().rungs) {
    CHECK(rung.kind != trust::rung_kind::crossing);
    for (const auto& at : rung.server) {
      CHECK(at.address() == asio::ip::make_address("198.51.100.9"));
      CHECK(among.contains(at.port()));
    }
  }
  co_await all.target->stop();
}

// ---- a roster of central's own making -------------------------------------------------------------------------------

struct listed {
  peer_id client;
  trust::signed_grant grant;
  bytes record;
};

bytes record_of(const identity::key& who, net::tcp::endpoint at, std::chrono::seconds life = 3600s) {
  trust::address_record body;
  body.at = std::move(at);
  body.not_after = wall_now() + life;
  return trust::signed_address::sign(std::move(body), who).octets();
}

signalling::roster_update roster_of(std::uint64_t number, const std::vector<listed>& all) {
  signalling::roster_update made;
  made.snapshot = true;
  made.version = {1, number};
  for (const auto& one : all) made.entries.push_back({one.client, true, one.grant.body().id, one.record});
  return made;
}

awaitable<void> list_falsely(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  asio::ip::tcp::acceptor victim(all.context, village::loopback());
  asio::ip::tcp::acceptor door(all.context, village::loopback());
  victim.non_blocking(true);
  door.non_blocking(true);
  const auto there = victim.local_endpoint();
  const auto grant = all.home.issue(all.client.id());
  // nobody signed it; central did; another client did
  const auto other = identity::key::generate();
  for (const bytes& record : {bytes{}, bytes(120, 1), record_of(all.central.key, there), record_of(other, there)}) {
    const std::size_t told = all.steps.count("got the roster");
    std::vector<listed> entries{{all.client.id(), grant, record}};
    (void)up->send(roster_of(told + 1, entries));
    auto got = co_await all.steps.saw("got the roster", told + 1);
    CHECK(got);
    CHECK(all.steps.last("got the roster").starts_with("0 "));
  }
  CHECK(all.steps.count("dial the client") == 0);
  // signed, but never to be dialled: no LAN in the grant; ended; another's grant; no outbound; the metadata service
  village::terms far;
  far.lan = false;
  village::terms window;
  window.methods = trust::method::window;
  std::vector<identity::key> keys;
  for (int i = 0; i < 5; ++i) keys.push_back(identity::key::generate());
  const net::tcp::endpoint reserved(asio::ip::make_address("169.254.169.254"), 80);
  std::vector<listed> some;
  some.push_back({keys[0].id(), all.home.issue(keys[0].id(), far), record_of(keys[0], there)});
  some.push_back({keys[1].id(), all.home.issue(keys[1].id()), record_of(keys[1], there, -1s)});
  some.push_back({keys[2].id(), grant, record_of(keys[2], there)});
  some.push_back({keys[3].id(), all.home.issue(keys[3].id(), window), record_of(keys[3], there)});
  some.push_back({keys[4].id(), all.home.issue(keys[4].id()), record_of(keys[4], reserved)});
  some.push_back({all.client.id(), grant, record_of(all.client, door.local_endpoint())});
  (void)up->send(roster_of(100, some));
  auto refused = co_await all.steps.saw("the client was not reached", 5);
  CHECK(refused);
  auto accepting = village::accept(door);
  auto right = co_await before(village::soon(), errc::link_timeout, std::move(accepting));
  CHECK_MESSAGE(right, "what the client has signed is dialled");
  CHECK(!village::has_guest(victim));
  co_await all.target->stop();
}

// ---- what is no protocol --------------------------------------------------------------------------------------------

struct nonsense {
  const char* name;
  bytes octets;
  errc expected;
};

bytes frame_of(std::uint8_t kind, std::size_t size) {
  bytes made;
  wire::append_frame(made, kind, bytes(size, 0));
  return made;
}

std::vector<nonsense> nonsenses() {
  signalling::roster_update update;
  update.entries.resize(2);
  auto many = signalling::to_frame(update);
  many[4 + 18] = 200;  // so many entries are not there
  return {
      {"an unknown message", frame_of(99, 3), errc::unknown_message},
      {"an empty kind", frame_of(0, 0), errc::unknown_message},
      {"an oversized frame", bytes{0xff, 0xff, 0xff, 1}, errc::message_too_long},
      {"a message that is too short", frame_of(signalling::ping::kind, 3), errc::message_truncated},
      {"a message that is too long", frame_of(signalling::ping::kind, 9), errc::message_malformed},
      {"a list without its entries", many, errc::message_malformed},
      {"a second welcome", signalling::to_frame(signalling::welcome{1s, village::loopback(1)}),
       errc::unexpected_message},
      {"a hello", signalling::to_frame(signalling::hello{}), errc::unexpected_message},
      {"a nonce of central's own", signalling::to_frame(signalling::renewed_nonce{{1}}), errc::unexpected_message},
      {"a message for clients", signalling::to_frame(signalling::presence{}), errc::unexpected_message},
  };
}

awaitable<void> come_back(siege& all, errc after) {
  auto seen = co_await all.steps.saw("no link to central");
  CHECK(seen);
  CHECK(all.steps.last("no link to central") == make_error_code(after).message());
  auto up = co_await all.central.welcome();
  CHECK_MESSAGE(up, "it comes back after that");
  CHECK(all.steps.count("opened a port") == 0);
  co_await all.target->stop();
}

awaitable<void> talk_nonsense(siege& all, nonsense one) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  (void)up->stream().put(one.octets);
  auto told = co_await village::await_end(*up);
  CHECK_MESSAGE(told == one.expected, told.message());
  co_await come_back(all, one.expected);
}

// A frame that the end of the stream cuts.
awaitable<void> cut_a_frame(siege& all) {
  auto up = co_await all.central.welcome();
  REQUIRE(up);
  auto half = signalling::to_frame(signalling::ping{1});
  half.resize(6);
  (void)up->stream().put(half);
  auto parted = co_await up->stream().shutdown(village::soon());
  (void)parted;
  co_await come_back(all, errc::link_lost);
}

awaitable<void> greet_wrongly(siege& all) {
  std::size_t lost = 0;
  const std::pair<bytes, errc> greetings[] = {
      {signalling::to_frame(signalling::ping{1}), errc::unexpected_message},
      {signalling::to_frame(signalling::command{{village::loopback(1)}, bytes(200, 1)}), errc::unexpected_message},
      {frame_of(signalling::welcome::kind, 3), errc::message_truncated},
      {signalling::to_frame(signalling::welcome{0s, village::loopback(1)}), errc::message_malformed},
      {signalling::to_frame(signalling::goodbye{errc::central_busy}), errc::central_busy},
  };
  for (const auto& [octets, expected] : greetings) {
    auto up = co_await all.central.hear();
    REQUIRE(up);
    (void)up->stream().put(octets);
    auto seen = co_await all.steps.saw("no link to central", ++lost);
    CHECK(seen);
    CHECK_MESSAGE(all.steps.last("no link to central") == make_error_code(expected).message(),
                  all.steps.last("no link to central"));
  }
  CHECK(all.steps.count("linked to central") == 0);
  CHECK(all.steps.count("refused a command") == 0);
  co_await all.target->stop();
}

awaitable<void> dismiss(siege& all, errc why, bool before_welcome) {
  auto up = co_await all.central.hear();
  REQUIRE(up);
  if (!before_welcome) (void)up->send(all.central.greeting());
  (void)up->send(signalling::goodbye{why});
  auto accepting = all.target->accept();
  auto guest = co_await before(village::soon(), errc::window_timeout, std::move(accepting));
  REQUIRE(!guest);
  CHECK(guest.error() == why);
  CHECK(all.steps.count("the link to central ended for good") == 1);
  CHECK(all.steps.count("no link to central") == 0);
  auto alone = co_await all.central.is_left_alone(24h);
  CHECK(alone);
  co_await all.target->stop();
}

}  // namespace

TEST_CASE("a server opens no port for what is no request") {
  siege all;
  all.meeting.run(command_garbage(all));
}

TEST_CASE("a server opens no port for a request that its client has not signed, or not for it, or not now") {
  siege all;
  all.meeting.run(command_in_others_names(all));
}

TEST_CASE("a request opens a port once") {
  siege all;
  all.meeting.run(replay(all));
}

TEST_CASE("a flood of commands opens as many ports as the grant permits") {
  siege all;
  all.meeting.run(flood(all));
}

TEST_CASE("a client has as many ports open at a time as its grant says, and its other requests wait") {
  for (const auto at_a_time : {std::uint16_t{2}, std::uint16_t{3}}) {
    siege all;
    all.meeting.run(ask_for_many_ports(all, at_a_time));
  }
}

TEST_CASE("of a client that floods few requests wait") {
  siege all;
  all.meeting.run(ask_for_too_many_ports(all));
}

TEST_CASE("ports are open for so long in a minute under a grant, however many windows it permits") {
  siege all([](server_options& options) { options.window_time(400ms); });
  all.meeting.run(spend_the_minute(all));
}

TEST_CASE("a server that central sees at loopback tells that to nobody who is elsewhere, and says so once") {
  siege all;
  all.meeting.run(come_from_elsewhere(all));
}

TEST_CASE("a server behind a forwarded port tells the router's address, and a port of those that are forwarded") {
  const windows::port_range among{40000, 40999};
  siege all([&](server_options& how) { how.window_ports(among).advertise(asio::ip::make_address("198.51.100.9")); });
  all.meeting.run(come_through_a_router(all, among));
}

TEST_CASE("a server dials a client's window only where the client is, and may be") {
  siege all;
  all.meeting.run(point_elsewhere(all));
}

TEST_CASE("a server dials no door that its client has not signed, or may not have") {
  siege all;
  all.meeting.run(list_falsely(all));
}

TEST_CASE("whatever central says that is no protocol ends the link with its cause, and the server comes back") {
  for (const auto& one : nonsenses()) {
    INFO(std::string(one.name));
    distant_siege all;
    all.meeting.run(talk_nonsense(all, one));
  }
  distant_siege cut;
  cut.meeting.run(cut_a_frame(cut));
}

TEST_CASE("a server takes nothing before a welcome") {
  distant_siege all;
  all.meeting.run(greet_wrongly(all));
}

TEST_CASE("a server that central dismisses for good says so, and does not come back") {
  for (const auto why : {errc::evicted, errc::login_too_low, errc::not_admitted, errc::unknown_version}) {
    for (const bool before_welcome : {true, false}) {
      if (why == errc::not_admitted && !before_welcome) continue;  // that may be a mistake: time_test.cpp
      distant_siege all;
      all.meeting.run(dismiss(all, why, before_welcome));
    }
  }
}

TEST_CASE("a server does not log in to a central with another key") {
  asio::io_context context;
  village::scripted_central central(context);
  village::watch steps(context);
  server_options options({central.url().at, identity::key::generate().id()});
  bool logged_in = false;
  options.on_step(steps.sink("server ")).logins([&]() -> result<std::uint64_t> {
    logged_in = true;
    return 1;
  });
  server one(context.get_executor(), identity::key::generate(), options);
  one.start();
  struct {
    village::scripted_central& central;
    village::watch& steps;
    server& one;
    awaitable<void> operator()() {
      auto up = co_await central.hear();
      CHECK(!up);
      auto told = co_await steps.saw("no link to central");
      CHECK(told);
      CHECK(steps.last("no link to central") == make_error_code(errc::wrong_key).message());
      co_await one.stop();
    }
  } script{central, steps, one};
  testing::run(context, script());
  CHECK(!logged_in);
}

}  // namespace hostile_central_test
