// SPDX-License-Identifier: BSL-1.0
// What passes with time alone: grants that end, links that break and come back, doors that open and close with them.
#include <ajar/client.hpp>
#include <ajar/server.hpp>

#include "memory_place.hpp"

using namespace std::chrono_literals;
using namespace ajar;

namespace {

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
  CHECK_MESSAGE(count.error() == errc::truncated, count.error().message());
  CHECK_MESSAGE(why == errc::grant_expired, why.message());
  CHECK(wall_now() >= grant.body().not_after);
  CHECK(wall_now() <= grant.body().not_after + 1s);
  CHECK(all.server->sessions() == 0);
  auto again = visitor.connect(all.home.key.id(), by_dial());
  auto refused = co_await std::move(again);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::grant_expired);
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

}  // namespace

TEST_CASE("a session ends with its grant, to the second") {
  for (const auto life : {std::chrono::seconds(90), std::chrono::seconds(24h)}) {
    village::memory_place all;
    const auto key = identity::key::generate();
    village::terms with;
    with.life = life;
    const auto grant = all.home.issue(key.id(), with);
    all.start_server();
    auto visitor = all.client(key, grant);
    all.run(outlive(all, visitor, grant));
  }
}

TEST_CASE("links that died in silence are noticed, and come back when the way is open again; sessions go on") {
  village::memory_place all;
  const auto key = identity::key::generate();
  all.start_server();
  auto visitor = all.client(key, all.home.issue(key.id()));
  all.run(break_and_mend(all, visitor));
}
