// SPDX-License-Identifier: BSL-1.0
#include <ajar/outbound/dialer.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/testing/run.hpp>

namespace dialer_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// Permits everything, and remembers what came of it.
struct policy final : outbound::dial_policy {
  explicit policy(const asio::any_io_executor& executor) : changed(executor) {}
  result<> may_dial(const outbound::dial_plan::attempt&) override { return {}; }
  result<place> may_enter(const sessions::claim&, const identity::peer_id&) override { return place(); }
  void entered(sessions::session) override { FAIL("nobody authenticates here"); }
  void not_reached(const identity::peer_id& client, const std::error_code& why) override {
    missed.emplace_back(client, why);
    changed.notify();
  }
  notifier changed;
  std::vector<std::pair<identity::peer_id, std::error_code>> missed;
};

// A client's door behind which nobody speaks.
struct door {
  explicit door(asio::io_context& context, std::uint8_t number)
      : port(context, {asio::ip::address_v4::loopback(), 0}), grant{number} {}

  signalling::roster_entry entry() const {
    trust::address_record record;
    record.at = port.local_endpoint();
    record.not_after = wall_now() + 1h;
    return {key.id(), true, grant, trust::signed_address::sign(record, key).octets()};
  }

  asio::ip::tcp::acceptor port;
  trust::grant_id grant{};
  identity::key key = identity::key::generate();
};

awaitable<result<net::tcp_stream>> dialled(door& at) {
  auto [error, stream] = co_await at.port.async_accept(use_values);
  if (error) co_return fail(error);
  co_return std::move(stream);
}

struct owner {
  explicit owner(asio::io_context& context)
      : decides(context.get_executor()),
        dials(context.get_executor(), identity::key::generate(), decides, net::sockets(), telling::step_sink()) {}
  policy decides;
  outbound::dialer dials;
};

// Both are dialled; the attempt at one is ended, in its handshake.
awaitable<void> end_one(asio::io_context& context) {
  const auto one = std::make_shared<owner>(context);
  auto& decides = one->decides;
  door first(context, 1);
  door second(context, 2);
  signalling::roster known;
  signalling::roster_update update;
  update.snapshot = true;
  update.entries = {first.entry(), second.entry()};
  const auto changes = known.apply(update);
  one->dials.start(one);
  one->dials.update(known, changes);
  auto at_first = co_await dialled(first);
  auto at_second = co_await dialled(second);
  REQUIRE(at_first);
  REQUIRE(at_second);
  auto ending = one->dials.end(first.grant);
  co_await std::move(ending);
  REQUIRE(decides.missed.size() == 1);
  CHECK(decides.missed[0].first == first.key.id());
  CHECK(is_canceled(decides.missed[0].second));
  std::array<std::uint8_t, 4096> room{};
  std::error_code ended;
  while (!ended) {  // the hello of TLS, and the end
    auto [error, count] = co_await at_first->async_read_some(asio::buffer(room), use_values);
    (void)count;
    ended = error;
  }
  std::error_code waits;
  at_second->non_blocking(true, waits);
  while (!waits) (void)at_second->read_some(asio::buffer(room), waits);
  CHECK(waits == asio::error::would_block);  // the other one goes on
  auto again = co_await dialled(first);      // as after any other failure
  CHECK(again);
  one->dials.cancel();
  co_await one->dials.join();
}

}  // namespace

TEST_CASE("the attempts under one grant are ended when end() returns, and others go on") {
  asio::io_context context;
  testing::run(context, end_one(context));
}

}  // namespace dialer_test
