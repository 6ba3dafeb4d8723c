// SPDX-License-Identifier: BSL-1.0
// add and servers: the grants that this client holds.
#pragma once

#include "visit.hpp"

#include <fstream>
#include <iterator>

namespace tools {

inline int add_grant(const settings& given, const node& self) {
  const auto words = list_option(given, "words");
  if (words.size() != 1) return wrong("add needs one grant file");
  std::ifstream file(words[0], std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    tell("{}: {}: cannot be read: name the grant file you got\n", client_tool, words[0]);
    return local_trouble;
  }
  const auto parsed = ajar::trust::parse_grant_file(text);
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
  if (!kept) return complain(client_tool, words[0], kept.error());
  fmt::print("{}  {}\n", *kept, to_string(parsed->grant.signer()));
  return success;
}

inline int list_servers(const settings& given, const node& self) {
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return complain(client_tool, self.state.path(), all.error());
  for (const auto& one : *all) {
    const auto id = to_string(one.file.grant.signer());
    if (given.count("json")) {
      json_line line;
      line.with("name", one.petname).with("id", id).with("central", to_string(one.file.central));
      fmt::print("{}\n", line.text());
    } else {
      fmt::print("{}  {}\n", one.petname, id);
    }
  }
  return success;
}

}  // namespace tools
