// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/held_grants.hpp>

#include <doctest/doctest.h>

#include "../temporary_folder.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace held_grants_test {

using namespace ajar;
using namespace ajar::state;

namespace {

struct client {
  client() { REQUIRE(::chmod(in.path.c_str(), 0700) == 0); }

  trust::grant_file from(const identity::key& server) const {
    trust::grant body;
    body.id = crypto::random_octets<16>();
    body.client = self.id();
    body.not_before = wall_now() - std::chrono::minutes(5);
    body.not_after = wall_now() + std::chrono::hours(1);
    body.methods = trust::method::outbound | trust::method::window;
    body.services = {{"docs", true, false}};
    return {
        {net::endpoint("central.example", 443), identity::peer_id()}, "home", trust::signed_grant::sign(body, server)};
  }

  temporary_folder in;
  identity::key self = identity::key::generate();
};

}  // namespace

TEST_CASE("a grant is kept under its server's name, and a later one of that server takes its place") {
  const client at;
  const auto state = folder::open(at.in.path).value();
  const held_grants held(state, at.self.id());
  const auto home = identity::key::generate();
  CHECK(held.add(at.from(home)).value() == "home");
  const auto later = at.from(home);
  CHECK(held.add(later).value() == "home");
  const auto all = held.list().value().good;
  REQUIRE(all.size() == 1);
  CHECK(all[0].file.grant.octets() == later.grant.octets());
  CHECK(held.add(at.from(identity::key::generate())).error() == errc::petname_taken);
  CHECK(held.add(at.from(identity::key::generate()), "work").value() == "work");
}

TEST_CASE("a damaged grant file costs itself alone, and is named") {
  const client at;
  const auto state = folder::open(at.in.path).value();
  const held_grants held(state, at.self.id());
  REQUIRE(held.add(at.from(identity::key::generate())).value() == "home");
  REQUIRE(held.add(at.from(identity::key::generate()), "work").value() == "work");
  const auto torn = as_bytes("ajar-grant/1\n");
  REQUIRE(state.write("work.grant", torn));
  const auto all = held.list().value();
  REQUIRE(all.good.size() == 1);
  CHECK(all.good[0].petname == "home");
  REQUIRE(all.bad.size() == 1);
  CHECK(all.bad[0].petname == "work");
  CHECK(all.bad[0].why == errc::state_damaged);
  CHECK(held.path_of("work") == at.in.path + "/work.grant");
  CHECK(held.add(at.from(identity::key::generate()), "work").error() == errc::state_damaged);  // whose it was?
  CHECK(state.read("work.grant").value()->size() == torn.size());
}

TEST_CASE("of two servers whose grants come at the same moment one has the name") {
  const auto home = identity::key::generate();
  const auto work = identity::key::generate();
  for (int round = 0; round < 20; ++round) {
    const client at;
    std::atomic<int> ready = 0;
    std::atomic<int> kept = 0;
    std::atomic<int> taken = 0;
    std::vector<std::thread> all;
    for (int i = 0; i < 4; ++i) {
      all.emplace_back([&, file = at.from(i % 2 == 0 ? home : work)] {
        const auto state = folder::open(at.in.path).value();
        for (++ready; ready < 4;) std::this_thread::yield();
        const auto added = held_grants(state, at.self.id()).add(file);
        if (added) ++kept;
        if (!added && added.error() == errc::petname_taken) ++taken;
      });
    }
    for (auto& each : all) each.join();
    CHECK(kept == 2);
    CHECK(taken == 2);
  }
}

TEST_CASE("a grant that was renewed takes its own place, and no other's") {
  const client at;
  const auto state = folder::open(at.in.path).value();
  const held_grants held(state, at.self.id());
  const auto home = identity::key::generate();
  const auto first = at.from(home);
  CHECK(held.update(first, "home").error() == errc::no_grant);
  REQUIRE(held.add(first));
  auto moved = first;
  moved.central.at = net::endpoint("new.example", 443);
  CHECK(held.update(moved, "home"));
  CHECK(held.list().value().good[0].file.central == moved.central);
  const auto later = at.from(home);
  REQUIRE(held.add(later));
  CHECK(held.update(moved, "home").error() == errc::grant_unknown);  // a process that began before
  CHECK(held.list().value().good[0].file.grant.octets() == later.grant.octets());
}

TEST_CASE("what a client's new key was granted takes the place of what the one before had") {
  const client at;
  const auto state = folder::open(at.in.path).value();
  const held_grants held(state, at.self.id());
  const auto home = identity::key::generate();
  const auto first = at.from(home);
  REQUIRE(held.add(first));
  client after;
  const auto next = after.from(home);
  CHECK(held.succeed(at.from(home).grant, next, "home").error() == errc::grant_unknown);
  CHECK(held.succeed(trust::signed_grant::sign(first.grant.body(), identity::key::generate()), next, "home").error() ==
        errc::grant_unknown);
  CHECK(held.succeed(first.grant, next, "home"));
  CHECK(held.list().value().good[0].file.grant.octets() == next.grant.octets());
  CHECK(held.update(first, "home").error() == errc::grant_unknown);  // a process that goes by the key before
}

}  // namespace held_grants_test
