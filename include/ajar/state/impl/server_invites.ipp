// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/server_invites.ipp - what ajar/state/server_invites.hpp declares.
#pragma once

#include <ajar/state/server_invites.hpp>
#include <ajar/trust/checked_text.hpp>

#include <utility>

namespace ajar::state {

AJAR_DECL std::string server_invite::to_text() const {
  return trust::checked_text(kind, {{"server", petname},
                                    {"until", detail::seconds_text(not_after.time_since_epoch())},
                                    {"claimant", detail::claimant_text(*this)},
                                    {"admitted", detail::flag_text(admitted)},
                                    {"keys", detail::invite_keys_text(keys)}});
}

AJAR_DECL result<server_invite> server_invite::parse(std::string_view text) {
  const auto lines =
      trust::parse_checked_text(text, kind, {"server", "until", "claimant", "admitted", "keys"}, errc::state_damaged);
  if (!lines) return fail(lines.error());
  server_invite made;
  made.petname = (*lines)[0];
  const auto until = detail::parse_seconds((*lines)[1]);
  const auto admitted = detail::parse_flag((*lines)[3]);
  auto keys = detail::parse_invite_keys((*lines)[4]);
  const bool whole =
      trust::is_name(made.petname) && until && detail::parse_claimant((*lines)[2], made) && admitted && keys;
  if (!whole) return fail(errc::state_damaged);
  made.not_after = wall_time(*until);
  made.admitted = *admitted;
  made.keys = std::move(*keys);
  return made;
}

AJAR_DECL result<trust::invite> server_invites::add(const std::string& name, const net::endpoint& at,
                                                    wall_time not_after) const {
  server_invite what;
  what.petname = name;
  what.not_after = not_after;
  return files_.add(std::move(what), {at, self_.id()}, []() -> result<bool> { return false; });
}

AJAR_DECL result<std::vector<server_invite>> server_invites::list() const { return files_.list(); }

AJAR_DECL result<trust::sealed_answer> server_invites::redeem(
    const trust::invite_id& which, bytes_view sealed,
    const std::function<result<bool>(const server_invite&, bool)>& admit) const {
  // whoever does not know the secret makes nobody wait
  const auto found = files_.find(which);
  if (!found) return fail(found.error());
  const auto known = trust::open_redemption(sealed, found->keys, self_.id());
  if (!known) return fail(known.error());
  const auto alone = in_.alone();
  if (!alone) return fail(alone.error());
  return files_.redeem(which, sealed, [&](server_invite& one) -> result<trust::redemption_answer> {
    trust::redemption_answer made;
    const auto listed = admit(one, !one.admitted);
    if (!listed) return fail(listed.error());
    if (!*listed) made.code = static_cast<std::uint16_t>(errc::not_admitted);
    if (one.admitted) return made;
    one.admitted = true;
    const auto kept = files_.keep(one);
    if (!kept) return fail(kept.error());
    return made;
  });
}

AJAR_DECL result<std::vector<server_invite>> server_invites::withdraw(std::string_view whom) const {
  const auto alone = in_.alone();
  if (!alone) return fail(alone.error());
  return files_.withdraw(whom);
}

}  // namespace ajar::state
