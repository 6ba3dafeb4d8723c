// SPDX-License-Identifier: BSL-1.0
#include "manual.hpp"

#include "console.hpp"
#include "help.hpp"

#include <ajar/core/version.hpp>

#include <algorithm>
#include <cctype>

namespace tools {

namespace {

// A text as roff takes it, also at the beginning of a line.
std::string roff(std::string_view text) {
  std::string safe = text.starts_with('.') ? "\\&" : "";
  for (const char c : text) {
    switch (c) {
      case '\\':
        safe += "\\e";
        break;
      case '-':
        safe += "\\-";
        break;
      case '\'':
        safe += "\\(aq";
        break;
      case '`':
        safe += "\\(ga";
        break;
      case '^':
        safe += "\\(ha";
        break;
      case '~':
        safe += "\\(ti";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

// @param tag, text  in roff
std::string entry(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + text + (text.empty() ? "" : "\n");
}

// Calls with each part of a text, without what stands between them.
template <class Take>
void for_each_part(std::string_view text, std::string_view between, Take take) {
  while (!text.empty()) {
    const auto end = std::min(text.find(between), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + between.size(), text.size()));
  }
}

// "Fetches what ... .\n" as man's index has it.
std::string name_section(const option_table& table) {
  auto what = table.summary().substr(0, table.summary().find_last_not_of(".\n") + 1);
  if (!what.empty()) what[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(what[0])));
  return ".SH NAME\n" + roff(table.tool()) + " \\- " + roff(what) + "\n";
}

std::string synopsis_section(const option_table& table) {
  return ".SH SYNOPSIS\n" + bold(table.tool()) + " [" + italic("OPTION") + "...] " + italic("COMMAND") + " [" +
         italic("WORD") + "...]\n";
}

std::string commands_section(const option_table& table) {
  std::string text = ".SH COMMANDS\n";
  for (const auto& one : table.commands()) {
    const auto words = spoken_words(one.words);
    text += entry(bold(one.name) + (words.empty() ? "" : " " + italic(words)), roff(one.help));
  }
  return text;
}

std::string options_section(const option_table& table) {
  std::string text = ".SH OPTIONS\n";
  for (const auto& one : table.options()) {
    auto tag = one.letter() ? bold(std::string("-") + one.letter()) + ", " : std::string();
    tag += bold("--" + one.name());
    if (one.form() != shape::flag) tag += "=" + italic(one.value_name());
    auto about = roff(one.help());
    if (one.fallback()) about += "\n.br\nDefault: " + roff(*one.fallback());
    if (!one.commands().empty()) about += "\n.br\nOf: " + roff(listed(one.commands(), "and"));
    if (!one.in_file()) about += "\n.br\nOn the command line alone.";
    text += entry(tag, about);
  }
  return text;
}

// Each line of the examples is a command, blanks, and what it does.
std::string examples_section(std::string_view examples) {
  std::string text = ".SH EXAMPLES\n";
  for_each_part(examples, "\n", [&](std::string_view line) {
    if (!line.starts_with("  ")) return;
    line.remove_prefix(2);
    const auto end = std::min(line.find("  "), line.size());
    const auto about = std::min(line.find_first_not_of(' ', end), line.size());
    text += entry(bold(line.substr(0, end)), roff(line.substr(about)));
  });
  return text;
}

std::string exit_status_section() {
  std::string text = ".SH EXIT STATUS\n";
  std::string_view codes = exit_codes_help;
  codes.remove_prefix(codes.find(": ") + 2);
  codes.remove_suffix(1);
  for_each_part(codes, ", ", [&](std::string_view one) {
    const auto blank = one.find(' ');
    text += entry(bold(one.substr(0, blank)), roff(one.substr(blank + 1)));
  });
  return text;
}

std::string files_section(const option_table& table) {
  const auto& tool = table.tool();
  return ".SH FILES\n" +
         entry(italic("~/.local/state/ajar/" + tool.substr(tool.find('-') + 1)),
               roff("The state folder, with the key; below $XDG_STATE_HOME, where that is set. --state or $AJAR_STATE "
                    "names another one.")) +
         entry(italic("config.toml") + " in the state folder, " + italic("~/.config/ajar/" + tool + ".toml") + ", " +
                   italic("/etc/ajar/" + tool + ".toml"),
               roff("Settings: the first of these that there is. --config or $AJAR_CONFIG names another one. '" + tool +
                    " config' tells what is in effect, and where it comes from."));
}

std::string see_also_section(const option_table& table) {
  std::string text = ".SH SEE ALSO\n";
  for (const char* tool : {"ajar-central", "ajar-server", "ajar-client"}) {
    if (table.tool() != tool) text += bold(tool) + "(1),\n";
  }
  return text + roff("README.md and docs in the folder share/doc/ajar; 'help COMMAND' tells what one command takes.") +
         "\n";
}

}  // namespace

std::string manual_of(const option_table& table, std::string_view examples) {
  auto title = table.tool();
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return ".TH " + title + " 1 \"\" \"ajar " + std::string(ajar::version) + "\" \"User Commands\"\n" +
         name_section(table) + synopsis_section(table) + commands_section(table) + options_section(table) +
         examples_section(examples) + exit_status_section() + files_section(table) + see_also_section(table);
}

}  // namespace tools
