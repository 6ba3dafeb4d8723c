// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/host.hpp>

#include "sharing.hpp"

#include <ajar/files/session_page.hpp>

#include <ajar/state/folder.hpp>

#include <doctest/doctest.h>

namespace host_test {

using namespace ajar;
using namespace ajar::files;
using namespace std::chrono_literals;

namespace {

result<file_head> look(sharing::home& at, const shared_streams& over, const std::string& inside) {
  return at.run(look_at(*over, file_request(share_path{"files", inside, false})));
}

}  // namespace

TEST_CASE("a session's requests are answered by what the policy says at that moment") {
  sharing::home at;
  at.on.file("a", "content");
  const auto over = at.connected();
  CHECK(look(at, over, "a").value().facts.size == 7);
  at.policy.refused = "files";
  CHECK(look(at, over, "a").error() == errc::service_not_granted);
  at.policy.refused.clear();
  CHECK(look(at, over, "a").has_value());
  CHECK(at.policy.asked == 3);
}

TEST_CASE("a client is seen when its session begins and when it ends") {
  sharing::home at;
  auto over = at.connected();
  at.settle();
  CHECK(at.policy.seen == 1);
  CHECK(at.hosts.size() == 1);
  over.reset();
  at.time.advance(at.context, 5s);
  CHECK(at.policy.seen == 2);
  CHECK(at.hosts.size() == 0);
}

TEST_CASE("a page of the owner's own is answered by the policy, and is no place in a share") {
  sharing::home at;
  const auto over = at.connected();
  CHECK(at.run(ask_page(*over, streams::request("POST", "/.own"))).value() == "POST\n");
  CHECK(at.policy.asked == 0);
  CHECK(!at.run(ask_page(*over, streams::request("GET", "/.other"))).has_value());
}

TEST_CASE("a client that asks nothing for ten minutes is parted from") {
  sharing::home at;
  const auto over = at.connected();
  at.time.advance(at.context, longest_idle - 1s);
  CHECK(look(at, over, "none").error() == errc::file_not_found);
  at.time.advance(at.context, longest_idle - 1s);
  CHECK(at.hosts.size() == 1);
  at.time.advance(at.context, 10s);
  CHECK(at.hosts.size() == 0);
  CHECK(!at.run(over->open(streams::request("GET", "/"), false, at.time.now() + 1s)).has_value());
}

TEST_CASE("whoever stops a host stops what it answers") {
  sharing::home at;
  at.on.file("large", std::string(5'000'000, 'a'));
  const auto over = at.connected();
  auto file = at.run(open_file(*over, file_request(share_path{"files", "large", false})));
  REQUIRE(file);
  CHECK(at.files.open().count() == 1);
  at.hosts.cancel();
  at.settle();
  CHECK(at.hosts.size() == 0);
  CHECK(at.files.open().count() == 0);
  CHECK(at.policy.seen == 2);
}

TEST_CASE("a policy by issued grants knows a grant as it is now") {
  temporary_folder on;
  const auto kept = state::folder::open(on.path + "/state").value();
  const auto own = identity::key::generate();
  state::issued_grants issued(kept, own.id());
  issued_grant_policy policy(issued, own);
  trust::grant body;
  body.id = crypto::random_octets<16>();
  body.client = identity::key::generate().id();
  body.not_before = wall_now() - 5min;
  body.not_after = wall_now() + 1h;
  body.methods = trust::method::outbound | trust::method::window;
  body.services = {{"docs", true, false}, {"drop", false, true}};
  CHECK(policy.may_read(body.id, "docs").error() == errc::service_not_granted);
  CHECK(policy.current(body.id).error() == errc::grant_unknown);
  const auto made = trust::signed_grant::sign(body, own);
  REQUIRE(issued.keep({"laptop", true, made}));
  CHECK(policy.may_read(body.id, "docs").has_value());
  CHECK(policy.may_read(body.id, "drop").error() == errc::service_not_granted);  // to write only
  CHECK(policy.may_read(body.id, "other").error() == errc::service_not_granted);
  CHECK(policy.current(body.id).value().octets() == made.octets());
  sessions::session_info info;
  info.grant = body.id;
  policy.came(info);
  CHECK(issued.list().value().front().last_seen.has_value());
  body.services = {{"other", true, false}};
  REQUIRE(issued.keep({"laptop", true, trust::signed_grant::sign(body, own)}));
  CHECK(policy.may_read(body.id, "docs").error() == errc::service_not_granted);
  CHECK(policy.may_read(body.id, "other").has_value());
}

}  // namespace host_test
