// SPDX-License-Identifier: BSL-1.0
#include "../completion.hpp"
#include "scripts.hpp"

namespace tools {

namespace {

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

const actions& bash_actions() {
  static const actions all{.file = "@F@_files -f",
                           .folder = "@F@_files -d",
                           .server = "@F@_servers ''",
                           .remote_path = "@F@_remote",
                           .remote_path_or_folder = "@F@_remote; [[ $cur == *:* ]] || @F@_files -d",
                           .command = "@F@_offer ' ' @COMMANDS@",
                           .shell = "@F@_offer ' ' " + joined(completion_shells(), " ")};
  return all;
}

}  // namespace

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
      words += "    " + one.name + ") " + action_for(one.words, bash_actions()) + " ;;\n";
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

}  // namespace tools
