// SPDX-License-Identifier: BSL-1.0
// central: where this server is, and where it moves.
#pragma once

#include "../tools/ask.hpp"
#include "../tools/json_line.hpp"
#include "said.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace tools {

namespace detail {

// The first one is the server's own.
inline int print_centrals(const settings& given, const std::vector<ajar::identity::url>& all) {
  for (const auto& one : all) {
    const bool own = &one == &all.front();
    if (given.count("json")) {
      json_line line;
      line.with("central", to_string(one)).with("own", own);
      fmt::print("{}\n", line.text());
    } else {
      fmt::print("{}{}\n", to_string(one), own ? "" : "  (left, and served as well)");
    }
  }
  return success;
}

// The new one before those that are left; one that was left may be come back to.
inline std::vector<ajar::identity::url> moved(std::vector<ajar::identity::url> all, const ajar::identity::url& to) {
  std::erase(all, to);
  all.insert(all.begin(), to);
  return all;
}

}  // namespace detail

inline int move_central(const settings& given) {
  const auto words = list_option(given, "words");
  const bool forgets = given.count("forget") != 0;
  if (words.size() > 1) return wrong("central takes one URL: where this server moves");
  std::optional<ajar::identity::url> to;
  if (!words.empty()) {
    const auto url = ajar::identity::parse_url(words[0]);
    if (!url) return complain(server_tool, words[0], url.error()), usage;
    to = *url;
  }
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  const auto kept = centrals_kept(self->state);
  if (!kept) return complain(server_tool, self->state.path() + "/" + central_file, kept.error());
  if (!to && !forgets) {
    if (kept->empty()) return wrong("no central was joined: ajar-server join INVITE");
    return detail::print_centrals(given, *kept);
  }
  auto all = to ? detail::moved(*kept, *to) : *kept;
  if (forgets && !all.empty()) all.resize(1);
  std::string text;
  for (const auto& one : all) text += to_string(one) + "\n";
  const auto written = self->state.write(central_file, ajar::as_bytes(text));
  if (!written) return complain(server_tool, self->state.path() + "/" + central_file, written.error());
  const auto told = ask_running(self->state.path(), "control", {"central", {}});
  if (!told && told.error() != ajar::errc::not_running) return complain(server_tool, self->state.path(), told.error());
  if (told && *told == "said") {
    tell("{}: the server that runs was told another central by --central or ${}, which counts\n", server_tool,
         central_variable);
  }
  if (all.size() > 1) {
    tell(
        "{}: clients are told when they come, by either way; it is found by both until: ajar-server central --forget\n",
        server_tool);
  }
  return detail::print_centrals(given, all);
}

}  // namespace tools
