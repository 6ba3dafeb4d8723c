// SPDX-License-Identifier: BSL-1.0
#include <ajar/sessions/session.hpp>

#include <doctest/doctest.h>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/fuse.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/tls/goodbye.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "../lifetimes.hpp"
#include "../tls/secured_pair.hpp"

namespace session_test {

using namespace ajar;
using namespace std::chrono_literals;
using testing::pair_options;

namespace {

using sessions::session;

bytes pattern(std::size_t count) {
  bytes octets(count);
  for (std::size_t i = 0; i < count; ++i) octets[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8));
  return octets;
}

sessions::session_info about(const identity::peer_id& peer) {
  sessions::session_info made;
  made.peer = peer;
  made.grant.fill(0x42);
  return made;
}

struct meeting {
  explicit meeting(const pair_options& how = pair_options()) {
    auto raw = testing::make_stream_pair(context.get_executor(), how);
    auto both = time.run(context, secured::pair(who, tls::alpn::session, std::move(raw)));
    REQUIRE(both.has_value());
    client = std::make_unique<session>(std::move((*both)->client), about(who.server.id()));
    server = std::make_unique<session>(std::move((*both)->server), about(who.client.id()));
  }

  void settle() { time.settle(context); }

  // What there is room for.
  void write(session& to, const bytes& octets) {
    REQUIRE(to.put(octets));
    settle();
  }
  // So many as were sent.
  bytes read(session& from, std::size_t count) {
    bytes octets(count);
    REQUIRE(time.run(context, from.read(octets, clock::now() + 1h)));
    return octets;
  }
  struct heard {
    bytes octets;
    std::error_code end;
  };
  heard read_to_end(session& from, std::size_t at_once) { return time.run(context, reading(from, at_once)); }
  static awaitable<heard> reading(session& from, std::size_t at_once) {
    heard all;
    bytes room(at_once);
    for (;;) {
      auto count = co_await from.read_some(room, clock::now() + 1h);
      if (!count) {
        all.end = count.error();
        co_return all;
      }
      all.octets.insert(all.octets.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*count));
    }
  }

  testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  std::unique_ptr<session> client;
  std::unique_ptr<session> server;
};

using verdict = std::shared_ptr<std::optional<std::error_code>>;

awaitable<void> read_one(session& from, verdict into) {
  std::array<std::uint8_t, 4> room{};
  auto count = co_await from.read_some(room);
  into->emplace(count ? std::error_code() : count.error());
}

awaitable<void> write_much(session& to, verdict into) {
  const auto octets = pattern(3'000'000);
  auto done = co_await to.write(octets);
  into->emplace(done ? std::error_code() : done.error());
}

awaitable<void> shut(session& one, verdict into) {
  auto done = co_await one.shutdown(clock::now() + 5s);
  into->emplace(done ? std::error_code() : done.error());
}

// What an operation has come to so far.
struct watched {
  explicit watched(meeting& at) : at(at) {}
  template <class Operation>
  watched& start(Operation operation, session& on) {
    asio::co_spawn(at.context, operation(on, ended), asio::detached);
    at.settle();
    return *this;
  }
  bool waits() const { return !ended->has_value(); }
  std::error_code operator()() {
    at.settle();
    return ended->value_or(errc::would_block);
  }

  meeting& at;
  verdict ended = std::make_shared<std::optional<std::error_code>>();
};

std::error_code read_now(meeting& two, session& from) { return watched(two).start(read_one, from)(); }

}  // namespace

TEST_CASE("a session says who is there and how they came") {
  meeting two;
  CHECK(two.client->peer() == two.who.server.id());
  CHECK(two.server->peer() == two.who.client.id());
  CHECK(two.client->path() == sessions::path::window);
  CHECK(!two.client->info().window);
  two.server->set_window(windows::report());
  CHECK(two.server->info().window);
}

TEST_CASE("Asio's own reads and writes work on a session, and its end is Asio's") {
  meeting two(pair_options().buffer(3000).short_reads(1777));
  const auto sent = pattern(300'000);
  bytes got(sent.size());
  std::error_code wrote = errc::would_block;
  std::error_code end;
  asio::async_write(*two.client, asio::buffer(sent), [&](std::error_code error, std::size_t) {
    wrote = error;
    asio::co_spawn(two.context, shut(*two.client, std::make_shared<std::optional<std::error_code>>()), asio::detached);
  });
  asio::async_read(*two.server, asio::buffer(got), [&](std::error_code error, std::size_t) {
    REQUIRE(!error);
    two.server->async_read_some(asio::buffer(got.data(), 1), [&](std::error_code last, std::size_t) { end = last; });
  });
  two.settle();
  CHECK(!wrote);
  CHECK((got == sent));
  CHECK(end == asio::error::eof);
}

TEST_CASE("a read has a deadline of its own") {
  meeting two;
  const auto read_until = [](session& from, time_point until) -> awaitable<std::error_code> {
    std::array<std::uint8_t, 4> room{};
    auto count = co_await from.read(room, until);
    co_return count ? std::error_code() : count.error();
  };
  const auto until = clock::now() + 1h;
  CHECK(two.time.run(two.context, read_until(*two.server, until)) == errc::read_timeout);
  CHECK(clock::now() == until);
}

TEST_CASE("a goodbye on both sides is a clean end, and is told to both owners") {
  meeting two;
  int ended = 0;
  two.client->when_closed([&](const tls::traffic&) { ++ended; });
  two.server->when_closed([&](const tls::traffic&) { ++ended; });
  watched first(two);
  watched second(two);
  first.start(shut, *two.client);
  CHECK(first.waits());
  CHECK(read_now(two, *two.server) == errc::eof);
  second.start(shut, *two.server);
  CHECK(!first());
  CHECK(!second());
  CHECK(ended == 2);
}

TEST_CASE("whoever waits when a session is cut gets the cause") {
  meeting two(pair_options().buffer(1000));
  watched reader(two);
  watched writer(two);
  reader.start(read_one, *two.server);
  writer.start(write_much, *two.server);
  CHECK(reader.waits());
  CHECK(writer.waits());
  two.server->watch().cut(errc::grant_expired);
  CHECK(reader() == errc::grant_expired);
  CHECK(writer() == errc::grant_expired);
}

TEST_CASE("Asio's operations get the cause of a cut too") {
  meeting two(pair_options().buffer(1000));
  std::array<std::uint8_t, 4> room{};
  const auto octets = pattern(3'000'000);
  std::error_code read;
  std::error_code wrote;
  asio::async_read(*two.server, asio::buffer(room), [&](std::error_code error, std::size_t) { read = error; });
  asio::async_write(*two.server, asio::buffer(octets), [&](std::error_code error, std::size_t) { wrote = error; });
  two.settle();
  two.server->watch().cut(errc::grant_revoked);
  two.settle();
  CHECK(read == errc::grant_revoked);
  CHECK(wrote == errc::grant_revoked);
}

TEST_CASE("every operation after a cut gets its cause, also where octets are there already") {
  meeting two;
  watched(two).start(
      [](session& to, verdict into) -> awaitable<void> {
        const auto octets = pattern(10);
        auto done = co_await to.write(octets);
        into->emplace(done ? std::error_code() : done.error());
      },
      *two.client);
  CHECK(!read_now(two, *two.server));  // 4 of the 10 octets; the rest is decrypted, and waits
  two.server->watch().cut(errc::grant_revoked);
  CHECK(read_now(two, *two.server) == errc::grant_revoked);
  CHECK(watched(two).start(write_much, *two.server)() == errc::grant_revoked);
  CHECK(watched(two).start(shut, *two.server)() == errc::grant_revoked);
  std::array<std::uint8_t, 4> room{};
  std::error_code error;
  std::size_t count = 1;
  two.server->async_read_some(asio::buffer(room), [&](std::error_code how, std::size_t got) {
    error = how;
    count = got;
  });
  CHECK(!error);  // never from inside the call
  two.settle();
  CHECK(error == errc::grant_revoked);
  CHECK(count == 0);
}

TEST_CASE("the first cause of a cut stands") {
  meeting two;
  const auto sight = two.server->watch();
  sight.cut(errc::grant_expired);
  sight.cut(errc::grant_revoked);
  CHECK(read_now(two, *two.server) == errc::grant_expired);
}

TEST_CASE("the other side of a cut is told what became of its grant, without waiting") {
  for (const auto why : {errc::grant_revoked, errc::grant_expired, errc::grant_unknown}) {
    for (const std::size_t room : {1U, 33U, 34U, 4096U}) {
      INFO(make_error_code(why).message() << ", by " << room);
      meeting two;
      const auto sent = pattern(1000);
      two.write(*two.server, sent);
      const auto at = clock::now();
      two.server->watch().cut(why);
      CHECK(!two.server->is_open());  // at once
      const auto got = two.read_to_end(*two.client, room);
      CHECK((got.octets == sent));
      CHECK(got.end == why);
      CHECK(read_now(two, *two.client) == why);
      CHECK(watched(two).start(write_much, *two.client)() == why);
      CHECK(watched(two).start(shut, *two.client)() == why);
      CHECK(clock::now() == at);
    }
  }
}

TEST_CASE("whoever waits is told too, a writer as well, and what came before is still read") {
  {
    meeting two(pair_options().buffer(1000));
    const auto sent = pattern(500);
    two.write(*two.server, sent);
    watched writer(two);
    writer.start(write_much, *two.client);
    CHECK(writer.waits());
    two.server->watch().cut(errc::grant_revoked);
    CHECK(writer() == errc::grant_revoked);
    const auto got = two.read_to_end(*two.client, 70);
    CHECK((got.octets == sent));
    CHECK(got.end == errc::grant_revoked);
  }
  meeting two;
  watched reader(two);
  reader.start(read_one, *two.client);
  two.server->watch().cut(errc::grant_revoked);
  CHECK(reader() == errc::grant_revoked);
}

TEST_CASE("a client cuts with a cause as well") {
  meeting two;
  two.client->watch().cut(errc::grant_unknown);
  CHECK(read_now(two, *two.server) == errc::grant_unknown);
}

TEST_CASE("the other side of a cut for another cause sees an end without a goodbye") {
  for (const auto why : {errc::canceled, errc::session_replaced, errc::read_timeout, errc::truncated, errc::eof}) {
    meeting two;
    two.server->watch().cut(why);
    CHECK(read_now(two, *two.client) == errc::truncated);
  }
  meeting two;
  two.server->watch().cut(std::make_error_code(std::errc::io_error));
  CHECK(read_now(two, *two.client) == errc::truncated);
}

TEST_CASE("where octets wait to leave a cut drops them, and its cause") {
  meeting two(pair_options().buffer(1000));
  watched writer(two);
  writer.start(write_much, *two.server);
  CHECK(writer.waits());
  CHECK(two.server->pending_output() > 0);
  two.server->watch().cut(errc::grant_revoked);
  CHECK(!two.server->is_open());
  CHECK(writer() == errc::grant_revoked);
  CHECK(two.read_to_end(*two.client, 4096).end == errc::truncated);
}

TEST_CASE("what looks like the last word of a cut is octets like others") {
  const auto made = [](const session& of, tls::side from) {
    const auto one = tls::make_goodbye(of.exporter(), from, errc::grant_revoked);
    return bytes(one.begin(), one.end());
  };
  const auto of_another = [&] {
    const meeting another;
    return made(*another.server, tls::side::server);
  }();
  meeting two;
  auto whole = made(*two.server, tls::side::server);
  const bytes some[] = {
      made(*two.server, tls::side::client),  // what the other one would say
      of_another,
      pattern(34),
      bytes(34, 0),
  };
  for (const auto& one : some) {
    two.write(*two.server, one);
    CHECK((two.read(*two.client, one.size()) == one));
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto one = whole;
    one[bit / 8] = static_cast<std::uint8_t>(one[bit / 8] ^ (1U << bit % 8));
    two.write(*two.server, one);
    CHECK((two.read(*two.client, one.size()) == one));
  }
  whole.push_back(0);  // in a longer record
  two.write(*two.server, whole);
  CHECK((two.read(*two.client, whole.size()) == whole));
  whole.pop_back();
  two.write(*two.server, bytes(whole.begin(), whole.begin() + 17));  // in two records
  two.write(*two.server, bytes(whole.begin() + 17, whole.end()));
  CHECK((two.read(*two.client, whole.size()) == whole));
  two.write(*two.server, whole);
  CHECK(read_now(two, *two.client) == errc::grant_revoked);
}

TEST_CASE("the end of a session is told once, however it ends and however often") {
  using ending = void (*)(meeting&);
  const ending endings[] = {
      [](meeting& of) { of.server->close(); },
      [](meeting& of) { of.server->watch().cut(errc::canceled); },
      [](meeting& of) { of.server.reset(); },
      [](meeting& of) {
        of.client->close();
        watched(of).start(shut, *of.server);
      },
      [](meeting& of) {
        const session taken(std::move(*of.server));
        of.server.reset();
      },
  };
  for (const auto first : endings) {
    int ended = 0;
    {
      meeting two;
      two.server->when_closed([&](const tls::traffic&) { ++ended; });
      const auto sight = two.server->watch();
      two.settle();
      CHECK(ended == 0);
      CHECK(sight.alive());
      first(two);
      CHECK(ended == 1);
      CHECK(!sight.alive());
      sight.cut(errc::canceled);
      if (two.server) two.server->close();
    }
    CHECK(ended == 1);
  }
}

TEST_CASE("a sight outlives its session, and still knows who it was") {
  meeting two;
  const auto sight = two.server->watch();
  two.server.reset();
  CHECK(!sight.alive());
  CHECK(sight.info().peer == two.who.client.id());
  sight.cut(errc::grant_revoked);
  CHECK(read_now(two, *two.client) == errc::truncated);
}

TEST_CASE("a session moves with its sight and its owner's wish") {
  meeting two;
  int ended = 0;
  two.server->when_closed([&](const tls::traffic&) { ++ended; });
  const auto sight = two.server->watch();
  {
    session taken(std::move(*two.server));
    CHECK(ended == 0);
    CHECK(sight.alive());
    sight.cut(errc::too_many_sessions);
    CHECK(read_now(two, taken) == errc::too_many_sessions);
  }
  CHECK(ended == 1);
}

TEST_CASE("an operation of Asio goes on when its session moves, and ends when the session goes") {
  meeting two;
  std::array<std::uint8_t, 10> room{};
  std::error_code read = errc::would_block;
  std::size_t got = 0;
  const auto note = [&](std::error_code error, std::size_t count) {
    read = error;
    got = count;
  };
  two.server->async_read_some(asio::buffer(room), note);
  auto moved = std::make_unique<session>(std::move(*two.server));
  two.server.reset();
  std::array<std::uint8_t, 3> sent{1, 2, 3};
  asio::async_write(*two.client, asio::buffer(sent), [](std::error_code, std::size_t) {});
  two.settle();
  CHECK(!read);
  CHECK(got == 3);
  moved->async_read_some(asio::buffer(room), note);
  two.settle();
  moved.reset();
  two.settle();
  CHECK(read == asio::error::operation_aborted);
  CHECK(got == 0);
}

// ---- every operation fails once, every suspension is cancelled once

namespace {

awaitable<void> echo(std::shared_ptr<session> on) {
  std::array<std::uint8_t, 2000> room{};
  auto done = co_await on->read(room);
  if (!done) co_return;
  done = co_await on->write(room);
  if (!done) co_return;
  done = co_await on->shutdown(never);
}

awaitable<result<>> talk(testing::fuse& with, secured::people who, bool server_too) {
  const auto executor = co_await asio::this_coro::executor;
  auto raw = testing::make_stream_pair(executor, pair_options().buffer(500).short_reads(400));
  with.arm(raw.first);
  if (server_too) with.arm(raw.second);
  auto both = co_await secured::pair(who, tls::alpn::session, std::move(raw));
  if (!both) co_return fail(both.error());
  int ended = 0;
  auto client = std::make_shared<session>(std::move((*both)->client), about(who.server.id()));
  auto server = std::make_shared<session>(std::move((*both)->server), about(who.client.id()));
  client->when_closed([&ended](const tls::traffic&) { ++ended; });
  task_group group(executor);
  group.spawn(echo(server));
  server.reset();
  const auto sent = pattern(2000);
  auto done = co_await client->write(sent);
  if (!done) co_return done;
  bytes got(sent.size());
  done = co_await client->read(got);
  if (!done) co_return done;
  if (got != sent) throw std::logic_error("wrong plaintext");
  done = co_await client->shutdown(never);
  if (!done) co_return done;
  co_await group.join();
  if (ended != 1) throw std::logic_error("the end was not told once");
  co_return done;
}

}  // namespace

TEST_CASE("any operation below may fail, and the session ends with an error") {
  const secured::people who;
  testing::fuse one;
  const auto report = one.fail_each([&](testing::fuse& with) { return talk(with, who, true); });
  CHECK(report.failed > 15);
}

TEST_CASE("a session's user may be cancelled at every suspension") {
  const secured::people who;
  testing::fuse one;
  const auto report = one.cancel_each([&](testing::fuse& with) { return talk(with, who, false); });
  CHECK(report.failed > 15);
}

// ---- it goes at each suspension, it was moved from, it is replaced

namespace {

using shared_room = std::shared_ptr<bytes>;
using operation = awaitable<void> (*)(session&, shared_room);

const operation operations[] = {
    [](session& on, shared_room room) { return lifetimes::finish(on.read_some(*room), room); },
    [](session& on, shared_room room) { return lifetimes::finish(on.read(*room), room); },
    [](session& on, shared_room room) { return lifetimes::finish(on.read(*room, clock::now() + 1h), room); },
    [](session& on, shared_room room) { return lifetimes::finish(on.write(*room), room); },
    [](session& on, shared_room room) { return lifetimes::finish(on.write(*room, clock::now() + 1h), room); },
    [](session& on, shared_room) { return lifetimes::finish(on.readable()); },
    [](session& on, shared_room room) {
      (void)on.put(*room);
      return lifetimes::finish(on.drain());
    },
    [](session& on, shared_room) { return lifetimes::finish(on.shutdown(clock::now() + 5s)); },
    [](session& on, shared_room room) {
      return lifetimes::finish(on.async_read_some(asio::buffer(*room), use_values), room);
    },
    [](session& on, shared_room room) {
      return lifetimes::finish(on.async_write_some(asio::buffer(*room), use_values), room);
    },
};

// Two sessions; of one an operation is under way, the other one answers.
struct session_going {
  explicit session_going(operation what) : one(two.time, two.context, begin(what), [this] { two.client.reset(); }) {}
  session_going(const session_going&) = delete;
  session_going& operator=(const session_going&) = delete;
  ~session_going() {
    two.server.reset();
    two.settle();
  }

  awaitable<void> begin(operation what) {
    asio::co_spawn(two.context, say(*two.server), asio::detached);
    asio::co_spawn(two.context, hear(*two.server), asio::detached);
    return what(*two.client, std::make_shared<bytes>(2000));
  }
  static awaitable<void> say(session& of) {
    const bytes all(2000);
    auto done = co_await of.write(all);
    (void)done;
  }
  static awaitable<void> hear(session& of) {
    bytes all(2000);
    auto done = co_await of.read(all);
    if (done || done.error() != errc::eof) co_return;
    auto parted = co_await of.shutdown(clock::now() + 5s);
    (void)parted;
  }

  meeting two{pair_options().buffer(500).short_reads(400)};
  lifetimes::trial one;
};

}  // namespace

TEST_CASE("a session may go at every suspension of every operation, which ends then") {
  int number = 0;
  for (const auto what : operations) {
    CAPTURE(number++);
    const auto runs = lifetimes::drop_at_each([what] { return std::make_unique<session_going>(what); });
    CHECK(runs > 1);
  }
}

TEST_CASE("a session that was moved from answers with an error, and knows nobody") {
  meeting two;
  session taken(std::move(*two.client));
  auto& empty = *two.client;
  CHECK(read_now(two, empty) == errc::moved_from);
  CHECK(watched(two).start(write_much, empty)() == errc::moved_from);
  CHECK(watched(two).start(shut, empty)() == errc::moved_from);
  std::array<std::uint8_t, 4> room{};
  CHECK(empty.try_read(room).error() == errc::moved_from);
  CHECK(empty.put(room).error() == errc::moved_from);
  CHECK(two.time.run(two.context, empty.readable()).error() == errc::moved_from);
  CHECK(two.time.run(two.context, empty.drain()).error() == errc::moved_from);
  CHECK(two.time.run(two.context, empty.handshake(never)).error() == errc::moved_from);
  std::error_code read;
  std::error_code wrote;
  asio::async_read(empty, asio::buffer(room), [&](std::error_code error, std::size_t) { read = error; });
  asio::async_write(empty, asio::buffer(room), [&](std::error_code error, std::size_t) { wrote = error; });
  CHECK(!read);  // never from inside the call
  two.settle();
  CHECK(read == errc::moved_from);
  CHECK(wrote == errc::moved_from);
  CHECK(empty.peer() == identity::peer_id());
  CHECK(empty.get_executor() == taken.get_executor());
  CHECK(!empty.is_open());
  CHECK(!empty.watch().alive());
  CHECK(empty.carried() == tls::traffic());
  CHECK(empty.pending_output() == 0);
  int ended = 0;
  empty.when_closed([&](const tls::traffic&) { ++ended; });
  CHECK(ended == 1);
  empty.set_window(windows::report());
  empty.close(errc::grant_revoked);
  CHECK(taken.is_open());
}

TEST_CASE("to assign to a session ends the old one, and what waits for it") {
  meeting two;
  meeting* const both = &two;
  auto raw = testing::make_stream_pair(two.context.get_executor());
  auto others = two.time.run(two.context, secured::pair(two.who, tls::alpn::session, std::move(raw)));
  REQUIRE(others.has_value());
  watched reader(*both);
  reader.start(read_one, *two.client);
  CHECK(reader.waits());
  *two.client = session(std::move((*others)->client), about(two.who.server.id()));
  CHECK(reader() == errc::canceled);
  CHECK(read_now(two, *two.server) == errc::truncated);
  CHECK(two.client->is_open());
  auto& same = *two.client;
  *two.client = std::move(same);
  CHECK(two.client->is_open());
  CHECK(two.client->peer() == two.who.server.id());
}

}  // namespace session_test
