// SPDX-License-Identifier: BSL-1.0
#include <tools/help.hpp>

#include <doctest/doctest.h>
#include <central/options.hpp>
#include <client/options.hpp>
#include <server/options.hpp>

namespace help_test {

using namespace tools;

namespace {

constexpr const char* examples =
    "Examples:\n"
    "  ajar-client get home:a .   a file\n"
    "  ajar-client getter\n"
    "  ajar-client ls home:\n"
    "  ajar-client get home:b .   another\n";

}  // namespace

TEST_CASE("help of a command has its own options alone") {
  const auto* get = client_table().find_command("get");
  REQUIRE(get);
  const auto text = help_of(client_table(), examples, *get);
  CHECK(text.find("ajar-client get [OPTION...] SERVER:NAME/PATH... FOLDER") != std::string::npos);
  CHECK(text.find("--verify") != std::string::npos);
  CHECK(text.find("--state") != std::string::npos);
  CHECK(text.find("--count") == std::string::npos);
}

TEST_CASE("help of a command has its own examples alone") {
  const auto* get = client_table().find_command("get");
  REQUIRE(get);
  CHECK(help_of(client_table(), examples, *get)
            .ends_with("\nExample:\n  ajar-client get home:a .   a file\n  ajar-client get home:b .   another\n"));
  const auto* id = client_table().find_command("id");
  REQUIRE(id);
  CHECK(help_of(client_table(), examples, *id).ends_with("\nExample:\n  ajar-client id\n"));
}

TEST_CASE("help of a tool has all of it") {
  for (const auto* table : {&central_table(), &server_table(), &client_table()}) {
    const auto all = help_of(*table, examples);
    for (const auto& one : table->commands()) CHECK(all.find("  " + one.name + " ") != std::string::npos);
    for (const auto& one : table->options()) CHECK(all.find("--" + one.name()) != std::string::npos);
    CHECK(all.find(examples) != std::string::npos);
    CHECK(all.find("\nExit codes: 0 done") != std::string::npos);
  }
}

}  // namespace help_test
