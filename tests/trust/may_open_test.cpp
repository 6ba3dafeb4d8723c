// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/may_open.hpp>

#include <doctest/doctest.h>
#include <set>

namespace may_open_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

wall_time at(std::int64_t seconds) { return wall_time(std::chrono::seconds(seconds)); }

struct scene {
  identity::key server = identity::key::generate();
  identity::key client = identity::key::generate();
  revocations revoked;
  grant body;
  window_gate gate;
  link_nonce nonce = gate.draw();
  time_point now{};
  wall_time today = at(1'500);

  scene() {
    body.id = crypto::random_octets<16>();
    body.client = client.id();
    body.not_before = at(1'000);
    body.not_after = at(2'000);
    body.methods = method::window;
    body.sessions = 2;
    body.windows_a_minute = 3;
    body.windows_a_day = 100;
  }
  signed_grant given() const { return signed_grant::sign(body, server); }
  entry standing() const { return {server.id(), client.id(), method::window, today, 0}; }
  window_request request() const {
    window_request made;
    made.id = crypto::random_octets<16>();
    made.server = server.id();
    made.nonce = nonce;
    made.grant = body.id;
    return made;
  }
  std::error_code open(const window_request& asked) { return open(signed_request::sign(asked, client)); }
  std::error_code open(const signed_request& asked) {
    const auto decided = gate.may_open(asked, given(), revoked, standing(), now);
    return decided ? std::error_code() : decided.error();
  }
};

}  // namespace

TEST_CASE("a fresh request of the granted client opens, the same one again does not") {
  scene one;
  const auto asked = signed_request::sign(one.request(), one.client);
  CHECK(!one.open(asked));
  CHECK(one.open(asked) == errc::request_replayed);
}

TEST_CASE("a request under a nonce of another link is stale, under the one just replaced it is not") {
  scene one;
  const auto earlier = one.request();
  one.gate.draw();
  CHECK(!one.open(earlier));
  one.gate.draw();
  CHECK(one.open(one.request()) == errc::request_stale);
  one.nonce = one.gate.draw();
  one.gate.forget_nonces();
  CHECK(one.open(one.request()) == errc::request_stale);
}

TEST_CASE("a request that was seen is not taken again under the nonce that has been replaced") {
  scene one;
  const auto asked = signed_request::sign(one.request(), one.client);
  CHECK(!one.open(asked));
  one.gate.draw();
  CHECK(one.open(asked) == errc::request_replayed);
  one.gate.draw();
  CHECK(one.open(asked) == errc::request_stale);
}

TEST_CASE("no nonce comes twice, so what one of them has seen is not forgotten under its name") {
  scene one;
  const auto asked = signed_request::sign(one.request(), one.client);
  CHECK(!one.open(asked));
  std::set<link_nonce> drawn{one.nonce};
  for (int i = 0; i < 100; ++i) {
    if (i % 3 == 0) one.gate.forget_nonces();
    CHECK(drawn.insert(one.gate.draw()).second);
    CHECK(one.open(asked) == errc::request_stale);
  }
}

TEST_CASE("neither nonce of a link that went is good") {
  scene one;
  const auto under_first = one.request();
  one.nonce = one.gate.draw();
  const auto under_second = one.request();
  one.gate.forget_nonces();
  CHECK(one.open(under_first) == errc::request_stale);
  CHECK(one.open(under_second) == errc::request_stale);
}

TEST_CASE("the links to several centrals have nonces of their own, and what one has seen the others have") {
  scene one;
  const auto by_first = one.request();
  one.nonce = one.gate.draw(1);
  const auto asked = signed_request::sign(one.request(), one.client);
  CHECK(!one.open(by_first));
  CHECK(!one.open(asked));
  one.gate.draw();
  one.gate.draw();
  CHECK(one.open(by_first) == errc::request_stale);
  CHECK(one.open(asked) == errc::request_replayed);
  one.gate.forget_nonces();
  CHECK(one.open(asked) == errc::request_replayed);
  one.gate.forget_nonces(1);
  CHECK(one.open(asked) == errc::request_stale);
}

TEST_CASE("so many requests are remembered under a nonce, and no more is taken") {
  scene one;
  one.gate = window_gate(2);
  one.nonce = one.gate.draw();
  CHECK(!one.open(one.request()));
  CHECK(!one.open(one.request()));
  CHECK(one.open(one.request()) == errc::too_many_requests);
  one.nonce = one.gate.draw();
  CHECK(!one.open(one.request()));
}

TEST_CASE("what one grant has used up is not missing under another") {
  scene one;
  for (int i = 0; i < 3; ++i) CHECK(!one.open(one.request()));
  CHECK(one.open(one.request()) == errc::too_many_windows);
  one.body.id = crypto::random_octets<16>();
  CHECK(!one.open(one.request()));
}

TEST_CASE("nobody asks in another's name, or of another server") {
  scene one;
  CHECK(one.open(signed_request::sign(one.request(), identity::key::generate())) == errc::request_of_another);
  auto elsewhere = one.request();
  elsewhere.server = one.client.id();
  CHECK(one.open(elsewhere) == errc::request_of_another);
}

TEST_CASE("windows a minute are counted, and the minute goes by") {
  scene one;
  for (int i = 0; i < 3; ++i) CHECK(!one.open(one.request()));
  CHECK(one.open(one.request()) == errc::too_many_windows);
  one.now += std::chrono::minutes(1);
  CHECK(!one.open(one.request()));
}

TEST_CASE("windows a day are counted, midnight begins anew, and a clock set back does not") {
  scene one;
  one.body.windows_a_day = 2;
  one.body.not_after = at(500'000);
  one.today = at(86'400 * 3 - 1);
  CHECK(!one.open(one.request()));
  CHECK(!one.open(one.request()));
  one.now += std::chrono::minutes(2);
  CHECK(one.open(one.request()) == errc::too_many_windows_today);
  one.today = at(86'400 * 2 - 1);
  CHECK(one.open(one.request()) == errc::too_many_windows_today);
  one.today = at(86'400 * 3);
  CHECK(!one.open(one.request()));
}

TEST_CASE("roaming needs a grant that says so") {
  scene one;
  auto asked = one.request();
  asked.roam = true;
  CHECK(one.open(asked) == errc::address_not_permitted);
  one.body.roam = true;
  CHECK(!one.open(asked));
}

TEST_CASE("each reason not to enter has its own name") {
  scene one;
  const auto check = [&](const signed_grant& given, const entry& standing) {
    const auto decided = may_enter(given, one.revoked, standing);
    return decided ? std::error_code() : decided.error();
  };
  auto standing = one.standing();
  CHECK(!check(one.given(), standing));
  CHECK(check(signed_grant::sign(one.body, one.client), standing) == errc::grant_unknown);
  standing.now = at(999);
  CHECK(check(one.given(), standing) == errc::grant_not_yet_valid);
  standing.now = at(1'000);
  CHECK(!check(one.given(), standing));
  standing.now = at(2'000);
  CHECK(check(one.given(), standing) == errc::grant_expired);
  standing = one.standing();
  standing.method = method::outbound;
  CHECK(check(one.given(), standing) == errc::method_not_granted);
  standing = one.standing();
  standing.sessions = 2;
  CHECK(check(one.given(), standing) == errc::too_many_sessions);
  standing = one.standing();
  standing.client = one.server.id();
  CHECK(check(one.given(), standing) == errc::grant_of_another);
  one.revoked.entries.push_back({one.body.id, one.body.not_after});
  CHECK(check(one.given(), one.standing()) == errc::grant_revoked);
}

TEST_CASE("who opens nothing for a day is not counted any more, and midnight gives nobody a second minute") {
  scene one;
  one.body.not_after = at(500'000);
  one.today = at(86'400 * 3 - 1);
  for (int i = 0; i < 3; ++i) CHECK(!one.open(one.request()));
  one.today = at(86'400 * 3);
  one.now += std::chrono::seconds(1);
  CHECK(one.open(one.request()) == errc::too_many_windows);
  one.body.id = crypto::random_octets<16>();
  CHECK(!one.open(one.request()));
  CHECK(one.gate.counted() == 2);
  one.today = at(86'400 * 4);
  one.now += std::chrono::hours(24);
  CHECK(!one.open(one.request()));
  CHECK(one.gate.counted() == 1);
}

}  // namespace may_open_test
