// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_invites.hpp - the invites that a server gave out, and what becomes of them.
#pragma once

#include <ajar/state/invite_files.hpp>
#include <ajar/state/issued_grants.hpp>

#include <chrono>
#include <string>
#include <string_view>
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

  std::string to_text() const;
  /// Errors: state_damaged, unknown_version.
  static result<issued_invite> parse(std::string_view text);

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
  result<trust::invite> add(issued_invite what, const identity::url& central, const issued_grants& grants) const;

  /// invite_files::list().
  result<std::vector<issued_invite>> list() const;

  /// What central is to know of: whoever comes with one of these is passed on.
  result<std::vector<trust::invite_id>> ids() const;

  /// A client redeems an invite: invite_files::redeem(). The same key again gets the same grant.
  ///
  /// @return the sealed answer, also where the client gets no grant
  result<bytes> redeem(const trust::invite_id& which, bytes_view sealed, issued_grants& grants) const;

  /// The owner approves those that wait and are meant: by petname, or by the key's peer id.
  ///
  /// @return them, with their grants issued
  /// Errors: no_such_client where none waits, the system's.
  result<std::vector<issued_invite>> approve(std::string_view whom, issued_grants& grants) const;

  /// The owner takes back those that are meant and not used yet: invite_files::withdraw().
  result<std::vector<issued_invite>> withdraw(std::string_view whom) const;

 private:
  result<trust::redemption_answer> answer_about(const issued_invite& one, issued_grants& grants) const;

  // The grant of a used invite, made where this is the first time, or the one before was cut short.
  result<trust::signed_grant> grant_of(const issued_invite& one, issued_grants& grants) const;

  invite_files<issued_invite> files_;
  const identity::key& self_;
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/issued_invites.ipp>
#endif
