// SPDX-License-Identifier: BSL-1.0
// rotate: this server goes over to a new key; its clients and its central follow.
#pragma once

#include "grants.hpp"

#include <string>

namespace tools {

namespace detail {

inline void tell_followed(const settings& given, const ajar::state::issued_grant& one, bool follows) {
  json_line line;
  line.with("name", one.petname).with("grant", ajar::to_hex(one.grant.body().id)).with("follows", follows);
  fmt::print("{}\n", given.count("json") ? line.text() : one.petname + (follows ? "  follows" : "  has not come yet"));
}

inline void tell_id(const settings& given, const ajar::identity::peer_id& id) {
  json_line line;
  line.with("id", to_string(id));
  fmt::print("{}\n", given.count("json") ? line.text() : "this server is " + to_string(id));
}

// Who goes by the new key, and who still by the one before. @return how many do so
inline ajar::result<std::size_t> tell_who_follows(const settings& given, const node& self,
                                                  const ajar::state::issued_grants& issued) {
  const auto all = issued.list();
  if (!all) return ajar::fail(all.error());
  std::size_t left = 0;
  for (const auto& one : *all) {
    if (ajar::wall_now() >= one.grant.body().not_after || one.instead_of) continue;
    const bool follows = one.grant.signer() == self.key.id();
    if (!follows) ++left;
    tell_followed(given, one, follows);
  }
  return left;
}

}  // namespace detail

// Said again it tells who has followed.
inline int rotate(const settings& given) {
  if (!list_option(given, "words").empty()) return wrong("rotate takes no words; --forget gives the key of before up");
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  ajar::state::issued_grants issued(self->state, self->key.id());
  if (self->former && given.count("forget") == 0) {
    const auto left = detail::tell_who_follows(given, *self, issued);
    if (!left) return complain(server_tool, self->state.path(), left.error());
    detail::tell_id(given, self->key.id());
    if (*left > 0) tell("{}: {} go by the key of before; to lock them out: rotate --forget\n", server_tool, *left);
    return success;
  }
  const auto hold = hold_state(server_tool, self->state);
  if (!hold) return local_trouble;
  if (given.count("forget") != 0) {
    const auto forgotten = issued.forget_former();
    if (!forgotten) return complain(server_tool, self->state.path(), forgotten.error());
    detail::tell_id(given, self->key.id());
    return success;
  }
  const auto made = self->state.load_successor();
  if (!made) return complain(server_tool, self->state.path() + "/key.successor", made.error());
  const auto gone = self->state.go_over();
  if (!gone) return complain(server_tool, self->state.path() + "/key", gone.error());
  detail::tell_id(given, made->id());
  tell(
      "{}: start it again: clients follow when they come, 'rotate' tells who has, and 'rotate --forget' gives the key "
      "of before up. Invites that nobody has used are void\n",
      server_tool);
  return success;
}

}  // namespace tools
