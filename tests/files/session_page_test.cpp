// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/session_page.hpp>

#include "sharing.hpp"

#include <doctest/doctest.h>

namespace session_page_test {

using namespace ajar;
using namespace ajar::files;

namespace {

sessions::session_info by_window_of_the_server() {
  sessions::session_info made;
  made.path = sessions::path::window;
  made.window.emplace();
  made.window->exposure = std::chrono::nanoseconds(130'000);
  made.window->listeners = 2;
  made.window->strangers = 1;
  return made;
}

trust::signed_grant a_grant(const identity::key& by) {
  trust::grant body;
  body.id = crypto::random_octets<16>();
  body.client = identity::key::generate().id();
  body.not_after = wall_now() + std::chrono::hours(1);
  body.methods = trust::method::outbound | trust::method::window;
  body.services = {{"files", true, false}};
  return trust::signed_grant::sign(body, by);
}

}  // namespace

TEST_CASE("what a window cost is read as it was written") {
  const auto page = to_session_page(by_window_of_the_server());
  CHECK(page == "{\"exposure_ns\":130000,\"listeners\":2,\"path\":\"window\",\"strangers\":1}\n");
  CHECK(parse_session_page(page).value() == window_cost{130'000, 2, 1});
  sessions::session_info outbound;
  outbound.path = sessions::path::outbound;
  CHECK(to_session_page(outbound) == "{\"path\":\"outbound\"}\n");
  CHECK(parse_session_page(to_session_page(outbound)).value() == window_cost{});
}

TEST_CASE("what a server says of a window is no number unless it is one") {
  CHECK(parse_session_page("{\"listeners\":-1,\"strangers\":\"2\",\"exposure_ns\":1.5}").value() == window_cost{});
  for (const auto* text : {"", "[]", "1", "{", "{\"listeners\":1"}) {
    CAPTURE(text);
    CHECK(parse_session_page(text).error() == errc::answer_unexpected);
  }
}

TEST_CASE("a grant is read as it was written, or not at all") {
  const auto own = identity::key::generate();
  const auto one = a_grant(own);
  const auto page = to_grant_page(one);
  CHECK(parse_grant_page(page).value().octets() == one.octets());
  CHECK(!parse_grant_page("").has_value());
  CHECK(!parse_grant_page("\n").has_value());
  CHECK(!parse_grant_page("!" + page).has_value());
  CHECK(!parse_grant_page(page.substr(2)).has_value());
}

TEST_CASE("where a server has moved is told over a session, by its own word and for this client") {
  sharing::home at;
  const auto over = at.run(at.connect()).value();
  const auto self = at.who.client.id();
  CHECK(at.run(ask_central(*over, self)).value() == std::nullopt);
  const identity::url there{{"new.example", 443}, identity::key::generate().id()};
  at.policy.notice = trust::signed_notice::sign({self, to_string(there)}, at.who.server);
  CHECK(at.run(ask_central(*over, self)).value() == there);
  CHECK(at.run(ask_central(*over, at.who.server.id())).error() == errc::grant_of_another);
  at.policy.notice = trust::signed_notice::sign({self, to_string(there)}, at.who.client);
  CHECK(at.run(ask_central(*over, self)).error() == errc::answer_forged);
  CHECK(!parse_central_page("").has_value());
  CHECK(!parse_central_page("!!\n").has_value());
  CHECK(at.policy.asked == 0);
}

TEST_CASE("a client tells a server that it goes over to another key, and gets the grant for that one") {
  sharing::home at;
  const auto over = at.run(at.connect()).value();
  const auto next = identity::key::generate();
  const auto said = trust::go_over(at.who.client, next, wall_now() + std::chrono::hours(1));
  CHECK(at.run(tell_succession(*over, said)).error() == errc::unknown_version);  // as of a server without it
  auto grant = a_grant(at.who.server);
  bytes heard;
  at.policy.on_succession = [&](const trust::signed_succession& one) -> result<trust::signed_grant> {
    heard = one.octets();
    return grant;
  };
  CHECK(at.run(tell_succession(*over, said)).error() == errc::answer_forged);  // for another key
  CHECK(heard == said.octets());
  auto body = grant.body();
  body.client = next.id();
  grant = trust::signed_grant::sign(body, at.who.client);
  CHECK(at.run(tell_succession(*over, said)).error() == errc::answer_forged);  // by another server
  grant = trust::signed_grant::sign(body, at.who.server);
  CHECK(at.run(tell_succession(*over, said)).value().octets() == grant.octets());
  at.policy.on_succession = [](const trust::signed_succession&) { return fail(errc::succession_expired); };
  CHECK(at.run(tell_succession(*over, said)).error() == errc::succession_expired);
}

TEST_CASE("a client hears that its server has gone over to another key, by the word of both, and for itself") {
  sharing::home at;
  const auto over = at.run(at.connect()).value();
  const auto self = at.who.client.id();
  CHECK(at.run(ask_succession(*over, self)).value() == std::nullopt);
  const auto next = identity::key::generate();
  const auto end = wall_now() + std::chrono::hours(1);
  auto body = a_grant(next).body();
  body.client = self;
  const auto told = [&](const trust::signed_succession& said, const trust::signed_grant& grant) {
    at.policy.carried.emplace(carried_over{said, grant});
    const auto got = at.run(ask_succession(*over, self));
    return got ? std::error_code() : got.error();
  };
  const auto good = trust::go_over(at.who.server, next, end);
  const auto grant = trust::signed_grant::sign(body, next);
  CHECK_FALSE(told(good, grant));
  CHECK(at.run(ask_succession(*over, self)).value()->octets() == grant.octets());
  CHECK(told(good, trust::signed_grant::sign(body, at.who.server)) == errc::answer_forged);
  CHECK(told(good, a_grant(next)) == errc::grant_of_another);
  CHECK(told(trust::go_over(at.who.client, next, end), grant) == errc::answer_forged);
  CHECK(told(trust::go_over(at.who.server, next, wall_now()), grant) == errc::succession_expired);
  for (const auto* text : {"", "\n", "a\nb\n", "aa\n"}) CHECK(!parse_carried_page(text).has_value());
  const auto page = to_carried_page({good, grant});
  CHECK(parse_carried_page(page));
  CHECK(!parse_carried_page(page.substr(0, page.find('\n') + 1)).has_value());
}

TEST_CASE("what is posted as a succession and is none is refused, and the session goes on") {
  sharing::home at;
  const auto over = at.run(at.connect()).value();
  at.policy.on_succession = [&](const trust::signed_succession&) { return a_grant(at.who.server); };
  for (const std::string& text : {std::string(), std::string("!!\n"), std::string("aaaa\n"), std::string(5000, 'a')}) {
    CAPTURE(text.size());
    streams::request asked("POST", std::string(succession_page));
    auto stream = at.run(over->open(std::move(asked), true));
    REQUIRE(stream);
    const bool written = at.run(stream->write(as_bytes(text))) && stream->finish();
    CHECK((written || text.size() > 1024));  // more than that is not waited for
    const auto answered = at.run(stream->answer());
    REQUIRE(answered);
    CHECK_FALSE(answered->ok());
    CHECK(cause_of(*answered) == errc::answer_unexpected);
  }
  CHECK(at.run(ask_grant(*over)).error() == errc::file_not_found);
}

TEST_CASE("both pages come over a session") {
  sharing::home at;
  const auto over = at.run(at.connect(sharing::all_of_it, by_window_of_the_server())).value();
  CHECK(at.run(ask_cost(*over)).value() == window_cost{130'000, 2, 1});
  CHECK(at.run(ask_grant(*over)).error() == errc::file_not_found);
  at.policy.grant = a_grant(at.who.server);
  CHECK(at.run(ask_grant(*over)).value().octets() == at.policy.grant->octets());
  CHECK(at.policy.asked == 0);  // they are no share's
}

}  // namespace session_page_test
