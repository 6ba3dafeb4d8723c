// SPDX-License-Identifier: BSL-1.0
#include "../completion.hpp"
#include "scripts.hpp"

namespace tools {

namespace {

// What others named is printed a line each, and fish quotes it; nothing of it is run.
constexpr std::string_view fish_script =
    R"fish(# fish completion for @TOOL@, made by '@TOOL@ completion fish'

# the command that was typed
function @F@_command
    set -l words (commandline -opc)
    set -l value no
    for word in $words[2..-1]
        if test $value = yes
            set value no
            continue
        end
        switch $word
            case @VALUED@
                set value yes
            case '-*'
            case '*'
                printf '%s\n' $word
                return
        end
    end
end

# COMMAND...: whether it is one of these
function @F@_is
    set -l command (@F@_command)
    contains -- "$command" $argv
end

# COMMAND WORD...: what the tool answers, with the state folder and the settings that were typed
function @F@_ask
    set -l words (commandline -opc)
    set -l own
    for i in (seq 2 (count $words))
        switch $words[$i]
            case '--state=*' '--config=*'
                set -a own $words[$i]
            case --state --config
                set -a own $words[$i] $words[(math $i + 1)]
        end
    end
    $words[1] $argv --json=false $own 2>/dev/null </dev/null
end

# the names that this client has for servers
function @F@_servers
    @F@_ask servers | string replace -r ' .*' ''
end

# what a server has; names that want escapes are left out
function @F@_remote
    set -l typed (commandline -ct | string unescape)
    if not string match -q '*:*' -- "$typed"
        @F@_servers | string replace -r '$' ':'
        return
    end
    set -l folder (string replace -r '[^:/]*$' '' -- $typed)
    set -l names (@F@_ask ls $folder --within 2s); or return
    set names (string match -r -v '[\\\\[:cntrl:]]' -- $names); and printf '%s\n' $folder$names
end

complete -c @TOOL@ -f
@COMPLETE@)fish";

std::string fish_quoted(std::string_view text) { return single_quoted(backslashed(text, "\\"), "\\'"); }

// "complete -c TOOL", for these commands. @param commands  nothing: always
std::string fish_complete(const std::string& commands) {
  return "complete -c @TOOL@" + (commands.empty() ? "" : " -n " + fish_quoted("@F@_is " + commands));
}

std::string fish_values(const option& one) {
  if (const auto words = values_of(one); !words.empty()) return " -x -a " + fish_quoted(joined(words, " "));
  if (one.completion() == completes::folder) return " -x -a '(__fish_complete_directories)'";
  return one.completion() == completes::file ? " -r -F" : " -x";
}

std::string fish_option(const option_table& table, const option& one) {
  auto line = fish_complete(joined(commands_of(table, one), " "));
  if (one.letter()) line += std::string(" -s ") + one.letter();
  line += " -l " + one.name();
  if (one.form() != shape::flag) line += fish_values(one);
  return line + " -d " + fish_quoted(one.help()) + "\n";
}

// The commands, each with its help: behind these ones. @param commands  "''": where none is typed yet
std::string fish_commands(const option_table& table, const std::string& commands) {
  std::string lines;
  for (const auto& one : table.commands()) {
    lines += fish_complete(commands) + " -a " + one.name + " -d " + fish_quoted(one.help) + "\n";
  }
  return lines;
}

std::string fish_words(const option_table& table, const option_table::command& one) {
  if (one.words == completes::nothing) return {};
  const auto line = fish_complete(one.name);
  const auto folders = line + " -a '(__fish_complete_directories)'\n";
  const auto remote = line + " -a '(@F@_remote)'\n";
  return action_for(one.words, {.file = line + " -F\n",
                                .folder = folders,
                                .server = line + " -a '(@F@_servers)'\n",
                                .remote_path = remote,
                                .remote_path_or_folder = remote + folders,
                                .command = fish_commands(table, one.name),
                                .shell = line + " -a " + fish_quoted(joined(completion_shells(), " ")) + "\n"});
}

}  // namespace

std::string fish_completion(const option_table& table) {
  auto complete = fish_commands(table, "''");
  for (const auto& one : table.commands()) complete += fish_words(table, one);
  for (const auto& one : table.options()) complete += fish_option(table, one);
  return filled(fish_script, {{"@VALUED@", joined(valued(table), " ")},
                              {"@COMPLETE@", complete},
                              {"@F@", "_" + function_of(table)},
                              {"@TOOL@", table.tool()}});
}

}  // namespace tools
