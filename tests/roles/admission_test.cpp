// SPDX-License-Identifier: BSL-1.0
// Central's list and limits, changed while it runs.
#include <ajar/central.hpp>

#include "village/scripted_peer.hpp"

#include <thread>

namespace admission_test {

using namespace std::chrono_literals;
using namespace ajar;
using signalling::role;

namespace {

// A central that serves the servers of a list, on two shards of one thread.
struct town {
  explicit town(std::set<peer_id> served) : steps(context) {
    central_options options(village::loopback(), switchboard::admission::of(std::move(served)));
    options.on_step(steps.sink("central"));
    node.emplace(std::vector<asio::any_io_executor>{context.get_executor(), context.get_executor()},
                 identity::key::generate(), options);
    REQUIRE(node->open());
    node->start();
  }

  asio::io_context context{1};  // as ajar-central has them: what a thread posts to itself waits for its handler's end
  village::watch steps;
  std::optional<central> node;
};

switchboard::admission list_of(std::set<peer_id> servers) { return switchboard::admission::of(std::move(servers)); }

awaitable<result<village::link>> linked(town& all, identity::key who, role as, std::uint64_t login = 1) {
  auto up = co_await village::dial_link(std::move(who), all.node->url());
  if (!up) co_return fail(up.error());
  auto greeted = co_await village::log_in(*up, as, login);
  if (!greeted) co_return fail(greeted.error());
  co_return std::move(*up);
}

awaitable<std::uint16_t> grade(village::link& up, trust::signed_grant grant) {
  (void)up.send(signalling::present_grant{grant.octets()});
  auto graded = co_await village::await_message<signalling::grant_result>(up);
  co_return graded ? graded->code : std::uint16_t{0xffff};
}

awaitable<bool> answers(village::link& up) {
  (void)up.send(signalling::ping{77});
  auto got = co_await village::await_message<signalling::pong>(up);
  co_return got && got->token == 77;
}

awaitable<void> change_the_list(town& all, village::owner& one, village::owner& other) {
  auto first = co_await linked(all, one.key, role::server);
  REQUIRE(first);
  auto early = co_await linked(all, other.key, role::server);
  REQUIRE(!early);
  CHECK(early.error() == errc::not_admitted);

  const auto both = identity::key::generate();  // has grants of both servers
  const auto lone = identity::key::generate();  // of the first alone
  auto with_both = co_await linked(all, both, role::client);
  REQUIRE(with_both);
  auto code = co_await grade(*with_both, one.issue(both.id()));
  CHECK(code == 0);
  auto with_one = co_await linked(all, lone, role::client);
  REQUIRE(with_one);
  code = co_await grade(*with_one, one.issue(lone.id()));
  CHECK(code == 0);

  // one more
  all.node->admit(list_of({one.key.id(), other.key.id()}));
  auto taken = co_await all.steps.saw("took another admission list", 2);
  REQUIRE(taken);
  auto second = co_await linked(all, other.key, role::server, 2);
  REQUIRE(second);
  code = co_await grade(*with_both, other.issue(both.id()));
  CHECK(code == 0);
  for (auto* up : {&*first, &*second, &*with_both, &*with_one}) {
    auto there = co_await answers(*up);
    CHECK(there);
  }

  // one less: its link, and the client that has nothing else; who has another grant stays, and is told
  all.node->admit(list_of({other.key.id()}));
  auto why = co_await village::await_end(*first);
  CHECK_MESSAGE(why == errc::not_admitted, why.message());
  why = co_await village::await_end(*with_one);
  CHECK_MESSAGE(why == errc::not_admitted, why.message());
  auto told = co_await village::await_message<signalling::grant_result>(*with_both);
  REQUIRE(told);
  CHECK(told->code == static_cast<std::uint16_t>(errc::not_admitted));
  auto there = co_await answers(*with_both);
  CHECK(there);
  there = co_await answers(*second);
  CHECK(there);
  auto late = co_await linked(all, one.key, role::server, 3);
  REQUIRE(!late);
  CHECK(late.error() == errc::not_admitted);
  code = co_await grade(*with_both, one.issue(both.id()));
  CHECK(code == static_cast<std::uint16_t>(errc::not_admitted));

  // the same list again cuts nobody off
  all.node->admit(list_of({other.key.id()}));
  taken = co_await all.steps.saw("took another admission list", 6);
  CHECK(taken);
  there = co_await answers(*second);
  CHECK(there);
  co_await all.node->stop();
}

awaitable<void> change_the_limits(town& all, village::owner& one) {
  auto first = co_await linked(all, one.key, role::server);
  REQUIRE(first);
  switchboard::accept_limits tight;
  tight.links = 0;
  all.node->limit(tight);
  auto refused = co_await linked(all, one.key, role::server, 2);
  REQUIRE(!refused);
  CHECK_MESSAGE(refused.error() == errc::central_busy, refused.error().message());
  auto there = co_await answers(*first);
  CHECK(there);
  all.node->limit({});
  auto again = co_await linked(all, one.key, role::server, 3);
  CHECK_MESSAGE(again, again.error().message());
  co_await all.node->stop();
}

// The later list comes from another thread, and would pass the one before it.
awaitable<void> change_by_two_threads(town& all, village::owner& later) {
  all.node->admit(list_of({}));
  std::thread([&] { all.node->admit(list_of({later.key.id()})); }).join();
  auto taken = co_await all.steps.saw("took another admission list", 2);
  REQUIRE(taken);
  auto come = co_await linked(all, later.key, role::server);
  CHECK_MESSAGE(come, come.error().message());
  co_await all.node->stop();
}

}  // namespace

TEST_CASE("of two lists the later one is served, whichever thread said it") {
  village::owner later;
  town all({});
  testing::run(all.context, change_by_two_threads(all, later));
}

TEST_CASE("a changed list lets in who is new and cuts off who is gone, and nobody else") {
  village::owner one;
  village::owner other;
  town all({one.key.id()});
  testing::run(all.context, change_the_list(all, one, other));
}

TEST_CASE("changed limits hold for those who come, and leave those who are there") {
  village::owner one;
  town all({one.key.id()});
  testing::run(all.context, change_the_limits(all, one));
}

}  // namespace admission_test
