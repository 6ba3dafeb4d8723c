// SPDX-License-Identifier: BSL-1.0
#include <ajar/server/state.hpp>

#include "../temporary_folder.hpp"
#include "../village/place.hpp"

#include <ajar/state/held_grants.hpp>
#include <ajar/testing/run.hpp>

#include <doctest/doctest.h>

namespace opening_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

// Two state folders, as two people have them, and a central.
struct two_homes : village::place {
  std::string server_folder() const { return at.path + "/server"; }
  std::string client_folder() const { return at.path + "/client"; }

  // By another process, as `ajar-server grant` and `ajar-client add` are.
  trust::grant_id grant(std::vector<trust::service_right> services = {}) {
    const auto server = must(state::folder::open(server_folder()));
    const auto client = must(state::folder::open(client_folder()));
    const auto owner = must(server.load_key());
    const auto guest = must(client.load_key());
    trust::grant body;
    body.id = crypto::random_octets<16>();
    body.client = guest.id();
    body.begin(wall_now(), 1h);
    body.methods = trust::method::window;
    body.lan = true;
    body.sessions = 2;
    body.windows_a_minute = 60;
    body.windows_a_day = 600;
    body.services = std::move(services);
    const auto made = trust::signed_grant::sign(body, owner);
    REQUIRE(state::issued_grants(server, owner.id()).keep({"guest", true, made}));
    REQUIRE(state::held_grants(client, guest.id()).add({central.url(), "home", made}));
    return body.id;
  }

  template <class T>
  static T must(result<T> value) {
    REQUIRE(value);
    return std::move(*value);
  }

  std::unique_ptr<server> open_server() {
    return must(server::open(context.get_executor(), server_folder(),
                             ajar::server_options(central.url()).on_step(village::steps("server "))));
  }
  std::unique_ptr<client> open_client() {
    return must(client::open(context.get_executor(), client_folder(),
                             ajar::client_options().on_step(village::steps("client "))));
  }

  temporary_folder at;
};

awaitable<result<>> meet(two_homes& all, server& home, client& visitor) {
  connect_options how;
  how.until(clock::now() + 30s);
  const auto id = home.status().id;
  auto session = co_await visitor.connect(id, how);
  if (!session) co_return fail(session.error());
  auto greeted = co_await village::greet(*session);
  (void)all;
  co_return greeted;
}

awaitable<void> meet_and_stop(two_homes& all, std::unique_ptr<server>& home, std::unique_ptr<client>& visitor) {
  auto met = co_await meet(all, *home, *visitor);
  CHECK_MESSAGE(met, met.error().message());
  co_await visitor->stop();
  co_await home->stop();
}

awaitable<void> be_refused(two_homes& all, server& home, client& visitor) {
  auto met = co_await meet(all, home, visitor);
  REQUIRE(!met);
  CHECK(met.error() == errc::grant_revoked);
  co_await visitor.stop();
  co_await home.stop();
}

awaitable<void> serve_photos(server& home) {
  for (;;) {
    auto guest = co_await home.accept("photos");
    if (!guest) co_return;
    const auto photos = home.permits(*guest, "photos");
    CHECK(photos);
    if (photos) CHECK(photos->read);
    CHECK(home.permits(*guest, "notes").error() == errc::service_not_granted);
    home.spawn(village::echo(std::move(*guest)));
  }
}

awaitable<void> be_let_go(server& home, client& visitor) {
  connect_options how;
  how.until(clock::now() + 30s);
  const auto id = home.status().id;
  auto session = co_await visitor.connect(id, how);
  REQUIRE_MESSAGE(session, session.error().message());
  std::array<std::uint8_t, 16> octets{};
  auto count = co_await session->read_some(octets);
  REQUIRE(!count);
  CHECK(count.error() == errc::service_not_granted);
  co_await visitor.stop();
  co_await home.stop();
}

}  // namespace

TEST_CASE("a server of one service gets the sessions whose grants permit it, and no others") {
  for (const auto& name : {"photos", "notes"}) {
    two_homes all;
    all.grant({{name, true, false}});
    auto home = all.open_server();
    auto visitor = all.open_client();
    home->start();
    visitor->start();
    home->spawn(serve_photos(*home));
    if (name == std::string_view("photos")) {
      testing::run(all.context, meet_and_stop(all, home, visitor));
    } else {
      testing::run(all.context, be_let_go(*home, *visitor));
    }
  }
}

TEST_CASE("a server and a client are opened on their state folders, and meet by the grants that are there") {
  two_homes all;
  all.grant();
  for (int run = 0; run < 2; ++run) {  // and again: the count of logins goes on
    auto home = all.open_server();
    auto visitor = all.open_client();
    home->start();
    visitor->start();
    home->spawn(village::serve_echo(*home));
    testing::run(all.context, meet_and_stop(all, home, visitor));
  }
}

TEST_CASE("what was taken back before a server is opened stays so") {
  two_homes all;
  const auto id = all.grant();
  {
    const auto kept = two_homes::must(server_state::open(all.server_folder()));
    REQUIRE(kept->issued.revoke({id}, kept->self));
  }
  auto home = all.open_server();
  auto visitor = all.open_client();
  home->start();
  visitor->start();
  testing::run(all.context, be_refused(all, *home, *visitor));
}

TEST_CASE("a state folder has one server or client at a time, and another one when that has gone") {
  two_homes all;
  auto home = all.open_server();
  auto visitor = all.open_client();
  const auto executor = all.context.get_executor();
  const auto second = server::open(executor, all.server_folder(), ajar::server_options(all.central.url()));
  REQUIRE(!second);
  CHECK(second.error() == errc::already_running);
  const auto other = client::open(executor, all.client_folder());
  REQUIRE(!other);
  CHECK(other.error() == errc::already_running);
  const auto id = home->status().id;
  home.reset();
  visitor.reset();
  all.context.poll();
  CHECK(all.open_server()->status().id == id);
  CHECK(all.open_client());
}

TEST_CASE("a state folder that others may read, or that cannot be made, opens no server and no client") {
  two_homes all;
  const auto executor = all.context.get_executor();
  const auto open = all.at.folder("open");
  REQUIRE(::chmod(open.c_str(), 0755) == 0);
  const auto read_by_others = server::open(executor, open, ajar::server_options(all.central.url()));
  REQUIRE(!read_by_others);
  CHECK(read_by_others.error() == errc::state_permissions);
  const auto file = all.at.file("file", "no folder");
  const auto no_folder = client::open(executor, file + "/state");
  REQUIRE(!no_folder);
  CHECK(no_folder.error() == errc::state_unusable);
}

}  // namespace opening_test
