// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/exchanges.hpp>

#include <doctest/doctest.h>

#include "house.hpp"

namespace exchanges_test {

using namespace switching;

TEST_CASE("a request is commanded to the server verbatim, with the address that central saw") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3);
    const auto command = all.take<signalling::command>(all.at_server);
    CHECK(command.signed_request == house::octets_of(3));
    CHECK(command.seen == std::vector{net::tcp::endpoint(asio::ip::make_address("198.51.100.7"), 7)});
    CHECK(all.quiet());
  });
}

TEST_CASE("an answer goes to the link that has asked, verbatim, and to no other") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.request(all.at_client, all.server, all.client, 3);
    all.request(other, all.server, peer(2), 4);
    all.take<signalling::command>(all.at_server);
    all.take<signalling::command>(all.at_server);
    all.answer(all.at_server, all.server, 4);
    const auto second = all.take<signalling::answer>(other);
    CHECK(second.id == id(4));
    CHECK(second.signed_answer == house::octets_of(5));
    CHECK(all.quiet());
    all.answer(all.at_server, all.server, 3);
    CHECK(all.take<signalling::answer>(all.at_client).id == id(3));
    CHECK(all.quiet());
  });
}

TEST_CASE("an answer of another server, of an older link or to nothing is ignored") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto at_other = all.up(peer(11), role::server);
    all.request(all.at_client, all.server, all.client, 3);
    all.take<signalling::command>(all.at_server);
    all.answer(at_other, peer(11), 3);
    all.answer(at_other, all.server, 3);
    all.answer(all.at_client, all.server, 3);
    all.answer(all.at_server, all.server, 4);
    CHECK(all.quiet());
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::goodbye>(all.at_server);
    all.take<signalling::presence>(all.at_client);
    all.answer(all.at_server, all.server, 3);
    CHECK(all.quiet());
    all.answer(second, all.server, 3);
    all.take<signalling::answer>(all.at_client);
  });
}

TEST_CASE("several answers are relayed, up to the limit, and no failure follows them") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3);
    all.take<signalling::command>(all.at_server);
    for (int i = 0; i < exchange::most_answers; ++i) {
      all.answer(all.at_server, all.server, 3);
      all.take<signalling::answer>(all.at_client);
    }
    all.answer(all.at_server, all.server, 3);
    all.pass(1h);
    CHECK(all.quiet());
    CHECK(all.timers() == 1);  // the client's grant
  });
}

TEST_CASE("a request without an answer fails exactly once, in time, and an answer afterwards is ignored") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3, 800ms);
    all.take<signalling::command>(all.at_server);
    CHECK(all.next() == all.now + 800ms + exchange::grace);
    all.pass(800ms + exchange::grace - 1ns);
    CHECK(all.quiet());
    all.pass(1ns);
    const auto failure = all.take<signalling::failure>(all.at_client);
    CHECK(failure.id == id(3));
    CHECK(failure.why == errc::exchange_timeout);
    all.answer(all.at_server, all.server, 3);
    all.pass(1h);
    CHECK(all.quiet());
  });
}

TEST_CASE("requests are counted: under way, answered, ended, and refused by their cause") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3);
    all.request(all.at_client, all.server, all.client, 4);
    CHECK(all.account().begun == 2);
    CHECK(all.account().in_flight() == 2);
    all.answer(all.at_server, all.server, 3);
    all.answer(all.at_server, all.server, 3);  // another listener of the same window
    CHECK(all.account().answered == 1);
    all.finish(all.at_server, all.server, 3);
    CHECK(all.account().in_flight() == 1);
    all.pass(1h);
    CHECK(all.account().in_flight() == 0);
    CHECK(all.account().answered == 1);
    CHECK(all.account().refused.of(errc::exchange_timeout) == 1);
    all.request(all.at_client, peer(99), all.client, 5);
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.account().refused.of(errc::unknown_server) == 1);
    CHECK(all.account().begun == 2);
  });
}

TEST_CASE("a server that central has not heard of is unknown, one without a link is offline") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, peer(12), all.client, 3);
    const auto unknown = all.take<signalling::failure>(all.at_client);
    CHECK(unknown.id == id(3));
    CHECK(unknown.why == errc::unknown_server);
    CHECK(all.granted(all.at_client, peer(12), all.client, 9).state == presence_state::offline);
    all.request(all.at_client, peer(12), all.client, 4);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::server_offline);

    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::roster_update>(all.at_server);
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.take<signalling::presence>(all.at_client);
    all.request(all.at_client, all.server, all.client, 5);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::server_offline);
    CHECK(all.quiet());
  });
}

TEST_CASE("nobody asks a server without a grant of it, or over another's link") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.request(other, all.server, peer(2), 3);
    CHECK(all.take<signalling::failure>(other).why == errc::unknown_server);
    all.request(other, all.server, all.client, 4);
    CHECK(all.take<signalling::failure>(other).why == errc::unknown_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a client has so many open requests at a server, and gets them back when their time is up") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto fill = [&](const link_ref& link, std::uint32_t first) {
      for (std::uint32_t i = 0; i < exchanges::most_open_requests; ++i) {
        all.request(link, all.server, all.client, first + i);
        all.take<signalling::command>(all.at_server);
      }
      all.request(link, all.server, all.client, first + 100);
      const auto refused = all.take<signalling::failure>(link);
      CHECK(refused.id == id(first + 100));
      CHECK(refused.why == errc::too_many_requests);
      CHECK(all.quiet());
    };
    fill(all.at_client, 1000);
    all.answer(all.at_server, all.server, 1000);  // it is open no more, though others may follow
    all.take<signalling::answer>(all.at_client);
    all.request(all.at_client, all.server, all.client, 2000);
    all.take<signalling::command>(all.at_server);
    all.request(all.at_client, all.server, all.client, 2001);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::too_many_requests);
    all.pass(2s);
    for (std::size_t i = 0; i < exchanges::most_open_requests; ++i) {
      CHECK(all.take<signalling::failure>(all.at_client).why == errc::exchange_timeout);
    }
    CHECK(all.quiet());
    fill(all.at_client, 3000);
  });
}

TEST_CASE("a client has so many answered requests that others may follow, and the server ends them early") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto pass_through = [&](std::uint32_t number, bool last) {
      all.request(all.at_client, all.server, all.client, number);
      all.take<signalling::command>(all.at_server);
      all.answer(all.at_server, all.server, number, last);
      CHECK(all.take<signalling::answer>(all.at_client).last == last);
    };
    for (std::uint32_t i = 0; i < 2 * exchanges::most_answered; ++i) pass_through(10'000 + i, true);
    for (std::uint32_t i = 0; i < exchanges::most_answered; ++i) pass_through(20'000 + i, false);
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::too_many_requests);
    all.finish(all.at_server, all.server, 20'000);
    CHECK(all.quiet());  // that is for central alone
    pass_through(30'000, true);
    all.answer(all.at_server, all.server, 30'000);  // nothing follows what was the last
    CHECK(all.quiet());
    pass_through(30'001, false);
    all.pass(2s);
    CHECK(all.quiet());
    pass_through(30'002, false);
  });
}

TEST_CASE("the steps of central and what the server traced go to the client that asked for them, once") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto trace = [&](std::uint32_t number) {
      all.send(event::traced{all.at_server, all.server, id(number), bytes(3, 7)});
    };
    all.request(all.at_client, all.server, all.client, 1, 1s, true);
    all.take<signalling::command>(all.at_server);
    trace(1);
    CHECK(all.quiet());  // nothing was answered yet
    all.pass(20ms);
    for (int attempt = 1; attempt <= trust::most_answers; ++attempt) {
      all.answer(all.at_server, all.server, 1);
      all.take<signalling::answer>(all.at_client);
    }
    all.pass(30ms);
    trace(1);
    const auto told = all.take<signalling::trace>(all.at_client);
    CHECK(told.id == id(1));
    CHECK(told.signed_trace == bytes(3, 7));
    CHECK(told.of_central.sent_us - told.of_central.received_us == 20'000);
    std::string letters;
    for (const auto& one : told.of_central.steps) letters += one.letter == 0 ? '-' : static_cast<char>(one.letter);
    CHECK(letters == "BCEFEFEFEF-");
    trace(1);
    all.finish(all.at_server, all.server, 1);
    trace(1);
    all.request(all.at_client, all.server, all.client, 2);
    all.take<signalling::command>(all.at_server);
    all.answer(all.at_server, all.server, 2);
    all.take<signalling::answer>(all.at_client);
    trace(2);
    CHECK(all.quiet());  // that one did not ask
  });
}

TEST_CASE("a failure of central's is explained before it is told") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 1, 1s, true);
    all.take<signalling::command>(all.at_server);
    all.pass(2s);
    const auto late = all.take<signalling::trace>(all.at_client);
    CHECK(late.signed_trace.empty());
    CHECK(late.of_central.steps.back().detail == make_error_code(errc::exchange_timeout).message());
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::exchange_timeout);
    all.detach(all.at_server, all.server, role::server);
    all.told.clear();
    all.request(all.at_client, all.server, all.client, 2, 1s, true);
    const auto gone = all.take<signalling::trace>(all.at_client);
    CHECK(gone.of_central.steps.back().detail == make_error_code(errc::server_offline).message());
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::server_offline);
  });
}

TEST_CASE("a request that was not answered is not ended by the server's being done with it") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 1);
    all.take<signalling::command>(all.at_server);
    all.finish(all.at_server, all.server, 1);
    CHECK(all.quiet());
    all.pass(2s);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::exchange_timeout);
  });
}

TEST_CASE("what an earlier link of a client had open gives its new link nothing when it ends") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto open = [&](const link_ref& link, std::uint32_t first) {
      std::size_t count = 0;
      for (std::uint32_t i = 0; i < 2 * exchanges::most_open_requests; ++i) {
        all.request(link, all.server, all.client, first + i);
        count += all.told.contains(all.at_server) ? 1 : 0;
        all.told.clear();
      }
      return count;
    };
    CHECK(open(all.at_client, 1000) == exchanges::most_open_requests);
    all.pass(1s);
    const auto second = all.up(all.client, role::client, 2);
    all.granted(second, all.server, all.client, 1);
    CHECK(open(second, 2000) == exchanges::most_open_requests);
    all.pass(1s);  // those of the first link end
    all.told.clear();
    CHECK(open(second, 3000) == 0);
    all.pass(1s);
    all.told.clear();
    CHECK(open(second, 4000) == exchanges::most_open_requests);
  });
}

TEST_CASE("a request's id is used once at a time") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.request(all.at_client, all.server, all.client, 3);
    all.take<signalling::command>(all.at_server);
    all.request(other, all.server, peer(2), 3);
    CHECK(all.take<signalling::failure>(other).why == errc::too_many_requests);
    all.answer(all.at_server, all.server, 3);
    all.take<signalling::answer>(all.at_client);
    CHECK(all.quiet());
  });
}

TEST_CASE("a server has so many open requests, of all its clients, and gets them back") {
  with_one_and_two([](std::size_t shards) {
    constexpr auto clients = exchanges::most_open_a_server / exchanges::most_open_requests;
    scene all(shards);
    std::uint32_t number = 0;
    const auto open = [&](std::uint32_t client) {
      const auto link = all.up(peer(1000 + client), role::client, 1 + number);
      all.granted(link, all.server, peer(1000 + client), client);
      for (std::size_t i = 0; i < exchanges::most_open_requests; ++i) {
        all.request(link, all.server, peer(1000 + client), ++number);
        all.take<signalling::command>(all.at_server);
      }
    };
    for (std::uint32_t i = 0; i < clients; ++i) open(i);
    all.request(all.at_client, all.server, all.client, ++number);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::too_many_requests);
    CHECK(all.quiet());
    all.pass(2s);
    all.told.clear();
    all.request(all.at_client, all.server, all.client, ++number);
    all.take<signalling::command>(all.at_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a client whose grant ends while it waits, and that presents another over its link, may ask as before") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto server = peer(10);
    const auto client = peer(21);
    const auto at_server = all.up(server, role::server);
    const auto at_client = all.up(client, role::client);
    all.granted(at_client, server, client, 1, outbound | window, 2s);
    all.request(at_client, server, client, 1, 5s);
    all.take<signalling::command>(at_server);
    all.pass(3s);
    CHECK(all.take<signalling::grant_result>(at_client).code == code_of(errc::grant_expired));
    all.granted(at_client, server, client, 2);
    all.pass(5s);
    CHECK(all.take<signalling::failure>(at_client).why == errc::exchange_timeout);
    for (std::uint32_t i = 0; i < exchanges::most_open_requests; ++i) {
      all.request(at_client, server, client, 10 + i);
      all.take<signalling::command>(at_server);
    }
    all.request(at_client, server, client, 100);
    CHECK(all.take<signalling::failure>(at_client).why == errc::too_many_requests);
    CHECK(all.quiet());
  });
}

}  // namespace exchanges_test
