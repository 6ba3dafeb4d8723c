// SPDX-License-Identifier: BSL-1.0
// What can be said to a tool: one table for its command line, its file, its completion and its documents.
//
// To add an option: one add() in examples/TOOL/options.hpp, then tools/options-table --write. tools/options-table reads
// those files as text, so that each add() is one statement of literals.
#pragma once

#include "option.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

// How many letters differ, a swapped pair counting as one (Damerau-Levenshtein, optimal string alignment).
std::size_t letters_between(std::string_view a, std::string_view b);

// The one of these names that was probably meant. Nothing where none resembles it.
const std::string* nearest_name(const std::vector<std::string>& names, std::string_view said);

class option_table {
 public:
  struct command {
    std::string name;
    std::string help;
    completes words = completes::nothing;  // what follows it
  };

  // Every tool can say what it was told, and complete what is typed.
  option_table(std::string tool, std::string summary) : tool_(std::move(tool)), summary_(std::move(summary)) {}

  option_table& command_named(std::string name, std::string help, completes words = completes::nothing) {
    commands_.push_back({std::move(name), std::move(help), words});
    return *this;
  }
  void add_log(std::string form, std::vector<std::string> commands) {
    add("log", "how steps are written on stderr: logfmt, json, or text")
        .takes("FORMAT")
        .one_of({"logfmt", "json", "text"})
        .by_default(std::move(form))
        .of(std::move(commands));
  }
  option& add_cloak(std::vector<std::string> commands) {
    return add("cloak", "how windows treat others: auto, filter, decoy, compare, or none")
        .takes("HOW")
        .one_of({"auto", "filter", "decoy", "compare", "none"})
        .by_default("auto")
        .of(std::move(commands));
  }
  // What the kernel keeps the tool from doing: sandbox.hpp.
  option& add_sandbox(std::vector<std::string> commands) {
    return add("sandbox", "auto; required: not without Landlock and seccomp; off: it may do all that its user may")
        .takes("HOW")
        .one_of({"auto", "required", "off"})
        .by_default("auto")
        .of(std::move(commands));
  }
  void add_state() {
    add("state", "state folder; else $AJAR_STATE, else the XDG state folder")
        .takes("FOLDER")
        .path_of(completes::folder);
  }
  // The last ones of every tool.
  void add_usual() {
    command_named("config", "the settings in effect, and where each comes from");
    command_named("completion", "a script by which the shell completes commands, options and names", completes::shell);
    command_named("help", "help COMMAND: its options, and an example", completes::command);
    add("config", "file of settings; else $AJAR_CONFIG, else the state folder's config.toml, ...")
        .takes("FILE")
        .path_of(completes::file)
        .command_line_only();
    add("check", "config: check this file and do nothing else")
        .takes("FILE")
        .path_of(completes::file)
        .of({"config"})
        .command_line_only();
    add("metrics", "status: as Prometheus metrics").of({"status"}).command_line_only();
    add("man", "help: the tool's page for man: help --man | man -l -").of({"help"}).command_line_only();
    add("help", "this text; behind a command, what it takes").letter('h').command_line_only();
    add("version", "the version, and those of the libraries").command_line_only();
  }

  option& add(std::string name, std::string help) {
    options_.emplace_back(std::move(name), std::move(help));
    return options_.back();
  }

  const std::string& tool() const noexcept { return tool_; }
  const std::string& summary() const noexcept { return summary_; }
  const std::vector<option>& options() const noexcept { return options_; }
  const std::vector<command>& commands() const noexcept { return commands_; }

  const option* find(std::string_view name) const;

  const command* find_command(std::string_view name) const;

  // The key of a file that was probably meant. Nothing where none resembles it.
  const option* nearest(std::string_view name) const;
  // The same of an option on the command line.
  const option* nearest_said(std::string_view name) const;
  const command* nearest_command(std::string_view name) const;

  // "id|run|config"
  std::string command_line() const;

 private:
  std::string tool_;
  std::string summary_;
  std::vector<option> options_;
  std::vector<command> commands_;
};

}  // namespace tools
