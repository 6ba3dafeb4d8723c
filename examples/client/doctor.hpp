// SPDX-License-Identifier: BSL-1.0
// doctor: what is in a client's way on this machine.
#pragma once

#include "../tools/doctor.hpp"
#include "visit.hpp"

#include <set>
#include <string>

namespace tools {

// A grant as its holder sees it. Pure.
inline finding judge_grant(const std::string& name, const ajar::trust::grant& body, ajar::wall_time now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(body.not_after));
  const auto until = fmt::format("{:04}-{:02}-{:02}", int{day.year()}, unsigned{day.month()}, unsigned{day.day()});
  const auto what = "grant of " + name;
  if (now < body.not_before) {
    return bad(what, "begins later", "look at this machine's clock, and at the server's");
  }
  if (now >= body.not_after) return bad(what, "has ended, " + until, "ask the server's owner for another");
  return good(what, "until " + until);
}

namespace detail {

// Each grant, and each central of them once.
inline void look_at_grants(const std::string& folder, findings& into) {
  const auto state = ajar::state::folder::open(folder);
  const auto key = state ? state->load_key() : ajar::fail(state.error());
  if (!key) {
    into.push_back(bad("grants", key.error()));
    return;
  }
  const ajar::state::held_grants held(*state, key->id());
  const auto all = held.list();
  if (!all) {
    into.push_back(bad("grants in " + folder, all.error()));
    return;
  }
  if (all->good.empty() && all->bad.empty()) {
    into.push_back(note("grants", "none", "redeem an invite: join; or keep a grant: add"));
  }
  for (const auto& one : all->bad) {
    into.push_back(bad("grant file " + held.path_of(one.petname), one.why.message(),
                       "remove it, and add the grant again, or ask the server's owner for another"));
  }
  const auto successor = state->successor();
  if (!successor) into.push_back(bad("key.successor", successor.error()));
  const bool rotates = successor && *successor;
  if (rotates) {
    into.push_back(note("key", "goes over to another; not all servers have followed", "ajar-client rotate, again"));
  }
  std::set<std::string> centrals;
  for (const auto& one : all->good) {
    const auto& whose = one.file.grant.body().client;
    if (whose != key->id() && !(rotates && whose == (*successor)->id())) {
      into.push_back(
          bad("grant of " + one.petname, "made for another key", "ask the server's owner for one for this key"));
      continue;
    }
    into.push_back(judge_grant(one.petname, one.file.grant.body(), ajar::wall_now()));
    if (centrals.insert(to_string(one.file.central)).second) into.push_back(look_at_central(one.file.central));
  }
}

}  // namespace detail

inline int examine_client(const settings& given) {
  const auto state = text_option(given, "state");
  findings all{look_at_state("client", state), look_at_clock(), look_at_versions(), look_at_sandbox(),
               look_at_cloak(*ajar::windows::parse_cloak(given.as<std::string>("cloak")))};
  const auto folder = ajar::state::folder::place(state, "client");
  if (all.front().how == grade::good) detail::look_at_grants(*folder, all);
  if (given.count("door")) all.push_back(look_at_port("door", text_option(given, "door")));
  return tell_findings(all, given.count("json") != 0);
}

}  // namespace tools
