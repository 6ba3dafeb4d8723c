// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/answers.hpp>

#include <doctest/doctest.h>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>

#include <asio/io_context.hpp>

using namespace ajar;
using rendezvous::answers;

namespace {

time_point soon() { return clock::now() + std::chrono::seconds(5); }

struct scene {
  asio::io_context context;
  identity::key server = identity::key::generate();
  std::shared_ptr<answers> all = std::make_shared<answers>(context.get_executor());

  signalling::answer answer_to(const trust::request_id& id, std::uint8_t attempt = 1) const {
    trust::window_answer body;
    body.id = id;
    body.attempt = attempt;
    body.endpoints.emplace_back(asio::ip::address_v4::loopback(), std::uint16_t{4000});
    return {id, false, trust::signed_answer::sign(std::move(body), server).octets()};
  }
};

const trust::request_id one{1};
const trust::request_id other{2};

awaitable<void> keep(const answers::inbox& inbox, time_point until, std::optional<answers::one>& into) {
  auto came = co_await inbox.next(until);
  into.emplace(std::move(came));
}

}  // namespace

TEST_CASE("each answer goes to the request that it belongs to, in order") {
  scene here;
  const answers::inbox first(here.all, one);
  const answers::inbox second(here.all, other);
  here.all->received(here.answer_to(other));
  here.all->received(here.answer_to(one, 1));
  here.all->received(here.answer_to(one, 2));
  for (const int attempt : {1, 2}) {
    const auto came = testing::run(here.context, first.next(soon()));
    REQUIRE(came);
    CHECK(came->body().attempt == attempt);
    CHECK(came->signer() == here.server.id());
  }
  const auto came = testing::run(here.context, second.next(soon()));
  REQUIRE(came);
  CHECK(came->body().id == other);
}

TEST_CASE("what nobody waits for is dropped") {
  scene here;
  here.all->received(here.answer_to(one));
  {
    const answers::inbox gone(here.all, one);
    here.all->received(here.answer_to(one));
  }
  const answers::inbox inbox(here.all, one);
  const auto came = testing::run(here.context, inbox.next(clock::now()));
  REQUIRE(!came);
  CHECK(came.error() == errc::exchange_timeout);
}

TEST_CASE("an answer wakes who waits for it, and so does the end of the link") {
  scene here;
  const answers::inbox inbox(here.all, one);
  task_group work(here.context.get_executor());
  std::optional<answers::one> got;
  work.spawn(keep(inbox, never, got));
  here.context.run_for(std::chrono::milliseconds(0));
  CHECK(!got);
  here.all->received(here.answer_to(one));
  testing::run(here.context, work.join());
  REQUIRE(got);
  CHECK(got->has_value());
  got.reset();
  work.spawn(keep(inbox, never, got));
  here.context.restart();
  here.context.run_for(std::chrono::milliseconds(0));
  here.all->close(errc::link_lost);
  testing::run(here.context, work.join());
  REQUIRE(got);
  REQUIRE(!*got);
  CHECK(got->error() == errc::link_lost);
}

TEST_CASE("central's failure and a damaged answer are told as what they are") {
  scene here;
  const answers::inbox inbox(here.all, one);
  here.all->received(signalling::failure{one, errc::server_offline});
  auto damaged = here.answer_to(one);
  damaged.signed_answer.back() ^= 1;
  here.all->received(damaged);
  here.all->received(signalling::answer{one, true, {}});
  for (const auto cause : {errc::server_offline, errc::signature_invalid, errc::message_malformed}) {
    const auto came = testing::run(here.context, inbox.next(soon()));
    REQUIRE(!came);
    CHECK_MESSAGE(came.error() == cause, came.error().message());
  }
}
