// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/answers.hpp>

#include <doctest/doctest.h>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>

#include <asio/io_context.hpp>

namespace answers_test {

using namespace ajar;
using rendezvous::answers;

namespace {

time_point soon() { return clock::now() + std::chrono::seconds(30); }

struct scene {
  asio::io_context context;
  identity::key server = identity::key::generate();
  std::shared_ptr<answers> all = std::make_shared<answers>(context.get_executor());

  signalling::answer answer_to(const trust::request_id& id, std::uint8_t attempt = 1) const {
    trust::window_answer body;
    body.id = id;
    body.attempt = attempt;
    body.rungs.resize(1);
    return {id, false, trust::signed_answer::sign(std::move(body), server).octets()};
  }
};

const trust::request_id one{1};
const trust::request_id other{2};
const trust::grant_id mine{3};
const trust::grant_id theirs{4};

awaitable<void> keep(const answers::inbox& inbox, time_point until, std::optional<answers::one>& into) {
  auto came = co_await inbox.next(until);
  into.emplace(std::move(came));
}

awaitable<void> keep_trace(const answers::inbox& inbox, std::optional<std::optional<signalling::trace>>& into) {
  auto came = co_await inbox.trace(never);
  into.emplace(std::move(came));
}

}  // namespace

TEST_CASE("each answer goes to the request that it belongs to, in order") {
  scene here;
  const answers::inbox first(here.all, one, mine);
  const answers::inbox second(here.all, other, theirs);
  here.all->received(here.answer_to(other));
  here.all->received(here.answer_to(one, 1));
  here.all->received(here.answer_to(one, 2));
  for (const int attempt : {1, 2}) {
    const auto came = testing::run(here.context, first.next(soon()));
    REQUIRE(came.what);
    CHECK(came.what->body().attempt == attempt);
    CHECK(came.what->signer() == here.server.id());
  }
  const auto came = testing::run(here.context, second.next(soon()));
  REQUIRE(came.what);
  CHECK(came.what->body().id == other);
}

TEST_CASE("what nobody waits for is dropped") {
  scene here;
  here.all->received(here.answer_to(one));
  {
    const answers::inbox gone(here.all, one, mine);
    here.all->received(here.answer_to(one));
  }
  const answers::inbox inbox(here.all, one, mine);
  const auto came = testing::run(here.context, inbox.next(clock::now()));
  REQUIRE(!came.what);
  CHECK(came.what.error() == errc::exchange_timeout);
}

TEST_CASE("of what central says without end little is kept") {
  scene here;
  const answers::inbox inbox(here.all, one, mine);
  for (int i = 0; i < 1000; ++i) here.all->received(signalling::failure{one, errc::server_offline});
  for (int i = 0; i < 1000; ++i) here.all->refused(mine, errc::grant_revoked);
  std::size_t kept = 0;
  while (testing::run(here.context, inbox.next(clock::now())).what.error() != errc::exchange_timeout) ++kept;
  CHECK(kept == trust::most_answers + 4);
}

TEST_CASE("an answer wakes who waits for it, and so does the end of the link") {
  scene here;
  const answers::inbox inbox(here.all, one, mine);
  task_group work(here.context.get_executor());
  std::optional<answers::one> got;
  work.spawn(keep(inbox, never, got));
  here.context.run_for(std::chrono::milliseconds(0));
  CHECK(!got);
  here.all->received(here.answer_to(one));
  testing::run(here.context, work.join());
  REQUIRE(got);
  CHECK(got->what.has_value());
  got.reset();
  work.spawn(keep(inbox, never, got));
  here.context.restart();
  here.context.run_for(std::chrono::milliseconds(0));
  here.all->close(errc::link_lost);
  testing::run(here.context, work.join());
  REQUIRE(got);
  REQUIRE(!got->what);
  CHECK(got->what.error() == errc::link_lost);
}

TEST_CASE("what central and the server did is told beside the answers, or not at all") {
  scene here;
  const answers::inbox first(here.all, one, mine);
  const answers::inbox second(here.all, other, theirs);
  here.all->received(signalling::trace{other, {7}, {}});
  const auto told = testing::run(here.context, second.trace(soon()));
  REQUIRE(told);
  CHECK(told->signed_trace == bytes{7});
  CHECK(!testing::run(here.context, first.trace(clock::now())));
  std::optional<std::optional<signalling::trace>> none;
  task_group work(here.context.get_executor());
  work.spawn(keep_trace(first, none));
  here.context.restart();
  here.context.poll();
  here.all->close(errc::link_lost);
  testing::run(here.context, work.join());
  REQUIRE(none);
  CHECK(!*none);
}

TEST_CASE("central's failure and a damaged answer are told as what they are") {
  scene here;
  const answers::inbox inbox(here.all, one, mine);
  here.all->received(signalling::failure{one, errc::server_offline});
  auto damaged = here.answer_to(one);
  damaged.signed_answer.back() ^= 1;
  here.all->received(damaged);
  here.all->received(signalling::answer{one, true, {}});
  for (const auto cause : {errc::server_offline, errc::signature_invalid, errc::message_malformed}) {
    const auto came = testing::run(here.context, inbox.next(soon()));
    REQUIRE(!came.what);
    CHECK_MESSAGE(came.what.error() == cause, came.what.error().message());
  }
}

TEST_CASE("a grant that is taken back ends the requests under it, and no others") {
  scene here;
  const answers::inbox first(here.all, one, mine);
  const answers::inbox second(here.all, other, theirs);
  here.all->received(here.answer_to(one));
  here.all->refused(mine, errc::grant_revoked);
  here.all->received(here.answer_to(other));
  CHECK(testing::run(here.context, first.next(soon())).what);  // what came before stays
  CHECK(testing::run(here.context, first.next(soon())).what.error() == errc::grant_revoked);
  CHECK(testing::run(here.context, second.next(soon())).what);
  CHECK(testing::run(here.context, second.next(clock::now())).what.error() == errc::exchange_timeout);
}

}  // namespace answers_test
