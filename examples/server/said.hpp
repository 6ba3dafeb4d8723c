// SPDX-License-Identifier: BSL-1.0
// What the commands of ajar-server have in common.
#pragma once

#include "../tools/console.hpp"
#include "../tools/settings.hpp"

#include <ajar/identity/url.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/telling/log_line.hpp>
#include <ajar/trust/grant.hpp>

#include <unistd.h>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools {

inline constexpr const char* server_tool = "ajar-server";

inline int wrong(std::string_view what) { return complain_in_words(server_tool, usage, what); }

// "outbound,window". Nothing for other words.
inline std::optional<ajar::trust::method_set> parse_methods(std::string_view text) {
  ajar::trust::method_set made;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto word = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (word != "outbound" && word != "window") return std::nullopt;
    made |= word == "outbound" ? ajar::trust::method::outbound : ajar::trust::method::window;
  }
  return made.empty() ? std::nullopt : std::optional(made);
}

// In the environment, so that it is said once for all commands.
inline constexpr const char* central_variable = "AJAR_CENTRAL";

inline bool central_is_said(const settings& given) {
  return given.count("central") != 0 || std::getenv(central_variable) != nullptr;
}

// In the state folder: what 'join' and 'central' have kept. A URL a line: the server's own central, then those that it
// has moved away from, and is at as well.
inline constexpr const char* central_file = "central";

// Empty where none is kept there. Errors: state_damaged, state::folder's.
inline ajar::result<std::vector<ajar::identity::url>> centrals_kept(const ajar::state::folder& in) {
  const auto file = in.read(central_file);
  if (!file) return ajar::fail(file.error());
  std::vector<ajar::identity::url> all;
  for (auto text = *file ? ajar::as_text(**file) : std::string_view(); !text.empty();) {
    const auto end = text.find('\n');
    auto url = ajar::identity::parse_url(text.substr(0, end));
    if (!url) return ajar::fail(ajar::errc::state_damaged);
    all.push_back(std::move(*url));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return all;
}
// Of the state folder that was said.
inline ajar::result<std::vector<ajar::identity::url>> centrals_kept(const settings& given) {
  const auto path = ajar::state::folder::place(text_option(given, "state"), "server");
  if (!path) return ajar::fail(path.error());
  if (::access(path->c_str(), F_OK) != 0) return std::vector<ajar::identity::url>();  // it is not made for that
  const auto state = ajar::state::folder::open(*path);
  if (!state) return ajar::fail(state.error());
  return centrals_kept(*state);
}
// The server's own. Nothing where none is kept there. Errors: those.
template <class Where>
ajar::result<std::optional<ajar::identity::url>> central_kept(const Where& in) {
  auto all = centrals_kept(in);
  if (!all) return ajar::fail(all.error());
  return all->empty() ? std::optional<ajar::identity::url>() : std::optional(std::move(all->front()));
}

// As it was said, or the one that was joined. Complains by itself.
inline std::optional<ajar::identity::url> central_of(const settings& given) {
  const bool option = given.count("central") != 0;
  if (!central_is_said(given)) {
    auto kept = central_kept(given);
    if (!kept) return complain(server_tool, "the central that was joined", kept.error()), std::nullopt;
    if (*kept) return std::move(**kept);
    return wrong(
               "join a central: ajar-server join INVITE, as 'ajar-central invite' prints it; or name one by --central "
               "or $AJAR_CENTRAL"),
           std::nullopt;
  }
  const auto text = option ? text_option(given, "central") : std::string(std::getenv(central_variable));
  auto url = ajar::identity::parse_url(text);
  if (url) return std::move(*url);
  complain(server_tool, (option ? "--central '" : "$AJAR_CENTRAL '") + ajar::escaped(text) + "'", url.error());
  return std::nullopt;
}

}  // namespace tools
