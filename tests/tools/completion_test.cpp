// SPDX-License-Identifier: BSL-1.0
#include <tools/completion.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <central/options.hpp>
#include <client/options.hpp>
#include <server/options.hpp>

namespace completion_test {

using namespace tools;

namespace {

// The lines that have it.
std::vector<std::string> lines_with(const std::string& text, const std::string& what) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    if (line.find(what) != std::string::npos) all.push_back(std::move(line));
    at = end + 1;
  }
  return all;
}

// How a script of this shell writes an option.
std::string option_in(const std::string& shell, const std::string& name) {
  return shell == "fish" ? " -l " + name + " " : "--" + name;
}

}  // namespace

TEST_CASE("each script names every command and every option of its table") {
  for (const auto* table : {&central_table(), &server_table(), &client_table()}) {
    for (const auto& shell : completion_shells()) {
      const auto script = completion(*table, shell);
      INFO(table->tool() << " in " << shell);
      CHECK(script.find(table->tool() + " completion " + shell) != std::string::npos);
      for (const auto& one : table->commands()) CHECK_MESSAGE(!lines_with(script, one.name).empty(), one.name);
      for (const auto& one : table->options()) {
        CHECK_MESSAGE(!lines_with(script, option_in(shell, one.name())).empty(), one.name());
      }
      CHECK(script.find('@' + std::string("F@")) == std::string::npos);  // every place was filled
      for (const char* place : {"@VALUED@", "@VALUES@", "@OPTIONS@", "@WORDS@", "@COMMANDS@", "@COMPLETE@", "@TOOL@"}) {
        CHECK_MESSAGE(script.find(place) == std::string::npos, place);
      }
    }
  }
}

TEST_CASE("an option is offered behind the commands that take it") {
  const auto zsh = lines_with(completion(client_table(), "zsh"), "'--parallel=[");
  REQUIRE(zsh.size() == 1);
  CHECK(zsh[0] == "  _ajar_client_option '(get|config)' '--parallel=[get: so many files at a time]:N: '");
  const auto fish = lines_with(completion(client_table(), "fish"), " -l parallel ");
  REQUIRE(fish.size() == 1);
  CHECK(fish[0] ==
        "complete -c ajar-client -n '__ajar_client_is get config' -l parallel -x -d 'get: so many files at a time'");
  CHECK(lines_with(completion(client_table(), "fish"), " -l state ")[0].find(" -n ") == std::string::npos);  // all do
}

TEST_CASE("texts are quoted as each shell wants it") {
  option_table all("ajar-x", "x");
  all.command_named("run", "somebody's [word]: it goes");
  all.add("share", "it's a \\ [thing]: NAME=FILE").takes_pairs("A:B").of({"run"});
  all.add("mode", "").takes("WAYS").some_of({"a", "b"});
  const auto zsh = completion(all, "zsh");
  CHECK(zsh.find(R"('run:somebody'\''s [word]: it goes')") != std::string::npos);
  CHECK(zsh.find(R"('*--share=[it'\''s a \\ \[thing\]: NAME=FILE]:A\:B:_ajar_x_pair')") != std::string::npos);
  CHECK(zsh.find("'--mode=[]:WAYS:(a b a,b)'") != std::string::npos);
  const auto fish = completion(all, "fish");
  CHECK(fish.find(R"(-a run -d 'somebody\'s [word]: it goes')") != std::string::npos);
  CHECK(fish.find(R"(-d 'it\'s a \\ [thing]: NAME=FILE')") != std::string::npos);
  CHECK(fish.find("-l mode -x -a 'a b a,b'") != std::string::npos);
}

TEST_CASE("another shell has no script") {
  CHECK(completion(client_table(), "tcsh").empty());
  CHECK(completion(client_table(), "").empty());
}

}  // namespace completion_test
