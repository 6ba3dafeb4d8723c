// SPDX-License-Identifier: BSL-1.0
#include <tools/status_table.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <tools/status_json.hpp>

namespace status_table_test {

using namespace tools;
using namespace std::chrono_literals;

TEST_CASE("times and sizes are spoken") {
  CHECK(spoken_time(0) == "0 ns");
  CHECK(spoken_time(35'200) == "35.2 us");
  CHECK(spoken_time(17'000'000) == "17.0 ms");
  CHECK(spoken_time(59'900'000'000) == "59.9 s");
  CHECK(spoken_time(125'000'000'000) == "2 min 5 s");
  CHECK(spoken_time(7'500'000'000'000) == "2 h 5 min");
  CHECK(spoken_time(90'000'000'000'000) == "1 d 1 h");
  CHECK(spoken_size(999) == "999 B");
  CHECK(spoken_size(1'000) == "1.0 kB");
  CHECK(spoken_size(999'999) == "1.0 MB");
  CHECK(spoken_size(5'000'000'000) == "5.0 GB");
  CHECK(spoken_size(UINT64_MAX) == "18446.7 PB");
}

TEST_CASE("a server's table tells link, exposure, and each session in a row") {
  ajar::server_status from;
  from.link.linked = true;
  from.link.since = 90s;
  from.link.round_trip = 400us;
  from.sessions.resize(2);
  from.sessions[0].carried = {1'500, 2'000'000};
  from.sessions_begun = 3;
  from.exposed = {2, 2, 1, 70us, 3};
  from.exposed_today = {1, 1, 0, 30us, 1};
  from.refusals.add(ajar::errc::grant_expired, 2);
  auto told = json_of(from);
  told["log_lines_lost"] = 0;  // other tests of this process lose some
  const auto text = status_table::text(told);
  CHECK(text.find("link      up for 1 min 30 s, round trip 400.0 us\n") != std::string::npos);
  CHECK(text.find("in all 70.0 us in 2 windows, 1 stranger, 3 packets dropped by the cloak\n") != std::string::npos);
  CHECK(text.find("today 30.0 us in 1 window, 1 packet dropped by the cloak;") != std::string::npos);
  CHECK(text.find("sessions  2 now, 3 so far") != std::string::npos);
  CHECK(text.find("1.5 kB") != std::string::npos);
  CHECK(text.find("refusals  grant_expired 2\n") != std::string::npos);
  CHECK(text.find("minute    ports open for ") != std::string::npos);
  CHECK(std::ranges::count(text, '\n') == 13);
  from.listened_by.push_back({{1}, ajar::identity::peer_id(), 1, 2, 50us, 6s});
  CHECK(status_table::text(json_of(from)).find(": 50.0 us of 6.0 s, 1 of 2 windows now\n") != std::string::npos);
  told["log_lines_lost"] = 7;
  CHECK(status_table::text(told).find("log       7 lines were lost\n") != std::string::npos);
  told["exceptions"] = 1;
  CHECK(status_table::text(told).find("faults    1 coroutines ended by an exception") != std::string::npos);
}

TEST_CASE("a client that asked two centrals, and central itself, have tables too") {
  ajar::client_status from;
  from.links.resize(2);
  CHECK(status_table::text(json_of(from)).find("door      closed\n") != std::string::npos);
  CHECK(status_table::text(json_of(ajar::central_status())).find("requests  0 in flight") != std::string::npos);
}

TEST_CASE("what a process that lies says reaches no terminal") {
  auto lies = json_of(ajar::server_status());
  lies["id"] = "\x1b[2J\n";
  lies["refusals"]["\x1b]0;x\x07"] = 1;
  const auto text = status_table::text(lies);
  CHECK(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(text.find("\\x1b[2J\\x0a\n") != std::string::npos);
  lies["id"] = 7;
  CHECK_THROWS(status_table::text(lies));
}

}  // namespace status_table_test
