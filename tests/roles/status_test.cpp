// SPDX-License-Identifier: BSL-1.0
// What the three roles tell of themselves, held against what happened.
#include <ajar/server/status.hpp>

#include "village/watch.hpp"

#include <optional>
#include <thread>

namespace status_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

struct scene {
  explicit scene(bool door = false)
      : steps(here.context), server(here.context.get_executor(), here.home.key, options()) {
    client_options own;
    own.grants({here.file(here.home.issue(key.id()))}).logins(village::logins());
    if (door) own.door(village::loopback());
    client.emplace(here.context.get_executor(), key, own.on_step(steps.sink("client ")));
    client->start();
    server.start();
    server.spawn(village::serve_echo(server));
  }
  server_options options() { return here.server_options().on_step(steps.sink("server ")); }

  const peer_id& home() const { return here.home.key.id(); }
  static connect_options over(by way) { return connect_options().over(way).until(clock::now() + 20s); }

  village::place here;
  village::watch steps;
  identity::key key = identity::key::generate();
  class server server;
  std::optional<class client> client;
};

awaitable<void> stop(scene& all) {
  co_await all.client->stop();
  co_await all.server.stop();
  co_await all.here.central.stop();
}

// Some octets there and back.
awaitable<void> echo(session& one, std::size_t count) {
  const bytes sent(count, 7);
  bytes back(count);
  auto written = co_await one.write(sent, clock::now() + 20s);
  CHECK(written);
  auto read = co_await one.read(back, clock::now() + 20s);
  CHECK(read);
}

// Until the server has noticed that a session ended.
awaitable<bool> ended(scene& all) {
  const auto until = clock::now() + 20s;
  auto executor = co_await asio::this_coro::executor;
  while (!all.server.status().sessions.empty()) {
    if (clock::now() >= until) co_return false;
    co_await asio::post(executor, use_awaitable);
  }
  co_return true;
}

awaitable<void> tell_of_a_window(scene& all) {
  const auto how = scene::over(by::window);
  auto visit = co_await all.client->connect(all.home(), how);
  REQUIRE_MESSAGE(visit, visit.error().message());
  const auto before = all.client->status();
  co_await echo(*visit, 1000);

  const auto home = all.server.status();
  CHECK(home.id == all.home());
  CHECK(home.uptime > 0ns);
  CHECK(home.methods == (trust::method::outbound | trust::method::window));
  CHECK(home.link.linked);
  CHECK(home.link.links == 1);
  CHECK(home.link.central == all.here.central.url());
  CHECK(home.link.since <= home.uptime);
  REQUIRE(home.sessions.size() == 1);
  const auto& theirs = home.sessions[0];
  CHECK(theirs.info.peer == all.key.id());
  CHECK(theirs.info.path == sessions::path::window);
  CHECK(theirs.info.remote.address() == asio::ip::address_v4::loopback());
  CHECK(theirs.age > 0ns);
  CHECK(theirs.age <= home.uptime);
  CHECK(theirs.round_trip.value_or(0us) > 0us);
  REQUIRE(theirs.info.window);
  CHECK(home.exposed.windows == 1);
  CHECK(home.exposed.listeners == 1);
  CHECK(home.exposed.open == theirs.info.window->exposure);
  CHECK(home.exposed_today == home.exposed);
  CHECK(home.refusals.total() == 0);

  const auto ours = all.client->status();
  REQUIRE(ours.sessions.size() == 1);
  CHECK(ours.sessions[0].info.peer == all.home());
  CHECK(ours.sessions[0].carried.in - before.sessions[0].carried.in == 1000);
  CHECK(ours.sessions[0].carried.out - before.sessions[0].carried.out == 1000);
  CHECK(theirs.carried.in == ours.sessions[0].carried.out);
  CHECK(theirs.carried.out == ours.sessions[0].carried.in);
  CHECK(home.carried == theirs.carried);

  auto parted = co_await visit->shutdown(clock::now() + 20s);
  CHECK(parted);
  const bool gone = co_await ended(all);
  CHECK(gone);
  const auto later = all.server.status();
  CHECK(later.sessions_begun == 1);
  CHECK(later.carried == home.carried);  // what an ended session carried is not forgotten
  CHECK(all.client->status().sessions.empty());
  CHECK(all.client->status().carried == ours.carried);
  co_await stop(all);
  CHECK_FALSE(all.server.status().link.linked);
}

awaitable<void> tell_of_own_ports(scene& all) {
  auto how = scene::over(by::window_reverse);
  auto visit = co_await all.client->connect(all.home(), how);
  REQUIRE_MESSAGE(visit, visit.error().message());
  const auto reverse = all.client->status();
  CHECK(reverse.exposed.windows >= 1);  // two, where a busy server came too late for the first port
  CHECK(reverse.exposed.open >= visit->info().window->exposure);
  CHECK(all.server.status().exposed.windows == 0);
  visit->close();

  how = scene::over(by::outbound);
  auto dialled = co_await all.client->connect(all.home(), how);
  REQUIRE_MESSAGE(dialled, dialled.error().message());
  const auto open = all.client->status();
  CHECK(open.door_open);
  CHECK(open.exposed.windows == reverse.exposed.windows);
  CHECK(open.exposed.listeners == open.exposed.windows + 1);
  CHECK(open.exposed.open > reverse.exposed.open);
  CHECK(open.sessions_begun == 2);
  CHECK(all.server.status().clients_with_door == 1);

  co_await all.client->stop();
  const auto stopped = all.client->status();
  CHECK_FALSE(stopped.door_open);
  CHECK(stopped.exposed.open >= open.exposed.open);
  CHECK(all.client->status().exposed == stopped.exposed);  // a closed port costs nothing more
  REQUIRE(stopped.sessions.size() == 1);                   // sessions outlive the link
  CHECK(stopped.sessions[0].info.path == sessions::path::outbound);
  CHECK_FALSE(stopped.links.at(0).linked);
  dialled->close();
  co_await stop(all);
}

awaitable<void> tell_of_refusals(scene& all) {
  auto how = scene::over(by::window);
  all.here.home.issued.clear();  // the owner took all grants back
  auto refused = co_await all.client->connect(all.home(), how);
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == errc::grant_unknown);
  CHECK(all.client->status().failures.of(errc::grant_unknown) == 1);
  CHECK(all.server.status().refusals.of(errc::grant_unknown) == 1);
  CHECK(all.server.status().exposed == exposure());
  auto told = co_await all.here.central.status();
  CHECK(told.rendezvous.begun == 1);
  CHECK(told.rendezvous.answered == 1);

  co_await all.server.stop();
  auto offline = co_await all.client->connect(all.home(), how);
  REQUIRE_FALSE(offline);
  CHECK(all.client->status().failures.total() == 2);
  co_await stop(all);
}

awaitable<void> tell_of_central(central& node, server& home, std::vector<std::unique_ptr<client>>& clients) {
  auto empty = co_await node.status();
  CHECK(empty.clients == 0);
  for (const auto until = clock::now() + 20s; clock::now() < until && empty.servers == 0;) {
    empty = co_await node.status();
  }
  REQUIRE(empty.servers == 1);
  for (const auto& one : clients) {
    const auto how = scene::over(by::window);
    const auto id = home.status().id;
    auto visit = co_await one->connect(id, how);
    REQUIRE_MESSAGE(visit, visit.error().message());
    visit->close();
  }
  auto all = co_await node.status();
  CHECK(all.shards == 2);
  CHECK(all.uptime > 0ns);
  CHECK(all.servers == 1);
  CHECK(all.clients == clients.size());
  CHECK(all.links == clients.size() + 1);
  CHECK(all.half_open == 0);
  CHECK(all.dropped == 0);
  CHECK(all.rendezvous.begun == clients.size());
  CHECK(all.rendezvous.answered == clients.size());
  CHECK(all.rendezvous.in_flight() <= clients.size());

  net::endpoint at(node.local_endpoint());
  auto stranger = co_await net::dial(at, clock::now() + 20s);
  REQUIRE(stranger);
  auto [error, count] = co_await stranger->async_write_some(asio::buffer("GET / HTTP/1.1\r\n\r\n"), use_values);
  CHECK(!error);
  CHECK(count > 0);
  std::array<char, 64> rest{};
  auto [ended, got] = co_await stranger->async_read_some(asio::buffer(rest), use_values);
  (void)got;
  (void)ended;
  for (const auto until = clock::now() + 20s; clock::now() < until && all.turned_away.total() == 0;) {
    all = co_await node.status();
  }
  CHECK(all.turned_away.of(errc::not_tls) == 1);
  for (const auto until = clock::now() + 20s; clock::now() < until && all.exposed.listeners < clients.size();) {
    all = co_await node.status();
  }
  CHECK(all.exposed.listeners == clients.size());
  CHECK(all.exposed.open == home.status().exposed.open);
  CHECK(all.exposed.strangers == 0);
  for (const auto& one : clients) co_await one->stop();
  co_await home.stop();
  co_await node.stop();
}

awaitable<void> break_down() {
  throw std::logic_error("broken");
  co_return;
}

awaitable<void> go_on_after_an_exception(scene& all) {
  all.server.spawn(break_down());
  const auto how = scene::over(by::window);
  auto visit = co_await all.client->connect(all.home(), how);
  REQUIRE_MESSAGE(visit, visit.error().message());
  co_await echo(*visit, 10);
  CHECK(all.server.status().exceptions == 1);
  CHECK(all.client->status().exceptions == 0);
  CHECK(all.steps.last("a coroutine has thrown") == "broken");
  co_await stop(all);
}

}  // namespace

TEST_CASE("both ends of a session tell the same of it, and what its window cost") {
  scene all;
  testing::run(all.here.context, tell_of_a_window(all));
}

TEST_CASE("a client tells what its own ports cost, and of its sessions after it left central") {
  scene all(true);
  testing::run(all.here.context, tell_of_own_ports(all));
}

TEST_CASE("refusals are counted by their cause at each side") {
  scene all;
  testing::run(all.here.context, tell_of_refusals(all));
}

TEST_CASE("what a coroutine of a server throws is told and counted, and the server goes on") {
  scene all;
  testing::run(all.here.context, go_on_after_an_exception(all));
}

TEST_CASE("central adds up what its shards counted") {
  asio::io_context first;
  asio::io_context second;
  asio::io_context context;
  central node({first.get_executor(), second.get_executor()}, identity::key::generate(),
               central_options(village::loopback(), switchboard::admission::open()));
  REQUIRE(node.open());
  node.start();
  auto busy = std::make_pair(asio::make_work_guard(first), asio::make_work_guard(second));
  std::thread one([&] { first.run(); });
  std::thread other([&] { second.run(); });
  village::owner owner;
  server_options options(node.url());
  options.logins(village::logins()).grants([&](const trust::grant_id& id) { return owner.find(id); });
  server home(context.get_executor(), owner.key, options);
  home.start();
  home.spawn(village::serve_echo(home));
  std::vector<std::unique_ptr<client>> clients;
  for (int i = 0; i < 6; ++i) {
    const auto key = identity::key::generate();
    client_options own;
    own.grants({{node.url(), "home", owner.issue(key.id())}}).logins(village::logins());
    clients.push_back(std::make_unique<client>(context.get_executor(), key, own));
    clients.back()->start();
  }
  testing::run(context, tell_of_central(node, home, clients));
  busy.first.reset();
  busy.second.reset();
  one.join();
  other.join();
}

}  // namespace status_test
