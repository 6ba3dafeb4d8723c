// SPDX-License-Identifier: BSL-1.0
#include "begin.hpp"

#include "complaint.hpp"
#include "completion.hpp"
#include "doctor.hpp"
#include "help.hpp"
#include "manual.hpp"
#include "settings_report.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace tools {

namespace {

void complain_of(const option_table& table, const mistakes& all) {
  for (const auto& one : all) complain_in_words(table.tool(), usage, one);
}

// config, and config --check FILE.
int tell_settings(const option_table& table, const settings& given) {
  if (given.count("check")) {
    const auto path = given.as<std::string>("check");
    const auto file = read_settings_file(table, path);
    if (!file) {
      complain_of(table, file.error());
      return usage;
    }
    fmt::print("{}: good\n", path);
    return success;
  }
  fmt::print("{}", given.count("json") ? settings_as_json(table, given) : settings_as_toml(table, given));
  return success;
}

int no_command(const option_table& table, const std::string& said) {
  const auto* meant = table.nearest_command(said);
  const auto hint = meant ? "did you mean " + meant->name + "?" : "'" + table.tool() + " help' lists them";
  return complain_in_words(table.tool(), usage,
                           fmt::format("there is no command '{}': {}", ajar::escaped(said, 64), hint));
}

// help, help COMMAND, and COMMAND --help.
int help(const option_table& table, std::string_view examples, const std::string& about) {
  if (about.empty()) {
    fmt::print("{}", help_of(table, examples));
    return success;
  }
  const auto* one = table.find_command(about);
  if (!one) return no_command(table, about);
  fmt::print("{}", help_of(table, examples, *one));
  return success;
}

}  // namespace

std::variant<settings, int> begin(const option_table& table, const char* examples, int count,
                                  const char* const* words) {
  complain_as_json(
      std::any_of(words, words + count, [](const char* one) { return one == std::string_view("--json"); }));
  auto given = read_settings(table, count, words);
  if (!given) {
    complain_of(table, given.error());
    return usage;
  }
  complain_as_json(given->count("json") != 0);
  const auto command = given->as<std::string>("command");
  if (given->count("version")) {
    fmt::print("{}", versions_of(table.tool()));
    return success;
  }
  if (given->count("help")) return help(table, examples, command);
  if (given->count("man")) {
    fmt::print("{}", manual_of(table, examples));
    return success;
  }
  if (command == "help") return help(table, examples, given->as<std::string>("words"));
  if (!command.empty() && !table.find_command(command)) return no_command(table, command);
  if (command == "config") return tell_settings(table, *given);
  if (command != "completion") return std::move(*given);
  const auto script = completion(table, given->as<std::string>("words"));
  if (script.empty()) {
    return complain_in_words(
        table.tool(), usage,
        fmt::format("completion is for {}: {} completion bash", listed(completion_shells()), table.tool()));
  }
  fmt::print("{}", script);
  return success;
}

}  // namespace tools
