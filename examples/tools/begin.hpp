// SPDX-License-Identifier: BSL-1.0
// How each tool begins: it reads what it was told, and answers what every tool answers.
#pragma once

#include "completion.hpp"
#include "console.hpp"
#include "settings.hpp"
#include "settings_report.hpp"

#include <fmt/format.h>
#include <optional>
#include <string>
#include <variant>

namespace tools {

inline void complain_of(const option_table& table, const mistakes& all) {
  for (const auto& one : all) tell("{}: {}\n", table.tool(), one);
}

// config, and config --check FILE.
inline int tell_settings(const option_table& table, const settings& given) {
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

// The settings, or the exit code of a tool that is done already: it was asked for --help, config or completion, or what
// it was told is wrong.
inline std::variant<settings, int> begin(const option_table& table, const char* examples, int count,
                                         const char* const* words) {
  auto given = read_settings(table, count, words);
  if (!given) {
    complain_of(table, given.error());
    return usage;
  }
  if (given->count("help")) {
    fmt::print("{}\n{}{}", help_of(table), examples, exit_codes_help);
    return success;
  }
  const auto command = given->as<std::string>("command");
  if (command == "config") return tell_settings(table, *given);
  if (command != "completion") return std::move(*given);
  if (given->as<std::string>("words") != "bash") {
    tell("{}: completion is for bash: {} completion bash\n", table.tool(), table.tool());
    return usage;
  }
  fmt::print("{}", bash_completion(table));
  return success;
}

}  // namespace tools
