// SPDX-License-Identifier: BSL-1.0
// ajar/state/server_invites.hpp - the invites by which central's operator gets servers, and who came by them.
#pragma once

#include <ajar/state/invite_files.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ajar::state {

/// An invite as central keeps it: without the secret.
struct server_invite : given_invite {
  bool admitted = false;  ///< its server was put on the list

  std::string to_text() const {
    return trust::checked_text(kind, {{"server", petname},
                                      {"until", detail::seconds_text(not_after.time_since_epoch())},
                                      {"claimant", detail::claimant_text(*this)},
                                      {"admitted", detail::flag_text(admitted)},
                                      {"keys", detail::invite_keys_text(keys)}});
  }
  /// Errors: state_damaged, unknown_version.
  static result<server_invite> parse(std::string_view text) {
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

 private:
  static constexpr std::string_view kind = "ajar-server-invite/1";
};

/// A file for each invite, in central's state folder: central_options::invites.
///
/// Outlived by its folder. Threads and processes: any; folder::alone() keeps them apart.
class server_invites {
 public:
  static constexpr std::size_t most = invite_files<server_invite>::most;
  static constexpr std::chrono::hours remembered = invite_files<server_invite>::remembered;

  /// @param self  central's key
  server_invites(const state::folder& in, const identity::key& self) : in_(in), files_(in, self), self_(self) {}

  /// A new invite for a server that its operator calls `name`.
  ///
  /// @param at  where servers reach this central
  /// @return what to send. Errors: invite_files::add()'s.
  result<trust::invite> add(const std::string& name, const net::endpoint& at, wall_time not_after) const {
    server_invite what;
    what.petname = name;
    what.not_after = not_after;
    return files_.add(std::move(what), {at, self_.id()}, []() -> result<bool> { return false; });
  }

  /// invite_files::list().
  result<std::vector<server_invite>> list() const { return files_.list(); }

  /// A server redeems an invite. The first key has it, and is served: it is on the list, durably, before it is told.
  /// The same key again gets the same answer; not_admitted where it was taken off the list meanwhile.
  ///
  /// @param admit  result<bool>(const server_invite&, bool first): whether its claimant is on the list, where it is
  ///               put if that is for the first time. Called by one at a time, of all processes that use this folder.
  /// Errors: invite_files::redeem()'s; server_busy (folder::alone()).
  template <class Admit>
  result<trust::sealed_answer> redeem(const trust::invite_id& which, bytes_view sealed, const Admit& admit) const {
    // whoever does not know the secret makes nobody wait
    const auto found = files_.find(which);
    if (!found) return fail(found.error());
    const auto known = trust::open_redemption(sealed, found->keys, self_.id());
    if (!known) return fail(known.error());
    const auto alone = in_.alone();
    if (!alone) return fail(alone.error());
    return files_.redeem(which, sealed, [&](server_invite& one) -> result<trust::redemption_answer> {
      trust::redemption_answer made;
      const result<bool> listed = admit(std::as_const(one), !one.admitted);
      if (!listed) return fail(listed.error());
      if (!*listed) made.code = static_cast<std::uint16_t>(errc::not_admitted);
      if (one.admitted) return made;
      one.admitted = true;
      const auto kept = files_.keep(one);
      if (!kept) return fail(kept.error());
      return made;
    });
  }

  /// Take back those of that name that nobody has used: invite_files::withdraw(). Errors: server_busy, too.
  result<std::vector<server_invite>> withdraw(std::string_view whom) const {
    const auto alone = in_.alone();
    if (!alone) return fail(alone.error());
    return files_.withdraw(whom);
  }

 private:
  const state::folder& in_;
  invite_files<server_invite> files_;
  const identity::key& self_;
};

}  // namespace ajar::state
