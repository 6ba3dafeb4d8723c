// SPDX-License-Identifier: BSL-1.0
#include <ajar/client/held_grants.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>

namespace held_grants_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

// A client, a server that has granted it something, and two centrals; each test says what differs.
struct scene {
  trust::grant_file& add(trust::method_set methods = trust::method::outbound, std::chrono::seconds life = 1h) {
    trust::grant body;
    body.id = crypto::random_octets<16>();
    body.client = to;
    body.not_before = wall_now() - 1h;
    body.not_after = wall_now() + life;
    body.methods = methods;
    return all.emplace_back(trust::grant_file{at, "home", trust::signed_grant::sign(body, from)});
  }
  detail::held_grants held() const { return {own.id(), all}; }

  testing::manual_clock time;
  identity::key own = identity::key::generate();
  identity::key server = identity::key::generate();
  identity::url central{{"central.example", 443}, identity::key::generate().id()};
  identity::url another{{"another.example", 443}, identity::key::generate().id()};
  identity::peer_id to = own.id();
  identity::key from = server;
  identity::url at = central;
  std::vector<trust::grant_file> all;
};

}  // namespace

TEST_CASE("of several grants of one server the one that lasts longest counts") {
  scene one;
  CHECK(one.held().of(one.server.id()) == nullptr);
  one.add({}, 1h);
  one.add({}, 3h);
  one.add({}, 2h);
  const auto held = one.held();
  const auto* best = held.of(one.server.id());
  REQUIRE(best != nullptr);
  CHECK(best->grant.body().id == one.all[1].grant.body().id);
  CHECK(held.of(one.own.id()) == nullptr);
}

TEST_CASE("a grant for another key is none") {
  scene one;
  one.to = identity::key::generate().id();
  const auto& file = one.add();
  const auto held = one.held();
  CHECK(held.of(one.server.id()) == nullptr);
  CHECK_FALSE(held.let_dial(one.server.id(), wall_now()));
  CHECK_FALSE(held.ask_about(one.central, one.server.id()));
  CHECK_FALSE(held.ask_about(one.central, file.grant.body().id));
  CHECK(held.shown_to(one.central, wall_now()).empty());
}

TEST_CASE("a central is asked about the servers whose grants name it, and no other") {
  scene one;
  const auto id = one.add().grant.body().id;
  const auto held = one.held();
  CHECK(held.ask_about(one.central, one.server.id()));
  CHECK(held.ask_about(one.central, id));
  CHECK_FALSE(held.ask_about(one.another, one.server.id()));
  CHECK_FALSE(held.ask_about(one.another, id));
  CHECK_FALSE(held.ask_about(one.central, one.own.id()));
}

TEST_CASE("a central is shown what lasts, as much as it takes") {
  scene one;
  one.add({}, 1h);
  one.add({}, 2h);
  one.at = one.another;
  one.add({}, 2h);
  CHECK(one.held().shown_to(one.central, wall_now()).size() == 2);
  CHECK(one.held().shown_to(one.central, wall_now() + 1h).size() == 1);
  CHECK(one.held().shown_to(one.central, wall_now() + 2h).empty());
  CHECK(one.held().shown_to(one.another, wall_now()).size() == 1);
  for (std::size_t i = 0; i < detail::held_grants::most_shown; ++i) one.add();
  CHECK(one.held().shown_to(one.another, wall_now()).size() == detail::held_grants::most_shown);
}

TEST_CASE("a server may dial where its longest grant says so, until that ends") {
  scene one;
  one.add(trust::method::outbound, 1h);
  CHECK(one.held().let_dial(one.server.id(), wall_now()));
  CHECK_FALSE(one.held().let_dial(one.server.id(), wall_now() + 1h));
  CHECK_FALSE(one.held().let_dial(one.own.id(), wall_now()));
  one.add(trust::method::window, 2h);
  CHECK_FALSE(one.held().let_dial(one.server.id(), wall_now()));
}

TEST_CASE("a grant that is refused as too old or too new, and is neither here, tells that the clocks differ") {
  scene one;
  const auto& grant = one.add({}, 1h).grant.body();
  const auto now = wall_now();
  for (const auto why : {errc::grant_expired, errc::grant_not_yet_valid}) {
    CHECK(detail::by_both_clocks(why, grant, now) == errc::clocks_differ);
    CHECK(detail::by_both_clocks(why, grant, grant.not_before) == errc::clocks_differ);
    CHECK(detail::by_both_clocks(why, grant, grant.not_before - 1s) == why);  // both say so
    CHECK(detail::by_both_clocks(why, grant, now + 1h - 6min) == errc::clocks_differ);
    CHECK(detail::by_both_clocks(why, grant, now + 1h - 4min) == why);  // it just ends
    CHECK(detail::by_both_clocks(why, grant, now + 2h) == why);
  }
  CHECK(detail::by_both_clocks(errc::grant_revoked, grant, now) == errc::grant_revoked);
}

}  // namespace held_grants_test
