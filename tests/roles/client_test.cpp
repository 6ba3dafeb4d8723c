// SPDX-License-Identifier: BSL-1.0
#include <ajar/client.hpp>

#include "village.hpp"

#include <asio/co_spawn.hpp>

using namespace std::chrono_literals;
using ajar::errc;

namespace {

struct scene {
  explicit scene(std::function<void(ajar::server_options&)> adjust = {}) : server_options(here.server_options()) {
    if (adjust) adjust(server_options);
    server = std::make_unique<ajar::server>(here.context.get_executor(), here.home.key, server_options);
    server->start();
    server->spawn(village::serve_echo(*server));
  }
  ajar::client client(village::terms with = {}, bool door = false) {
    auto options = here.client_options(key, with);
    if (door) options.door(village::loopback());
    return ajar::client(here.context.get_executor(), key, options);
  }

  village::place here;
  ajar::server_options server_options;
  std::unique_ptr<ajar::server> server;
  ajar::identity::key key = ajar::identity::key::generate();
};

ajar::awaitable<void> stop_all(scene& all, ajar::client& client) {
  co_await client.stop();
  co_await all.server->stop();
  co_await all.here.central.stop();
}

// Connects over a way, says hello, and stops everything; gives the error, or the way it went.
ajar::awaitable<ajar::result<ajar::sessions::path>> visit(scene& all, ajar::client& client, ajar::by way) {
  ajar::connect_options how;
  how.over(way).until(ajar::clock::now() + 5s);
  const auto server = all.here.home.key.id();
  auto session = co_await client.connect(server, how);
  ajar::result<ajar::sessions::path> went = ajar::fail(errc::canceled);
  if (session) {
    went = session->way();
    auto greeted = co_await village::greet(*session);
    if (!greeted) went = ajar::fail(greeted.error());
  } else {
    went = ajar::fail(session.error());
  }
  co_await stop_all(all, client);
  co_return went;
}

}  // namespace

TEST_CASE("a client reaches a server through a window") {
  scene all;
  auto client = all.client();
  const auto went = ajar::testing::run(all.here.context, visit(all, client, ajar::by::window));
  REQUIRE(went);
  CHECK(*went == ajar::sessions::path::window);
}
