// SPDX-License-Identifier: BSL-1.0
// invite, pending, approve: somebody becomes a client by a string that the owner sends him.
#pragma once

#include "../tools/invite_line.hpp"
#include "../tools/json_line.hpp"
#include "../tools/qr_code.hpp"
#include "grants.hpp"

#include <ajar/state/issued_invites.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tools {

// ---- invite

namespace detail {

// Central as it was said, as the running server has it, or the one that was joined. Complains by itself.
inline std::optional<ajar::identity::url> central_said_or_linked(const settings& given, const std::string& folder) {
  if (central_is_said(given)) return central_of(given);
  const auto status = ask_status(folder, "control");
  const auto kept = centrals_kept(given);
  const bool moved =
      status && status->has_link() && kept && kept->size() > 1 && status->is_at(to_string(kept->front()));
  if (status && status->has_link() && !moved) {
    auto url = ajar::identity::parse_url(status->central());
    if (url) return std::move(*url);
  }
  return central_of(given);
}

}  // namespace detail

inline int invite(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.size() != 1 || !ajar::trust::is_name(words[0])) {
    return wrong("invite whom? choose a name of letters, digits, dots, dashes and underscores");
  }
  if (given.count("qr") && !has_qr_codes) return wrong("--qr: built without libqrencode: show the string another way");
  auto terms = terms_said(given);
  if (!terms) return usage;
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  if (lacks_share(given, self->state.path(), terms->services)) return usage;
  const auto central = detail::central_said_or_linked(given, self->state.path());
  if (!central) return usage;

  ajar::state::issued_invite what;
  what.petname = words[0];
  what.server_name = given["name"].as<std::string>();
  what.terms = std::move(*terms);
  what.life = duration_said(given, "for");
  what.renews = given.count("no-renewal") == 0;
  what.confirm = given.count("confirm") != 0;
  what.not_after = ajar::wall_now() + duration_said(given, "expires");
  const ajar::state::issued_grants grants(self->state, self->key.id());
  const ajar::state::issued_invites invites(self->state, self->key);
  const auto made = invites.add(std::move(what), *central, grants);
  if (!made) return complain(server_tool, words[0], made.error());

  const auto told = ask_running(self->state.path(), "control", {"announce", {}});
  const bool runs = told || told.error() != ajar::errc::not_running;
  if (!told && runs) return complain(server_tool, self->state.path(), told.error());
  print_invite(given, words[0], *made, words[0], "ajar-client join", runs ? "" : ", while ajar-server runs");
  return success;
}

// ---- pending

inline int pending(const settings& given) {
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  const ajar::state::issued_invites invites(self->state, self->key);
  const auto all = invites.list();
  if (!all) return complain(server_tool, self->state.path(), all.error());
  for (const auto& one : *all) {
    if (one.used()) continue;
    const bool ended = ajar::wall_now() >= one.not_after;
    if (given.count("json")) {
      json_line line;
      line.with("name", one.petname)
          .with("client", one.claimant ? std::optional(to_string(*one.claimant)) : std::nullopt)
          .with("until", date_of(one.not_after))
          .with("ended", ended)
          .with("services", services_of(one.terms));
      fmt::print("{}\n", line.text());
    } else if (one.claimant) {
      fmt::print("{}  {}  {}  waits for: ajar-server approve {}\n", one.petname, to_string(*one.claimant),
                 services_of(one.terms), one.petname);
    } else {
      fmt::print("{}  nobody yet  {}  {} {}\n", one.petname, services_of(one.terms), ended ? "ended" : "until",
                 date_of(one.not_after));
    }
  }
  return success;
}

inline int approve(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.size() != 1) return wrong("approve whom? name one client as 'ajar-server pending' does");
  return change_by_whoever_may(given, {"approve", words});
}

}  // namespace tools
