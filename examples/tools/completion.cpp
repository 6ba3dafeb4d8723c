// SPDX-License-Identifier: BSL-1.0
#include "completion.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace tools {

namespace {

// ---- what the scripts have in common

std::string joined(const std::vector<std::string>& all, std::string_view between) {
  std::string text;
  for (const auto& one : all) text.append(text.empty() ? "" : between).append(one);
  return text;
}

// In a script every @F@ is a name, so that no text of ours needs a quote there.
std::string filled(std::string_view script, const std::vector<std::pair<std::string, std::string>>& places) {
  std::string text(script);
  for (const auto& [place, content] : places) {
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + content.size())) {
      text.replace(at, place.size(), content);
    }
  }
  return text;
}

// A text between single quotes.
std::string quoted(std::string_view text, std::string_view quote) {
  std::string safe = "'";
  for (const char c : text) c == '\'' ? safe.append(quote) : safe.append(1, c);
  return safe + "'";
}

std::string escaped(std::string_view text, std::string_view what) {
  std::string safe;
  for (const char c : text) safe.append(what.find(c) == std::string_view::npos ? "" : "\\").append(1, c);
  return safe;
}

std::string function_of(const option_table& table) {
  auto name = "_" + table.tool();
  std::ranges::replace(name, '-', '_');
  return name;
}

// The options that want a value.
std::vector<std::string> valued(const option_table& table) {
  std::vector<std::string> names;
  for (const auto& one : table.options()) {
    if (one.form() != shape::flag) names.push_back("--" + one.name());
  }
  return names;
}

// What its value may be. Nothing where that is no matter of words.
std::vector<std::string> values_of(const option& one) {
  auto words = one.words();
  if (one.several() && words.size() > 1) words.push_back(joined(one.words(), ","));
  return words;
}

// The commands that take it. Nothing: all.
std::vector<std::string> commands_of(const option_table& table, const option& one) {
  std::vector<std::string> names;
  for (const auto& each : table.commands()) {
    if (!one.commands().empty() && one.is_for(each.name)) names.push_back(each.name);
  }
  return names;
}

// ---- bash

// The words are taken from the line itself, because bash breaks them at ':' and '='; it puts in only what follows the
// last of these ($keep). Candidates are compared and quoted, never given to compgen -W, which would run what a name
// from elsewhere says. Within quotes nothing is offered: what is inserted there could not be quoted.
constexpr std::string_view bash_script =
    R"bash(# bash completion for @TOOL@, made by '@TOOL@ completion bash'

# ENDING CANDIDATE...: offer those that begin with the word
@F@_offer() {
  local ending=$1 one quoted home=\~/
  shift
  for one in "$@"; do
    [[ $one == "$cur"* && $one != "$cur/" ]] || continue
    one=${one#"$keep"}
    printf -v quoted '%q' "${one#"$home"}"
    [[ $one == "$home"* ]] && quoted=$home$quoted
    [[ $one == */ || $one == *: ]] && COMPREPLY+=("$quoted") || COMPREPLY+=("$quoted$ending")
  done
}

# -f or -d: files and folders, or folders alone
@F@_files() {
  local one
  while IFS= read -r one; do
    [[ -d ${one/#\~\//$HOME/} ]] && one+=/
    @F@_offer ' ' "$head$one"
  done < <(compgen "$1" -- "${cur#"$head"}")
}

# ENDING: the names that this client has for servers
@F@_servers() {
  local line all
  all=$("${words[0]}" servers --json=false "${own[@]}" 2>/dev/null </dev/null)  # fails where one grant is damaged
  while IFS= read -r line; do
    [[ -n $line ]] && @F@_offer ' ' "${line%% *}$1"
  done <<<"$all"
}

# what a server has; names that want escapes are left out
@F@_remote() {
  local line all folder=${cur%"${cur##*[:/]}"}
  if [[ $cur != *:* ]]; then
    @F@_servers :
    return
  fi
  all=$("${words[0]}" ls "$folder" --within 2s --json=false "${own[@]}" 2>/dev/null </dev/null) || return
  while IFS= read -r line; do
    [[ -n $line && $line != *\\* && $line != *[[:cntrl:]]* ]] && @F@_offer ' ' "$folder$line"
  done <<<"$all"
}

@F@() {
  local typed=${COMP_LINE:0:COMP_POINT} words=() own=() cur='' head='' keep='' quote='' begun='' c i
  local command='' option='' names=''
  COMPREPLY=()
  for ((i = 0; i < ${#typed}; i++)); do
    c=${typed:i:1}
    if [[ -n $quote && $c == "$quote" ]]; then
      quote=
    elif [[ $quote == "'" ]]; then
      cur+=$c
    elif [[ $c == \\ ]]; then
      i=$((i + 1))
      cur+=${typed:i:1}
    elif [[ -n $quote ]]; then
      cur+=$c
    elif [[ $c == [\'\"] ]]; then
      quote=$c begun=1
    elif [[ $c == [[:space:]] ]]; then
      [[ -n $cur || -n $begun ]] && words+=("$cur")
      cur='' begun=''
    else
      cur+=$c
    fi
  done
  [[ -n $quote || ${#words[@]} -eq 0 ]] && return
  for ((i = 1; i < ${#words[@]}; i++)); do
    c=${words[i]}
    case $c in
      --state=* | --config=*) own+=("$c") ;;
      @VALUED@)
        i=$((i + 1))
        [[ $i -eq ${#words[@]} ]] && option=$c  # it waits for its value
        [[ $i -lt ${#words[@]} && ($c == --state || $c == --config) ]] && own+=("$c" "${words[i]}")
        ;;
      -*) ;;
      *) command=${command:-$c} ;;
    esac
  done
  c=${cur##*[:=]}
  [[ $cur == *[:=]* && $COMP_WORDBREAKS == *"${cur:${#cur}-${#c}-1:1}"* ]] && keep=${cur%"$c"}
  if [[ -z $option && $cur == --*=* ]]; then
    option=${cur%%=*} head=${cur%%=*}=
  fi
  case $option in
    '') ;;
@VALUES@    *) return ;;
  esac
  [[ -n $option ]] && return
  case $command in
@OPTIONS@  esac
  if [[ $cur == -* ]]; then
    local all
    read -r -a all <<<"$names"
    @F@_offer ' ' "${all[@]}"
    return
  fi
  case $command in
    '') @F@_offer ' ' @COMMANDS@ ;;
@WORDS@  esac
}
complete -o nospace -F @F@ @TOOL@
)bash";

std::string bash_values(const option& one) {
  if (one.form() == shape::pairs) return "c=${cur#\"$head\"}; [[ $c == *=* ]] && head+=${c%%=*}= && @F@_files -f";
  auto words = values_of(one);
  for (auto& word : words) word.insert(0, "\"$head\"");
  if (!words.empty()) return "@F@_offer ' ' " + joined(words, " ");
  if (one.completion() == completes::folder) return "@F@_files -d";
  return one.completion() == completes::file ? "@F@_files -f" : ":";
}

std::string bash_words(completes what) {
  switch (what) {
    case completes::file:
      return "@F@_files -f";
    case completes::folder:
      return "@F@_files -d";
    case completes::server:
      return "@F@_servers ''";
    case completes::remote_path:
      return "@F@_remote";
    case completes::remote_path_or_folder:
      return "@F@_remote; [[ $cur == *:* ]] || @F@_files -d";
    case completes::command:
      return "@F@_offer ' ' @COMMANDS@";
    case completes::shell:
      return "@F@_offer ' ' " + joined(completion_shells(), " ");
    case completes::nothing:
      break;
  }
  return ":";
}

std::string bash_completion(const option_table& table) {
  std::string values;
  for (const auto& one : table.options()) {
    if (one.form() != shape::flag) values += "    --" + one.name() + ") " + bash_values(one) + " ;;\n";
  }
  std::vector<std::string> commands;
  std::vector<std::string> usual;
  for (const auto& each : table.options()) {
    if (each.commands().empty()) usual.push_back("--" + each.name());
  }
  std::string options = "    '') names='" + joined(usual, " ") + "' ;;\n";
  std::string words;
  for (const auto& one : table.commands()) {
    commands.push_back(one.name);
    std::vector<std::string> names;
    for (const auto& each : table.options()) {
      if (each.is_for(one.name)) names.push_back("--" + each.name());
    }
    options += "    " + one.name + ") names='" + joined(names, " ") + "' ;;\n";
    if (one.words != completes::nothing) {
      words += "    " + one.name + ") " + bash_words(one.words) + " ;;\n";
    }
  }
  return filled(bash_script, {{"@VALUED@", joined(valued(table), " | ")},
                              {"@VALUES@", values},
                              {"@OPTIONS@", options},
                              {"@WORDS@", words},
                              {"@COMMANDS@", joined(commands, " ")},
                              {"@F@", function_of(table)},
                              {"@TOOL@", table.tool()}});
}

// ---- zsh

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

std::string zsh_quoted(std::string_view text) { return quoted(text, R"('\'')"); }

std::string zsh_values(const option& one) {
  if (one.form() == shape::pairs) return "@F@_pair";
  if (const auto words = values_of(one); !words.empty()) return "(" + joined(words, " ") + ")";
  if (one.completion() == completes::folder) return "_files -/";
  return one.completion() == completes::file ? "_files" : " ";
}

// The arguments of _arguments that tell of it.
std::string zsh_option(const option& one) {
  auto rest = "[" + escaped(one.help(), "[]\\") + "]";
  if (one.form() != shape::flag) rest = "=" + rest + ":" + escaped(one.value_name(), ":") + ":" + zsh_values(one);
  const auto name = "--" + one.name();
  const bool again = one.form() == shape::list || one.form() == shape::pairs;
  if (!one.letter()) return zsh_quoted((again ? "*" : "") + name + rest);
  const auto letter = std::string("-") + one.letter();
  const auto either = "(" + letter + " " + name + ")";
  return zsh_quoted(either + letter + rest) + " " + zsh_quoted(either + name + rest);
}

std::string zsh_words(completes what) {
  switch (what) {
    case completes::file:
      return "_files";
    case completes::folder:
      return "_files -/";
    case completes::server:
      return "@F@_servers";
    case completes::remote_path:
      return "@F@_remote";
    case completes::remote_path_or_folder:
      return "@F@_remote; [[ $PREFIX$IPREFIX == *:* ]] || _files -/";
    case completes::command:
      return "_describe -t commands command commands";
    case completes::shell:
      return "compadd -- " + joined(completion_shells(), " ");
    case completes::nothing:
      break;
  }
  return {};
}

std::string zsh_completion(const option_table& table) {
  std::string commands;
  std::string words;
  for (const auto& one : table.commands()) {
    commands += "    " + zsh_quoted(one.name + ":" + one.help) + "\n";
    if (one.words != completes::nothing) words += "    (" + one.name + ") " + zsh_words(one.words) + " ;;\n";
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

// ---- fish

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

std::string fish_quoted(std::string_view text) { return quoted(escaped(text, "\\"), "\\'"); }

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
  const auto line = fish_complete(one.name);
  const auto folders = line + " -a '(__fish_complete_directories)'\n";
  switch (one.words) {
    case completes::file:
      return line + " -F\n";
    case completes::folder:
      return folders;
    case completes::server:
      return line + " -a '(@F@_servers)'\n";
    case completes::remote_path:
      return line + " -a '(@F@_remote)'\n";
    case completes::remote_path_or_folder:
      return line + " -a '(@F@_remote)'\n" + folders;
    case completes::command:
      return fish_commands(table, one.name);
    case completes::shell:
      return line + " -a " + fish_quoted(joined(completion_shells(), " ")) + "\n";
    case completes::nothing:
      break;
  }
  return {};
}

std::string fish_completion(const option_table& table) {
  auto complete = fish_commands(table, "''");
  for (const auto& one : table.commands()) complete += fish_words(table, one);
  for (const auto& one : table.options()) complete += fish_option(table, one);
  return filled(fish_script, {{"@VALUED@", joined(valued(table), " ")},
                              {"@COMPLETE@", complete},
                              {"@F@", "_" + function_of(table)},
                              {"@TOOL@", table.tool()}});
}

}  // namespace

const std::vector<std::string>& completion_shells() {
  static const std::vector<std::string> all{"bash", "zsh", "fish"};
  return all;
}

std::string completion(const option_table& table, std::string_view shell) {
  if (shell == "bash") return bash_completion(table);
  if (shell == "zsh") return zsh_completion(table);
  return shell == "fish" ? fish_completion(table) : std::string();
}

}  // namespace tools
