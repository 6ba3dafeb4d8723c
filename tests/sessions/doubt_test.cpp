// SPDX-License-Identifier: BSL-1.0
#include <ajar/sessions/doubt.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>

#include "../tls/secured_pair.hpp"

namespace doubt_test {

using namespace ajar;
using namespace std::chrono_literals;
using sessions::doubt;
using sessions::doubts;
using sessions::path;
using verdict = doubt::verdict;

namespace {

net::life_signs signs(std::uint64_t heard, std::uint64_t said, std::uint32_t unanswered = 0) {
  net::life_signs made;
  made.heard = heard;
  made.said = said;
  made.unanswered = unanswered;
  return made;
}

// A server's sessions with one client, whose streams can be stranded.
struct scene {
  struct held {
    std::unique_ptr<sessions::session> here;
    std::shared_ptr<secured::ends> ends;
    std::shared_ptr<testing::detail::end> below;
    void strand() const {
      below->out->lost = std::make_shared<bool>(true);
      below->in->lost = std::make_shared<bool>(true);
    }
  };

  held meet(path way = path::outbound) {
    auto raw = testing::make_stream_pair(context.get_executor());
    held made;
    made.below = raw.second.state();
    auto both = time.run(context, secured::pair(who, tls::alpn::session, std::move(raw)));
    REQUIRE(both.has_value());
    made.ends = *both;
    sessions::session_info about;
    about.peer = peer;
    about.path = way;
    made.here = std::make_unique<sessions::session>(std::move(made.ends->server), about);
    return made;
  }

  void begin(const held& one) { all.begin(peer, {one.here->watch()}, clock::now()); }
  bool look() {
    time.settle(context);
    return all.look(peer, clock::now());
  }
  void pass(clock::duration by) { time.advance(context, by); }
  std::error_code why(const held& of) {
    std::array<std::uint8_t, 1> room{};
    auto got = of.here->try_read(room);
    return got ? std::error_code() : got.error();
  }

  testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  identity::peer_id peer = who.client.id();
  doubts all;
};

}  // namespace

TEST_CASE("whatever is heard makes a session alive, however late it comes") {
  const time_point begun{1000h};
  const doubt one(signs(10, 20), begun);
  for (const auto later : {0ms, 100ms, 750ms, 5'000ms, 60'000ms}) {
    CHECK(one.judge(signs(11, 99, 9), begun + later) == verdict::alive);
    CHECK(!one.was_silent_before(signs(11, 99, 9), begun + later));
  }
}

TEST_CASE("a session is silent, and later dead, only where it was asked several times since, and there was time") {
  const time_point begun{1000h};
  const doubt one(signs(10, 20), begun);
  CHECK(one.judge(signs(10, 20), begun + 60s) == verdict::open);
  CHECK(one.judge(signs(10, 21), begun + 60s) == verdict::open);
  CHECK(one.judge(signs(10, 25), begun + 749ms) == verdict::open);
  CHECK(one.judge(signs(10, 22), begun + 750ms) == verdict::silent);
  CHECK(one.judge(signs(10, 23), begun + 60s) == verdict::silent);
  CHECK(one.judge(signs(10, 24), begun + 9'999ms) == verdict::silent);
  CHECK(one.judge(signs(10, 24), begun + 10s) == verdict::dead);
}

TEST_CASE("what was sent again in vain before counts where TCP waits too long to ask anew") {
  const time_point begun{1000h};
  const doubt one(signs(10, 20, 5), begun);
  CHECK(one.judge(signs(10, 20, 5), begun + 1s) == verdict::open);
  CHECK(!one.was_silent_before(signs(10, 20, 5), begun + 749ms));
  CHECK(one.was_silent_before(signs(10, 20, 5), begun + 750ms));
  CHECK(!one.was_silent_before(signs(10, 20, 2), begun + 750ms));
}

TEST_CASE("a session whose other end is there is let go, and stays") {
  scene one;
  const auto held = one.meet();
  CHECK(one.all.give_cause(one.peer));
  one.begin(held);
  CHECK(one.all.is_doubted(*held.here));
  CHECK(one.all.is_open(one.peer, clock::now()));
  CHECK(!one.look());  // the answer has come
  CHECK(!one.all.is_doubted(*held.here));
  CHECK(!one.all.wants_another(one.peer, path::outbound, clock::now() + 1h));
  one.all.replace(one.peer, true, clock::now());
  CHECK(one.why(held) == errc::would_block);
}

TEST_CASE("a silent session gives way to a new one, and ends by itself only after a while") {
  scene one;
  const auto held = one.meet();
  held.strand();
  CHECK(one.all.give_cause(one.peer));
  one.begin(held);
  CHECK(one.look());
  CHECK(one.all.silent(one.peer, clock::now()) == 0);  // too early
  CHECK(!one.all.wants_another(one.peer, path::outbound, clock::now()));
  one.pass(500ms);
  CHECK(one.look());
  one.pass(250ms);
  CHECK(one.look());
  CHECK(one.all.wants_another(one.peer, path::outbound, clock::now()));
  CHECK(!one.all.wants_another(one.peer, path::window, clock::now()));
  CHECK(one.all.silent(one.peer, clock::now()) == 1);
  CHECK(!one.all.is_open(one.peer, clock::now()));
  one.pass(9s);
  CHECK(one.look());
  CHECK(one.why(held) == errc::would_block);
  SUBCASE("it is replaced") {
    one.all.replace(one.peer, false, clock::now());
    CHECK(one.why(held) == errc::session_replaced);
    CHECK(one.all.silent(one.peer, clock::now()) == 0);
  }
  SUBCASE("it ends") {
    one.pass(250ms);
    CHECK(!one.look());
    CHECK(one.why(held) == errc::read_timeout);
  }
  SUBCASE("it is heard in the end") {
    held.below->out->lost = held.below->in->lost = nullptr;
    (void)one.look();  // asks
    CHECK(!one.look());
    CHECK(one.why(held) == errc::would_block);
  }
}

TEST_CASE("a session that has ended, and nobody has noticed, ends with its own cause") {
  scene one;
  const auto held = one.meet();
  held.ends->client.close();
  CHECK(one.all.give_cause(one.peer));
  one.begin(held);
  CHECK(!one.look());
  CHECK(one.why(held) == errc::truncated);
}

TEST_CASE("however often there is cause, a peer has one case at a time, and the next one after it") {
  scene one;
  CHECK(one.all.give_cause(one.peer));
  for (int i = 0; i < 100; ++i) CHECK(!one.all.give_cause(one.peer));
  one.all.begin(one.peer, {}, clock::now());
  CHECK(!one.look());
  CHECK(one.all.reopen(one.peer));   // there was cause meanwhile
  CHECK(!one.all.reopen(one.peer));  // and none since
  CHECK(one.all.give_cause(one.peer));
}

TEST_CASE("a session that turns out to be silent after its peer has proved itself in a new one ends then") {
  scene one;
  const auto slow = one.meet();
  slow.strand();
  CHECK(one.all.give_cause(one.peer));
  one.begin(slow);
  one.all.replace(one.peer, false, clock::now());
  CHECK(one.why(slow) == errc::would_block);
  CHECK(one.look());
  one.pass(750ms);
  CHECK(!one.look());
  CHECK(one.why(slow) == errc::session_replaced);
}

}  // namespace doubt_test
