// SPDX-License-Identifier: BSL-1.0
#include <tools/complaint.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace complaint_test {

using namespace tools;

namespace {

nlohmann::json read(const json_line& line) { return nlohmann::json::parse(line.text()); }

}  // namespace

TEST_CASE("a complaint says what was tried, what happened, what is known, and what to do") {
  const auto line = complaint("ajar-client", "home:docs", ajar::errc::grant_unknown, "it was asked twice");
  CHECK(line.starts_with("ajar-client: home:docs: the server does not know this grant (it was asked twice): "));
  CHECK(line.ends_with(ajar::advice(ajar::errc::grant_unknown)));
  CHECK(complaint("t", "a", ajar::errc::grant_unknown, {}).find('(') == std::string::npos);
}

TEST_CASE("a program gets the same by keys, and the cause by its name") {
  const auto line = read(complaint_report("ajar-client", "home:docs", ajar::errc::grant_unknown, "it was asked twice"));
  CHECK(line == nlohmann::json{{"tool", "ajar-client"},
                               {"exit_code", refused},
                               {"about", "home:docs"},
                               {"cause", "grant_unknown"},
                               {"message", "the server does not know this grant"},
                               {"known", "it was asked twice"},
                               {"advice", ajar::advice(ajar::errc::grant_unknown)}});
}

TEST_CASE("a name that is no UTF-8 is shown so that it harms no terminal, and handed to a program octet for octet") {
  const std::error_code why = ajar::errc::file_not_found;
  CHECK(complaint("ajar-client", "a\nb\xff", why, {}).starts_with("ajar-client: a\\x0ab\\xff: "));
  const auto keys = read(complaint_report("ajar-client", "a\nb\xff", why, {}));
  CHECK(keys["about_base64"] == "YQpi/w==");
  CHECK_FALSE(keys.contains("about"));
}

TEST_CASE("what the system says has a name too, and nothing from elsewhere breaks the line") {
  const auto full = std::make_error_code(std::errc::no_space_on_device);
  const auto line = complaint_report("ajar-client", "a\nb\x1b[31m\xff", full, {});
  CHECK(line.text().find('\n') == std::string::npos);
  CHECK(line.text().find('\x1b') == std::string::npos);
  const auto keys = read(line);
  CHECK(keys["exit_code"] == local_trouble);
  CHECK_FALSE(keys["cause"].get<std::string>().empty());
  CHECK_FALSE(keys.contains("known"));
}

TEST_CASE("every cause has an exit code that is a failure") {
  for (int value = 1; value < 1000; ++value) {
    const std::error_code why(value, ajar::category());
    CHECK(exit_code_of(why) >= usage);
  }
}

}  // namespace complaint_test
