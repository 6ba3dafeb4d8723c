// SPDX-License-Identifier: BSL-1.0
#include <ajar/server/entrance.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>

namespace entrance_test {

using namespace ajar;
using namespace std::chrono_literals;

namespace {

// A server that has issued one grant, to one client; each test says what differs.
struct scene {
  scene() {
    body.id = crypto::random_octets<16>();
    body.client = client.id();
    body.not_before = wall_now() - 1h;
    body.not_after = wall_now() + 1h;
    body.methods = trust::method::outbound | trust::method::window;
    body.sessions = 2;
    body.windows_a_minute = 10;
    body.windows_a_day = 100;
    body.windows_at_a_time = 1;
    how.grants([this](const trust::grant_id& id) -> result<trust::signed_grant> {
      if (lookup) return fail(lookup);
      if (id != body.id) return fail(errc::grant_unknown);
      return trust::signed_grant::sign(body, server);
    });
    how.on_step([this](const telling::step&) { ++lines; });
  }

  // The first use makes it, by what the test has said.
  detail::entrance& gate() {
    if (!made) {
      made = std::make_unique<detail::entrance>(server.id(), how, [this](const telling::step&) { ++lines; });
      nonce = made->gate().draw();
    }
    return *made;
  }
  trust::signed_request request() {
    (void)gate();
    trust::window_request asked;
    asked.id = crypto::random_octets<16>();
    asked.server = server.id();
    asked.nonce = nonce;
    asked.grant = body.id;
    return trust::signed_request::sign(asked, client);
  }
  std::error_code refused(trust::method way = trust::method::window) {
    auto taken = gate().enter(body.id, client.id(), way);
    if (taken) held.push_back(std::move(*taken));
    return taken ? std::error_code() : taken.error();
  }
  trust::signed_revocations taken_back(std::uint64_t serial, const trust::grant_id& id) const {
    trust::revocations list;
    list.serial = serial;
    list.entries.push_back({id, body.not_after});
    return trust::signed_revocations::sign(list, server);
  }

  asio::io_context context;
  testing::manual_clock time;
  identity::key server = identity::key::generate();
  identity::key client = identity::key::generate();
  trust::grant body;
  std::error_code lookup;
  int lines = 0;
  server_options how{identity::url{}};
  std::unique_ptr<detail::entrance> made;
  trust::link_nonce nonce{};
  std::vector<place> held;
};

}  // namespace

TEST_CASE("no more get in than the grant says, and a place that is given back is there again") {
  scene one;
  CHECK(!one.refused());
  CHECK(!one.refused(trust::method::outbound));
  CHECK(one.refused() == errc::too_many_sessions);
  one.held.pop_back();
  CHECK(!one.refused());
}

TEST_CASE("no more get in than the server has room for, whoever they are") {
  scene one;
  one.how.most_sessions(1);
  CHECK(!one.refused());
  CHECK(one.refused() == errc::server_busy);
  const auto opened = one.gate().may_open(one.request());
  REQUIRE(!opened);
  CHECK(opened.error() == errc::server_busy);
}

TEST_CASE("nobody gets in while so many wait to be accepted as may, whoever they are") {
  scene one;
  one.how.most_at_once(1, 1);
  CHECK(!one.refused());
  auto seat = one.gate().wait(one.client.id());
  CHECK(one.refused() == errc::server_busy);
  seat.reset();
  CHECK(!one.refused());
}

TEST_CASE("where nobody can say whether there is a grant, nobody is sent away for good") {
  scene one;
  one.lookup = std::make_error_code(std::errc::io_error);
  CHECK(one.refused() == errc::server_busy);
  CHECK(one.lines == 1);
  one.lookup = errc::grant_unknown;
  CHECK(one.refused() == errc::grant_unknown);
  CHECK(one.lines == 1);
}

TEST_CASE("a grant that was taken back lets nobody in, though whoever keeps the grants still has it") {
  scene one;
  CHECK(!one.refused());
  const auto fresh = one.gate().forbid(one.taken_back(1, one.body.id));
  REQUIRE(fresh);
  CHECK(*fresh == std::vector{one.body.id});
  CHECK(one.refused() == errc::grant_revoked);
  one.lookup = errc::grant_unknown;  // nor where he has forgotten it
  CHECK(one.refused() == errc::grant_revoked);
  CHECK(!one.gate().may_open(one.request()));
  CHECK(!one.gate().must_wait(one.request()));
}

TEST_CASE("a list of another's, or of before, takes nothing back") {
  scene one;
  const trust::grant_id other = crypto::random_octets<16>();
  REQUIRE(one.gate().forbid(one.taken_back(5, other)));
  const auto earlier = one.gate().forbid(one.taken_back(5, one.body.id));
  REQUIRE(!earlier);
  CHECK(earlier.error() == errc::serial_too_low);
  auto foreign = one.taken_back(6, one.body.id).body();
  const auto forged = one.gate().forbid(trust::signed_revocations::sign(foreign, one.client));
  REQUIRE(!forged);
  CHECK(forged.error() == errc::signature_invalid);
  CHECK(!one.refused());
  CHECK(one.gate().is_known(one.taken_back(9, other).body()));
  CHECK(!one.gate().is_known(one.taken_back(9, one.body.id).body()));
}

TEST_CASE("a window beside another of the same client waits for it") {
  scene one;
  CHECK(!one.gate().must_wait(one.request()));
  auto first = one.gate().may_open(one.request());
  REQUIRE(first);
  CHECK(one.gate().must_wait(one.request()));
  const auto second = one.gate().may_open(one.request());
  REQUIRE(!second);
  CHECK(second.error() == errc::too_many_windows);
  first->taken.reset();
  CHECK(!one.gate().must_wait(one.request()));
  CHECK(one.gate().may_open(one.request()));
}

TEST_CASE("for how long ports were open counts for a minute, by grant") {
  scene one;
  one.body.listening = 1'000ms;
  one.gate().window_closed(one.body.id, 900ms);
  const auto late = one.gate().may_open(one.request());
  REQUIRE(!late);
  CHECK(late.error() == errc::too_many_windows);
  const auto told = one.gate().listened_by(clock::now());
  REQUIRE(told.size() == 1);
  CHECK(told[0].client == one.client.id());
  CHECK(one.gate().listened(clock::now()) == 900ms);
  one.time.advance(one.context, 61s);
  CHECK(one.gate().may_open(one.request()));
}

TEST_CASE("a session ends with its grant: where that is unknown, over, or was moved") {
  scene one;
  const auto begun_until = one.body.not_after;
  const auto ended = [&](wall_time now) { return one.gate().ended(one.body.id, begun_until, now); };
  CHECK(!ended(begun_until - 1s));
  CHECK(ended(begun_until) == errc::grant_expired);
  one.body.not_after += 1h;
  CHECK(!ended(begun_until));
  one.lookup = std::make_error_code(std::errc::io_error);  // nobody knows: what was told then holds
  CHECK(!ended(begun_until - 1s));
  CHECK(ended(begun_until) == errc::grant_expired);
  one.lookup = errc::grant_unknown;
  CHECK(ended(begun_until - 1s) == errc::grant_unknown);
}

TEST_CASE("a client whose sessions are all taken may find some of them dead") {
  scene one;
  CHECK(!one.gate().is_full(one.request()));
  CHECK(!one.refused());
  CHECK(!one.gate().is_full(one.request()));
  CHECK(!one.refused());
  CHECK(one.gate().is_full(one.request()));
}

TEST_CASE("who is not on the roster is not dialled") {
  scene one;
  outbound::dial_plan::attempt to;
  to.client = one.client.id();
  to.grant = one.body.id;
  const auto refused = one.gate().may_dial(nullptr, to);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::grant_unknown);
}

}  // namespace entrance_test
