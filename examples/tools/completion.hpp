// SPDX-License-Identifier: BSL-1.0
// Completion in bash, made from a tool's table: TOOL completion bash.
#pragma once

#include "option_table.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

namespace detail {

// The words are taken from the line itself, because bash breaks them at ':' and '='; it puts in only what follows the
// last of these ($keep). Candidates are compared and quoted, never given to compgen -W, which would run what a name
// from elsewhere says. Within quotes nothing is offered: what is inserted there could not be quoted.
inline constexpr std::string_view completion_script =
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
  all=$("${words[0]}" servers --json=false "${own[@]}" 2>/dev/null </dev/null) || return
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
@VALUED@      -*) ;;
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
    completion) @F@_offer ' ' bash ;;
@WORDS@  esac
}
complete -o nospace -F @F@ @TOOL@
)bash";

inline std::string joined(const std::vector<std::string>& all, std::string_view between) {
  std::string text;
  for (const auto& one : all) text.append(text.empty() ? "" : between).append(one);
  return text;
}

// In the script itself every @F@ is a name, so that no text of ours needs a quote.
inline std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& places) {
  for (const auto& [place, content] : places) {
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + content.size())) {
      text.replace(at, place.size(), content);
    }
  }
  return text;
}

inline std::string completion_of_value(const option& one) {
  if (one.form() == shape::pairs) return "c=${cur#\"$head\"}; [[ $c == *=* ]] && head+=${c%%=*}= && @F@_files -f";
  std::vector<std::string> words;
  for (const auto& word : one.words()) words.push_back("\"$head\"" + word);
  if (one.several() && words.size() > 1) words.push_back("\"$head\"" + joined(one.words(), ","));
  if (!words.empty()) return "@F@_offer ' ' " + joined(words, " ");
  if (one.completion() == completes::folder) return "@F@_files -d";
  return one.completion() == completes::file ? "@F@_files -f" : ":";
}

inline std::string completion_of_words(completes what) {
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
    case completes::nothing:
      break;
  }
  return ":";
}

}  // namespace detail

inline std::string bash_completion(const option_table& table) {
  std::string valued;
  std::string values;
  for (const auto& one : table.options()) {
    if (one.form() == shape::flag) continue;
    valued += (valued.empty() ? "--" : " | --") + one.name();
    values += "    --" + one.name() + ") " + detail::completion_of_value(one) + " ;;\n";
  }
  // the last of the words may be an option that waits for its value
  valued = "      " + valued +
           ")\n        i=$((i + 1))\n        [[ $i -eq ${#words[@]} ]] && option=$c\n"
           "        [[ $i -lt ${#words[@]} && ($c == --state || $c == --config) ]] && own+=(\"$c\" \"${words[i]}\")\n  "
           "      ;;\n";
  std::vector<std::string> commands;
  std::vector<std::string> usual;
  for (const auto& each : table.options()) {
    if (each.commands().empty()) usual.push_back("--" + each.name());
  }
  std::string options = "    '') names='" + detail::joined(usual, " ") + "' ;;\n";
  std::string words;
  for (const auto& one : table.commands()) {
    commands.push_back(one.name);
    std::vector<std::string> names;
    for (const auto& each : table.options()) {
      if (each.is_for(one.name)) names.push_back("--" + each.name());
    }
    options += "    " + one.name + ") names='" + detail::joined(names, " ") + "' ;;\n";
    if (one.words != completes::nothing) {
      words += "    " + one.name + ") " + detail::completion_of_words(one.words) + " ;;\n";
    }
  }
  std::string function = "_" + table.tool();
  std::ranges::replace(function, '-', '_');
  return detail::filled(std::string(detail::completion_script), {{"@VALUED@", valued},
                                                                 {"@VALUES@", values},
                                                                 {"@OPTIONS@", options},
                                                                 {"@WORDS@", words},
                                                                 {"@COMMANDS@", detail::joined(commands, " ")},
                                                                 {"@F@", function},
                                                                 {"@TOOL@", table.tool()}});
}

}  // namespace tools
