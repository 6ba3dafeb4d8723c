// SPDX-License-Identifier: BSL-1.0
// join: a central serves this server from now on, and every command knows where it is.
#pragma once

#include "../tools/json_line.hpp"
#include "../tools/redeeming.hpp"
#include "../tools/sandbox.hpp"
#include "../tools/status.hpp"
#include "said.hpp"

#include <string>

namespace tools {

namespace detail {

// Whether this server may join that central. Complains by itself.
inline bool may_join(const settings& given, const ajar::state::folder& state, const ajar::identity::url& central) {
  if (given.count("force")) return true;
  const auto before = central_kept(state);
  if (!before) {
    complain(server_tool, state.path() + "/" + central_file, before.error());
    return false;
  }
  if (!*before || (*before)->id == central.id) return true;
  complain_in_words(
      server_tool, refused,
      fmt::format(
          "join: {} has joined another central, {}: --force leaves that one, --state FOLDER begins another server",
          state.path(), to_string(**before)));
  return false;
}

// What stands in the way of what was joined.
inline void tell_of_others(const settings& given, const ajar::state::folder& state, const std::string& url) {
  if (central_is_said(given)) {
    const auto said =
        given.count("central") ? text_option(given, "central") : std::string(std::getenv(central_variable));
    if (said != url) {
      tell("{}: {} says another central, and counts before the one that was joined\n", server_tool,
           given.count("central") ? given.where("central") : std::string("$") + central_variable);
    }
  }
  const auto running = ask_status(state.path(), "control");
  if (running && running->has_link() && running->central() != url) {
    tell("{}: the server that runs stays with its central until it is started anew\n", server_tool);
  }
}

}  // namespace detail

inline int join(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.empty()) return wrong("join needs an invite, as 'ajar-central invite' printed it; - reads it from stdin");
  const auto with = invite_of_kind(server_tool, "join", invite_said(words), true);
  if (!with) return usage;
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self || !detail::may_join(given, self->state, with->central)) return local_trouble;
  const auto url = to_string(with->central);
  detail::tell_of_others(given, self->state, url);
  landlock fence;
  fence.may_write(self->state.path());
  let_names_be_found(fence);
  if (!enter_sandbox(server_tool, given, std::move(fence), "the state folder", {})) return local_trouble;
  const auto got = redeem(server_tool, given, *self, *with, "join");
  if (!got) return got.error();
  const auto kept = self->state.write(central_file, ajar::as_bytes(url + "\n"));
  if (!kept) return complain(server_tool, self->state.path() + "/" + central_file, kept.error());
  if (given.count("json")) {
    json_line line;
    line.with("central", url).with("id", to_string(self->key.id()));
    fmt::print("{}\n", line.text());
    return success;
  }
  fmt::print("{}\n", url);
  tell("that central serves this server from now on; next: ajar-server share PATH..., or ajar-server run\n");
  return success;
}

}  // namespace tools
