// SPDX-License-Identifier: BSL-1.0
#include <ajar/client/way_plan.hpp>

#include <doctest/doctest.h>
#include <vector>

namespace way_plan_test {

using namespace ajar;
using namespace std::chrono_literals;
using detail::way_plan;

namespace {

constexpr trust::method_set by_window = trust::method::window;
constexpr trust::method_set by_dial = trust::method::outbound;
constexpr trust::method_set both = by_window | by_dial;

// A grant of both methods, a server that is there and serves both, a client with a door; each test says what differs.
struct scene {
  scene() {
    grant.methods = both;
    server.state = signalling::presence_state::online;
    server.methods = both;
  }
  way_plan plan() const { return way_plan({wish, dialled, has_door, &grant, &server}); }

  // All ways, where each fails by this cause at once and nothing is tried twice.
  std::vector<by> ways_after(errc why) const {
    std::vector<by> all;
    auto one = plan();
    while (const auto way = one.way()) {
      if (all.empty() || all.back() != *way) all.push_back(*way);
      (void)one.failed(make_error_code(why), 0ms);
    }
    return all;
  }
  std::error_code refused() const {
    const auto one = plan();
    CHECK(!one.way());
    return one.why();
  }

  by wish = by::automatic;
  bool dialled = false;
  bool has_door = true;
  trust::grant grant;
  signalling::presence server;
};

}  // namespace

TEST_CASE("by itself a client asks for a window, and waits to be dialled where none comes about") {
  CHECK(scene().ways_after(errc::window_unreachable) == std::vector{by::automatic, by::outbound});
  scene closed;
  closed.has_door = false;
  CHECK(closed.ways_after(errc::window_unreachable) == std::vector{by::automatic});
  for (const auto& [granted, served] : {std::pair{by_dial, both}, {both, by_dial}}) {
    scene one;
    one.grant.methods = granted;
    one.server.methods = served;
    CHECK(one.ways_after(errc::window_unreachable) == std::vector{by::outbound});
  }
  scene polling;
  polling.server.state = signalling::presence_state::polling;  // it comes by, and dials
  CHECK(polling.ways_after(errc::window_unreachable) == std::vector{by::outbound});
}

TEST_CASE("a session that the server has opened already is taken, unless another way is wished for") {
  scene one;
  one.dialled = true;
  CHECK(one.ways_after(errc::window_unreachable) == std::vector{by::outbound});
  one.wish = by::crossing;
  CHECK(one.ways_after(errc::window_unreachable) == std::vector{by::crossing});
}

TEST_CASE("a wish is the only way, whatever central says of the server") {
  for (const auto wish : {by::outbound, by::crossing, by::window, by::window_reverse}) {
    scene one;
    one.wish = wish;
    one.server.methods = {};
    CHECK(one.ways_after(errc::window_refused) == std::vector{wish});
  }
}

TEST_CASE("where there is no way its cause is the nearest") {
  scene offline;
  offline.server.state = signalling::presence_state::offline;
  CHECK(offline.refused() == errc::server_offline);
  scene closed;
  closed.has_door = false;
  closed.grant.methods = by_dial;
  CHECK(closed.refused() == errc::client_unreachable);
  scene other;
  other.grant.methods = by_window;
  other.server.methods = by_dial;
  CHECK(other.refused() == errc::method_not_granted);
}

TEST_CASE("another way is no help against what is true of them all") {
  for (const auto why : {errc::grant_revoked, errc::grant_expired, errc::server_offline, errc::answer_forged,
                         errc::wrong_key, errc::canceled, errc::link_lost}) {
    CHECK(scene().ways_after(why) == std::vector{by::automatic});
    auto one = scene().plan();
    CHECK(one.failed(make_error_code(why), 10s) == 0ms);
    CHECK(!one.way());
    CHECK(one.why() == why);
  }
}

TEST_CASE("a way that is too long is not shorter the next time, and a door is no worse for it") {
  auto one = scene().plan();
  CHECK(one.failed(errc::way_too_long, 10s) == 0ms);
  CHECK(one.way() == by::outbound);
  scene alone;
  alone.has_door = false;
  auto none = alone.plan();
  CHECK(none.failed(errc::way_too_long, 10s) == 0ms);
  CHECK(!none.way());
  CHECK(none.why() == errc::way_too_long);
}

TEST_CASE("what packets that were lost look like is tried twice, and then another way") {
  for (const auto why : {errc::crossing_failed, errc::window_unreachable, errc::truncated}) {
    auto one = scene().plan();
    CHECK(one.failed(make_error_code(why), 10s) <= 100ms);
    CHECK(one.way() == by::automatic);
    (void)one.failed(make_error_code(why), 10s);
    CHECK(one.way() == (why == errc::truncated ? std::nullopt : std::optional(by::outbound)));
  }
}

TEST_CASE("a server that hangs up is asked four times, where there is no other way") {
  scene alone;
  alone.has_door = false;
  auto one = alone.plan();
  int tries = 0;
  for (; one.way(); ++tries) (void)one.failed(make_error_code(errc::truncated), 20s);
  CHECK(tries == 4);
  CHECK(one.why() == errc::truncated);
}

TEST_CASE("what was too slow is tried as long as there is time, where there is no other way") {
  scene alone;
  alone.has_door = false;
  auto one = alone.plan();
  clock::duration left = 20s;
  int tries = 1;
  while (one.way()) {
    const auto pause = one.failed(make_error_code(errc::window_timeout), left);
    if (one.way()) {
      ++tries;
      CHECK(pause < left);
      CHECK(pause <= 1600ms);
      left -= pause + 400ms;
    }
  }
  CHECK(tries > 8);
  CHECK(left < 1600ms);
  CHECK(one.why() == errc::window_timeout);
  for (const auto has_door : {true, false}) {  // short of something now, whichever way one comes
    scene busy;
    busy.has_door = has_door;
    auto plan = busy.plan();
    for (int i = 0; i < 5; ++i) CHECK(plan.failed(make_error_code(errc::server_busy), 20s) <= 1600ms);
    CHECK(plan.way() == by::automatic);
    (void)plan.failed(make_error_code(errc::server_busy), 0s);
    CHECK(!plan.way());
    CHECK(plan.why() == errc::server_busy);
  }
  auto two = scene().plan();  // there is a door
  (void)two.failed(make_error_code(errc::window_timeout), 20s);
  CHECK(two.way() == by::automatic);
  (void)two.failed(make_error_code(errc::window_timeout), 20s);
  CHECK(two.way() == by::outbound);
}

TEST_CASE("a client that waits to be dialled waits once, as long as it may") {
  scene one;
  one.wish = by::outbound;
  auto plan = one.plan();
  CHECK(plan.failed(make_error_code(errc::truncated), 20s) == 0ms);
  CHECK(!plan.way());
}

}  // namespace way_plan_test
