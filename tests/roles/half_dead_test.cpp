// SPDX-License-Identifier: BSL-1.0
// Sessions whose other end is gone without a word: whoever is back gets a new one within two seconds, and whoever is
// only slow, or was away from central, keeps the old.
#include <ajar/server.hpp>

#include <ajar/client.hpp>
#include <ajar/core/deadline.hpp>

#include "village/memory_place.hpp"

namespace half_dead_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

struct half_dead : village::memory_place {
  explicit half_dead(std::uint16_t sessions = 16) {
    start_server([this](server_options& how) { how.logins(server_logins); });
    village::terms with;
    with.life = 48h;
    with.sessions = sessions;
    grant.emplace(home.issue(key.id(), with));
    begin_client();
  }
  half_dead(const half_dead&) = delete;
  half_dead& operator=(const half_dead&) = delete;
  ~half_dead() {
    visitor.reset();
    server.reset();
    central.reset();
    time.settle(context);
  }

  void begin_client() {
    client_options options;
    options.grants({{central->url(), "home", *grant}}).logins(logins).door({at_client, 7000});
    options.network(world.host(at_client)).on_step(steps.sink("client "));
    visitor = std::make_unique<ajar::client>(context.get_executor(), key, options);
    visitor->start();
  }

  std::function<result<std::uint64_t>()> logins = village::logins();  // one count, whichever process it is
  std::function<result<std::uint64_t>()> server_logins = village::logins();
  identity::key key = identity::key::generate();
  std::optional<trust::signed_grant> grant;
  std::unique_ptr<ajar::client> visitor;
  std::vector<std::error_code> ends;  // of the server's sessions
};

connect_options by_dial(clock::duration within = 30s) {
  connect_options how;
  how.over(by::outbound).until(clock::now() + within);
  return how;
}

awaitable<result<session>> connect(half_dead& all, clock::duration within = 30s) {
  const auto how = by_dial(within);
  const auto id = all.home.key.id();
  auto session = co_await all.visitor->connect(id, how);
  co_return session;
}

awaitable<void> note_end(session guest, std::vector<std::error_code>& into) {
  std::array<std::uint8_t, 64> room{};
  for (;;) {
    auto count = co_await guest.read_some(room);
    if (!count) {
      into.push_back(count.error());
      co_return;
    }
    auto written = co_await guest.write(bytes_view(room).first(*count));
    (void)written;
  }
}

awaitable<void> note_ends(server& all, std::vector<std::error_code>& into) {
  for (;;) {
    auto guest = co_await all.accept();
    if (!guest) co_return;
    all.spawn(note_end(std::move(*guest), into));
  }
}

awaitable<bool> answers(session& one) {
  std::array<std::uint8_t, 3> octets{1, 2, 3};
  auto done = co_await one.write(octets, clock::now() + 20s);
  if (!done) co_return false;
  done = co_await one.read(octets, clock::now() + 20s);
  co_return done.has_value();
}

// The client's machine is gone, with its session and its link, and another one has its key.
awaitable<void> vanish_and_return(half_dead& all, bool was_talking) {
  all.server->spawn(note_ends(*all.server, all.ends));
  auto first = co_await connect(all);
  REQUIRE_MESSAGE(first, first.error().message());
  if (was_talking) {
    auto talked = co_await answers(*first);
    CHECK(talked);
  }
  auto slept = co_await sleep_until(clock::now() + 10s);
  REQUIRE(slept);
  all.world.strand(all.at_client, all.at_server);
  all.world.strand(all.at_client, all.at_central);
  all.visitor.reset();
  const auto begun = clock::now();
  all.begin_client();
  auto second = co_await connect(all);
  REQUIRE_MESSAGE(second, second.error().message());
  CHECK(clock::now() - begun <= 2s);
  auto talks = co_await answers(*second);
  CHECK(talks);
  CHECK(all.ends == std::vector<std::error_code>{errc::session_replaced});
  CHECK(all.server->sessions() == 1);
}

// Its link to central breaks and comes back, nothing else.
awaitable<void> keep_over_a_new_login(half_dead& all) {
  all.server->spawn(note_ends(*all.server, all.ends));
  auto first = co_await connect(all);
  REQUIRE_MESSAGE(first, first.error().message());
  const auto links = all.steps.count("linked to central");
  const auto dials = all.steps.count("dial the client");
  all.world.cut(all.at_client, all.at_central);
  all.world.mend(all.at_client, all.at_central);
  auto again = all.steps.saw("linked to central", links + 1, 60s);
  const bool linked = co_await std::move(again);
  CHECK(linked);
  auto slept = co_await sleep_until(clock::now() + 90s);
  REQUIRE(slept);
  auto talks = co_await answers(*first);
  CHECK(talks);
  CHECK(all.ends.empty());
  CHECK(all.steps.count("dial the client") == dials);
}

// The same over a way that is slower than any patience; another session may come, and the old one stays.
awaitable<void> keep_over_a_slow_way(half_dead& all) {
  all.server->spawn(note_ends(*all.server, all.ends));
  all.world.delay(all.at_client, all.at_server, 600ms);
  all.world.delay(all.at_server, all.at_client, 600ms);
  auto first = co_await connect(all);
  REQUIRE_MESSAGE(first, first.error().message());
  const auto links = all.steps.count("linked to central");
  all.world.cut(all.at_client, all.at_central);
  all.world.mend(all.at_client, all.at_central);
  auto again = all.steps.saw("linked to central", links + 1, 60s);
  const bool linked = co_await std::move(again);
  CHECK(linked);
  auto slept = co_await sleep_until(clock::now() + 90s);
  REQUIRE(slept);
  auto talks = co_await answers(*first);
  CHECK(talks);
  CHECK(all.ends.empty());
}

// The server's machine is gone, and another one has its key; the client has not used the old one's session yet.
awaitable<void> lose_the_server(half_dead& all) {
  auto dialled = all.steps.saw("a server dialled us", 1, 60s);
  auto warm = all.visitor->network(all.home.key.id(), clock::now() + 5s);  // it links
  auto looked = co_await std::move(warm);
  (void)looked;
  const bool came = co_await std::move(dialled);
  CHECK(came);
  auto slept = co_await sleep_until(clock::now() + 10s);
  REQUIRE(slept);
  all.world.strand(all.at_client, all.at_server);
  all.world.strand(all.at_server, all.at_central);
  all.server.reset();
  all.start_server([&all](server_options& how) { how.logins(all.server_logins); });
  all.server->spawn(note_ends(*all.server, all.ends));
  const auto begun = clock::now();
  auto linked = all.steps.saw("a server dialled us", 2, 60s);
  const bool back = co_await std::move(linked);
  CHECK(back);
  auto session = co_await connect(all);
  REQUIRE_MESSAGE(session, session.error().message());
  CHECK(clock::now() - begun <= 2s);
  auto talks = co_await answers(*session);
  CHECK(talks);
}

// A session that ended before anybody asked for it.
awaitable<void> leave_before_accept(half_dead& all) {
  auto first = co_await connect(all);
  REQUIRE_MESSAGE(first, first.error().message());
  first->close();
  all.server->spawn(note_ends(*all.server, all.ends));
  auto second = co_await connect(all);
  REQUIRE_MESSAGE(second, second.error().message());
  auto talks = co_await answers(*second);
  CHECK(talks);
  CHECK(all.ends.empty());
}

}  // namespace

TEST_CASE("a client whose machine vanished gets a new session within two seconds, and the old one ends") {
  for (const bool was_talking : {false, true}) {
    CAPTURE(was_talking);
    half_dead all;
    all.run(vanish_and_return(all, was_talking));
  }
}

TEST_CASE("so does one whose grant permits one session alone") {
  half_dead all(1);
  all.run(vanish_and_return(all, true));
}

TEST_CASE("a session that is alive stays, and stays alone, when its client logs in anew") {
  half_dead all;
  all.run(keep_over_a_new_login(all));
}

TEST_CASE("a session over a way that is slow stays when its client logs in anew") {
  half_dead all;
  all.run(keep_over_a_slow_way(all));
}

TEST_CASE("a client gets a session with a server that is there anew, and none of those that it has left behind") {
  half_dead all;
  all.run(lose_the_server(all));
}

TEST_CASE("a session that ended while it waited is given to nobody") {
  half_dead all;
  all.run(leave_before_accept(all));
}

}  // namespace half_dead_test
