// SPDX-License-Identifier: BSL-1.0
// A server at several centrals, as where it moves from one to another.
#include <ajar/server.hpp>

#include <ajar/core/deadline.hpp>

#include <algorithm>
#include <memory>

#include "village/memory_place.hpp"

namespace moving_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// A server at one central, and a second central.
struct two_centrals : village::memory_place {
  two_centrals() {
    central_options options({at_other, 443}, switchboard::admission::open());
    options.network(world.host(at_other)).on_step(steps.sink("other  "));
    other.emplace(std::vector<asio::any_io_executor>{context.get_executor()}, identity::key::generate(), options);
    REQUIRE(other->open());
    other->start();
    start_server();
  }

  // A client that knows the server by one of them.
  std::unique_ptr<ajar::client> client_by(const identity::url& where,
                                          const identity::key& key = identity::key::generate()) {
    village::terms with;
    with.life = 48h;
    const auto at = asio::ip::make_address("203.0.113." + std::to_string(++clients));
    given.push_back(home.issue(key.id(), with));
    client_options options;
    options.grants({{where, "home", given.back()}}).logins(village::logins()).door({at, 7000});
    options.network(world.host(at)).on_step(steps.sink("client "));
    auto made = std::make_unique<ajar::client>(context.get_executor(), key, options);
    made->start();
    return made;
  }

  net::address at_other = asio::ip::make_address("198.51.100.2");
  std::optional<ajar::central> other;
  int clients = 1;
  std::vector<trust::signed_grant> given;
};

awaitable<result<sessions::session>> visit(two_centrals& all, client& visitor) {
  connect_options how;
  how.over(by::outbound).until(60s);
  return visitor.connect(all.home.key.id(), how);
}

awaitable<void> expect(two_centrals& all, client& visitor, std::error_code why = {}) {
  auto visiting = visit(all, visitor);
  const auto session = co_await std::move(visiting);
  const auto came = session ? std::error_code() : session.error();
  CHECK_MESSAGE(came == why, came.message());
}

// To so many centrals.
awaitable<void> until_linked(two_centrals& all, std::ptrdiff_t count) {
  for (std::ptrdiff_t linked = 0; linked != count;) {
    auto slept = co_await sleep_until(clock::now() + 10ms);
    REQUIRE(slept);
    const auto status = all.server->status();
    linked = status.link.linked + std::ranges::count_if(status.other_links, &signalling::link_status::linked);
  }
}

awaitable<void> end(two_centrals& all) {
  co_await all.server->stop();
  co_await all.central->stop();
  co_await all.other->stop();
}

awaitable<void> be_found_by_both(two_centrals& all) {
  const auto before = all.client_by(all.central->url());
  const auto after = all.client_by(all.other->url());
  co_await expect(all, *before);
  co_await expect(all, *after, errc::server_offline);
  all.server->also_at(all.other->url());
  all.server->also_at(all.other->url());  // it is there already
  co_await until_linked(all, 2);
  co_await expect(all, *after);
  const auto status = all.server->status();
  CHECK(status.link.central == all.central->url());
  REQUIRE(status.other_links.size() == 1);
  CHECK(status.other_links[0].central == all.other->url());
  CHECK(status.other_links[0].linked);
  CHECK(status.clients_with_door == 2);
  co_await end(all);
}

awaitable<void> be_revoked_at_both(two_centrals& all) {
  all.server->also_at(all.other->url());
  const auto one = all.client_by(all.central->url());
  const auto two = all.client_by(all.other->url());
  co_await until_linked(all, 2);
  co_await expect(all, *one);
  co_await expect(all, *two);
  trust::revocations list;
  list.serial = 1;
  for (const auto& grant : all.given) list.entries.push_back({grant.body().id, grant.body().not_after});
  auto revoking = all.server->revoke(trust::signed_revocations::sign(list, all.home.key));
  const auto revoked = co_await std::move(revoking);
  CHECK(revoked);
  CHECK(all.server->sessions() == 0);
  auto slept = co_await sleep_until(clock::now() + 1s);
  CHECK(slept);
  CHECK(all.server->status().revocations_acknowledged);
  co_await expect(all, *one, errc::grant_revoked);
  co_await expect(all, *two, errc::grant_revoked);
  co_await end(all);
}

awaitable<void> leave_one(two_centrals& all) {
  const auto old = all.central->url();
  const auto one = all.client_by(old);
  const auto two = all.client_by(all.other->url());
  CHECK(all.server->leave(old).error() == errc::server_offline);  // there is no other
  CHECK(all.server->leave(all.other->url()).error() == errc::url_malformed);
  all.server->also_at(all.other->url());
  co_await until_linked(all, 2);
  auto visiting = visit(all, *one);
  const auto kept = co_await std::move(visiting);
  REQUIRE(kept);
  CHECK(all.server->sessions() == 1);
  CHECK(all.server->leave(old));
  CHECK(all.server->leave(old).error() == errc::url_malformed);
  auto slept = co_await sleep_until(clock::now() + 1s);
  CHECK(slept);
  CHECK(all.server->sessions() == 1);
  CHECK_FALSE(kept->has_ended());
  CHECK_FALSE(all.server->status().link.linked);
  CHECK(all.server->linked());
  const auto late = all.client_by(old);
  co_await expect(all, *late, errc::server_offline);
  co_await expect(all, *two);
  all.server->also_at(old);  // and back
  co_await until_linked(all, 2);
  const auto again = all.client_by(old);
  co_await expect(all, *again);
  co_await end(all);
}

awaitable<void> lose_one(two_centrals& all, bool own) {
  all.server->also_at(all.other->url());
  co_await until_linked(all, 2);
  const auto lost = own ? all.central->url() : all.other->url();
  const auto left = own ? all.other->url() : all.central->url();
  server_options copied(lost);  // the same key again, there
  copied.logins([] { return result<std::uint64_t>(1'000'000); }).network(all.world.host(all.at_server));
  server thief(all.context.get_executor(), all.home.key, copied);
  thief.start();
  auto noticed = all.steps.saw("the link to central ended for good", 1, 60s);
  const bool ended = co_await std::move(noticed);
  CHECK(ended);
  const auto one = all.client_by(left);
  auto visiting = visit(all, *one);
  const auto session = co_await std::move(visiting);
  CHECK(session);
  auto accepting = all.server->accept();
  const auto guest = co_await std::move(accepting);
  CHECK(guest);
  CHECK(all.server->linked());
  co_await thief.stop();
  co_await end(all);
}

// As where a client goes over to the new one, and central has not noticed yet that it left the old one.
awaitable<void> be_told_of_twice(two_centrals& all) {
  all.server->also_at(all.other->url());
  co_await until_linked(all, 2);
  const auto key = identity::key::generate();
  const auto one = all.client_by(all.central->url(), key);
  const auto two = all.client_by(all.other->url(), key);
  auto first = visit(all, *one);
  const auto kept = co_await std::move(first);
  REQUIRE(kept);
  auto second = visit(all, *two);
  auto early = co_await before(3s, errc::dial_timeout, std::move(second));
  REQUIRE_FALSE(early);
  CHECK_FALSE(kept->has_ended());
  CHECK(all.server->status().sessions_begun == 1);
  co_await one->stop();
  auto third = visit(all, *two);
  const auto late = co_await std::move(third);
  CHECK(late);
  co_await end(all);
}

}  // namespace

TEST_CASE("a client that two centrals tell of has one session, by the first of them, until it has left that one") {
  two_centrals all;
  all.run(be_told_of_twice(all));
}

TEST_CASE("clients find a server by each of its centrals, from when it is there on") {
  two_centrals all;
  all.run(be_found_by_both(all));
}

TEST_CASE("what is revoked is told to each central, and ends what came by either") {
  two_centrals all;
  all.run(be_revoked_at_both(all));
}

TEST_CASE("a central that a server has left does not know it any more, and sessions go on") {
  two_centrals all;
  all.run(leave_one(all));
}

TEST_CASE("where one link has ended for good the server is found by the others") {
  for (const bool own : {false, true}) {
    two_centrals all;
    all.run(lose_one(all, own));
  }
}

}  // namespace moving_test
