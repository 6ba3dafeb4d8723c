// SPDX-License-Identifier: BSL-1.0
// join: an invite becomes a grant of this client's.
#pragma once

#include "../tools/redeeming.hpp"
#include "visit.hpp"

namespace tools {

// The grant that an invite gives. Nothing: it has complained, and this is the exit code.
inline tl::expected<ajar::trust::grant_file, int> grant_by(const settings& given, const node& self,
                                                           const ajar::trust::invite& with, const char* command) {
  auto got = redeem(client_tool, given, self, with, command);
  if (!got) return tl::unexpected(got.error());
  return std::move(*got->given);
}

// Kept for later, and told. @return the exit code
inline int keep_grant(const settings& given, const node& self, const ajar::trust::grant_file& file,
                      const char* command) {
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto kept = held.add(file, text_option(given, "name"));
  if (!kept && kept.error() == ajar::errc::state_damaged) {
    const auto name = text_option(given, "name");
    return complain(client_tool, held.path_of(name.empty() ? file.server_name : name), kept.error());
  }
  if (!kept) return complain(client_tool, command, kept.error());
  const auto server = to_string(file.grant.signer());
  if (given.count("json")) {
    json_line line;
    line.with("name", *kept).with("id", server);
    fmt::print("{}\n", line.text());
  } else {
    fmt::print("{}  {}\n", *kept, server);
  }
  return success;
}

inline int join(const settings& given, const node& self) {
  const auto words = list_option(given, "words");
  if (words.empty()) return wrong("join needs an invite, as 'ajar-server invite' printed it; - reads it from stdin");
  const auto with = invite_of_kind(client_tool, "join", invite_said(words), false);
  if (!with) return usage;
  if (!stay_in_sandbox(given, self)) return local_trouble;
  const auto got = grant_by(given, self, *with, "join");
  return got ? keep_grant(given, self, *got, "join") : got.error();
}

}  // namespace tools
