// SPDX-License-Identifier: BSL-1.0
// ajar/server/state.hpp - what a server keeps in its state folder.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/server/options.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/state/issued_grants.hpp>
#include <ajar/state/issued_invites.hpp>

#include <memory>
#include <string>
#include <utility>

namespace ajar {

/// A server's key, the grants that it issued and the invites that it gave out, as its state folder has them. Threads:
/// the server's, while one runs.
struct server_state {
  /// Outlived by the folder, whose lock the caller holds where a server runs on it.
  server_state(const state::folder& folder, identity::key own)
      : in(folder), self(std::move(own)), issued(in, self.id()), invites(in, self) {}
  server_state(const server_state&) = delete;
  server_state& operator=(const server_state&) = delete;

  /// The folder, made where it is not there, with its lock until this goes.
  /// Errors: already_running (another process has the lock), state_unusable, state_permissions, key_malformed, the
  /// system's.
  static result<std::shared_ptr<server_state>> open(const std::string& folder);

  /// Let a server have its logins, its grants, its invites and its revocations from there; its options share in it.
  /// Errors: state_damaged, the system's.
  static result<> supply(const std::shared_ptr<server_state>& from, server_options& how);

  const state::folder& in;
  const identity::key self;
  state::issued_grants issued;
  state::issued_invites invites;
};

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/server/impl/state.ipp>
#endif
