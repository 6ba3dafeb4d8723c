// SPDX-License-Identifier: BSL-1.0
#include <ajar/telling/log_line.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "../seeds.hpp"

namespace log_line_test {

using namespace ajar;
using namespace ajar::telling;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

constexpr log_line::instant noon{std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h + 5ms};

std::string logfmt_of(std::string_view value) {
  const auto line = log_line(noon, log_level::info, "x").with("v", value).logfmt();
  const auto begin = line.find(" v=");
  REQUIRE(begin != std::string::npos);
  return line.substr(begin + 3);
}
std::string json_of(std::string_view value) {
  return nlohmann::json::parse(log_line(noon, log_level::info, "x").with("v", value).json())["v"];
}
bool is_one_printable_line(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

TEST_CASE("a line has its time, its level, what happened, and fields") {
  const auto line = log_line(noon, log_level::warning, "no link to central").with("step", "A").with("detail", "a=b c");
  CHECK(line.logfmt() ==
        "time=2026-11-24T12:00:00.005Z level=warning event=\"no link to central\" step=A detail=\"a=b c\"");
  CHECK(line.json() ==
        "{\"time\":\"2026-11-24T12:00:00.005Z\",\"level\":\"warning\",\"event\":\"no link to central\",\"step\":\"A\","
        "\"detail\":\"a=b c\"}");
}

TEST_CASE("times before 1970 and at its beginning have three digits, too") {
  CHECK(log_line::rfc3339(log_line::instant(0ms)) == "1970-01-01T00:00:00.000Z");
  CHECK(log_line::rfc3339(log_line::instant(-1ms)) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("a value is quoted only where it has to be") {
  CHECK(logfmt_of("127.0.0.1:7000") == "127.0.0.1:7000");
  CHECK(logfmt_of("[::1]:7000") == "[::1]:7000");
  CHECK(logfmt_of("") == "\"\"");
  CHECK(logfmt_of("two words") == "\"two words\"");
  CHECK(logfmt_of("a=b") == "\"a=b\"");
  CHECK(logfmt_of("a\"b") == "\"a\\\"b\"");
  CHECK(logfmt_of("a\\b") == "\"a\\\\b\"");
}

TEST_CASE("no value forges a line or reaches the terminal") {
  CHECK(logfmt_of("a\ntime=now level=info event=forged") == "\"a\\ntime=now level=info event=forged\"");
  CHECK(logfmt_of("\r\t") == "\"\\r\\t\"");
  CHECK(logfmt_of("\x1b[2J\x1b]0;title\x07") == "\"\\x1b[2J\\x1b]0;title\\x07\"");
  CHECK(logfmt_of("\xc2\x9b"
                  "2J") == "\"\\xc2\\x9b2J\"");  // CSI as one character
  CHECK(logfmt_of("\xe2\x80\xae"
                  "abc") ==
        "\"\\xe2\\x80\\xae"
        "abc\"");  // right to left
  CHECK(logfmt_of("\0"s) == "\"\\x00\"");
  CHECK(logfmt_of("\x7f\xff") == "\"\\x7f\\xff\"");
}

TEST_CASE("JSON keeps what is UTF-8, and replaces what is none") {
  CHECK(json_of("caf\xc3\xa9 \xf0\x9f\x9a\xaa \"x\" \\ \n\x1b\x7f") ==
        "caf\xc3\xa9 \xf0\x9f\x9a\xaa \"x\" \\ \n\x1b\x7f");
  const auto replaced = "\xef\xbf\xbd"s;
  CHECK(json_of("\xff") == replaced);
  CHECK(json_of("\xc3") == replaced);
  CHECK(json_of("\xc0\xaf") == replaced + replaced);  // overlong
  CHECK(json_of("\xe0\x80\x80") == replaced + replaced + replaced);
  CHECK(json_of("\xed\xa0\x80") == replaced + replaced + replaced);  // a lone surrogate
  CHECK(json_of("\xf4\x90\x80\x80") == replaced + replaced + replaced + replaced);
}

TEST_CASE("a very long value is cut, and says so") {
  const auto text = logfmt_of(std::string(100'000, 'a'));
  CHECK(text.size() == log_line::longest_value + 5);
  CHECK(text.ends_with("aaa...\""));
  CHECK(json_of(std::string(100'000, 'a')).size() == log_line::longest_value + 3);
  CHECK(logfmt_of(std::string(log_line::longest_value, 'a')).size() == log_line::longest_value);
}

TEST_CASE("whatever octets come, a line is one line of printable ASCII, and JSON is JSON") {
  const auto seed = seed_or(3);
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 5'000; ++i) {
    std::string value(random() % 40, '\0');
    for (char& c : value) c = static_cast<char>(random());
    const auto line = log_line(noon, log_level::error, value).with("detail", value);
    CHECK(is_one_printable_line(line.logfmt()));
    CHECK(is_one_printable_line(line.json()));
    CHECK(nlohmann::json::parse(line.json()).size() == 4);
  }
}

}  // namespace log_line_test
