// SPDX-License-Identifier: BSL-1.0
#include <ajar/central.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/switchboard/logins.hpp>
#include <ajar/telling/line_limit.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>

#include "village/scripted_peer.hpp"

#include <asio/executor_work_guard.hpp>
#include <thread>

namespace central_test {

using namespace std::chrono_literals;
using namespace ajar;
using signalling::role;

namespace {

const auto at_central = asio::ip::make_address("198.51.100.1");
const auto at_peer = asio::ip::make_address("192.0.2.1");
const auto at_other = asio::ip::make_address("192.0.2.9");

// A central alone, on a network in memory; who comes is the test.
struct town {
  using adjustment = std::function<void(central_options&)>;

  explicit town(adjustment adjust = {}, std::function<switchboard::admission(town&)> served = {}) : steps(context) {
    central_options options({at_central, 443}, served ? served(*this) : switchboard::admission::open());
    options.network(world.host(at_central)).on_step(steps.sink("central"));
    if (adjust) adjust(options);
    node.emplace(std::vector<asio::any_io_executor>{context.get_executor()}, identity::key::generate(), options);
    REQUIRE(node->open());
    node->start();
  }

  void run(awaitable<void> what) { time.run(context, std::move(what)); }

  testing::manual_clock time;
  asio::io_context context;
  testing::network world{context.get_executor()};
  std::shared_ptr<net::network> here = world.host(at_peer);
  village::watch steps;
  village::owner home;
  identity::key client = identity::key::generate();
  std::optional<central> node;
};

awaitable<result<village::link>> linked(town& all, identity::key who, role as, std::uint64_t login = 1) {
  auto up = co_await village::dial_link(std::move(who), all.node->url(), all.here);
  if (!up) co_return fail(up.error());
  auto greeted = co_await village::log_in(*up, as, login);
  if (!greeted) co_return fail(greeted.error());
  co_return std::move(*up);
}

// A client that central serves.
awaitable<result<village::link>> admitted(town& all) {
  auto up = co_await linked(all, all.client, role::client);
  if (!up) co_return fail(up.error());
  (void)up->send(signalling::present_grant{all.home.issue(all.client.id()).octets()});
  auto graded = co_await village::await_message<signalling::grant_result>(*up);
  if (!graded) co_return fail(graded.error());
  if (graded->code != 0) co_return fail(errc_from_wire(graded->code));
  co_return std::move(*up);
}

awaitable<bool> answers(village::link& up) {
  (void)up.send(signalling::ping{77});
  auto got = co_await village::await_message<signalling::pong>(up);
  co_return got && got->token == 77;
}

// ---- who is no peer -------------------------------------------------------------------------------------------------

awaitable<result<net::transport>> dial(town& all) {
  return all.here->dial_at(all.node->local_endpoint(), {clock::now(), village::soon()});
}

awaitable<void> read_to_end(net::transport& from) {
  std::array<std::uint8_t, 512> room{};
  for (;;) {
    std::error_code error;
    (void)from.read_some(asio::buffer(room), error);
    if (error && error != asio::error::would_block) co_return;
    auto [failed] = co_await from.async_wait(asio::socket_base::wait_read, use_values);
    if (failed) co_return;
  }
}

awaitable<void> blurt(town& all, bytes what) {
  auto stream = co_await dial(all);
  REQUIRE(stream);
  std::error_code error;
  CHECK(stream->write_some(asio::buffer(what), error) == what.size());
  co_await read_to_end(*stream);
}

awaitable<void> come_as_no_peer(town& all, clock::duration greets_within) {
  const std::string http = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const bytes& what :
       {bytes(http.begin(), http.end()), bytes(3000, 0x41), bytes{22, 3, 1, 0xff, 0xff, 1}, bytes{}}) {
    const auto begun = clock::now();
    co_await blurt(all, what);
    constexpr clock::duration for_first_octet = 3s;
    CHECK(clock::now() - begun == (what.empty() ? std::min<clock::duration>(greets_within, for_first_octet) : 0s));
  }
  {
    const auto begun = clock::now();
    auto mute = co_await village::dial_link(all.client, all.node->url(), all.here);
    REQUIRE(mute);
    auto why = co_await village::await_end(*mute);
    CHECK_MESSAGE(why == errc::link_timeout, why.message());
    CHECK(clock::now() - begun == greets_within);
  }
  {
    const auto begun = clock::now();
    auto slow = co_await linked(all, all.client, role::client);  // and shows no grant
    REQUIRE(slow);
    auto why = co_await village::await_end(*slow);
    CHECK_MESSAGE(why == errc::not_admitted, why.message());
    CHECK(clock::now() - begun == greets_within);
  }
  auto up = co_await admitted(all);
  CHECK_MESSAGE(up, "others are served meanwhile and afterwards");
  const auto counted = co_await all.node->status();
  CHECK(counted.half_open == 0);
  co_await all.node->stop();
}

// ---- what is said in the wrong place --------------------------------------------------------------------------------

awaitable<void> expect_end(town& all, identity::key who, signalling::message first, errc expected) {
  auto up = co_await village::dial_link(std::move(who), all.node->url(), all.here);
  REQUIRE(up);
  (void)up->send(first);
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == expected, why.message());
  CHECK(all.steps.count("a server is linked") + all.steps.count("a client is linked") == 0);
}

awaitable<void> begin_wrongly(town& all) {
  signalling::hello other;
  other.version = signalling::protocol_version + 1;
  co_await expect_end(all, all.client, other, errc::unknown_version);
  const signalling::message unasked = signalling::ping{1};
  co_await expect_end(all, all.client, unasked, errc::unexpected_message);
  const signalling::message early = signalling::request{bytes(200, 1)};
  co_await expect_end(all, all.client, early, errc::unexpected_message);
  co_await all.node->stop();
}

bytes some_request(town& all) {
  trust::window_request body;
  body.server = all.home.key.id();
  return trust::signed_request::sign(body, all.client).octets();
}

bytes some_door(town& all, const identity::key& by, const net::address& address = at_peer, std::uint16_t port = 1) {
  trust::address_record body;
  body.at = {address, port};
  body.not_after = wall_now() + 1h;
  (void)all;
  return trust::signed_address::sign(body, by).octets();
}

awaitable<void> speak_as_the_other(town& all) {
  const trust::signed_revocations list = trust::signed_revocations::sign({}, all.client);
  const std::pair<role, signalling::message> some[] = {
      {role::client, signalling::hello{}},
      {role::client, signalling::welcome{1s, village::loopback(1)}},
      {role::client, signalling::answer{}},
      {role::client, signalling::renewed_nonce{}},
      {role::client, signalling::roster_request{}},
      {role::client, signalling::present_revocations{list.octets()}},
      {role::client, signalling::command{{village::loopback(1)}, bytes(200, 1)}},
      {role::server, signalling::hello{}},
      {role::server, signalling::request{some_request(all)}},
      {role::server, signalling::present_grant{all.home.issue(all.client.id()).octets()}},
      {role::server, signalling::door{some_door(all, all.client)}},
      {role::server, signalling::presence{}},
  };
  for (const auto& [who, what] : some) {
    INFO(static_cast<int>(who) << " " << what.index());
    auto serving = who == role::client ? admitted(all) : linked(all, all.home.key, role::server);
    auto up = co_await std::move(serving);
    REQUIRE(up);
    (void)up->send(what);
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::unexpected_message, why.message());
    up->stream().close();
    auto ended = co_await all.steps.saw("a link ended",
                                        all.steps.count("a server is linked") + all.steps.count("a client is linked"));
    CHECK(ended);
  }
  co_await all.node->stop();
}

// Asks and asks; another one asks once.
awaitable<void> fill_the_log(town& all) {
  constexpr std::size_t asked = 150;
  const signalling::message request = signalling::request{some_request(all)};
  auto up = co_await admitted(all);
  REQUIRE(up);
  for (std::size_t i = 0; i < asked; ++i) (void)up->send(request);
  auto alive = co_await answers(*up);
  CHECK(alive);
  CHECK(all.steps.count("a client asks for a server") == telling::line_limit::at_once);
  auto slept = co_await sleep_until(clock::now() + 1s);
  (void)slept;
  (void)up->send(request);
  alive = co_await answers(*up);
  CHECK(all.steps.last("a client asks for a server").ends_with("; 50 more like it were left out"));
  all.client = identity::key::generate();
  auto other = co_await admitted(all);
  REQUIRE(other);
  const signalling::message once = signalling::request{some_request(all)};
  (void)other->send(once);
  alive = co_await answers(*other);
  const auto asks = short_name(all.client.id()) + " for " + short_name(all.home.key.id());
  CHECK(all.steps.last("a client asks for a server") == asks);
  co_await all.node->stop();
}

// ---- grants ---------------------------------------------------------------------------------------------------------

constexpr errc good{};

awaitable<void> expect_grade(village::link& up, trust::signed_grant grant, errc expected) {
  (void)up.send(signalling::present_grant{grant.octets()});
  auto graded = co_await village::await_message<signalling::grant_result>(up);
  REQUIRE(graded);
  CHECK(graded->grant == grant.body().id);
  CHECK_MESSAGE(graded->code == static_cast<std::uint16_t>(expected), graded->code);
}

awaitable<void> present_grants(town& all) {
  {
    auto up = co_await linked(all, all.client, role::client);
    REQUIRE(up);
    const auto of_other = all.home.issue(identity::key::generate().id());
    co_await expect_grade(*up, of_other, errc::grant_of_another);
    const auto of_stranger = village::owner().issue(all.client.id());
    co_await expect_grade(*up, of_stranger, errc::not_admitted);
    village::terms ended;
    ended.life = -1s;
    const auto old = all.home.issue(all.client.id(), ended);
    co_await expect_grade(*up, old, errc::grant_expired);
    CHECK(all.steps.count("a client is linked") == 0);
    (void)up->send(signalling::request{some_request(all)});
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::not_admitted, why.message());
  }
  {
    auto up = co_await linked(all, all.client, role::client, 2);
    REQUIRE(up);
    auto damaged = all.home.issue(all.client.id()).octets();
    damaged.back() ^= 1;
    (void)up->send(signalling::present_grant{damaged});
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::signature_invalid, why.message());
  }
  {
    auto up = co_await village::dial_link(identity::key::generate(), all.node->url(), all.here);
    REQUIRE(up);
    auto greeted = co_await village::log_in(*up, role::server);
    REQUIRE(!greeted);
    CHECK_MESSAGE(greeted.error() == errc::not_admitted, greeted.error().message());
  }
  co_await all.node->stop();
}

awaitable<void> present_many_grants(town& all) {
  constexpr std::size_t of_one_server = 8;
  constexpr std::size_t of_all = 64;
  auto up = co_await linked(all, all.client, role::client);
  REQUIRE(up);
  std::size_t taken = 0;
  while (taken < of_all) {
    village::owner owner;
    for (std::size_t i = 0; i <= of_one_server && taken < of_all; ++i) {
      const auto grant = owner.issue(all.client.id());
      const auto expected = i < of_one_server ? good : errc::limit_reached;
      co_await expect_grade(*up, grant, expected);
      taken += i < of_one_server ? 1 : 0;
    }
  }
  const auto one_more = all.home.issue(all.client.id());
  co_await expect_grade(*up, one_more, errc::limit_reached);
  auto alive = co_await answers(*up);
  CHECK(alive);
  co_await all.node->stop();
}

// A server that polls once in 49 days, as it says, and a client of it two days later.
awaitable<void> poll_seldom(town& all) {
  auto up = co_await linked(all, all.home.key, role::server);
  REQUIRE(up);
  (void)up->send(signalling::roster_request{{}, 49 * 24h});
  auto alive = co_await answers(*up);
  CHECK(alive);
  up->stream().close();
  auto slept = co_await sleep_until(clock::now() + 35h);
  (void)slept;
  for (const auto state : {signalling::presence_state::polling, signalling::presence_state::offline}) {
    auto visitor = co_await linked(all, all.client, role::client, 1 + static_cast<std::uint64_t>(state));
    REQUIRE(visitor);
    village::terms lasting;
    lasting.life = 72h;
    (void)visitor->send(signalling::present_grant{all.home.issue(all.client.id(), lasting).octets()});
    auto told = co_await village::await_message<signalling::presence>(*visitor);
    REQUIRE(told);
    CHECK(told->state == state);
    CHECK(told->interval <= signalling::longest_interval);
    visitor->stream().close();
    slept = co_await sleep_until(clock::now() + 2h);
    all.client = identity::key::generate();
  }
  co_await all.node->stop();
}

awaitable<void> expect_end_of(village::link& up, trust::signed_grant grant, errc why) {
  auto told = co_await village::await_message<signalling::grant_result>(up, clock::now() + 1h);
  REQUIRE(told);
  CHECK(told->grant == grant.body().id);
  CHECK_MESSAGE(errc_from_wire(told->code) == why, told->code);
}

awaitable<void> outlive_grants(town& all) {
  auto up = co_await linked(all, all.client, role::client);
  REQUIRE(up);
  village::terms brief;
  brief.life = 90s;
  const auto first = all.home.issue(all.client.id(), brief);
  co_await expect_grade(*up, first, good);
  brief.life = 10min;
  const auto second = village::owner().issue(all.client.id(), brief);
  co_await expect_grade(*up, second, good);
  co_await expect_end_of(*up, first, errc::grant_expired);
  CHECK(wall_now() >= first.body().not_after);
  CHECK(wall_now() <= first.body().not_after + 1s);
  auto alive = co_await answers(*up);
  CHECK(alive);
  co_await expect_end_of(*up, second, errc::grant_expired);
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::grant_expired, why.message());
  CHECK(wall_now() <= second.body().not_after + 1s);
  co_await all.node->stop();
}

// What a server takes back, all of it anew.
awaitable<void> revoke_all(village::link& by, const identity::key& owner, std::uint64_t serial,
                           std::vector<trust::signed_grant> which) {
  trust::revocations list;
  list.serial = serial;
  for (const auto& one : which) list.entries.push_back({one.body().id, one.body().not_after});
  (void)by.send(signalling::present_revocations{trust::signed_revocations::sign(list, owner).octets()});
  auto taken = co_await village::await_message<signalling::revocations_result>(by);
  REQUIRE(taken);
  CHECK(taken->code == 0);
}

awaitable<void> present_revoked(town& all) {
  auto home = co_await linked(all, all.home.key, role::server);
  REQUIRE(home);
  const auto grant = all.home.issue(all.client.id());
  const auto other = all.home.issue(all.client.id());
  std::vector revoked{grant, other};
  co_await revoke_all(*home, all.home.key, 1, revoked);
  {
    const auto begun = clock::now();
    auto up = co_await linked(all, all.client, role::client);
    REQUIRE(up);
    co_await expect_grade(*up, grant, errc::grant_revoked);
    co_await expect_grade(*up, other, errc::grant_revoked);
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::grant_revoked, why.message());
    CHECK(clock::now() - begun == 10s);
  }
  {
    auto up = co_await linked(all, all.client, role::client, 2);
    REQUIRE(up);
    co_await expect_grade(*up, grant, errc::grant_revoked);
    (void)up->send(signalling::door{some_door(all, all.client)});  // nobody is dialled for it
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::not_admitted, why.message());
  }
  CHECK(all.steps.count("a client is linked") == 0);
  auto up = co_await linked(all, all.client, role::client, 3);
  REQUIRE(up);
  co_await expect_grade(*up, grant, errc::grant_revoked);
  for (int i = 0; i < 2; ++i) {
    revoked.push_back(all.home.issue(all.client.id()));
    co_await expect_grade(*up, revoked.back(), good);
  }
  const auto last = revoked.back();
  revoked.pop_back();
  co_await revoke_all(*home, all.home.key, 2, revoked);
  co_await expect_end_of(*up, revoked.back(), errc::grant_revoked);
  auto alive = co_await answers(*up);
  CHECK(alive);
  revoked.push_back(last);
  co_await revoke_all(*home, all.home.key, 3, revoked);
  co_await expect_end_of(*up, last, errc::grant_revoked);
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::grant_revoked, why.message());
  co_await all.node->stop();
}

awaitable<void> present_without_end(town& all) {
  auto home = co_await linked(all, all.home.key, role::server);
  REQUIRE(home);
  std::vector<trust::signed_grant> some;
  for (int i = 0; i < 100; ++i) some.push_back(all.home.issue(all.client.id()));
  co_await revoke_all(*home, all.home.key, 1, some);
  auto up = co_await linked(all, all.client, role::client);
  REQUIRE(up);
  for (const auto& one : some) (void)up->send(signalling::present_grant{one.octets()});
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::too_many_requests, why.message());
  co_await all.node->stop();
}

// ---- doors ----------------------------------------------------------------------------------------------------------

awaitable<void> expect_door(village::link& up, bytes record, errc expected) {
  (void)up.send(signalling::door{record});
  auto told = co_await village::await_message<signalling::door_result>(up);
  REQUIRE(told);
  CHECK_MESSAGE(errc_from_wire(told->code) == expected, told->code);
}

// Somebody who is not the client accepts at its address.
awaitable<void> answer_with(std::shared_ptr<net::port> port, identity::key who, result<>& shaken) {
  auto accepting = port->accept();
  auto stream = co_await std::move(accepting);
  if (!stream) co_return;
  auto securing = tls::secure(std::move(*stream), who.tls(), tls::side::server,
                              tls::expectation::any_key(tls::alpn::probe), village::soon());
  auto secured = co_await std::move(securing);
  shaken = secured ? result<>() : fail(secured.error());
}

awaitable<void> name_doors(town& all) {
  auto up = co_await admitted(all);
  REQUIRE(up);
  constexpr std::uint16_t closed = 7;
  for (const char* other : {"127.0.0.8", "10.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1"}) {
    INFO(std::string(other));
    const auto record = some_door(all, all.client, asio::ip::make_address(other), closed);
    co_await expect_door(*up, record, errc::address_not_permitted);
  }
  const auto nobody = some_door(all, all.client, at_peer, closed);
  co_await expect_door(*up, nobody, errc::address_not_proved);
  co_await expect_door(*up, nobody, errc::too_many_requests);
  auto alive = co_await answers(*up);
  CHECK(alive);
  const auto of_other = some_door(all, all.home.key);
  (void)up->send(signalling::door{of_other});
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::request_of_another, why.message());
  co_await all.node->stop();
}

awaitable<void> name_anothers_door(town& all) {
  auto up = co_await admitted(all);
  REQUIRE(up);
  const auto port = all.here->listen(all.context.get_executor(), {at_peer, 0}, {});
  REQUIRE(port);
  task_group work(all.context.get_executor());
  result<> shaken;
  work.spawn(answer_with(*port, all.home.key, shaken));
  const auto record = some_door(all, all.client, at_peer, (*port)->local_endpoint().port());
  co_await expect_door(*up, record, errc::address_not_proved);
  co_await work.join();
  CHECK(!shaken);
  co_await all.node->stop();
}

// ---- logins ---------------------------------------------------------------------------------------------------------

awaitable<void> log_in_twice(town& all, role as) {
  const auto who = identity::key::generate();
  auto first = co_await linked(all, who, as, 5);
  REQUIRE(first);
  for (const auto login : {std::uint64_t{5}, std::uint64_t{4}}) {
    auto refused = co_await linked(all, who, as, login);
    REQUIRE(!refused);
    CHECK_MESSAGE(refused.error() == errc::login_too_low, refused.error().message());
  }
  if (as == role::server) {
    auto alive = co_await answers(*first);
    CHECK(alive);
  }
  auto second = co_await linked(all, who, as, 6);
  REQUIRE(second);
  auto why = co_await village::await_end(*first);
  CHECK_MESSAGE(why == errc::evicted, why.message());
  auto third = co_await linked(all, who, as, 6);
  REQUIRE(!third);
  CHECK(third.error() == errc::login_too_low);
  // the same key in the other role is another peer
  const auto other_role = as == role::server ? role::client : role::server;
  auto other = co_await linked(all, who, other_role, 1);
  CHECK(other);
  co_await all.node->stop();
}

// ---- budgets --------------------------------------------------------------------------------------------------------

// True where central shakes hands; it does not with those whom it closes unseen.
awaitable<bool> is_served(town& all, net::address from = at_peer) {
  auto up = co_await village::dial_link(identity::key::generate(), all.node->url(), all.world.host(from));
  co_return up.has_value();
}

awaitable<void> crowd(town& all, bool per_address) {
  std::vector<net::transport> idle;
  for (int i = 0; i < 3; ++i) {
    auto stream = co_await dial(all);
    REQUIRE(stream);
    idle.push_back(std::move(*stream));
  }
  // whoever comes is served, and the oldest of the silent ones goes for him: of his own address, or of the largest
  // crowd
  const auto from = per_address ? at_peer : at_other;
  auto other = co_await is_served(all, from);
  CHECK(other);
  std::size_t open = 0;
  for (auto& one : idle) {
    std::error_code error;
    std::uint8_t octet = 0;
    (void)one.peek(asio::buffer(&octet, 1), error);
    open += error == asio::error::would_block;
  }
  CHECK(open == 2);
  std::error_code error;
  std::uint8_t octet = 0;
  (void)idle.front().peek(asio::buffer(&octet, 1), error);
  CHECK(error == asio::error::eof);
  co_await all.node->stop();
}

awaitable<void> refuse_often(town& all) {
  for (int i = 0; i < 3; ++i) co_await blurt(all, bytes(3000, 0x41));
  auto more = co_await is_served(all);
  CHECK(!more);
  auto other = co_await is_served(all, at_other);
  CHECK(other);
  co_await all.node->stop();
}

// Each grant that is refused counts, and not only the connection.
awaitable<void> refuse_grants(town& all) {
  for (std::uint64_t login = 1; login <= 2; ++login) {
    auto up = co_await linked(all, all.client, role::client, login);
    REQUIRE(up);
    for (int i = 0; i < 2; ++i) {
      const auto of_other = all.home.issue(identity::key::generate().id());
      co_await expect_grade(*up, of_other, errc::grant_of_another);
    }
    up->stream().close();
    auto ended = co_await all.steps.saw("refused a peer", login);
    CHECK(ended);
  }
  auto more = co_await is_served(all);
  CHECK(!more);
  auto other = co_await is_served(all, at_other);
  CHECK(other);
  co_await all.node->stop();
}

// Whoever is linked in the end has had no more than some old grants.
awaitable<void> refuse_some_grants(town& all) {
  for (std::uint64_t login = 1; login <= 3; ++login) {
    auto up = co_await linked(all, all.client, role::client, login);
    REQUIRE(up);
    for (int i = 0; i < 4; ++i) {
      const auto of_other = all.home.issue(identity::key::generate().id());
      co_await expect_grade(*up, of_other, errc::grant_of_another);
    }
    const auto own = all.home.issue(all.client.id());
    co_await expect_grade(*up, own, good);
    auto alive = co_await answers(*up);
    CHECK(alive);
    up->stream().close();
    auto ended = co_await all.steps.saw("a link ended", login);
    CHECK(ended);
  }
  co_await all.node->stop();
}

// A server's lists cost central a signature and a walk each.
awaitable<void> present_lists(town& all) {
  constexpr std::uint64_t most = 256;
  auto up = co_await linked(all, all.home.key, role::server);
  REQUIRE(up);
  for (std::uint64_t serial = 1; serial <= most; ++serial) {
    trust::revocations list;
    list.serial = serial;
    (void)up->send(signalling::present_revocations{trust::signed_revocations::sign(list, all.home.key).octets()});
  }
  auto alive = co_await answers(*up);
  CHECK(alive);
  const bytes again = trust::signed_revocations::sign({}, all.home.key).octets();
  (void)up->send(signalling::present_revocations{again});
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::too_many_requests, why.message());
  co_await all.node->stop();
}

awaitable<void> fill_links(town& all) {
  auto first = co_await linked(all, identity::key::generate(), role::server);
  REQUIRE(first);
  for (int i = 0; i < 4; ++i) {  // nobody is turned away unseen for it
    auto second = co_await linked(all, identity::key::generate(), role::server);
    REQUIRE(!second);
    CHECK_MESSAGE(second.error() == errc::central_busy, second.error().message());
  }
  first->stream().close();
  const auto until = village::soon();
  std::error_code why = errc::central_busy;
  while (why == errc::central_busy && clock::now() < until) {
    auto again = co_await linked(all, identity::key::generate(), role::server);
    why = again ? std::error_code() : again.error();
  }
  CHECK_MESSAGE(!why, why.message());
  co_await all.node->stop();
}

// ---- floods ---------------------------------------------------------------------------------------------------------

awaitable<void> send_on(village::link& up, signalling::message what, std::size_t most) {
  constexpr std::size_t at_once = 32;
  for (std::size_t i = 0; i < most && !up.ended(); ++i) {
    if (!up.send(what)) co_return;
    if (i % at_once != 0) continue;
    auto passed = co_await yield(patience::shares_core);
    if (!passed) co_return;
  }
}

// Ended with its cause before it has said so much; another peer does not notice.
awaitable<void> flood(town& all, signalling::message what, std::size_t most) {
  auto other = co_await linked(all, all.home.key, role::server);
  REQUIRE(other);
  auto up = co_await admitted(all);
  REQUIRE(up);
  task_group work(all.context.get_executor());
  work.spawn(send_on(*up, std::move(what), most));
  auto alive = co_await answers(*other);
  CHECK(alive);
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::too_many_requests, why.message());
  work.cancel();
  co_await work.join();
  alive = co_await answers(*other);
  CHECK(alive);
  co_await all.node->stop();
}

// ---- nonces ---------------------------------------------------------------------------------------------------------

awaitable<result<std::uint16_t>> verdict(village::visitor& who, trust::link_nonce nonce) {
  auto body = who.body(50ms);
  body.nonce = nonce;
  who.ask(body);
  auto said = co_await village::await_answer(who);
  if (!said) co_return fail(said.error());
  co_return said->code;
}

awaitable<void> renew(town& all, server& home) {
  village::terms with;
  with.life = 24h;
  const auto grant = all.home.issue(all.client.id(), with);
  auto who = co_await village::arrive(all.node->url(), all.client, grant, all.here);
  REQUIRE(who);
  const auto first = who->server.nonce;
  for (int renewals = 0; renewals < 2; ++renewals) {
    const auto current = who->server.nonce;
    auto told = co_await village::await_message<signalling::presence>(who->up, clock::now() + 2h);
    REQUIRE(told);
    CHECK(told->nonce != current);
    who->server = *told;
  }
  auto code = co_await verdict(*who, first);
  REQUIRE(code);
  CHECK(errc_from_wire(*code) == errc::request_stale);
  code = co_await verdict(*who, who->server.nonce);
  REQUIRE(code);
  CHECK_MESSAGE(*code == 0, *code);
  co_await home.stop();
  co_await all.node->stop();
}

// Each goes to all the clients of the server.
awaitable<void> renew_too_often(town& all) {
  auto up = co_await linked(all, all.home.key, role::server);
  REQUIRE(up);
  for (int i = 0; i < 5; ++i) (void)up->send(signalling::renewed_nonce{crypto::random_octets<32>()});
  auto why = co_await village::await_end(*up);
  CHECK_MESSAGE(why == errc::too_many_requests, why.message());
  co_await all.node->stop();
}

// ---- several shards -------------------------------------------------------------------------------------------------

struct thread_of {
  explicit thread_of(asio::io_context& one) : context(one), guard(one.get_executor()), runs([&one] { one.run(); }) {}
  thread_of(const thread_of&) = delete;
  thread_of& operator=(const thread_of&) = delete;
  ~thread_of() {
    guard.reset();
    context.stop();  // a test that failed half-way has not stopped central
    runs.join();
  }
  asio::io_context& context;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  std::thread runs;
};

// Central goes in the midst of it: with links of both roles, and with somebody who has said nothing yet.
awaitable<void> lose_central(town& all) {
  auto server = co_await linked(all, all.home.key, role::server);
  REQUIRE(server);
  auto client = co_await admitted(all);
  REQUIRE(client);
  const auto at = all.node->local_endpoint();
  auto silent = co_await dial(all);
  REQUIRE(silent);
  all.node.reset();
  for (auto* up : {&*server, &*client}) {
    auto why = co_await village::await_end(*up);
    CHECK(why == errc::link_lost);
  }
  co_await read_to_end(*silent);
  auto dialling = all.here->dial_at(at, {clock::now(), village::soon()});
  auto again = co_await std::move(dialling);
  REQUIRE(!again);
  CHECK(again.error() == errc::dial_refused);
}

awaitable<void> link_for_long(village::place& all, std::optional<village::link>& kept) {
  auto up = co_await village::dial_link(all.home.key, all.central.url());
  REQUIRE(up);
  auto greeted = co_await village::log_in(*up, role::server);
  REQUIRE(greeted);
  kept.emplace(std::move(*up));
}

}  // namespace

TEST_CASE("whoever is no peer is closed, at the deadline at the latest") {
  for (const auto within : {10'000ms, 700ms}) {
    town all([&](central_options& options) { options.greet_within(within); });
    all.run(come_as_no_peer(all, within));
  }
}

TEST_CASE("a link begins with a hello of our version") {
  town all;
  all.run(begin_wrongly(all));
}

TEST_CASE("a peer says what its role says, and a hello once") {
  town all;
  all.run(speak_as_the_other(all));
}

TEST_CASE("a peer that repeats itself fills no log, and keeps no other out of it") {
  town all;
  all.run(fill_the_log(all));
}

TEST_CASE("a client is served for its own grant of an admitted server, and a server on the list") {
  town all({}, [](town& one) { return switchboard::admission::of({one.home.key.id()}); });
  all.run(present_grants(all));
}

TEST_CASE("a client presents so many grants") {
  town all;
  all.run(present_many_grants(all));
}

TEST_CASE("a server that polls is expected back within a day, whatever it says") {
  town all;
  all.time.run(all.context, poll_seldom(all), 96h);
}

TEST_CASE("a client is told when a grant ends, and goes with its last one") {
  town all;
  all.run(outlive_grants(all));
}

TEST_CASE("a client all of whose grants are revoked is served for none of them, whenever it presents them") {
  town all;
  all.run(present_revoked(all));
}

TEST_CASE("whoever presents one revoked grant after the other is sent away") {
  town all;
  all.run(present_without_end(all));
}

TEST_CASE("a door is where the client is, and somebody answers there") {
  town all;
  all.run(name_doors(all));
}

TEST_CASE("a door at which another answers is not proved") {
  town all;
  all.run(name_anothers_door(all));
}

TEST_CASE("a higher login evicts, and an equal or a lower one is refused") {
  for (const auto as : {role::server, role::client}) {
    town all;
    all.run(log_in_twice(all, as));
  }
}

TEST_CASE("connections that are not linked are few, in total and of one address, and the oldest makes room") {
  for (const bool per_address : {true, false}) {
    town all([&](central_options& options) {
      switchboard::accept_limits limits;
      (per_address ? limits.half_open_per_address : limits.half_open) = 3;
      options.limits(limits);
    });
    all.run(crowd(all, per_address));
  }
}

TEST_CASE("an address that was refused too often is not heard for a while, others are") {
  town all([](central_options& options) {
    switchboard::accept_limits limits;
    limits.refusals_per_address = 3;
    options.limits(limits);
  });
  all.run(refuse_often(all));
}

TEST_CASE("a stranger pays for each grant that is refused, and whoever is linked for none") {
  const auto few = [](central_options& options) {
    switchboard::accept_limits limits;
    limits.refusals_per_address = 5;
    options.limits(limits);
  };
  for (const auto script : {refuse_grants, refuse_some_grants}) {
    town all(few);
    all.run(script(all));
  }
}

TEST_CASE("a server that presents one list of revocations after the other is sent away") {
  town all;
  all.run(present_lists(all));
}

TEST_CASE("central takes no more links than it may, and others when some have ended") {
  town all([](central_options& options) {
    switchboard::accept_limits limits;
    limits.links = 1;
    options.limits(limits);
  });
  all.run(fill_links(all));
}

namespace {

awaitable<void> come_back_after_a_flood(town& all) {
  auto other = co_await linked(all, all.home.key, role::server);
  REQUIRE(other);
  {
    auto up = co_await admitted(all);
    REQUIRE(up);
    for (int i = 0; i < 300; ++i) (void)up->send(signalling::present_grant{all.home.issue(all.client.id()).octets()});
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::too_many_requests, why.message());
  }
  auto again = co_await admitted(all);
  REQUIRE(!again);
  CHECK_MESSAGE(again.error() == errc::too_many_requests, again.error().message());
  auto waited = co_await sleep_until(clock::now() + switchboard::logins::rest);
  CHECK(waited);
  again = co_await admitted(all);
  CHECK(again);
  auto alive = co_await answers(*other);
  CHECK(alive);
  co_await all.node->stop();
}

}  // namespace

TEST_CASE("a peer that floods central is sent away with the cause") {
  const std::pair<signalling::message, std::size_t> some[] = {
      {signalling::ping{7}, 10'000},
      {signalling::exposure_report{1ms, 1, 0}, 10'000},
      {signalling::present_grant{village::owner().issue(identity::key::generate().id()).octets()}, 100},
  };
  for (const auto& [what, most] : some) {
    INFO(what.index());
    town all;
    all.run(flood(all, what, most));
  }
}

TEST_CASE("a peer that has many signatures checked is sent away long before one that says little") {
  for (const bool asks : {true, false}) {
    town all;
    trust::window_request body;
    body.id = crypto::random_octets<16>();
    body.server = all.home.key.id();
    const auto request = signalling::request{trust::signed_request::sign(body, all.client).octets()};
    const auto grant = signalling::present_grant{all.home.issue(all.client.id()).octets()};
    all.run(flood(all, asks ? signalling::message(request) : signalling::message(grant), 300));
  }
}

TEST_CASE("a peer that was sent away for a flood has a link again after a while, and not before") {
  town all;
  all.run(come_back_after_a_flood(all));
}

TEST_CASE("a renewed nonce is the one to ask under") {
  town all;
  server_options options(all.node->url());
  options.logins(village::logins()).grants([&](const trust::grant_id& id) { return all.home.find(id); });
  options.network(all.world.host(at_other)).window_address(asio::ip::address_v4::loopback());
  server home(all.context.get_executor(), all.home.key, options);
  home.start();
  all.run(renew(all, home));
}

TEST_CASE("a server that renews its nonce all the time loses its link") {
  town all;
  all.run(renew_too_often(all));
}

namespace {

awaitable<void> meet_all(central& node, server& home, const village::watch& steps,
                         std::vector<std::unique_ptr<client>>& clients, peer_id id) {
  auto up = co_await steps.saw("linked to central");
  REQUIRE(up);
  for (const auto& one : clients) {
    for (const auto way : {by::window, by::window_reverse, by::outbound}) {
      const auto how = connect_options().over(way).until(village::soon());
      auto session = co_await one->connect(id, how);
      REQUIRE_MESSAGE(session, static_cast<int>(way) << session.error().message());
      auto greeted = co_await village::greet(*session);
      CHECK_MESSAGE(greeted, greeted.error().message());
    }
  }
  for (const auto& one : clients) co_await one->stop();
  co_await home.stop();
  co_await node.stop();
}

}  // namespace

TEST_CASE("peers of different shards meet every way") {
  asio::io_context first;
  asio::io_context second;
  asio::io_context context;
  central node({first.get_executor(), second.get_executor()}, identity::key::generate(),
               central_options(village::loopback(), switchboard::admission::open()));
  REQUIRE(node.open());
  node.start();
  const thread_of one(first);
  const thread_of other(second);
  village::owner owner;
  server_options options(node.url());
  options.logins(village::logins()).grants([&](const trust::grant_id& id) { return owner.find(id); });
  const village::watch steps(context);
  options.on_step(steps.sink("server"));
  server home(context.get_executor(), owner.key, options);
  home.start();
  home.spawn(village::serve_echo(home));
  std::vector<std::unique_ptr<client>> clients;
  for (int i = 0; i < 8; ++i) {
    const auto key = identity::key::generate();
    client_options own;
    own.grants({{node.url(), "home", owner.issue(key.id())}}).logins(village::logins()).door(village::loopback());
    clients.push_back(std::make_unique<client>(context.get_executor(), key, own));
    clients.back()->start();
  }
  testing::run(context, meet_all(node, home, steps, clients, owner.key.id()));
}

TEST_CASE("a central that goes without being stopped closes its port and all links") {
  town all;
  all.run(lose_central(all));
}

TEST_CASE("a central that goes, and its context after it, leaves nothing behind") {
  const auto before_it = village::own_sockets();
  {
    village::place all;
    std::optional<village::link> kept;
    testing::run(all.context, link_for_long(all, kept));
    kept.reset();
  }
  CHECK(village::own_sockets() == before_it);
}

}  // namespace central_test
