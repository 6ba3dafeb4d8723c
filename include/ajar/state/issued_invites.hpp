// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_invites.hpp - the invites that a server gave out, and what becomes of them.
#pragma once

#include <ajar/state/invite_files.hpp>
#include <ajar/state/issued_grants.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::state {

/// An invite as its server keeps it: without the secret, with the terms of the grant that comes of it.
struct issued_invite : given_invite {
  std::string server_name{};     ///< what the server calls itself: is_name()
  trust::grant terms{};          ///< with its id, without client and times
  std::chrono::seconds life{0};  ///< of the grant, from when it is given
  bool renews = true;            ///< issued_grant::renews
  bool confirm = false;          ///< the owner approves each key first
  bool approved = false;

  bool pending() const { return claimant && confirm && !approved; }
  bool used() const { return claimant && !pending(); }

  std::string to_text() const {
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
  /// Errors: state_damaged, unknown_version.
  static result<issued_invite> parse(std::string_view text) {
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

 private:
  static constexpr std::string_view kind = "ajar-invite/2";
};

/// A file for each invite, in the server's state directory. What becomes of an invite is on disk before anybody is
/// told.
///
/// A running server finds what another process has added meanwhile; everything else is done by the process that holds
/// the directory's lock. Outlived by its directory. Threads: one.
class issued_invites {
 public:
  /// Central is told of all of them.
  static constexpr std::size_t most = invite_files<issued_invite>::most;
  static constexpr std::chrono::hours remembered = invite_files<issued_invite>::remembered;

  issued_invites(const state::folder& in, const identity::key& self) : files_(in, self), self_(self) {}

  /// A new invite for somebody whom the owner calls `what.petname`; what it lacks is drawn here.
  ///
  /// @param grants  of the same server: names there are taken
  /// @return what to send to that somebody
  /// Errors: petname_taken (by a client, or another invite), grant_malformed (the name is none), limit_reached,
  /// server_busy (another process is at it), the system's.
  result<trust::invite> add(issued_invite what, const identity::url& central, const issued_grants& grants) const {
    if (!trust::is_name(what.server_name)) return fail(errc::grant_malformed);
    const auto name = what.petname;
    what.terms.id = crypto::random_octets<16>();
    return files_.add(std::move(what), central, [&]() -> result<bool> {
      const auto taken = grants.named(name);
      if (!taken && taken.error() != errc::no_such_client) return fail(taken.error());
      return taken.has_value();
    });
  }

  /// invite_files::list().
  result<std::vector<issued_invite>> list() const { return files_.list(); }

  /// What central is to know of: whoever comes with one of these is passed on.
  result<std::vector<trust::invite_id>> ids() const {
    const auto all = list();
    if (!all) return fail(all.error());
    std::vector<trust::invite_id> made;
    for (const auto& one : *all) made.push_back(one.keys.id);
    if (made.size() > most) made.resize(most);
    return made;
  }

  /// A client redeems an invite: invite_files::redeem(). The same key again gets the same grant.
  ///
  /// @return the sealed answer, also where the client gets no grant
  result<bytes> redeem(const trust::invite_id& which, bytes_view sealed, issued_grants& grants) const {
    auto answered = files_.redeem(which, sealed, [&](const issued_invite& one) { return answer_about(one, grants); });
    if (!answered) return fail(answered.error());
    return std::move(answered->sealed);
  }

  /// The owner approves those that wait and are meant: by petname, or by the key's peer id.
  ///
  /// @return them, with their grants issued
  /// Errors: no_such_client where none waits, the system's.
  result<std::vector<issued_invite>> approve(std::string_view whom, issued_grants& grants) const {
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

  /// The owner takes back those that are meant and not used yet: invite_files::withdraw().
  result<std::vector<issued_invite>> withdraw(std::string_view whom) const { return files_.withdraw(whom); }

 private:
  result<trust::redemption_answer> answer_about(const issued_invite& one, issued_grants& grants) const {
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

  // The grant of a used invite, made where this is the first time, or the one before was cut short.
  result<trust::signed_grant> grant_of(const issued_invite& one, issued_grants& grants) const {
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

  invite_files<issued_invite> files_;
  const identity::key& self_;
};

}  // namespace ajar::state
