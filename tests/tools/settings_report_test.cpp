// SPDX-License-Identifier: BSL-1.0
#include <tools/settings_report.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <server/options.hpp>

namespace settings_report_test {

using namespace tools;

namespace {

constexpr const char* text = "mode = 'window'\njson = true\n[share]\n'a.b' = '/x \"y\" \\z'\ndocs = '/srv/docs'\n";

settings parsed(std::string_view what) {
  const auto got = parse_settings(server_table(), what, "/etc/s.toml");
  REQUIRE_MESSAGE(got, (got ? std::string() : got.error()[0]));
  return *got;
}

}  // namespace

TEST_CASE("what is printed is a file that says the same") {
  const auto before = parsed(text);
  const auto printed = settings_as_toml(server_table(), before);
  CHECK(printed.find("mode = \"window\"  # /etc/s.toml:1\n") != std::string::npos);
  CHECK(printed.find("# central is not set\n") != std::string::npos);
  const auto after = parsed(printed);
  for (const auto& one : server_table().options()) {
    CHECK(before.as<std::vector<std::string>>(one.name()) == after.as<std::vector<std::string>>(one.name()));
  }
}

TEST_CASE("a program gets each setting with its place") {
  const auto made = nlohmann::json::parse(settings_as_json(server_table(), parsed(text)));
  CHECK(made["file"] == "/etc/s.toml");
  CHECK(made["settings"]["mode"]["value"] == "window");
  CHECK(made["settings"]["mode"]["from"] == "file");
  CHECK(made["settings"]["mode"]["line"] == 1);
  CHECK(made["settings"]["mode"]["column"] == 8);
  CHECK(made["settings"]["json"]["value"] == true);
  CHECK(made["settings"]["share"]["value"]["a.b"] == "/x \"y\" \\z");
  CHECK(!made["settings"].contains("central"));
  CHECK(!made["settings"].contains("help"));
}

}  // namespace settings_report_test
