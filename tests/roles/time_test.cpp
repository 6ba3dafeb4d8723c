// SPDX-License-Identifier: BSL-1.0
// What passes with time alone: grants that end, links that break and come back, doors that open and close with them.
#include <ajar/client.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/server.hpp>
#include <ajar/signalling/link.hpp>

#include "village/memory_place.hpp"

namespace time_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// Longer than any test takes.
trust::signed_grant long_grant(village::memory_place& all, const identity::key& of) {
  village::terms with;
  with.life = 48h;
  return all.home.issue(of.id(), with);
}

// A server that has begun, and a client of its.
struct two_of_them : village::memory_place {
  two_of_them() { visitor.start(); }
  ajar::client visitor = arrive();

 private:
  ajar::client arrive() {
    start_server();
    const auto key = identity::key::generate();
    return client(key, long_grant(*this, key));
  }
};

connect_options by_dial() {
  connect_options how;
  how.over(by::outbound).until(clock::now() + 60s);
  return how;
}

awaitable<void> keep_until_cut(server& all, std::error_code& why) {
  auto guest = co_await all.accept();
  REQUIRE(guest);
  std::array<std::uint8_t, 16> octets{};
  auto count = co_await guest->read_some(octets);
  if (!count) why = count.error();
}

awaitable<void> outlive(village::memory_place& all, client& visitor, const trust::signed_grant& grant) {
  std::error_code why;
  all.server->spawn(keep_until_cut(*all.server, why));
  auto connecting = visitor.connect(all.home.key.id(), by_dial());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  std::array<std::uint8_t, 16> octets{};
  auto count = co_await session->read_some(octets, clock::now() + 48h);
  REQUIRE(!count);
  CHECK_MESSAGE(count.error() == errc::grant_expired, count.error().message());
  CHECK_MESSAGE(why == errc::grant_expired, why.message());
  CHECK(wall_now() >= grant.body().not_after);
  CHECK(wall_now() <= grant.body().not_after + 1s);
  CHECK(all.server->sessions() == 0);
  auto cut = all.steps.saw_ending("cut off a peer", make_error_code(errc::grant_expired).message());
  const bool by_central = co_await std::move(cut);
  CHECK(by_central);
  auto again = visitor.connect(all.home.key.id(), by_dial());
  auto refused = co_await std::move(again);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::grant_expired);
  co_await visitor.stop();
  co_await all.server->stop();
  co_await all.central->stop();
}

// Whoever keeps the grants does not know this one any more, and has not said so.
awaitable<void> be_unknown(village::memory_place& all, client& visitor, const trust::signed_grant& grant) {
  std::error_code why;
  all.server->spawn(keep_until_cut(*all.server, why));
  auto connecting = visitor.connect(all.home.key.id(), by_dial());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  const auto removed = clock::now();
  all.home.issued.erase(grant.body().id);
  std::array<std::uint8_t, 16> octets{};
  auto count = co_await session->read_some(octets, clock::now() + 1h);
  REQUIRE(!count);
  CHECK_MESSAGE(count.error() == errc::grant_unknown, count.error().message());
  CHECK(clock::now() - removed <= 1s);
  CHECK_MESSAGE(why == errc::grant_unknown, why.message());
  CHECK(all.server->sessions() == 0);
  co_await visitor.stop();
  co_await all.server->stop();
  co_await all.central->stop();
}

// It reads what comes until it is told the end, and when.
awaitable<void> read_until_told(sessions::session& from, std::error_code& why, time_point& when) {
  bytes room(16384);
  result<std::size_t> count = std::size_t{1};
  while (count) count = co_await from.read_some(room, clock::now() + 1h);
  why = count.error();
  when = clock::now();
}

awaitable<void> send_for_ever(server& all) {
  auto guest = co_await all.accept();
  REQUIRE(guest);
  const bytes some(1000, 7);
  result<> written;
  while (written) {
    written = co_await guest->write(some);
    auto slept = co_await sleep_until(clock::now() + 5ms);
    (void)slept;
  }
}

// On a path of so long a way.
awaitable<void> be_revoked(village::memory_place& all, client& visitor, const trust::signed_grant& grant,
                           clock::duration way) {
  const auto executor = co_await asio::this_coro::executor;
  all.server->spawn(send_for_ever(*all.server));
  auto connecting = visitor.connect(all.home.key.id(), by_dial());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  std::error_code why;
  time_point told{};
  task_group reading(executor);
  reading.spawn(read_until_told(*session, why, told));
  auto slept = co_await sleep_until(clock::now() + 2s);
  REQUIRE(slept);
  trust::revocations list;
  list.serial = 1;
  list.entries = {{grant.body().id, grant.body().not_after}};
  const auto begun = clock::now();
  auto revoking = all.server->revoke(trust::signed_revocations::sign(list, all.home.key));
  auto revoked = co_await std::move(revoking);
  CHECK(revoked);
  CHECK(clock::now() == begun);  // whom it concerns need not answer
  CHECK(all.server->sessions() == 0);
  co_await reading.join();
  CHECK_MESSAGE(why == errc::grant_revoked, why.message());
  CHECK(told - begun == way);
  co_await visitor.stop();
  co_await all.server->stop();
  co_await all.central->stop();
}

// The way to central is dead in one moment, and alive again an hour later.
awaitable<void> break_and_mend(village::memory_place& all, client& visitor) {
  all.server->spawn(village::serve_echo(*all.server));
  auto connecting = visitor.connect(all.home.key.id(), by_dial());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  CHECK(visitor.status().door_open);
  const auto broken = clock::now();
  all.world.black_hole(all.at_central, all.at_server);
  all.world.black_hole(all.at_central, all.at_client);
  auto noticed = all.steps.saw("no link to central", 2, 120s);  // by both
  const bool told = co_await std::move(noticed);
  CHECK(told);
  CHECK(clock::now() - broken <= 15s * 5 / 2 + 15s);  // two and a half heartbeats after the last one
  CHECK(!all.server->linked());
  auto slept = co_await sleep_until(clock::now() + 1h);
  REQUIRE(slept);
  auto greeted = co_await village::greet(*session);  // it needs no central
  CHECK_MESSAGE(greeted, greeted.error().message());
  CHECK(!visitor.status().door_open);  // as no server that may dial is known to be there
  const auto mended = clock::now();
  all.world.mend(all.at_central, all.at_server);
  all.world.mend(all.at_central, all.at_client);
  auto returned = all.steps.saw("linked to central", 4, 120s);
  const bool back = co_await std::move(returned);
  CHECK(back);
  CHECK(clock::now() - mended <= 30s);  // an attempt takes 10 s at most, and they are 20 s apart at most
  auto again = visitor.connect(all.home.key.id(), by_dial());
  auto second = co_await std::move(again);
  CHECK_MESSAGE(second, second.error().message());
  co_await visitor.stop();
  co_await all.server->stop();
  co_await all.central->stop();
}

// Something else at central's address: what it does with whoever connects.
using impostor = std::function<awaitable<void>(net::transport)>;

awaitable<void> answer(net::transport to, bytes what) {
  std::error_code error;
  (void)to.write_some(asio::buffer(what), error);
  auto [failed] = co_await to.async_wait(asio::socket_base::wait_read, use_values);
  (void)failed;
  auto rested = co_await sleep_until(clock::now() + 50ms);
  (void)rested;
}

awaitable<void> be_another_central(net::transport to, identity::key own) {
  auto securing = tls::secure(std::move(to), own.tls(), tls::side::server, tls::expectation::any_key(tls::alpn::link),
                              clock::now() + 10s);
  auto secured = co_await std::move(securing);
  if (!secured) co_return;
  std::array<std::uint8_t, 64> room{};
  auto ended = co_await secured->read_some(room);
  (void)ended;
}

// Central goes, somebody else is there for hours, and central is back.
awaitable<void> be_replaced(village::memory_place& all, client& visitor, impostor by) {
  all.server->spawn(village::serve_echo(*all.server));
  auto connecting = visitor.connect(all.home.key.id(), by_dial());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  const auto links = all.steps.count("linked to central");
  co_await all.central->stop();
  const auto executor = co_await asio::this_coro::executor;
  auto port = all.world.host(all.at_central)->listen(executor, {all.at_central, 443}, {});
  REQUIRE(port);
  task_group guests(executor);
  task_group loop(executor);
  std::size_t came = 0;
  loop.spawn(net::accept_each(*port, [&](net::transport one) {
    ++came;
    guests.spawn(by(std::move(one)));
  }));
  constexpr std::chrono::seconds away = 2h;
  auto slept = co_await sleep_until(clock::now() + away);
  REQUIRE(slept);
  CHECK(came > static_cast<std::size_t>(2 * (away / 300s)));  // by both, and not more often than every some minutes
  CHECK(came < static_cast<std::size_t>(2 * (away / 100s)));
  CHECK(all.server->sessions() == 1);
  auto greeted = co_await village::greet(*session);
  CHECK_MESSAGE(greeted, greeted.error().message());
  (*port)->close();
  co_await loop.join();
  guests.cancel();
  co_await guests.join();
  const auto back = clock::now();
  all.start_central();
  auto linked = all.steps.saw("linked to central", links + 2, 600s);
  const bool returned = co_await std::move(linked);
  CHECK(returned);
  CHECK(clock::now() - back <= 310s);
  co_await visitor.stop();
  co_await all.server->stop();
  co_await all.central->stop();
}

// Its list lacks the server for a minute.
awaitable<void> be_forgotten(village::memory_place& all, client& visitor) {
  all.server->spawn(village::serve_echo(*all.server));
  auto connecting = visitor.connect(all.home.key.id(), by_dial());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  all.central->admit(switchboard::admission::of({}));
  auto cut = all.steps.saw("no link to central", 2, 60s);
  const bool told = co_await std::move(cut);
  CHECK(told);
  auto slept = co_await sleep_until(clock::now() + 60s);
  REQUIRE(slept);
  auto greeted = co_await village::greet(*session);
  CHECK_MESSAGE(greeted, greeted.error().message());
  all.central->admit(switchboard::admission::open());
  auto linked = all.steps.saw("linked to central", 4, 600s);
  const bool returned = co_await std::move(linked);
  CHECK(returned);
  co_await visitor.stop();
  co_await all.server->stop();
  co_await all.central->stop();
}

awaitable<void> say_nothing(net::transport to) {
  auto rested = co_await sleep_until(clock::now() + 1h);
  (void)rested;
  to.close();
}

awaitable<void> hang_up(net::transport to) {
  to.close();
  co_return;
}

// Another program is at the first address of central's name.
awaitable<void> find_the_second_address(village::memory_place& all, net::network& other, impostor by) {
  const auto executor = co_await asio::this_coro::executor;
  auto port = other.listen(executor, {net::address(asio::ip::address_v4::any()), 443}, {});
  REQUIRE(port);
  task_group work(executor);
  work.spawn(net::accept_each(*port, [&](net::transport one) { work.spawn(by(std::move(one))); }));
  const identity::url named{net::endpoint("central.test", 443), all.central->url().id};
  auto dialling = signalling::dial_link(all.world.host(all.at_server), all.home.key, named, clock::now() + 10s);
  auto up = co_await std::move(dialling);
  CHECK_MESSAGE(up, up.error().message());
  (*port)->close();
  work.cancel();
  co_await work.join();
  co_await all.central->stop();
}

}  // namespace

TEST_CASE("a session ends with its grant, to the second") {
  for (const auto life : {std::chrono::seconds(90), std::chrono::seconds(4h)}) {
    village::memory_place all;
    const auto key = identity::key::generate();
    village::terms with;
    with.life = life;
    const auto grant = all.home.issue(key.id(), with);
    all.start_server();
    auto visitor = all.client(key, grant);
    visitor.start();
    all.run(outlive(all, visitor, grant));
  }
}

TEST_CASE("a session ends within a second where its grant is not known any more") {
  village::memory_place all;
  const auto key = identity::key::generate();
  const auto grant = long_grant(all, key);
  all.start_server();
  auto visitor = all.client(key, grant);
  visitor.start();
  all.run(be_unknown(all, visitor, grant));
}

TEST_CASE("who is revoked in mid-transfer knows it, and why, as soon as the way permits") {
  for (const auto way : {0ms, 1ms, 150ms}) {
    village::memory_place all;
    all.world.delay(all.at_server, all.at_client, way);
    all.world.delay(all.at_client, all.at_server, way);
    const auto key = identity::key::generate();
    const auto grant = long_grant(all, key);
    all.start_server();
    auto visitor = all.client(key, grant);
    visitor.start();
    all.run(be_revoked(all, visitor, grant, way));
  }
}

TEST_CASE("links that died in silence are noticed, and come back when the way is open again; sessions go on") {
  two_of_them all;
  all.run(break_and_mend(all, all.visitor));
}

TEST_CASE("whoever answers in central's place for hours ends no server and no session, and central is found again") {
  const auto text = [](std::string_view what) { return bytes(what.begin(), what.end()); };
  const identity::key other = identity::key::generate();
  const std::pair<std::string, impostor> some[] = {
      {"a portal", [&](net::transport to) { return answer(std::move(to), text("HTTP/1.1 302 Found\r\n\r\n")); }},
      {"unknown_ca", [&](net::transport to) { return answer(std::move(to), {21, 3, 3, 0, 2, 2, 48}); }},
      {"protocol_version", [&](net::transport to) { return answer(std::move(to), {21, 3, 3, 0, 2, 2, 70}); }},
      {"no_application_protocol", [&](net::transport to) { return answer(std::move(to), {21, 3, 3, 0, 2, 2, 120}); }},
      {"another central", [&](net::transport to) { return be_another_central(std::move(to), other); }},
  };
  for (const auto& [who, by] : some) {
    INFO(who);
    two_of_them all;
    all.run(be_replaced(all, all.visitor, by));
  }
}

TEST_CASE("a server that central's list lacks for a minute keeps its sessions, and is linked again") {
  two_of_them all;
  all.run(be_forgotten(all, all.visitor));
}

namespace {

awaitable<void> stop_cleanly(village::memory_place& all) {
  auto noticed = all.steps.saw("linked to central", 1, 60s);
  const bool linked = co_await std::move(noticed);
  REQUIRE(linked);
  co_await all.server->stop();
  co_await all.central->stop();
}

}  // namespace

TEST_CASE("a clean stop is no trouble") {
  village::memory_place all;
  all.start_server([&](server_options& how) {
    how.on_step([next = all.steps.sink("server ")](const telling::step& one) {
      CHECK_MESSAGE(one.level == telling::log_level::info, std::string(one.what));
      next(one);
    });
  });
  all.run(stop_cleanly(all));
}

TEST_CASE("where something else is at one address of central's name the others are tried") {
  const std::pair<std::string, impostor> some[] = {
      {"another program", [](net::transport to) { return answer(std::move(to), bytes(50, 'H')); }},
      {"silence", [](net::transport to) { return say_nothing(std::move(to)); }},
      {"one that hangs up", [](net::transport to) { return hang_up(std::move(to)); }},
  };
  for (const auto& [who, by] : some) {
    INFO(who);
    village::memory_place all;
    const auto elsewhere = asio::ip::make_address("198.51.100.77");
    const auto other = all.world.host(elsewhere);
    all.world.name("central.test", elsewhere).name("central.test", all.at_central);
    all.run(find_the_second_address(all, *other, by));
  }
}

}  // namespace time_test
