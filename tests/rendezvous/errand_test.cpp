// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/errand.hpp>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <optional>

namespace errand_test {

using namespace ajar;

namespace {

struct scene {
  identity::key server = identity::key::generate();
  rendezvous::errand about = [this] {
    trust::grant body;
    const auto self = identity::key::generate();
    body.id = crypto::random_octets<16>();
    body.client = self.id();
    body.not_after = wall_now() + std::chrono::hours(1);
    body.methods = trust::method::window;
    signalling::presence presence;
    presence.server = server.id();
    presence.state = signalling::presence_state::online;
    presence.nonce = crypto::random_octets<32>();
    auto grant = trust::signed_grant::sign(std::move(body), server);
    return rendezvous::errand{self, std::move(grant),  nullptr, nullptr, presence, {},
                              {},   trust::every_rung, false,   never,   {},       {}};
  }();
  rendezvous::window_ports ports;
  trust::request_id id = crypto::random_octets<16>();

  trust::window_answer answer() const {
    trust::window_answer body;
    body.id = id;
    body.client = about.self.id();
    body.rungs.resize(1);
    return body;
  }
  static rendezvous::answers::one one_of(result<trust::signed_answer> what) { return {std::move(what), clock::now()}; }
  std::error_code check(trust::window_answer body) const { return check(std::move(body), server); }
  std::error_code check(trust::window_answer body, const identity::key& signer) const {
    const auto checked =
        rendezvous::check_answer(about, id, one_of(trust::signed_answer::sign(std::move(body), signer)));
    return checked ? std::error_code() : checked.error();
  }
};

awaitable<void> keep_end(awaitable<result<sessions::session>> entering, std::optional<std::error_code>& into) {
  auto came = co_await std::move(entering);
  into = came ? std::error_code() : came.error();
}

}  // namespace

TEST_CASE("the other sockets of a crossing are kept until TLS is up, or has failed") {
  scene here;
  asio::io_context context;
  asio::ip::tcp::acceptor port(context, {asio::ip::make_address("127.0.0.1"), 0});
  net::tcp_stream ours(context);
  ours.connect(port.local_endpoint());
  auto theirs = port.accept();
  auto others = std::make_shared<int>();
  const std::weak_ptr<int> kept = others;
  here.about.until = never;
  rendezvous::passage through{std::move(ours), trust::rung_kind::crossing, std::move(others)};
  std::optional<std::error_code> ended;
  asio::co_spawn(
      context,
      keep_end(rendezvous::enter(std::make_shared<const rendezvous::errand>(here.about), std::move(through), here.id),
               ended),
      asio::detached);
  while (theirs.available() == 0) context.run_one();  // our hello is there, and TLS waits for theirs
  CHECK(!ended);
  CHECK(!kept.expired());
  theirs.close();
  while (!ended) context.run_one();
  CHECK(*ended);
  CHECK(kept.expired());
}

TEST_CASE("a request is ours, for this server, under its nonce") {
  scene here;
  here.about.rungs = trust::bit_of(trust::rung_kind::crossing);
  const auto asked = rendezvous::sign_request(here.about, here.ports, true);
  REQUIRE(asked);
  CHECK(asked->signer() == here.about.self.id());
  CHECK(asked->body().server == here.server.id());
  CHECK(asked->body().nonce == here.about.presence.nonce);
  CHECK(asked->body().grant == here.about.grant.body().id);
  CHECK(asked->body().rungs == here.about.rungs);
  CHECK(asked->body().binds_443);
  CHECK(time_of(asked->body().sent_us) <= clock::now());
  const auto next = rendezvous::sign_request(here.about, here.ports, false);
  REQUIRE(next);
  CHECK(next->body().id != asked->body().id);
}

TEST_CASE("nothing is asked of a server that is not there, or without a grant for windows") {
  scene here;
  here.about.presence.state = signalling::presence_state::polling;
  auto asked = rendezvous::sign_request(here.about, here.ports, false);
  REQUIRE(!asked);
  CHECK(asked.error() == errc::server_offline);
  trust::grant body = here.about.grant.body();
  body.methods = trust::method::outbound;
  here.about.grant = trust::signed_grant::sign(std::move(body), here.server);
  asked = rendezvous::sign_request(here.about, here.ports, false);
  REQUIRE(!asked);
  CHECK(asked.error() == errc::method_not_granted);
}

TEST_CASE("an answer counts if this server signed it, for us and for this request") {
  const scene here;
  CHECK(!here.check(here.answer()));
  CHECK(here.check(here.answer(), identity::key::generate()) == errc::answer_forged);
  CHECK(here.check(here.answer(), here.about.self) == errc::answer_forged);
  auto to_another = here.answer();
  to_another.client = here.server.id();
  CHECK(here.check(to_another) == errc::answer_forged);
  auto of_another = here.answer();
  of_another.id[0] ^= 1;
  CHECK(here.check(of_another) == errc::answer_forged);
  const auto damaged = scene::one_of(fail(errc::signature_invalid));
  CHECK(rendezvous::check_answer(here.about, here.id, damaged).error() == errc::answer_forged);
}

TEST_CASE("a refusal is told as what the server says, and central's word as central's") {
  const scene here;
  auto refusal = here.answer();
  refusal.rungs.clear();
  refusal.code = static_cast<std::uint16_t>(errc::too_many_windows);
  CHECK(here.check(refusal) == errc::too_many_windows);
  refusal.code = 65'000;
  CHECK(here.check(refusal) == errc::message_malformed);
  const auto failure = scene::one_of(fail(errc::server_offline));
  CHECK(rendezvous::check_answer(here.about, here.id, failure).error() == errc::server_offline);
}

}  // namespace errand_test
