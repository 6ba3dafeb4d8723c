// SPDX-License-Identifier: BSL-1.0
#include <client/timeline.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace timeline_test {

using namespace ajar;
using namespace std::chrono_literals;
using rendezvous::party;

namespace {

const rendezvous::timeline window{
    {time_point(1h), party::client, {0, 'B', false, "ask central for the server", "abc"}},
    {time_point(1h + 1500us), party::central, {0, 'C', false, "command the server", ""}},
    {time_point(1h + 2s), party::server, {0, 0, true, "no session came of a window", "abc\x1b: late"}},
};

}  // namespace

TEST_CASE("a timeline for a person: when, who, the patent's step, what") {
  CHECK(tools::timeline_text(window) ==
        "the window, in ms since it was asked for:\n"
        "     0.000  client   B  ask central for the server: abc\n"
        "     1.500  central  C  command the server\n"
        "  2000.000  server      no session came of a window: abc\\x1b: late\n");
}

TEST_CASE("a timeline for a program") {
  const auto made = nlohmann::json::parse(tools::timeline_json(window));
  REQUIRE(made["timeline"].size() == 3);
  CHECK(made["timeline"][1]["us"] == 1500);
  CHECK(made["timeline"][1]["who"] == "central");
  CHECK(made["timeline"][1]["letter"] == "C");
  CHECK(made["timeline"][2]["letter"] == "");
  CHECK(made["timeline"][2]["trouble"] == true);
}

}  // namespace timeline_test
