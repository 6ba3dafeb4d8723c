// SPDX-License-Identifier: BSL-1.0
#include <ajar/server/guests.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/stream_pair.hpp>

#include "../tls/secured_pair.hpp"

namespace guests_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// A server where one may wait to be accepted, and a client with a grant that is for one service.
struct hall {
  hall() {
    body.id = crypto::random_octets<16>();
    body.client = who.client.id();
    body.not_after = wall_now() + 1h;
    body.methods = trust::method::window;
    body.sessions = 10;
    body.services.push_back({"docs", true, false});
    how.most_at_once(1, 1);
    how.grants([this](const trust::grant_id& id) -> result<trust::signed_grant> {
      if (id != body.id) return fail(errc::grant_unknown);
      return trust::signed_grant::sign(body, who.server);
    });
  }

  std::error_code may_enter() {
    const auto taken = at.enter(body.id, who.client.id(), trust::method::window);
    return taken ? std::error_code() : taken.error();
  }
  // A session that has entered; the client's end of it.
  sessions::session comes() {
    auto raw = testing::make_stream_pair(context.get_executor(), testing::pair_options());
    auto both = time.run(context, secured::pair(who, tls::alpn::session, std::move(raw)));
    REQUIRE(both.has_value());
    guests.entered(sessions::session(std::move((*both)->server), about(who.client.id())));
    return {std::move((*both)->client), about(who.server.id())};
  }
  sessions::session_info about(const identity::peer_id& peer) const {
    sessions::session_info made;
    made.peer = peer;
    made.grant = body.id;
    return made;
  }
  std::error_code ending_of(sessions::session& client) {
    bytes room(16);
    const auto count = time.run(context, client.read_some(room, clock::now() + 5s));
    return count ? std::error_code() : count.error();
  }
  std::error_code next() {
    auto guest = time.run(context, guests.next());
    if (guest) accepted.push_back(std::move(*guest));
    return guest ? std::error_code() : guest.error();
  }

  testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  trust::grant body;
  server_options how{identity::url{}};
  detail::entrance at{who.server.id(), how, telling::step_sink()};
  detail::guest_list guests{context.get_executor(), at, telling::step_sink()};
  std::vector<sessions::session> accepted;
};

}  // namespace

TEST_CASE("who has entered takes a place among those who wait, until it is accepted or let go") {
  hall all;
  const auto first = all.comes();
  CHECK(all.may_enter() == errc::server_busy);
  CHECK(!all.next());
  CHECK(!all.may_enter());
  const auto second = all.comes();
  CHECK(all.may_enter() == errc::server_busy);
  all.guests.cut_all(errc::canceled);
  CHECK(!all.may_enter());
}

TEST_CASE("who has left while it waited is not handed out") {
  hall all;
  auto gone = all.comes();
  auto there = all.comes();
  gone.close();
  all.time.settle(all.context);
  CHECK(!all.next());
  all.accepted.clear();
  CHECK(all.ending_of(there) == errc::truncated);
}

TEST_CASE("after the end nobody enters; who waits is handed out, and then the first cause is told") {
  hall all;
  auto waits = all.comes();
  all.guests.end(errc::wrong_key);
  all.guests.end(errc::canceled);
  auto late = all.comes();
  CHECK(all.ending_of(late));
  CHECK(!all.next());
  CHECK(all.next() == errc::wrong_key);
}

TEST_CASE("whose grant was taken back is cut off with the cause, and others are not") {
  hall all;
  auto one = all.comes();
  all.guests.cut(crypto::random_octets<16>(), errc::grant_revoked);
  CHECK(all.guests.all().alive().size() == 1);
  all.guests.cut(all.body.id, errc::grant_revoked);
  CHECK(all.guests.all().alive().empty());
  CHECK(all.ending_of(one) == errc::grant_revoked);
}

TEST_CASE("who comes by a grant that is not for the service is let go, and told why") {
  hall all;
  auto one = all.comes();
  auto accepting = before(clock::now() + 1s, errc::read_timeout, all.guests.next_for("photos"));
  const auto guest = all.time.run(all.context, std::move(accepting));
  REQUIRE(!guest);
  CHECK(guest.error() == errc::read_timeout);
  CHECK(all.ending_of(one) == errc::service_not_granted);
  auto other = all.comes();
  CHECK(all.time.run(all.context, all.guests.next_for("docs")));
}

}  // namespace guests_test
