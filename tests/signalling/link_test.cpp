// SPDX-License-Identifier: BSL-1.0
#include <ajar/signalling/link.hpp>

#include <doctest/doctest.h>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/fuse.hpp>
#include <ajar/testing/manual_clock.hpp>

#include "../lifetimes.hpp"
#include "../tls/secured_pair.hpp"

namespace link_test {

using namespace ajar;
using namespace ajar::signalling;
using namespace std::chrono_literals;
using testing::pair_options;

namespace {

constexpr clock::duration interval = 20s;

// One side of a link, and what came to it.
struct side {
  explicit side(secured::stream from) : link(std::move(from)) {}

  signalling::link link;
  std::vector<message> got;
  std::function<result<>(const message&)> also;
  std::optional<std::error_code> ended;
};

awaitable<void> keep(std::shared_ptr<side> of) {
  auto handler = [&of](const message& what) {
    of->got.push_back(what);
    return of->also ? of->also(what) : result<>();
  };
  auto why = co_await of->link.run(interval, handler);
  of->ended = why;
}

awaitable<void> part(std::shared_ptr<side> of) {
  auto parted = of->link.part();
  co_await std::move(parted);
  of->ended = of->link.ended();
}

awaitable<result<message>> receive(std::shared_ptr<side> of, time_point until) {
  auto got = co_await of->link.receive(until);
  co_return got;
}

// Two sides that have shaken hands; the time stands still unless it is moved.
struct meeting {
  explicit meeting(const pair_options& how = pair_options()) {
    auto raw = testing::make_stream_pair(context.get_executor(), how);
    auto both = time.run(context, secured::pair(who, tls::alpn::link, std::move(raw)));
    REQUIRE(both.has_value());
    client = std::make_shared<side>(std::move((*both)->client));
    server = std::make_shared<side>(std::move((*both)->server));
  }

  void start(const std::shared_ptr<side>& one) { asio::co_spawn(context, keep(one), asio::detached); }
  void start_both() {
    start(client);
    start(server);
    settle();
  }
  void settle() { time.settle(context); }
  void pass(clock::duration by) { time.advance(context, by); }
  result<message> next(const std::shared_ptr<side>& at, clock::duration within = 1s) {
    return time.run(context, receive(at, clock::now() + within));
  }

  testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  std::shared_ptr<side> client;
  std::shared_ptr<side> server;
};

bytes pattern(std::size_t count) {
  bytes octets(count);
  for (std::size_t i = 0; i < count; ++i) octets[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8));
  return octets;
}

std::error_code goodbye_in(const result<message>& got) {
  if (!got) return got.error();
  const auto* last = std::get_if<goodbye>(&*got);
  return last ? last->why : make_error_code(errc::unexpected_message);
}

}  // namespace

TEST_CASE("messages go both ways and arrive in order, and each side knows whose they are") {
  meeting two;
  two.start_both();
  CHECK(two.client->link.peer() == two.who.server.id());
  CHECK(two.server->link.peer() == two.who.client.id());
  for (std::uint8_t i = 0; i < 5; ++i) {
    REQUIRE(two.client->link.send(present_grant{{i, 1}}));
    REQUIRE(two.server->link.send(door_result{i}));
  }
  two.settle();
  REQUIRE(two.server->got.size() == 5);
  REQUIRE(two.client->got.size() == 5);
  for (std::uint8_t i = 0; i < 5; ++i) {
    CHECK(std::get<present_grant>(two.server->got[i]).grant == bytes{i, 1});
    CHECK(std::get<door_result>(two.client->got[i]).code == i);
  }
  CHECK(!two.client->ended);
  CHECK(!two.client->link.ended());
}

TEST_CASE("what a window waits for is followed up, and nobody hears of that") {
  const std::vector<message> urgent{request{{1}}, command{{net::tcp::endpoint()}, {1}}, answer{{}, true, {1}},
                                    reflected{}, dial_back{}};
  const std::vector<message> others{present_grant{{1}}, ping{1}, failure{}, trace{}};
  for (const bool follows : {true, false}) {
    for (const auto& what : follows ? urgent : others) {
      meeting two;
      REQUIRE(two.client->link.send(what));
      const auto expected = to_frame(what).size() + (follows ? to_frame(follow_up{}).size() : 0);
      CHECK(two.client->link.stream().carried().out == expected);
      REQUIRE(two.client->link.send(door_result{7}));
      const auto first = two.next(two.server);
      REQUIRE(first.has_value());
      CHECK(first->index() == what.index());
      const auto second = two.next(two.server);
      REQUIRE(second.has_value());
      CHECK(std::holds_alternative<door_result>(*second));
    }
  }
}

namespace {

awaitable<void> await_room(std::shared_ptr<side> of, std::optional<result<>>& into) {
  auto draining = of->link.drained();
  auto drained = co_await std::move(draining);
  into = drained;
}

}  // namespace

TEST_CASE("whoever waits for room has it when all has left, or learns why it never will") {
  for (const bool other_reads : {true, false}) {
    meeting two(pair_options().buffer(1024));
    two.start(two.client);
    two.settle();
    std::optional<result<>> room;
    asio::co_spawn(two.context, await_room(two.client, room), asio::detached);
    two.settle();
    CHECK((room && *room));  // nothing is to leave
    room.reset();
    REQUIRE(two.client->link.send(present_grant{pattern(20'000)}));
    asio::co_spawn(two.context, await_room(two.client, room), asio::detached);
    two.settle();
    CHECK(!room);
    if (other_reads) {
      two.start(two.server);
      two.settle();
      REQUIRE(room);
      CHECK(*room);
      CHECK(two.server->got.size() == 1);
    } else {
      two.client->link.close(errc::evicted);
      two.settle();
      REQUIRE(room);
      CHECK(room->error() == errc::evicted);
    }
  }
}

namespace {

// Of so many messages, for each of them: how many had been taken when others of the thread had their turn.
std::vector<int> taken_before_others(const message& what, int count) {
  meeting two;
  std::vector<int> seen;
  int got = 0;
  two.server->also = [&](const message&) {
    ++got;
    asio::post(two.context, [&] { seen.push_back(got); });
    return result<>();
  };
  for (int i = 0; i < count; ++i) REQUIRE(two.client->link.send(what));
  two.start_both();
  CHECK(got == count);
  return seen;
}

}  // namespace

TEST_CASE("others of the thread have their turn between two parts of a roster") {
  CHECK(taken_before_others(roster_update{true, true, {}, {}}, 5) == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("others of the thread have their turn after two messages whose signatures are checked") {
  CHECK(taken_before_others(present_grant{{1}}, 6) == std::vector<int>{2, 2, 4, 4, 6, 6});
}

TEST_CASE("a handler may answer at once, and end the link") {
  meeting two;
  two.server->also = [to = two.server.get()](const message&) { return to->link.send(grant_result{{}, 7}); };
  two.client->also = [by = two.client.get()](const message&) {
    by->link.close(errc::canceled);
    return result<>();
  };
  two.start_both();
  REQUIRE(two.client->link.send(present_grant{{1}}));
  two.settle();
  REQUIRE(two.client->got.size() == 1);
  CHECK(std::get<grant_result>(two.client->got[0]).code == 7);
  CHECK(two.client->ended == errc::canceled);
  CHECK(two.server->ended == errc::canceled);
}

TEST_CASE("the largest messages pass octet by octet") {
  for (const auto& how : {pair_options().short_reads(1).short_writes(1), pair_options().buffer(1),
                          pair_options().buffer(1000).short_reads(999)}) {
    meeting two(how);
    two.start_both();
    const auto statement = pattern(trust::largest_statement);
    REQUIRE(two.client->link.send(present_grant{statement}));
    REQUIRE(two.client->link.send(ping{9}));
    REQUIRE(two.server->link.send(command{{net::tcp::endpoint()}, statement}));
    two.settle();
    REQUIRE(two.server->got.size() == 1);
    REQUIRE(two.client->got.size() == 1);
    CHECK((std::get<present_grant>(two.server->got[0]).grant == statement));
    CHECK((std::get<command>(two.client->got[0]).signed_request == statement));
  }
}

TEST_CASE("a ping is answered at once with its token") {
  meeting two;
  two.start(two.server);
  REQUIRE(two.client->link.send(ping{0xfedc'ba98'7654'3210}));
  const auto got = two.next(two.client);
  REQUIRE(got.has_value());
  CHECK(std::get<pong>(*got).token == 0xfedc'ba98'7654'3210);
  CHECK(two.server->got.empty());
}

TEST_CASE("two that say nothing stay linked by one ping an interval, and know the round trip") {
  meeting two(pair_options().delay(30ms, 20ms));
  std::size_t flights = 0;
  two.client->link.stream().lowest_layer().target<testing::stream>()->on_send([&flights](bytes&) {
    ++flights;
    return testing::fate::deliver;
  });
  two.start_both();
  CHECK(!two.client->link.round_trip());
  two.pass(interval * 30 + 1s);
  CHECK(!two.client->ended);
  CHECK(!two.server->ended);
  CHECK(two.client->link.round_trip() == 50ms);
  CHECK(two.server->link.round_trip() == 50ms);
  CHECK(flights == 60);  // each side pings, and answers the other's
  CHECK(two.client->got.empty());
}

TEST_CASE("a peer that is silent for two and a half intervals is dead") {
  meeting two;
  two.start(two.client);  // the server holds its end open, and does nothing
  two.pass(interval * 5 / 2 - 1ns);
  CHECK(!two.client->ended);
  two.pass(1ns);
  CHECK(two.client->ended == errc::link_timeout);
  CHECK(!two.client->link.stream().is_open());
}

TEST_CASE("whatever a peer says keeps it alive") {
  meeting two;
  two.start(two.client);
  for (int i = 0; i < 5; ++i) {
    two.pass(interval * 2);
    REQUIRE(two.server->link.send(door_result{1}));
    two.settle();
  }
  CHECK(!two.client->ended);
  two.pass(interval * 3);
  CHECK(two.client->ended == errc::link_timeout);
}

TEST_CASE("whoever closes tells why, and both sides end with that") {
  for (const bool by_client : {true, false}) {
    meeting two;
    two.start_both();
    const auto& closes = by_client ? two.client : two.server;
    const auto& other = by_client ? two.server : two.client;
    closes->link.close(errc::evicted);
    CHECK(closes->link.ended() == errc::evicted);
    closes->link.close(errc::link_lost);  // the first cause stands
    two.settle();
    CHECK(closes->ended == errc::evicted);
    CHECK(other->ended == errc::evicted);
    CHECK(!closes->link.stream().is_open());
    CHECK(!other->link.stream().is_open());
    CHECK(!other->link.send(ping{1}).has_value());
    CHECK(other->link.ended() == errc::evicted);
  }
}

TEST_CASE("two that close at once end each with its own cause") {
  meeting two;
  two.start_both();
  two.client->link.close(errc::canceled);
  two.server->link.close(errc::evicted);
  two.pass(2s);
  CHECK(two.client->ended == errc::canceled);
  CHECK(two.server->ended == errc::evicted);
}

TEST_CASE("a goodbye to a side that takes nothing waits a moment, and no longer") {
  meeting two;
  two.start(two.server);
  two.settle();
  two.server->link.close(errc::login_too_low);
  two.pass(999ms);
  CHECK(!two.server->ended);
  two.pass(2s);
  CHECK(two.server->ended == errc::login_too_low);
  CHECK(!two.server->link.stream().is_open());
  CHECK(goodbye_in(two.next(two.client)) == errc::login_too_low);
}

TEST_CASE("a link that never ran parts with its goodbye too") {
  meeting two;
  two.server->link.close(errc::not_admitted);
  asio::co_spawn(two.context, part(two.server), asio::detached);
  CHECK(goodbye_in(two.next(two.client)) == errc::not_admitted);
  two.pass(3s);
  CHECK(two.server->ended == errc::not_admitted);
  CHECK(!two.server->link.stream().is_open());
}

TEST_CASE("what is no message ends the link, and the other side is told why") {
  const auto framed = [](std::uint8_t kind, const bytes& payload) {
    bytes octets;
    wire::append_frame(octets, kind, payload);
    return octets;
  };
  const std::pair<bytes, errc> rubbish[] = {
      {framed(77, {}), errc::unknown_message},
      {framed(ping::kind, bytes(7)), errc::message_truncated},
      {framed(ping::kind, bytes(9)), errc::message_malformed},
      {bytes{0, 0x80, 1, ping::kind}, errc::message_too_long},
      {bytes{'G', 'E', 'T', ' ', '/'}, errc::message_too_long},
  };
  for (const auto& [octets, why] : rubbish) {
    meeting two;
    two.start(two.server);
    REQUIRE(two.client->link.send(door_result{3}));
    REQUIRE(two.client->link.stream().put(octets));
    CHECK(goodbye_in(two.next(two.client)) == why);
    two.pass(2s);
    CHECK(two.server->ended == why);
    CHECK(two.server->got.size() == 1);
  }
}

TEST_CASE("the handler's error ends the link, and is told") {
  meeting two;
  two.server->also = [](const message&) -> result<> { return fail(errc::unexpected_message); };
  two.start_both();
  REQUIRE(two.client->link.send(door_result{1}));
  REQUIRE(two.client->link.send(door_result{2}));
  two.settle();
  CHECK(two.server->ended == errc::unexpected_message);
  CHECK(two.client->ended == errc::unexpected_message);
  CHECK(two.server->got.size() == 1);
}

TEST_CASE("the handler's error of another category ends the link without a word") {
  meeting foreign;
  foreign.server->also = [](const message&) -> result<> { return fail(std::make_error_code(std::errc::io_error)); };
  foreign.start_both();
  REQUIRE(foreign.client->link.send(door_result{1}));
  foreign.settle();
  CHECK(foreign.server->ended == std::make_error_code(std::errc::io_error));
  CHECK(foreign.client->ended == errc::truncated);
}

TEST_CASE("an end between messages is an end, and any other is a truncation") {
  const auto shut = [](std::shared_ptr<side> one) -> awaitable<void> {
    auto done = co_await one->link.stream().shutdown(clock::now() + 1s);
    (void)done;
  };
  for (const auto& [octets, how] :
       {std::pair(bytes(), errc::eof), std::pair(bytes{0, 0, 8, ping::kind, 1, 2}, errc::truncated)}) {
    meeting two;
    two.start(two.server);
    REQUIRE(two.client->link.stream().put(octets));
    asio::co_spawn(two.context, shut(two.client), asio::detached);
    two.settle();
    CHECK(two.server->ended == how);
  }
  meeting cut;
  cut.start_both();
  cut.client->link.stream().lowest_layer().target<testing::stream>()->cut();
  cut.settle();
  CHECK(cut.server->ended == errc::truncated);
  CHECK(cut.client->ended == errc::truncated);
}

TEST_CASE("a side that takes nothing any more is cut off before it costs much memory") {
  meeting two;
  two.start(two.client);
  two.settle();
  const present_grant large{pattern(trust::largest_statement)};
  std::size_t sent = 0;
  result<> last;
  while (sent < 1000 && last) {
    last = two.client->link.send(large);
    ++sent;
  }
  REQUIRE(!last.has_value());
  CHECK(last.error() == errc::limit_reached);
  CHECK(sent * trust::largest_statement < 1024 * 1024);
  two.settle();
  CHECK(two.client->ended == errc::limit_reached);
  CHECK(!two.client->link.stream().is_open());
}

TEST_CASE("what did not fit at once leaves when there is room again") {
  meeting two(pair_options().buffer(4000));
  two.start(two.client);
  two.settle();
  for (int i = 0; i < 10; ++i) REQUIRE(two.client->link.send(present_grant{pattern(20'000)}));
  CHECK(two.client->link.stream().pending_output() > 100'000);
  two.start(two.server);
  two.settle();
  CHECK(two.server->got.size() == 10);
  CHECK(two.client->link.stream().pending_output() == 0);
  CHECK(!two.client->ended);
}

TEST_CASE("to wait for one message has a deadline, and what comes later is still there") {
  meeting two;
  const auto began = clock::now();
  CHECK(two.next(two.server, 5s).error() == errc::link_timeout);
  CHECK(clock::now() == began + 5s);
  REQUIRE(two.client->link.send(hello{}));
  REQUIRE(two.client->link.send(door_result{2}));
  const auto first = two.next(two.server);
  REQUIRE(first.has_value());
  CHECK(std::holds_alternative<hello>(*first));
  two.start(two.server);
  two.settle();
  REQUIRE(two.server->got.size() == 1);
  CHECK(std::holds_alternative<door_result>(two.server->got[0]));
}

// ---- every operation fails once, every suspension is cancelled once

namespace {

// A client presents a grant, gets its result and says goodbye; what became of it.
awaitable<result<>> converse(testing::fuse& with, const secured::people& who, bool server_too, pair_options how) {
  const auto executor = co_await asio::this_coro::executor;
  auto raw = testing::make_stream_pair(executor, how);
  with.arm(raw.first);
  if (server_too) with.arm(raw.second);
  auto both = co_await secured::pair(who, tls::alpn::link, std::move(raw));
  if (!both) co_return fail(both.error());
  auto client = std::make_shared<side>(std::move((*both)->client));
  auto server = std::make_shared<side>(std::move((*both)->server));
  server->also = [to = server.get()](const message&) { return to->link.send(grant_result{{}, 7}); };
  client->also = [by = client.get()](const message&) {
    by->link.close(errc::evicted);
    return result<>();
  };
  task_group group(executor);
  group.spawn(keep(server));
  auto sent = client->link.send(present_grant{pattern(3000)});
  if (!sent) co_return sent;
  co_await keep(client);
  co_await group.join();
  if (client->ended != errc::evicted) co_return fail(*client->ended);
  if (server->ended != errc::evicted) co_return fail(*server->ended);
  co_return result<>{};
}

}  // namespace

TEST_CASE("any operation below may fail, and both sides of the link end") {
  const secured::people who;
  testing::fuse one;
  const auto report = one.fail_each(
      [&](testing::fuse& with) { return converse(with, who, true, pair_options().buffer(700).short_reads(500)); });
  CHECK(report.failed > 15);
}

TEST_CASE("a side of a link may be cancelled at every suspension") {
  const secured::people who;
  testing::fuse one;
  const auto report =
      one.cancel_each([&](testing::fuse& with) { return converse(with, who, false, pair_options().buffer(700)); });
  CHECK(report.failed > 15);
}

// ---- a peer that never stops ----------------------------------------------------------------------------------------

TEST_CASE("beside a peer that never stops sending messages a timer of the same thread has its turn") {
  for (const message& what : {message(ping{7}), message(present_grant{pattern(200)}), message(follow_up{})}) {
    constexpr std::size_t times = 3000;
    meeting two(pair_options().buffer(8 << 20));
    two.start(two.client);
    for (std::size_t i = 0; i < times; ++i) {
      REQUIRE(two.client->link.send(what));
      if (i % 100 == 0) two.settle();
    }
    two.settle();
    const auto frame = to_frame(what).size();
    const auto& carried = two.server->link.stream().carried();
    std::uint64_t waited = 0;
    timer due(two.context.get_executor(), clock::now());
    two.start(two.server);
    due.async_wait([&](std::error_code) { waited = carried.in; });
    two.settle();
    CHECK(carried.in >= times * frame);
    CHECK_MESSAGE(waited <= 64 * frame, waited);
    CHECK(!two.server->ended);
  }
}

TEST_CASE("messages that come faster than they may end the link with its cause, pings too") {
  for (const message& what : {message(ping{7}), message(present_grant{pattern(200)})}) {
    meeting two(pair_options().buffer(1 << 20));
    two.server->link.limit(rate_limit(1ms, 50));
    two.start_both();
    for (int i = 0; i < 50; ++i) REQUIRE(two.client->link.send(what));
    two.settle();
    CHECK(!two.server->ended);
    two.pass(10ms);
    for (int i = 0; i < 10; ++i) REQUIRE(two.client->link.send(what));
    two.settle();
    CHECK(!two.server->ended);
    REQUIRE(two.client->link.send(what));
    two.pass(2s);
    CHECK(two.server->ended == errc::too_many_requests);
    CHECK(two.client->ended == errc::too_many_requests);
  }
}

// ---- it goes at each suspension, it was moved from, it is replaced

namespace {

struct link_going {
  using operation = awaitable<void> (*)(signalling::link&);

  explicit link_going(operation what) : one(two.time, two.context, begin(what), [this] { at.reset(); }) {}
  link_going(const link_going&) = delete;
  link_going& operator=(const link_going&) = delete;
  ~link_going() {
    at.reset();
    two.server->link.close(errc::canceled);
    two.settle();
  }

  awaitable<void> begin(operation what) {
    two.start(two.server);
    (void)two.server->link.send(ping{7});
    (void)two.server->link.send(a_report());
    at.emplace(std::move(two.client->link));
    return what(*at);
  }
  static message a_report() { return exposure_report{clock::duration(5), 1, 0}; }

  meeting two{pair_options().buffer(300).short_reads(20)};
  std::optional<signalling::link> at;
  lifetimes::trial one;
};

result<> leave_at_a_report(const message&) { return fail(errc::evicted); }

const link_going::operation link_operations[] = {
    [](signalling::link& of) { return lifetimes::finish(of.receive()); },
    [](signalling::link& of) { return lifetimes::finish(of.receive(clock::now() + 1h)); },
    [](signalling::link& of) { return lifetimes::finish(of.run(interval, leave_at_a_report)); },
    [](signalling::link& of) {
      of.close(errc::evicted);
      return of.part();
    },
};

}  // namespace

TEST_CASE("a link may go at every suspension of every operation, which ends then") {
  int number = 0;
  for (const auto what : link_operations) {
    CAPTURE(number++);
    CHECK(lifetimes::drop_at_each([what] { return std::make_unique<link_going>(what); }) > 1);
  }
}

TEST_CASE("a link that was moved from answers with an error, and one that another is assigned to ends") {
  meeting two;
  meeting* const both = &two;
  signalling::link taken(std::move(two.client->link));
  auto& empty = two.client->link;
  CHECK(empty.send(ping{1}).error() == errc::moved_from);
  CHECK(two.time.run(two.context, empty.receive()).error() == errc::moved_from);
  CHECK(two.time.run(two.context, empty.drained()).error() == errc::moved_from);
  CHECK(two.time.run(two.context, empty.run(interval, leave_at_a_report)) == errc::moved_from);
  two.time.run(two.context, empty.part());
  empty.close(errc::canceled);
  CHECK(empty.ended() == make_error_code(errc::moved_from));
  CHECK(!empty.round_trip());
  CHECK(!taken.ended());
  taken = std::move(empty);
  CHECK(goodbye_in(both->next(two.server)) == errc::truncated);
}

}  // namespace link_test
