// SPDX-License-Identifier: BSL-1.0
#include <tools/command_line.hpp>

#include <doctest/doctest.h>
#include <central/options.hpp>
#include <client/options.hpp>
#include <server/options.hpp>

namespace command_line_test {

using namespace tools;

namespace {

tl::expected<settings, mistakes> said(std::vector<const char*> words, const option_table& table = client_table()) {
  words.insert(words.begin(), table.tool().c_str());
  return read_command_line(table, static_cast<int>(words.size()), words.data());
}

// A value that the table takes.
std::string value_of(const option& one) {
  if (one.fallback()) return *one.fallback();
  if (!one.words().empty()) return one.words().front();
  for (const char* text : {"1", "5s", "127.0.0.1", "192.0.2.1", "127.0.0.1:1", "40000-40099", "host", "a=b"}) {
    if (one.complaint(text).empty()) return text;
  }
  return "ajar://127.0.0.1:1/";
}

}  // namespace

TEST_CASE("an option that a command does not take is refused, with those that take it") {
  CHECK(said({"id", "--parallel", "3"}).error() ==
        mistakes{"--parallel is no option of id, but of get: leave it out, or see ajar-client help id"});
  CHECK(said({"--wait", "ls", "home:", "--door=127.0.0.1:1"}).error() ==
        mistakes{"--wait is no option of ls, but of join and get: leave it out, or see ajar-client help ls"});
  CHECK(said({"id", "-l"}).error() ==
        mistakes{"--long is no option of id, but of ls: leave it out, or see ajar-client help id"});
  CHECK(said({"id", "--json=false", "--door", "127.0.0.1:1"}).error().size() == 2);
  CHECK(said({"id", "--door", "127.0.0.1:1"}).error()[0].find("of rotate, ping, ls, get, cat, and doctor: ") !=
        std::string::npos);
}

TEST_CASE("a value is any text, of any length") {
  for (const auto& text :
       {std::string(120000, 'a'), std::string("two\nlines"), std::string("a=b=c"), std::string("-x")}) {
    const auto got = said({"id", ("--state=" + text).c_str()});
    REQUIRE(got);
    CHECK(got->as<std::string>("state") == text);
  }
}

TEST_CASE("help, the version and a command that there is not are answered by themselves") {
  CHECK(said({"id", "--parallel", "3", "--help"}));
  CHECK(said({"id", "--parallel", "3", "--version"}));
  CHECK(said({"gett", "--parallel", "3"}));
  CHECK(said({"--parallel", "3"}));
}

TEST_CASE("config takes whatever may stand in a file") {
  const auto got = said({"config", "--parallel", "3"});
  REQUIRE(got);
  CHECK(got->as<unsigned>("parallel") == 3);
  CHECK(!said({"config", "--dry-run"}));
}

TEST_CASE("each command takes its options, and no other") {
  for (const auto* table : {&central_table(), &server_table(), &client_table()}) {
    for (const auto& command : table->commands()) {
      for (const auto& one : table->options()) {
        if (one.name() == "help" || one.name() == "version") continue;
        INFO(table->tool() << " " << command.name << " --" << one.name());
        const auto words = "--" + one.name() + (one.form() == shape::flag ? "" : "=" + value_of(one));
        const auto got = said({command.name.c_str(), words.c_str()}, *table);
        const auto mine = "--" + one.name() + " is no option of ";
        const bool refused =
            !got && std::ranges::any_of(got.error(), [&](const auto& line) { return line.starts_with(mine); });
        CHECK(refused == !one.is_for(command.name));
      }
    }
  }
}

TEST_CASE("the usage and the options of a command are laid out, with their defaults") {
  const auto* get = client_table().find_command("get");
  REQUIRE(get);
  const auto text = options_help(client_table(), get, "about", "WORDS");
  CHECK(text.starts_with("about"));
  CHECK(text.find("ajar-client get [OPTION...] WORDS") != std::string::npos);
  CHECK(text.find("(default: 8)") != std::string::npos);
}

}  // namespace command_line_test
