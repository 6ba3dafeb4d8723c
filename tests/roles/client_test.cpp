// SPDX-License-Identifier: BSL-1.0
#include <ajar/client.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
#include "village/watch.hpp"

#include <asio/co_spawn.hpp>

namespace client_test {

using namespace std::chrono_literals;
using ajar::by;
using ajar::errc;
using ajar::sessions::path;

namespace {

struct scene {
  using adjustment = std::function<void(scene&, ajar::server_options&)>;

  explicit scene(village::terms with = {}, adjustment adjust = {})
      : steps(here.context), grant(here.home.issue(key.id(), with)), server_options(here.server_options()) {
    server_options.on_step(counted("server "));
    if (adjust) adjust(*this, server_options);
    server.emplace(here.context.get_executor(), here.home.key, server_options);
  }
  void serve() {
    server->start();
    server->spawn(village::serve_echo(*server));
  }
  ajar::client client(bool door = false) {
    ajar::client_options options;
    options.grants({here.file(grant)}).logins(village::logins()).on_step(counted("client ")).listens(client_listens);
    if (door) options.door(village::loopback());
    return ajar::client(here.context.get_executor(), key, options);
  }

  // Both roles' steps, counted.
  ajar::telling::step_sink counted(std::string who) {
    return [this, keep = steps.sink(std::move(who))](const ajar::telling::step& one) {
      keep(one);
      ++moves;
      moved.notify();
    };
  }

  village::place here;
  village::watch steps;
  ajar::notifier moved{here.context.get_executor()};
  std::size_t moves = 0;
  bool client_listens = true;
  ajar::identity::key key = ajar::identity::key::generate();
  ajar::trust::signed_grant grant;
  ajar::server_options server_options;
  std::optional<ajar::server> server;
};

ajar::awaitable<void> stop_all(scene& all, ajar::client& client) {
  co_await client.stop();
  co_await all.server->stop();
  co_await all.here.central.stop();
}

ajar::connect_options over(by way) {
  ajar::connect_options how;
  how.over(way).until(ajar::clock::now() + 60s);
  return how;
}

// Connects and says hello; gives the error, or the way it went.
ajar::awaitable<ajar::result<path>> greet_once(scene& all, ajar::client& client, ajar::connect_options how) {
  const auto server = all.here.home.key.id();
  auto session = co_await client.connect(server, how);
  if (!session) co_return ajar::fail(session.error());
  const auto path = session->path();
  auto greeted = co_await village::greet(*session);
  if (!greeted) co_return ajar::fail(greeted.error());
  co_return path;
}

// The same, and stops everything.
ajar::awaitable<ajar::result<path>> visit_once(scene& all, ajar::client& client, ajar::connect_options how) {
  auto went = co_await greet_once(all, client, how);
  co_await stop_all(all, client);
  co_return went;
}

ajar::result<path> visit(scene& all, ajar::connect_options how, bool door = false) {
  auto client = all.client(door);
  client.start();
  return ajar::testing::run(all.here.context, visit_once(all, client, how));
}

ajar::result<path> visit(scene& all, by way, bool door = false) { return visit(all, over(way), door); }

void expect_refusal(errc expected, village::terms with, by way, bool door = false, scene::adjustment adjust = {}) {
  scene all(with, std::move(adjust));
  all.serve();
  const auto went = visit(all, way, door);
  REQUIRE(!went);
  CHECK_MESSAGE(went.error() == expected, went.error().message());
}

ajar::awaitable<void> ask_too_early(scene& all, ajar::client& client) {
  auto went = co_await client.connect(all.here.home.key.id());
  REQUIRE(!went);
  CHECK(went.error() == errc::not_started);
  auto known = co_await client.network(all.here.home.key.id(), ajar::clock::now() + 20s);
  REQUIRE(!known);
  CHECK(known.error() == errc::not_started);
  CHECK(client.status().links.empty());
  co_await client.stop();
}

village::terms of_methods(ajar::trust::method_set methods) {
  village::terms made;
  made.methods = methods;
  return made;
}

constexpr auto only_outbound = ajar::trust::method::outbound;
constexpr auto only_window = ajar::trust::method::window;
constexpr auto only_relay = ajar::trust::method::relay;

}  // namespace

TEST_CASE("a client that was not started says so, and asks nobody") {
  scene all;
  auto client = all.client(true);
  ajar::testing::run(all.here.context, ask_too_early(all, client));
}

TEST_CASE("a client reaches a server every way") {
  struct {
    by way;
    bool door;
    ajar::trust::method_set methods;
    path expected;
  } const ways[] = {
      {by::window, false, village::every_method, path::window},
      {by::window_reverse, false, village::every_method, path::window_reverse},
      {by::outbound, true, village::every_method, path::outbound},
      {by::automatic, false, village::every_method, path::window},
      {by::automatic, true, only_outbound, path::outbound},
  };
  for (const auto& one : ways) {
    scene all(of_methods(one.methods));
    all.serve();
    const auto went = visit(all, one.way, one.door);
    REQUIRE_MESSAGE(went, went.error().message());
    CHECK(*went == one.expected);
  }
}

TEST_CASE("a window for any address needs a grant that says so") {
  for (const bool granted : {true, false}) {
    village::terms with;
    with.roam = granted;
    scene all(with);
    all.serve();
    const auto went = visit(all, over(by::window).roam());
    CHECK(went.has_value() == granted);
    if (!went) CHECK(went.error() == errc::address_not_permitted);
  }
}

TEST_CASE("a client without a grant, or with one that has ended, asks nobody") {
  village::terms ended;
  ended.life = -1s;
  expect_refusal(errc::grant_expired, ended, by::automatic);
  scene all;
  all.serve();
  all.grant = village::owner().issue(all.key.id());  // of another server
  const auto went = visit(all, by::automatic);
  REQUIRE(!went);
  CHECK(went.error() == errc::no_grant);
}

TEST_CASE("a revoked grant opens nothing") {
  for (const auto way : {by::window, by::window_reverse, by::outbound, by::automatic}) {
    expect_refusal(errc::grant_revoked, {}, way, true, [](scene& all, ajar::server_options& options) {
      ajar::trust::revocations list;
      list.serial = 1;
      list.entries.push_back({all.grant.body().id, all.grant.body().not_after});
      options.revocations(ajar::trust::signed_revocations::sign(list, all.here.home.key));
    });
  }
}

TEST_CASE("a grant that the server has forgotten opens nothing") {
  for (const auto way : {by::window, by::window_reverse, by::automatic}) {
    expect_refusal(errc::grant_unknown, {}, way, false,
                   [](scene& all, ajar::server_options&) { all.here.home.issued.clear(); });
  }
}

TEST_CASE("a server that cannot look at its grants does not say that it knows none, and the client comes again") {
  for (const auto way : {by::window, by::window_reverse, by::automatic}) {
    int failures = 3;
    scene all({}, [&failures](scene& of, ajar::server_options& options) {
      options.grants([&failures, &of](const auto& id) -> ajar::result<ajar::trust::signed_grant> {
        if (failures-- > 0) return ajar::fail(std::make_error_code(std::errc::too_many_files_open));
        return of.here.home.find(id);
      });
    });
    all.serve();
    const auto went = visit(all, way);
    CHECK_MESSAGE(went, went.error().message());
    CHECK(all.steps.count("a grant cannot be looked up") == 3);
    CHECK(all.steps.last("this way failed") == make_error_code(errc::server_busy).message());
  }
}

TEST_CASE("a way that the grant or the server does not permit is refused by its cause") {
  expect_refusal(errc::method_not_granted, of_methods(only_outbound), by::window);
  expect_refusal(errc::method_not_granted, of_methods(only_outbound), by::window_reverse);
  expect_refusal(errc::method_not_granted, of_methods(only_window), by::outbound, true);
  expect_refusal(errc::method_not_granted, of_methods(only_relay), by::automatic, true);
  const auto no_windows = [](scene&, ajar::server_options& options) { options.methods(ajar::trust::method::outbound); };
  const auto no_dialling = [](scene&, ajar::server_options& options) { options.methods(ajar::trust::method::window); };
  expect_refusal(errc::window_refused, {}, by::window, false, no_windows);
  expect_refusal(errc::window_refused, {}, by::window_reverse, false, no_windows);
  expect_refusal(errc::client_unreachable, {}, by::outbound, true, no_dialling);
  expect_refusal(errc::client_unreachable, {}, by::outbound, false);
  expect_refusal(errc::client_unreachable, {}, by::automatic, false, no_windows);
}

TEST_CASE("a client that may open no port reaches a server by the server's, and asks nobody for its own") {
  for (const auto way : {by::automatic, by::window, by::window_reverse}) {
    scene all;
    all.serve();
    all.client_listens = false;
    const auto went = visit(all, way);
    CHECK(went.has_value() == (way != by::window_reverse));
    CHECK(all.steps.count("commanded to open a window") == (went ? 1 : 0));
    if (!went) CHECK(went.error() == errc::client_unreachable);
  }
}

TEST_CASE("a server that is not there is offline") {
  for (const auto way : {by::window, by::window_reverse, by::outbound, by::automatic}) {
    scene all;
    const auto went = visit(all, way, true);
    REQUIRE(!went);
    CHECK_MESSAGE(went.error() == errc::server_offline, went.error().message());
  }
}

namespace {

ajar::awaitable<void> exceed_sessions(scene& all, ajar::client& client, by way) {
  const auto server = all.here.home.key.id();
  const auto how = over(way);
  auto first = co_await client.connect(server, how);
  REQUIRE_MESSAGE(first, first.error().message());
  auto second = co_await client.connect(server, how);
  REQUIRE(!second);
  CHECK_MESSAGE(second.error() == errc::too_many_sessions, second.error().message());
  auto greeted = co_await village::greet(*first);
  CHECK_MESSAGE(greeted, "the first session goes on");
  const auto until = ajar::clock::now() + 20s;
  while (all.server->sessions() > 0 && ajar::clock::now() < until) {
    co_await asio::post(all.here.context, ajar::use_awaitable);
  }
  auto went = co_await greet_once(all, client, how);
  CHECK_MESSAGE(went, went.error().message());
  co_await stop_all(all, client);
}

}  // namespace

TEST_CASE("a grant permits so many sessions at a time") {
  for (const auto way : {by::window, by::window_reverse}) {
    village::terms with;
    with.sessions = 1;
    scene all(with);
    all.serve();
    auto client = all.client();
    client.start();
    ajar::testing::run(all.here.context, exceed_sessions(all, client, way));
  }
}

namespace {

using outcomes = std::vector<ajar::result<ajar::session>>;

ajar::awaitable<void> connect_into(ajar::client& client, ajar::identity::peer_id server, by way, outcomes& all) {
  auto how = over(way);
  auto made = co_await client.connect(server, how);
  all.push_back(std::move(made));
}

ajar::awaitable<void> come_at_once(scene& all, ajar::client& client, by way, std::size_t permitted) {
  constexpr std::size_t each = 6;  // central passes on eight at a time
  outcomes came;
  ajar::task_group work(all.here.context.get_executor());
  for (std::size_t i = 0; i < each; ++i) work.spawn(connect_into(client, all.here.home.key.id(), way, came));
  co_await work.join();
  REQUIRE(came.size() == each);
  std::size_t entered = 0;
  for (const auto& one : came) {
    entered += one ? 1 : 0;
    if (!one) CHECK_MESSAGE(one.error() == errc::too_many_sessions, one.error().message());
  }
  CHECK(entered == permitted);
  CHECK(all.server->sessions() == permitted);
  co_await stop_all(all, client);
}

}  // namespace

TEST_CASE("of those who come at once no more get in than the grant permits") {
  for (const auto way : {by::window, by::window_reverse}) {
    village::terms with;
    with.sessions = 3;
    scene all(with);
    all.serve();
    auto client = all.client();
    client.start();
    ajar::testing::run(all.here.context, come_at_once(all, client, way, with.sessions));
  }
}

namespace {

ajar::awaitable<void> exceed_windows(scene& all, ajar::client& client) {
  auto went = co_await greet_once(all, client, over(by::window));
  CHECK_MESSAGE(went, went.error().message());
  for (const auto way : {by::window, by::window_reverse}) {
    went = co_await greet_once(all, client, over(way));
    REQUIRE(!went);
    CHECK_MESSAGE(went.error() == errc::too_many_windows, went.error().message());
  }
  CHECK(all.steps.count("opened a port") == 1);
  co_await stop_all(all, client);
}

}  // namespace

namespace {

ajar::awaitable<void> come_in(scene& all, ajar::client& client, by way, ajar::result<>& into) {
  auto went = co_await greet_once(all, client, over(way));
  into = went ? ajar::result<>() : ajar::fail(went.error());
}

ajar::awaitable<void> await_place(scene& all, ajar::client& client, by way) {
  auto first = co_await client.connect(all.here.home.key.id(), over(way));
  REQUIRE_MESSAGE(first, first.error().message());
  const std::string opened = way == by::window ? "opened a port" : "opened a port of our own";
  const auto ports = all.steps.count(opened);
  ajar::result<> second = ajar::fail(errc::canceled);
  ajar::task_group work(all.here.context.get_executor());
  work.spawn(come_in(all, client, way, second));
  auto refused = co_await all.steps.saw("refused a window");
  CHECK(refused);
  CHECK(all.steps.count(opened) == ports);
  first->close();
  co_await work.join();
  CHECK_MESSAGE(second, second.error().message());
  CHECK(all.steps.last("this way failed") == make_error_code(errc::server_busy).message());
  co_await stop_all(all, client);
}

}  // namespace

TEST_CASE(
    "a server that has all the sessions that it can hold says so, opens no port, and takes the next one in time") {
  for (const auto way : {by::window, by::window_reverse}) {
    scene all({}, [](scene&, ajar::server_options& options) { options.most_sessions(1); });
    all.serve();
    auto client = all.client();
    client.start();
    ajar::testing::run(all.here.context, await_place(all, client, way));
  }
}

TEST_CASE("a grant permits so many windows a minute, whoever opens them") {
  village::terms with;
  with.windows_a_minute = 1;
  scene all(with);
  all.serve();
  auto client = all.client();
  client.start();
  ajar::testing::run(all.here.context, exceed_windows(all, client));
}

// ---- given up in the middle -----------------------------------------------------------------------------------------

namespace {

enum class giving_up { client_stops, server_stops, client_goes, server_goes, caller_cancels };

ajar::awaitable<void> connect_and_tell(scene& all, ajar::client& client, by way, bool& ended) {
  auto went = co_await greet_once(all, client, over(way));
  (void)went;
  ended = true;
  all.moved.notify();
}

// @return whether there were so many steps before the end
ajar::awaitable<bool> give_up(scene& all, std::unique_ptr<ajar::client>& client, by way, std::size_t step,
                              giving_up how, village::sockets before_it) {
  bool ended = false;
  ajar::task_group work(all.here.context.get_executor());
  work.spawn(connect_and_tell(all, *client, way, ended));
  while (!ended && all.moves < step) {
    auto change = all.moved.wait();
    auto changed = co_await ajar::before(ajar::clock::now() + 20s, errc::exchange_timeout, std::move(change));
    if (!changed) break;
  }
  const bool reached = all.moves >= step && !ended;
  const auto begun = ajar::clock::now();
  if (how == giving_up::client_stops) {
    co_await client->stop();
  } else if (how == giving_up::server_stops) {
    co_await all.server->stop();
  } else if (how == giving_up::client_goes) {
    client.reset();
  } else if (how == giving_up::server_goes) {
    all.server.reset();
  } else {
    work.cancel();
  }
  co_await work.join();
  CHECK_MESSAGE(ajar::clock::now() - begun < 30s, "a connection attempt outlives its owner at step " << step);
  if (client) {
    co_await client->stop();
  }
  if (all.server) {
    co_await all.server->stop();
  }
  co_await all.here.central.stop();
  auto settled = co_await village::settles(before_it);
  CHECK_MESSAGE(settled, "something stays open after step " << step);
  co_return reached;
}

void give_up_everywhere(giving_up how, std::initializer_list<by> ways = {by::window, by::window_reverse, by::outbound},
                        std::size_t every = 1) {
  for (const auto way : ways) {
    bool reached = true;
    std::size_t step = 0;
    while (reached) {
      const auto before_it = village::own_sockets();
      step += every;
      scene all;
      all.serve();
      std::unique_ptr<ajar::client> client(new ajar::client(all.client(way == by::outbound)));
      client->start();
      reached = ajar::testing::run(all.here.context, give_up(all, client, way, step, how, before_it));
    }
    CHECK(step > 5);
  }
}

}  // namespace

TEST_CASE("a client that stops at any step of any way leaves nothing open") {
  give_up_everywhere(giving_up::client_stops);
}

TEST_CASE("a server that stops at any step of any way leaves nothing open") {
  give_up_everywhere(giving_up::server_stops);
}

TEST_CASE("a client that goes without being stopped, at any step of any way, leaves nothing open") {
  give_up_everywhere(giving_up::client_goes);
}

TEST_CASE("a server that goes without being stopped, at any step of any way, leaves nothing open") {
  give_up_everywhere(giving_up::server_goes, {by::window}, 2);  // by a dial: lifetimes_test.cpp
}

TEST_CASE("an attempt that is cancelled at any step of any way leaves nothing open") {
  give_up_everywhere(giving_up::caller_cancels);
}

}  // namespace client_test
