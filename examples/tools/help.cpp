// SPDX-License-Identifier: BSL-1.0
#include "help.hpp"

#include "command_line.hpp"
#include "completion.hpp"
#include "console.hpp"

#include <algorithm>

namespace tools {

std::string spoken_words(completes what) {
  switch (what) {
    case completes::file:
      return "FILE";
    case completes::folder:
      return "FOLDER";
    case completes::server:
      return "SERVER";
    case completes::remote_path:
      return "SERVER:NAME/PATH";
    case completes::remote_path_or_folder:
      return "SERVER:NAME/PATH... FOLDER";
    case completes::command:
      return "COMMAND";
    case completes::shell:
      return listed(completion_shells());
    case completes::nothing:
      break;
  }
  return {};
}

namespace {

// The commands, a line for each, below what the tool is for.
std::string with_commands(const option_table& table) {
  std::size_t widest = 0;
  for (const auto& one : table.commands()) widest = std::max(widest, one.name.size());
  auto text = table.summary() + "\nCommands:\n";
  for (const auto& one : table.commands()) {
    text += "  " + one.name + std::string(widest - one.name.size() + 2, ' ') + one.help + "\n";
  }
  return text;
}

// Those lines of the examples that show this command.
std::string examples_of(const option_table& table, std::string_view examples, const std::string& command) {
  const auto begins = "  " + table.tool() + " " + command;
  std::string text;
  while (!examples.empty()) {
    const auto end = std::min(examples.find('\n'), examples.size());
    const auto line = examples.substr(0, end);
    examples.remove_prefix(std::min(end + 1, examples.size()));
    const bool shows = line.starts_with(begins) && (line.size() == begins.size() || line[begins.size()] == ' ');
    if (shows) text.append(line).append("\n");
  }
  if (!text.empty()) return text;
  const auto* words = command == "completion" ? " bash" : command == "help" ? " status" : "";
  return begins + words + "\n";
}

}  // namespace

std::string help_of(const option_table& table, std::string_view examples) {
  return options_help(table, nullptr, with_commands(table), table.command_line()) + "\n" + std::string(examples) +
         exit_codes_help;
}

std::string help_of(const option_table& table, std::string_view examples, const option_table::command& one) {
  return options_help(table, &one, one.help + "\n", spoken_words(one.words)) + "\nExample:\n" +
         examples_of(table, examples, one.name);
}

}  // namespace tools
