// SPDX-License-Identifier: BSL-1.0
// ajar/state/server_invites.hpp - the invites by which central's operator gets servers, and who came by them.
#pragma once

#include <ajar/state/invite_files.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ajar::state {

/// An invite as central keeps it: without the secret.
struct server_invite : given_invite {
  bool admitted = false;  ///< its server was put on the list

  std::string to_text() const;
  /// Errors: state_damaged, unknown_version.
  static result<server_invite> parse(std::string_view text);

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
  result<trust::invite> add(const std::string& name, const net::endpoint& at, wall_time not_after) const;

  /// invite_files::list().
  result<std::vector<server_invite>> list() const;

  /// A server redeems an invite. The first key has it, and is served: it is on the list, durably, before it is told.
  /// The same key again gets the same answer; not_admitted where it was taken off the list meanwhile.
  ///
  /// @param admit  with whether it is for the first time: whether its claimant is on the list, where it is put then.
  ///               Called by one at a time, of all processes that use this folder.
  /// Errors: invite_files::redeem()'s; server_busy (folder::alone()).
  result<trust::sealed_answer> redeem(const trust::invite_id& which, bytes_view sealed,
                                      const std::function<result<bool>(const server_invite&, bool)>& admit) const;

  /// Take back those of that name that nobody has used: invite_files::withdraw(). Errors: server_busy, too.
  result<std::vector<server_invite>> withdraw(std::string_view whom) const;

 private:
  const state::folder& in_;
  invite_files<server_invite> files_;
  const identity::key& self_;
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/server_invites.ipp>
#endif
