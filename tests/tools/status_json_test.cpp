// SPDX-License-Identifier: BSL-1.0
#include <tools/status_json.hpp>

#include <doctest/doctest.h>

namespace status_json_test {

using namespace tools;
using namespace std::chrono_literals;

TEST_CASE("a server's answer has all that it knows, with units in the names") {
  ajar::server_status from;
  from.uptime = 5s;
  from.methods = ajar::trust::method::outbound | ajar::trust::method::window;
  from.link.linked = true;
  from.link.round_trip = 2ms;
  from.link.last_loss = ajar::errc::link_timeout;
  from.sessions.resize(1);
  from.sessions[0].carried = {10, 20};
  from.sessions[0].round_trip = 300us;
  from.sessions[0].info.window.emplace().drops = 4;
  from.sessions_begun = 4;
  from.exposed = {2, 3, 1, 70us, 9};
  from.listened_last_minute = 60us;
  from.listened_limit = 30s;
  from.listened_by.push_back({{1}, ajar::identity::peer_id(), 1, 2, 50us, 6s});
  from.refusals.add(ajar::errc::grant_expired, 2);
  const auto made = json_of(from);
  CHECK(made["ajar_status"] == 1);
  CHECK(made["tool"] == "ajar-server");
  CHECK(made["uptime_ns"] == 5'000'000'000);
  CHECK(made["methods"] == json{"outbound", "window"});
  CHECK(made["link"]["round_trip_ns"] == 2'000'000);
  CHECK(made["link"]["last_loss"] == "link_timeout");
  CHECK(made["sessions"][0]["octets_in"] == 10);
  CHECK(made["sessions"][0]["tcp_round_trip_ns"] == 300'000);
  CHECK(made["sessions_total"] == 4);
  CHECK(made["exposure"]["total"]["ns"] == 70'000);
  CHECK(made["exposure"]["total"]["drops"] == 9);
  CHECK(made["exposure"]["today"]["ns"] == 0);
  CHECK(made["sessions"][0]["drops"] == 4);
  const auto& minute = made["listened_last_minute"];
  CHECK(minute["ns"] == 60'000);
  CHECK(minute["limit_ns"] == 30'000'000'000);
  REQUIRE(minute["by_grant"].size() == 1);
  CHECK(minute["by_grant"][0]["grant"] == "01" + std::string(30, '0'));
  CHECK(minute["by_grant"][0]["windows"] == 1);
  CHECK(minute["by_grant"][0]["most_windows"] == 2);
  CHECK(minute["by_grant"][0]["ns"] == 50'000);
  CHECK(minute["by_grant"][0]["limit_ns"] == 6'000'000'000);
  CHECK(made["refusals"] == json{{"grant_expired", 2}});
  CHECK(made["listening_sockets"].is_number());
  CHECK(made["log_lines_lost"].is_number());
}

TEST_CASE("central has no number of what no peer tells it") {
  const auto made = json_of(ajar::central_status());
  CHECK(!made["exposure"]["total"].contains("windows"));
  CHECK(!made["exposure"]["total"].contains("drops"));
  CHECK(made["exposure"]["total"].contains("strangers"));
}

TEST_CASE("what is not known is null") {
  const auto made = json_of(ajar::server_status());
  CHECK(made["link"]["round_trip_ns"].is_null());
  CHECK(made["link"]["last_loss"].is_null());
  CHECK(made["methods"].is_array());
  CHECK(made["refusals"].is_object());
  CHECK(dumped(json{{"x", "\xff"}}) == "{\"x\":\"\xef\xbf\xbd\"}");
}

}  // namespace status_json_test
