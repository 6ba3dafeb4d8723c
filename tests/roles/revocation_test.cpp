// SPDX-License-Identifier: BSL-1.0
// What revoke() promises: when it returns, nothing of that grant is alive at the server, whatever it was doing.
#include <ajar/server.hpp>

#include <ajar/client.hpp>
#include <ajar/core/deadline.hpp>
#include "../seeds.hpp"
#include "village/scripted_peer.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <cstdlib>
#include <random>

namespace revocation_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

struct scene : village::served {
  // Signed, and not yet told to the server.
  trust::signed_revocations list_of(const std::vector<trust::signed_grant>& some) {
    for (const auto& one : some) {
      taken.push_back({one.body().id, one.body().not_after});
      here.home.issued.erase(one.body().id);  // as state::issued_grants does it
    }
    trust::revocations list;
    list.serial = ++serial;
    list.entries = taken;
    return trust::signed_revocations::sign(list, here.home.key);
  }

  std::uint64_t serial = 0;
  std::vector<trust::revocations::entry> taken;
};

awaitable<result<>> revoke(scene& all, trust::signed_grant one) {
  auto revoking = all.home->revoke(all.list_of({one}));
  auto revoked = co_await std::move(revoking);
  co_return revoked;
}

// Another client's grant is as good as before.
awaitable<void> come_by_another(scene& all) {
  all.client = identity::key::generate();
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  who->ask();
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  CHECK(said->code == 0);
  auto entering =
      village::enter_at(said->rungs.at(0).server.at(0), who->self, all.id(), said->id, who->grant.body().id);
  auto session = co_await std::move(entering);
  REQUIRE(session);
  auto greeted = co_await village::greet(*session);
  CHECK(greeted);
}

// ---- the moments ----------------------------------------------------------------------------------------------------

awaitable<void> before_the_request(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  auto revoked = co_await revoke(all, who->grant);
  CHECK(revoked);
  auto told = co_await village::await_message<signalling::grant_result>(who->up);
  REQUIRE(told);
  CHECK(errc_from_wire(told->code) == errc::grant_revoked);
  who->ask();  // central has forgotten it, and the server would refuse
  auto said = co_await village::await_answer(*who, clock::now() + 1s);  // there is none to wait for
  CHECK(!said);
  CHECK(all.steps.count("opened a port") == 0);
  auto other = come_by_another(all);
  co_await std::move(other);
  co_await village::stop(all);
}

awaitable<void> while_the_window_is_open(scene& all) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  const auto before_it = village::own_sockets();
  who->ask();
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  const auto at = said->rungs.at(0).server.at(0);
  CHECK(village::own_sockets().listening == before_it.listening + 1);
  auto revoked = co_await revoke(all, who->grant);
  CHECK(revoked);
  CHECK(village::own_sockets() == before_it);
  auto late = co_await village::dial(at);
  CHECK(!late);
  CHECK(all.home->exposed().listeners == 1);  // it was open, and that is in the account
  CHECK(all.home->status().windows_open == 0);
  auto other = come_by_another(all);
  co_await std::move(other);
  co_await village::stop(all);
}

awaitable<void> in_the_handshake(scene& all) {
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
    auto revoked = co_await revoke(all, who->grant);
    CHECK(revoked);
    CHECK(village::own_sockets().open == before_it.open + 1);  // ours
    auto ended = co_await village::read_to_end(*stream);
    CHECK(ended);
  }
  CHECK(all.home->exposed().listeners == 1);
  CHECK(all.home->status().refusals.of(errc::grant_revoked) == 1);
  auto other = come_by_another(all);
  co_await std::move(other);
  co_await village::stop(all);
}

// @param fetched  the client has read all that was sent so far
awaitable<void> in_mid_transfer(scene& all, bool fetched) {
  auto who = co_await village::arrive(all);
  REQUIRE(who);
  who->ask();
  auto said = co_await village::await_answer(*who);
  REQUIRE(said);
  auto entering =
      village::enter_at(said->rungs.at(0).server.at(0), who->self, all.id(), said->id, who->grant.body().id);
  auto session = co_await std::move(entering);
  REQUIRE(session);
  const bytes much(1 << 20, 7);
  auto writing = session->write(bytes_view(much).first(100'000), village::soon());
  auto written = co_await std::move(writing);
  CHECK(written);
  auto begun = co_await all.steps.saw("a session");
  CHECK(begun);
  CHECK(all.home->sessions() == 1);
  bytes echoed(fetched ? 100'000 : 1);
  auto reading = session->read(echoed, village::soon());
  auto read = co_await std::move(reading);
  CHECK(read);
  auto revoked = co_await revoke(all, who->grant);
  CHECK(revoked);
  CHECK(all.home->sessions() == 0);
  std::array<std::uint8_t, 4096> room{};
  result<std::size_t> count = std::size_t{1};
  while (count) count = co_await session->read_some(room, village::soon());
  // the other end knows; and why, unless octets for it were still in this end's kernel
  const bool told = count.error() == errc::grant_revoked;
  CHECK_MESSAGE((told || (!fetched && count.error() == errc::truncated)), count.error().message());
  auto other = come_by_another(all);
  co_await std::move(other);
  co_await village::stop(all);
}

awaitable<void> of_another_server(scene& all) {
  const auto other = identity::key::generate();
  auto revoking = all.home->revoke(trust::signed_revocations::sign(trust::revocations(), other));
  auto revoked = co_await std::move(revoking);
  CHECK(revoked.error() == errc::signature_invalid);
  const auto grant = all.here.home.issue(all.client.id());
  revoked = co_await revoke(all, grant);
  CHECK(revoked);
  all.serial = 0;  // an older list
  revoked = co_await revoke(all, grant);
  CHECK(revoked.error() == errc::serial_too_low);
  co_await village::stop(all);
}

// ---- at random ------------------------------------------------------------------------------------------------------

awaitable<void> connect_and_write(client& from, peer_id to, bool& ended) {
  connect_options how;
  how.over(by::window).until(clock::now() + 20s);
  auto session = co_await from.connect(to, how);
  if (session) {
    const bytes some(4096, 1);
    std::array<std::uint8_t, 4096> room{};
    for (;;) {
      auto written = co_await session->write(some);
      if (!written) break;
      auto count = co_await session->read_some(room);
      if (!count) break;
    }
  }
  ended = true;
}

constexpr clock::duration patience = 20s;

struct moment {
  clock::duration after{0};
  bool inside = false;  // the client had come in
};

// One client from its link on; its grant is taken back after so long, or once it is inside.
awaitable<moment> revoke_after(scene& all, clock::duration pause) {
  const auto key = identity::key::generate();
  const auto grant = all.here.home.issue(key.id());
  client_options options;
  options.grants({all.here.file(grant)}).logins(village::logins()).on_step(all.steps.sink("client "));
  client one(all.here.context.get_executor(), key, options);
  one.start();
  bool ended = false;
  auto connecting = connect_and_write(one, all.id(), ended);
  asio::co_spawn(all.here.context, std::move(connecting), asio::detached);
  const auto begun = clock::now();
  while (clock::now() - begun < pause && (pause < patience || all.home->sessions() == 0)) {
    const auto next = std::min(begun + pause, clock::now() + 500us);
    auto slept = co_await sleep_until(next);
    (void)slept;
  }
  moment at{clock::now() - begun, all.home->sessions() > 0};
  auto revoked = co_await revoke(all, grant);
  CHECK(revoked);
  CHECK(all.home->sessions() == 0);
  CHECK(all.home->status().windows_open == 0);
  const auto at_once = clock::now();
  while (!ended && clock::now() - at_once < 20s) {
    auto waited = co_await sleep_until(clock::now() + 1ms);
    (void)waited;
    CHECK(all.home->sessions() == 0);
  }
  CHECK(ended);
  co_await one.stop();
  co_return at;
}

awaitable<void> revoke_at_random(scene& all, int runs, unsigned seed) {
  auto linked = co_await all.steps.saw("linked to central");
  REQUIRE(linked);
  const auto before_it = village::own_sockets();
  std::mt19937 from(seed);
  int inside = 0;
  clock::duration usual{0};  // how long it takes to come in
  for (int i = 0; i < runs; ++i) {
    const bool measures = i % 20 == 0;
    const auto share = std::uniform_real_distribution<>(0, 1.5)(from);
    const auto pause = measures ? patience : std::chrono::duration_cast<clock::duration>(usual * share);
    auto trying = revoke_after(all, pause);
    const auto at = co_await std::move(trying);
    if (measures) usual = at.after;
    inside += at.inside ? 1 : 0;
  }
  CHECK(inside > 0);
  CHECK(inside < runs);
  auto settled = co_await village::settles(before_it);
  CHECK(settled);
  co_await village::stop(all);
}

// ---- central --------------------------------------------------------------------------------------------------------

awaitable<void> be_restored(scene& all, trust::signed_grant revoked) {
  auto linked = co_await all.steps.saw("grants were revoked that this server did not know of");
  CHECK(linked);
  auto who = co_await village::dial_link(all.client, all.here.central.url());
  REQUIRE(who);
  auto greeted = co_await village::log_in(*who, signalling::role::client);
  CHECK(greeted);
  (void)who->send(signalling::present_grant{revoked.octets()});
  auto told = co_await village::await_message<signalling::grant_result>(*who);
  REQUIRE(told);
  CHECK(errc_from_wire(told->code) == errc::grant_revoked);
  co_await village::stop(all);
}

awaitable<void> revoke_and_leave(scene& all, trust::signed_revocations list) {
  auto linked = co_await all.steps.saw("linked to central");
  REQUIRE(linked);
  auto revoking = all.home->revoke(list);
  auto revoked = co_await std::move(revoking);
  CHECK(revoked);
  const auto until = clock::now() + 20s;
  while (!all.home->status().revocations_acknowledged && clock::now() < until) {
    auto waited = co_await sleep_until(clock::now() + 1ms);
    (void)waited;
  }
  CHECK(all.home->status().revocations_acknowledged);
  co_await all.home->stop();
}

}  // namespace

TEST_CASE("a client that has not asked yet is told, and finds nothing open") {
  scene all;
  testing::run(all.here.context, before_the_request(all));
}

TEST_CASE("an open window is closed when revoke returns") {
  scene all;
  testing::run(all.here.context, while_the_window_is_open(all));
}

TEST_CASE("a handshake is ended when revoke returns") {
  scene all;
  testing::run(all.here.context, in_the_handshake(all));
}

TEST_CASE("a session is cut when revoke returns, and the other end knows why") {
  for (const bool fetched : {true, false}) {
    scene all;
    testing::run(all.here.context, in_mid_transfer(all, fetched));
  }
}

TEST_CASE("another server's list, and an older one, change nothing") {
  scene all;
  testing::run(all.here.context, of_another_server(all));
}

TEST_CASE("whenever a grant is revoked, nothing of it survives") {
  const bool at_length = std::getenv("AJAR_LONG") != nullptr;  // ./dev test --long
  const auto first = seed_or(11);
  for (unsigned half = 0; half < 2; ++half) {  // a list holds 900
    CAPTURE(first);                            // AJAR_SEED
    scene all;
    testing::run(all.here.context, revoke_at_random(all, at_length ? 500 : 60, first + half), 600s);
  }
}

TEST_CASE("a server that was restored from an older copy gets from central what it has revoked since") {
  scene all;
  const auto grant = all.here.home.issue(all.client.id());
  const auto list = all.list_of({grant});
  testing::run(all.here.context, revoke_and_leave(all, list));
  std::optional<trust::signed_revocations> learned;
  auto options = all.here.server_options();
  trust::revocations older;
  options.on_step(all.steps.sink("server ")).revocations(trust::signed_revocations::sign(older, all.here.home.key));
  options.later_revocations([&](const trust::signed_revocations& later) {
    learned.emplace(later);
    return all.list_of({grant});
  });
  all.home.emplace(all.here.context.get_executor(), all.here.home.key, options);
  all.home->start();
  testing::run(all.here.context, be_restored(all, grant));
  REQUIRE(learned);
  CHECK(learned->octets() == list.octets());
}

}  // namespace revocation_test
