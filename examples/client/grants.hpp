// SPDX-License-Identifier: BSL-1.0
// add and servers: the grants that this client holds.
#pragma once

#include "visit.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

namespace tools {

// A text without what mail and editors add: a byte order mark, blanks around lines, blank lines, the line ends of other
// systems.
inline std::string without_additions(std::string_view text) {
  if (constexpr std::string_view mark = "\xef\xbb\xbf"; text.starts_with(mark)) text.remove_prefix(mark.size());
  std::string made;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    constexpr std::string_view blank = " \t\r";
    const auto first = line.find_first_not_of(blank);
    if (first == std::string_view::npos) continue;
    made.append(line.substr(first, line.find_last_not_of(blank) - first + 1)).append("\n");
  }
  return made;
}

// Of a file, or - of stdin. Nothing where it cannot be read.
inline std::optional<std::string> text_of(const std::string& path) {
  constexpr std::size_t longest = 64 * 1024;  // no grant is as long
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && !file.is_open()) return std::nullopt;
  std::istream& from = path == "-" ? std::cin : file;
  std::string text(longest, '\0');
  from.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (from.bad()) return std::nullopt;
  text.resize(static_cast<std::size_t>(from.gcount()));
  return text;
}

inline int add_grant(const settings& given, const node& self) {
  const auto words = list_option(given, "words");
  if (words.size() != 1) return wrong("add needs one grant file; - reads it from stdin");
  const auto text = text_of(words[0]);
  if (!text) {
    return complain_in_words(client_tool, local_trouble, words[0] + ": cannot be read: name the grant file you got");
  }
  const auto parsed = ajar::trust::parse_grant_file(without_additions(*text));
  if (!parsed) {
    complain(client_tool, words[0], parsed.error());
    return local_trouble;
  }
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto name = text_option(given, "name");
  if (!name.empty() && !ajar::trust::is_name(name)) {
    return wrong("--name is 1 to 64 letters, digits, dots, dashes and underscores");
  }
  const auto kept = held.add(*parsed, name);
  const auto& petname = name.empty() ? parsed->server_name : name;
  if (!kept && kept.error() == ajar::errc::state_damaged) {
    return complain(client_tool, held.path_of(petname), kept.error());
  }
  if (!kept) return complain(client_tool, words[0], kept.error());
  fmt::print("{}  {}\n", *kept, to_string(parsed->grant.signer()));
  return success;
}

inline int list_servers(const settings& given, const node& self) {
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return complain(client_tool, self.state.path(), all.error());
  for (const auto& one : all->good) {
    const auto id = to_string(one.file.grant.signer());
    if (given.count("json")) {
      json_line line;
      line.with("name", one.petname).with("id", id).with("central", to_string(one.file.central));
      fmt::print("{}\n", line.text());
    } else {
      fmt::print("{}  {}\n", one.petname, id);
    }
  }
  int code = success;
  for (const auto& one : all->bad) code = complain(client_tool, held.path_of(one.petname), one.why);
  return code;
}

}  // namespace tools
