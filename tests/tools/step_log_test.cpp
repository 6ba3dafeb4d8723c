// SPDX-License-Identifier: BSL-1.0
#include <tools/step_log.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "../seeds.hpp"

namespace step_log_test {

using namespace tools;
using namespace std::chrono_literals;

namespace {

constexpr ajar::telling::log_line::instant noon{std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h};

ajar::telling::step step_with(std::string detail, ajar::telling::log_level level = ajar::telling::log_level::info) {
  return {ajar::time_point(1500us), "A", "linked to central", std::move(detail), level};
}
std::string line_of(step_format format, std::string detail) {
  return step_line("server", format, step_with(std::move(detail)), noon);
}

constexpr step_format all_formats[] = {step_format::logfmt, step_format::json, step_format::text, step_format::trace};

}  // namespace

TEST_CASE("a step is a line in each format") {
  CHECK(
      line_of(step_format::logfmt, "seen as ::1") ==
      "time=2026-11-24T12:00:00.000Z level=info event=\"linked to central\" who=server step=A detail=\"seen as ::1\"");
  CHECK(line_of(step_format::json, "seen as ::1") ==
        "{\"time\":\"2026-11-24T12:00:00.000Z\",\"level\":\"info\",\"event\":\"linked to central\",\"who\":\"server\","
        "\"step\":\"A\",\"detail\":\"seen as ::1\"}");
  CHECK(line_of(step_format::text, "seen as ::1") == "server: A linked to central: seen as ::1");
  CHECK(line_of(step_format::trace, "seen as ::1") ==
        "{\"us\":1500,\"who\":\"server\",\"letter\":\"A\",\"what\":\"linked to central\",\"detail\":\"seen as ::1\"}");
}

TEST_CASE("what there is not is left out") {
  const ajar::telling::step bare{ajar::time_point(), "", "a link ended", "", ajar::telling::log_level::warning};
  CHECK(step_line("central", step_format::logfmt, bare, noon) ==
        "time=2026-11-24T12:00:00.000Z level=warning event=\"a link ended\" who=central");
  CHECK(step_line("central", step_format::text, bare, noon) == "central:   a link ended");
}

TEST_CASE("no detail forges a line or reaches the terminal, in any format") {
  const auto seed = seed_or(11);
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::vector<std::string> details = {"x\nserver: A linked to central",
                                      "\x1b[2J",
                                      std::string(3, '\0'),
                                      "\xc2\x9b"
                                      "2J",
                                      "\xff\xfe",
                                      "\"}",
                                      "a=b level=error",
                                      std::string(100'000, 'a')};
  for (int i = 0; i < 500; ++i) {
    std::string one(random() % 30, '\0');
    for (char& c : one) c = static_cast<char>(random());
    details.push_back(one);
  }
  for (const auto& detail : details) {
    for (const auto format : all_formats) {
      const auto line = line_of(format, detail);
      CHECK(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }));
      if (format == step_format::json || format == step_format::trace) CHECK(nlohmann::json::accept(line));
    }
  }
}

}  // namespace step_log_test
