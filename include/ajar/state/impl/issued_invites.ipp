// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/issued_invites.ipp - what ajar/state/issued_invites.hpp declares.
#pragma once

#include <ajar/state/issued_invites.hpp>
#include <ajar/trust/checked_text.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace ajar::state {

AJAR_DECL std::string issued_invite::to_text() const {
  bytes octets;
  wire::writer out(octets);
  wire::put(out, terms);
  const auto until = detail::seconds_text(not_after.time_since_epoch());
  return trust::checked_text(kind, {{"client", petname},
                                    {"server", server_name},
                                    {"until", until},
                                    {"life", detail::seconds_text(life)},
                                    {"renews", detail::flag_text(renews)},
                                    {"confirm", detail::flag_text(confirm)},
                                    {"claimant", detail::claimant_text(*this)},
                                    {"approved", detail::flag_text(approved)},
                                    {"keys", detail::invite_keys_text(keys)},
                                    {"terms", to_base32(octets)}});
}

AJAR_DECL result<issued_invite> issued_invite::parse(std::string_view text) {
  const auto lines = trust::parse_checked_text(
      text, kind, {"client", "server", "until", "life", "renews", "confirm", "claimant", "approved", "keys", "terms"},
      errc::state_damaged);
  if (!lines) return fail(lines.error());
  issued_invite made;
  made.petname = (*lines)[0];
  made.server_name = (*lines)[1];
  const auto until = detail::parse_seconds((*lines)[2]);
  const auto life = detail::parse_seconds((*lines)[3]);
  const auto renews = detail::parse_flag((*lines)[4]);
  const auto confirm = detail::parse_flag((*lines)[5]);
  const auto approved = detail::parse_flag((*lines)[7]);
  auto keys = detail::parse_invite_keys((*lines)[8]);
  const auto terms = from_base32((*lines)[9]);
  const bool whole = trust::is_name(made.petname) && trust::is_name(made.server_name) && until && life && renews &&
                     confirm && detail::parse_claimant((*lines)[6], made) && approved && keys && terms;
  if (!whole) return fail(errc::state_damaged);
  made.not_after = wall_time(*until);
  made.life = *life;
  made.renews = *renews;
  made.confirm = *confirm;
  made.approved = *approved;
  made.keys = std::move(*keys);
  wire::reader in(*terms);
  made.terms = wire::take<trust::grant>(in);
  if (!in.finish()) return fail(errc::state_damaged);
  return made;
}

AJAR_DECL result<trust::invite> issued_invites::add(issued_invite what, const identity::url& central,
                                                    const issued_grants& grants) const {
  if (!trust::is_name(what.server_name)) return fail(errc::grant_malformed);
  const auto name = what.petname;
  what.terms.id = crypto::random_octets<16>();
  return files_.add(std::move(what), central, [&]() -> result<bool> {
    const auto taken = grants.named(name);
    if (!taken && taken.error() != errc::no_such_client) return fail(taken.error());
    return taken.has_value();
  });
}

AJAR_DECL result<std::vector<issued_invite>> issued_invites::list() const { return files_.list(); }

AJAR_DECL result<std::vector<trust::invite_id>> issued_invites::ids() const {
  const auto all = list();
  if (!all) return fail(all.error());
  std::vector<trust::invite_id> made;
  for (const auto& one : *all) made.push_back(one.keys.id);
  if (made.size() > most) made.resize(most);
  return made;
}

AJAR_DECL result<bytes> issued_invites::redeem(const trust::invite_id& which, bytes_view sealed,
                                               issued_grants& grants) const {
  auto answered = files_.redeem(which, sealed, [&](const issued_invite& one) { return answer_about(one, grants); });
  if (!answered) return fail(answered.error());
  return std::move(answered->sealed);
}

AJAR_DECL result<std::vector<issued_invite>> issued_invites::approve(std::string_view whom,
                                                                     issued_grants& grants) const {
  return files_.change(whom, [&](issued_invite& one) -> result<bool> {
    if (!one.pending()) return false;
    one.approved = true;
    one.not_after = std::max(one.not_after, wall_now());  // it is remembered until its client comes
    auto kept = files_.keep(one);
    if (!kept) return fail(kept.error());
    auto given = grant_of(one, grants);
    if (!given) return fail(given.error());
    return true;
  });
}

AJAR_DECL result<std::vector<issued_invite>> issued_invites::withdraw(std::string_view whom) const {
  return files_.withdraw(whom);
}

AJAR_DECL result<trust::redemption_answer> issued_invites::answer_about(const issued_invite& one,
                                                                        issued_grants& grants) const {
  trust::redemption_answer made;
  const auto refuse = [&made](errc why) {
    made.code = static_cast<std::uint16_t>(why);
    return made;
  };
  if (one.pending()) return refuse(errc::invite_pending);
  const auto given = grant_of(one, grants);
  if (!given && given.error() == errc::grant_revoked) return refuse(errc::grant_revoked);
  if (!given) return fail(given.error());
  made.server_name = one.server_name;
  made.grant = given->octets();
  return made;
}

AJAR_DECL result<trust::signed_grant> issued_invites::grant_of(const issued_invite& one, issued_grants& grants) const {
  auto before = grants.find(one.terms.id);
  if (before || before.error() != errc::grant_unknown) return before;
  if (grants.was_taken_back(one.terms.id)) return fail(errc::grant_revoked);
  auto body = one.terms;
  body.client = *one.claimant;
  body.begin(wall_now(), one.life);
  auto made = trust::signed_grant::sign(std::move(body), self_);
  auto kept = grants.keep({one.petname, one.renews, made});
  if (!kept && kept.error() == errc::petname_taken) kept = grants.keep({{}, one.renews, made});
  if (!kept) return fail(kept.error());
  return made;
}

}  // namespace ajar::state
