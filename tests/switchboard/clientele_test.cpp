// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/clientele.hpp>

#include <doctest/doctest.h>

#include "house.hpp"

namespace clientele_test {

using namespace switching;

TEST_CASE("a client has so many grants of one server, and may present one of them again") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);  // with grant 1
    for (std::uint32_t grant = 2; grant <= clientele::most_grants; ++grant) {
      all.granted(all.at_client, all.server, all.client, grant);
    }
    all.present(all.at_client, all.server, all.client, 99);
    const auto refused = all.take<signalling::grant_result>(all.at_client);
    CHECK(refused.grant == id(99));
    CHECK(refused.code == code_of(errc::limit_reached));
    CHECK(all.quiet());
    for (std::uint32_t grant = 1; grant <= clientele::most_grants; ++grant) {
      all.granted(all.at_client, all.server, all.client, grant);
    }
    all.granted(all.at_client, peer(11), all.client, 99);  // of another server
  });
}

TEST_CASE("a grant on a second link of the same client begins anew there") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {});
    all.take<signalling::roster_update>(all.at_server);
    all.prove(all.at_client, all.server, all.client, 5);
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.at(0).present);

    const auto second = all.up(all.client, role::client, 2);
    all.take<signalling::goodbye>(all.at_client);
    all.granted(second, all.server, all.client, 2);
    const auto gone = all.take<signalling::roster_update>(all.at_server);  // the door was of the other link
    REQUIRE(gone.entries.size() == 1);
    CHECK(!gone.entries[0].present);
    all.prove(all.at_client, all.server, all.client, 6);
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::unknown_server);
    CHECK(all.quiet());
    all.prove(second, all.server, all.client, 7);
    const auto back = all.take<signalling::roster_update>(all.at_server);
    CHECK(back.entries.at(0).grant == id(2));
    CHECK(back.entries.at(0).record == bytes(3, 7));
  });
}

TEST_CASE("a revoked grant is refused, and whoever has presented it is told") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.revoke(all.at_server, all.server, 5, {all.entry(1), all.entry(3)});
    const auto told = all.take<signalling::grant_result>(all.at_client);
    CHECK(told.grant == id(1));
    CHECK(told.code == code_of(errc::grant_revoked));
    const auto done = all.take<signalling::revocations_result>(all.at_server);
    CHECK(done.serial == 5);
    CHECK(done.code == accepted);
    CHECK(all.quiet());

    all.present(all.at_client, all.server, all.client, 3);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::unknown_server);  // as of one that never came
    all.send(event::renewed{all.at_server, all.server, nonce(77)});
    all.take<signalling::presence>(other);
    CHECK(all.quiet());  // the one without a grant is not concerned any more
  });
}

TEST_CASE("a client with another grant goes on after a revocation") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.granted(all.at_client, all.server, all.client, 2);
    all.revoke(all.at_server, all.server, 1, {all.entry(1)});
    CHECK(all.take<signalling::grant_result>(all.at_client).grant == id(1));
    all.take<signalling::revocations_result>(all.at_server);
    all.request(all.at_client, all.server, all.client, 1);
    all.take<signalling::command>(all.at_server);
    all.request_by(1, all.at_client, all.server, all.client, 2);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_revoked);
    all.request_by(7, all.at_client, all.server, all.client, 3);  // which it has not presented
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_unknown);
    CHECK(all.quiet());
  });
}

TEST_CASE("a list of revocations with a lower serial is refused, and the known one stays in force") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.revoke(all.at_server, all.server, 5, {all.entry(7)});
    all.take<signalling::revocations_result>(all.at_server);
    all.revoke(all.at_server, all.server, 4, {});
    const auto refused = all.take<signalling::revocations_result>(all.at_server);
    CHECK(refused.serial == 4);
    CHECK(refused.code == code_of(errc::serial_too_low));
    CHECK(refused.later == scene::list_of(5));  // whoever has lost it gets it back
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    all.revoke(all.at_server, all.server, 5, {all.entry(7)});  // resent
    CHECK(all.take<signalling::revocations_result>(all.at_server).code == accepted);
    all.revoke(all.at_server, all.server, 6, {all.entry(8)});  // later, and without what is in force
    const auto forgetful = all.take<signalling::revocations_result>(all.at_server);
    CHECK(forgetful.code == code_of(errc::serial_too_low));
    CHECK(forgetful.later == scene::list_of(5));
    all.revoke(all.at_server, all.server, 7, {all.entry(7), all.entry(8)});
    CHECK(all.take<signalling::revocations_result>(all.at_server).code == accepted);
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    CHECK(all.quiet());
  });
}

TEST_CASE("revocations stay in force without the server, and leave after their time") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.revoke(all.at_server, all.server, 1, {all.entry(7), {id(8), all.today}});
    all.take<signalling::revocations_result>(all.at_server);
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    all.granted(all.at_client, all.server, all.client, 8);  // needs no revocation: it has ended by itself
  });
}

TEST_CASE("a revocation takes the client off the roster, and concerns no other client's entry") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.prove(all.at_client, all.server, all.client, 5);
    all.prove(other, all.server, peer(2), 6);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.size() == 2);
    all.revoke(all.at_server, all.server, 1, {all.entry(1)});
    all.take<signalling::grant_result>(all.at_client);
    const auto changed = all.take<signalling::roster_update>(all.at_server);
    REQUIRE(changed.entries.size() == 1);
    CHECK(changed.entries[0].client == all.client);
    CHECK(!changed.entries[0].present);
    all.take<signalling::revocations_result>(all.at_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a list of revocations that nobody needs any more is not kept without its server") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(10), role::server, 1);
    const auto second = all.up(peer(10), role::server, 2);
    all.detach(second, peer(10), role::server);
    all.revoke(first, peer(10), 1, {});  // on its way while the link was evicted
    CHECK(all.servers() == 0);
  });
}

TEST_CASE("a grant that is over counts for nothing, and its client is told when it ends") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto server = peer(10);
    const auto client = peer(21);
    const auto at_server = all.up(server, role::server);
    const auto at_client = all.up(client, role::client);
    all.granted(at_client, server, client, 1, outbound | window, 90s);
    all.prove(at_client, server, client, 5);
    all.ask_roster(at_server, server, {});
    CHECK(all.take<signalling::roster_update>(at_server).entries.size() == 1);
    all.pass(90s - 1ns);
    all.request(at_client, server, client, 1);
    all.take<signalling::command>(at_server);
    CHECK(all.quiet());
    all.pass(1ns);
    const auto told = all.take<signalling::grant_result>(at_client);
    CHECK(told.grant == id(1));
    CHECK(told.code == code_of(errc::grant_expired));
    const auto off = all.take<signalling::roster_update>(at_server);
    REQUIRE(off.entries.size() == 1);
    CHECK(off.entries[0].client == client);
    CHECK(!off.entries[0].present);
    CHECK(all.quiet());

    all.request(at_client, server, client, 2);
    CHECK(all.take<signalling::failure>(at_client).why == errc::unknown_server);
    all.answer(at_server, server, 1);  // to what was asked in time: where the server is concerns it no more
    CHECK(all.take<signalling::failure>(at_client).why == errc::grant_expired);
    all.prove(at_client, server, client, 6);
    all.send(event::renewed{at_server, server, nonce(77)});
    CHECK(all.quiet());
    all.present(at_client, server, client, 1, outbound | window, 0s);
    CHECK(all.take<signalling::grant_result>(at_client).code == code_of(errc::grant_expired));
    CHECK(all.quiet());
    all.detach(at_server, server, role::server);
    CHECK(all.servers() == 0);
    CHECK(all.next() == never);
  });
}

TEST_CASE("a client with another grant goes on by that one, and one that is renewed in time never ends") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);  // with grant 1, for a year
    all.granted(all.at_client, all.server, all.client, 2, outbound | window, 90s);
    all.prove(all.at_client, all.server, all.client, 5);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.at(0).grant == id(2));
    all.pass(80s);
    all.granted(all.at_client, all.server, all.client, 2, outbound | window, 90s);
    all.take<signalling::roster_update>(all.at_server);
    all.pass(90s - 1ms);
    CHECK(all.quiet());
    all.pass(1ms);
    CHECK(all.take<signalling::grant_result>(all.at_client).grant == id(2));
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.at(0).grant == id(1));
    all.request_by(2, all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_unknown);
    all.request_by(1, all.at_client, all.server, all.client, 2);
    all.take<signalling::command>(all.at_server);
    CHECK(all.timers() == 2);  // the request's, and one of the client
  });
}

TEST_CASE("where the wall clock is set ahead what is over counts for nothing at once, and is told within a minute") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.prove(all.at_client, all.server, all.client, 5);
    all.today += 24h * 366;
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_expired);
    all.send(event::renewed{all.at_server, all.server, nonce(77)});
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.empty());
    CHECK(all.quiet());
    all.pass(clientele::look_again);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_expired));
    CHECK(!all.take<signalling::roster_update>(all.at_server).entries.at(0).present);
    CHECK(all.quiet());
  });
}

TEST_CASE("where the wall clock is set back a grant ends as late as that") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto link = all.up(peer(21), role::client);
    all.granted(link, peer(10), peer(21), 1, window, 30s);
    all.today -= 1h;
    all.pass(1h + 30s - 1ms);
    CHECK(all.quiet());
    all.pass(1ms);
    CHECK(all.take<signalling::grant_result>(link).code == code_of(errc::grant_expired));
  });
}

TEST_CASE("an answer to a request under a grant that was revoked since says so, and nothing else") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.granted(all.at_client, all.server, all.client, 2);
    for (std::uint32_t number = 1; number <= 2; ++number) {
      all.request_by(number, all.at_client, all.server, all.client, number, 1s, true);
      all.take<signalling::command>(all.at_server);
    }
    all.answer(all.at_server, all.server, 1);
    all.take<signalling::answer>(all.at_client);
    all.revoke(all.at_server, all.server, 1, {all.entry(1), all.entry(2)});
    all.told.clear();
    all.answer(all.at_server, all.server, 2);
    CHECK(all.take<signalling::trace>(all.at_client).signed_trace.empty());
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_revoked);
    all.send(event::traced{all.at_server, all.server, id(1), bytes(3, 7)});
    all.answer(all.at_server, all.server, 1);  // another listener
    CHECK(all.quiet());
    CHECK(all.account().in_flight() == 0);
    CHECK(all.timers() == 0);
  });
}

TEST_CASE("many grants that end in one moment leave the thread to others in between") {
  constexpr std::uint32_t many = 3 * desk::most_at_once;
  house all(1);
  for (std::uint32_t i = 0; i < many; ++i) {
    all.granted(all.up(peer(1000 + i), role::client), peer(10), peer(1000 + i), i, window, 50s);
  }
  all.move_to(all.now + 50s);
  for (std::size_t left = 3; left > 0; --left) {
    CHECK(all.next() <= all.now);
    CHECK(all.homes[0].expire(all.now, all.today).size() == desk::most_at_once);
    CHECK(all.timers() == (left - 1) * desk::most_at_once);
  }
  CHECK(all.homes[0].expire(all.now, all.today).empty());
  CHECK(all.servers() == 0);
}

}  // namespace clientele_test
