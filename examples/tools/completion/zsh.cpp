// SPDX-License-Identifier: BSL-1.0
#include "../completion.hpp"
#include "scripts.hpp"

namespace tools {

namespace {

// What others named is added by compadd, which quotes it; nothing of it is run.
constexpr std::string_view zsh_script =
    R"zsh(#compdef @TOOL@
# zsh completion for @TOOL@, made by '@TOOL@ completion zsh'

# [OPTION OF COMPADD...]: the names that this client has for servers
@F@_servers() {
  local -a names
  names=(${${(f)"$("$tool" servers --json=false $own 2>/dev/null </dev/null)"}%% *})
  compadd "$@" -- $names
}

# what a server has; names that want escapes are left out
@F@_remote() {
  local -a names
  local all
  if [[ $PREFIX != *:* ]]; then
    @F@_servers -S :
    return
  fi
  compset -P '*[:/]'
  all=$("$tool" ls "${(Q)IPREFIX}" --within 2s --json=false $own 2>/dev/null </dev/null) || return
  names=(${${(f)all}:#*[\\[:cntrl:]]*})
  compadd -S '' -- ${(M)names:#*/}
  compadd -- ${names:#*/}
}

# NAME=FILE
@F@_pair() {
  compset -P 1 '*=' && _files
}

# COMMANDS SPECIFICATION...: offered behind these commands; elsewhere too it is known to have a value
@F@_option() {
  local of=$1
  shift
  [[ $command == ${~of} ]] || set -- '!'${^@}
  options+=("$@")
}

@F@_words() {
  case $command in
@WORDS@  esac
}

@F@() {
  local tool=${(Q)words[1]} command i
  local -a own commands options
  commands=(
@COMMANDS@  )
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      (--state=* | --config=*) own+=("${(Q)words[i]}") ;;
      (@VALUED@)
        [[ $words[i] == --(state|config) ]] && own+=($words[i] "${(Q)words[i+1]}")
        ((i++))
        ;;
      (-*) ;;
      (*) command=${command:-$words[i]} ;;
    esac
  done
@OPTIONS@  _arguments -s -S $options ':command: _describe -t commands command commands' '*:word:@F@_words'
}

if [[ $funcstack[1] == _@TOOL@ ]]; then  # found in fpath
  @F@ "$@"
else
  compdef @F@ @TOOL@
fi
)zsh";

std::string zsh_quoted(std::string_view text) { return single_quoted(text, R"('\'')"); }

std::string zsh_values(const option& one) {
  if (one.form() == shape::pairs) return "@F@_pair";
  if (const auto words = values_of(one); !words.empty()) return "(" + joined(words, " ") + ")";
  if (one.completion() == completes::folder) return "_files -/";
  return one.completion() == completes::file ? "_files" : " ";
}

// The arguments of _arguments that tell of it.
std::string zsh_option(const option& one) {
  auto rest = "[" + backslashed(one.help(), "[]\\") + "]";
  if (one.form() != shape::flag) rest = "=" + rest + ":" + backslashed(one.value_name(), ":") + ":" + zsh_values(one);
  const auto name = "--" + one.name();
  const bool again = one.form() == shape::list || one.form() == shape::pairs;
  if (!one.letter()) return zsh_quoted((again ? "*" : "") + name + rest);
  const auto letter = std::string("-") + one.letter();
  const auto either = "(" + letter + " " + name + ")";
  return zsh_quoted(either + letter + rest) + " " + zsh_quoted(either + name + rest);
}

const actions& zsh_actions() {
  static const actions all{.file = "_files",
                           .folder = "_files -/",
                           .server = "@F@_servers",
                           .remote_path = "@F@_remote",
                           .remote_path_or_folder = "@F@_remote; [[ $PREFIX$IPREFIX == *:* ]] || _files -/",
                           .command = "_describe -t commands command commands",
                           .shell = "compadd -- " + joined(completion_shells(), " ")};
  return all;
}

}  // namespace

std::string zsh_completion(const option_table& table) {
  std::string commands;
  std::string words;
  for (const auto& one : table.commands()) {
    commands += "    " + zsh_quoted(one.name + ":" + one.help) + "\n";
    if (one.words != completes::nothing)
      words += "    (" + one.name + ") " + action_for(one.words, zsh_actions()) + " ;;\n";
  }
  std::string options;
  for (const auto& one : table.options()) {
    const auto of = commands_of(table, one);
    options += "  @F@_option '" + (of.empty() ? "*" : "(" + joined(of, "|") + ")") + "' " + zsh_option(one) + "\n";
  }
  return filled(zsh_script, {{"@VALUED@", joined(valued(table), " | ")},
                             {"@OPTIONS@", options},
                             {"@WORDS@", words},
                             {"@COMMANDS@", commands},
                             {"@F@", function_of(table)},
                             {"@TOOL@", table.tool()}});
}

}  // namespace tools
