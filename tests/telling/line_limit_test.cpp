// SPDX-License-Identifier: BSL-1.0
#include <ajar/telling/line_limit.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/manual_clock.hpp>

#include <string>
#include <vector>

namespace line_limit_test {

using namespace ajar;
using namespace ajar::telling;
using namespace std::chrono_literals;

namespace {

constexpr time_point start(1000h);

int taken_at(line_limit& from, std::string_view what, std::string_view peer, time_point now, int wanted) {
  int taken = 0;
  for (int i = 0; i < wanted; ++i) taken += from.take(what, peer, now).has_value();
  return taken;
}

}  // namespace

TEST_CASE("a peer has so many lines of a kind, and takes none of another's or of another kind") {
  line_limit some;
  CHECK(taken_at(some, "asks", "mallory", start, 1000) == 100);
  CHECK(taken_at(some, "asks", "alice", start, 50) == 50);
  CHECK(taken_at(some, "leaves", "mallory", start, 50) == 50);
  CHECK(taken_at(some, "asks", "mallory", start + 10s, 1000) == 10);
}

TEST_CASE("the next line tells how many like it were left out") {
  line_limit some;
  CHECK(taken_at(some, "asks", "mallory", start, 105) == 100);
  CHECK(some.take("asks", "mallory", start + 1s) == 5);
  CHECK(!some.take("asks", "mallory", start + 1s));
  CHECK(some.take("asks", "mallory", start + 2s) == 1);
  CHECK(some.take("asks", "mallory", start + 4s) == 0);
}

TEST_CASE("of whom nothing more comes is told when he is forgotten") {
  line_limit some;
  CHECK(taken_at(some, "asks", "mallory", start, 107) == 100);
  CHECK(some.forget(start + 99s).empty());
  CHECK(some.size() == 1);
  const auto untold = some.forget(start + 100s);
  REQUIRE(untold.size() == 1);
  CHECK(untold[0].what == "asks");
  CHECK(untold[0].peer == "mallory");
  CHECK(untold[0].lines == 7);
  CHECK(some.size() == 0);
}

TEST_CASE("whoever comes under ever new names takes no more room, and no more lines") {
  line_limit some;
  int taken = 0;
  for (std::size_t i = 0; i < 3 * line_limit::most; ++i) {
    CHECK(some.forget(start).empty());
    taken += some.take("refused", std::to_string(i), start).has_value();
  }
  CHECK(taken == static_cast<int>(line_limit::most) + 100);
  CHECK(some.size() == line_limit::most + 1);
  for (std::size_t i = 0; i < line_limit::most; ++i) {
    (void)some.forget(start + 1h);
    (void)some.take("refused", "one", start + 1h);
  }
  CHECK(some.size() <= 2);
}

TEST_CASE("what nobody causes goes on as it is, and what a peer causes with the number of what is missing") {
  testing::manual_clock time;
  asio::io_context context;
  std::vector<std::string> told;
  const auto limited = limit_lines([&](const step& one) { told.push_back(std::string(one.what) + ": " + one.detail); });
  const auto mallorys = caused_by("mallory", limited);
  for (int i = 0; i < 300; ++i) report_step(limited, "", "began");
  CHECK(told.size() == 300);
  told.clear();
  for (int i = 0; i < 300; ++i) report_trouble(mallorys, "refused", "mallory again");
  CHECK(told.size() == 100);
  time.advance(context, 1s);
  report_step(mallorys, "", "refused");
  CHECK(told.back() == "refused: 200 more like it were left out");
  report_step(mallorys, "", "refused");
  time.advance(context, 1h);
  report_step(caused_by("alice", limited), "", "came", "at last");
  CHECK(told[told.size() - 2] == "refused: mallory: 1 more like it were left out");
  CHECK(told.back() == "came: at last");
  CHECK(!limit_lines({}));
  CHECK(!caused_by("mallory", {}));
}

}  // namespace line_limit_test
