// SPDX-License-Identifier: BSL-1.0
// ajar/server/impl/state.ipp - what ajar/server/state.hpp declares.
#pragma once

#include <ajar/server/state.hpp>

#include <optional>

namespace ajar {

AJAR_DECL result<std::shared_ptr<server_state>> server_state::open(const std::string& folder) {
  struct locked {
    explicit locked(state::locked_folder it) : in(std::move(it)), all(in.folder, in.key) {
      in.folder.wait_at_most(state::folder::of_a_server);
    }
    state::locked_folder in;
    server_state all;
  };
  auto opened = state::locked_folder::open(folder);
  if (!opened) return fail(opened.error());
  const auto made = std::make_shared<locked>(std::move(*opened));
  return std::shared_ptr<server_state>(made, &made->all);
}

AJAR_DECL result<> server_state::supply(const std::shared_ptr<server_state>& from, server_options& how) {
  auto revoked = from->issued.revocations_in_force(from->self);
  if (!revoked) return fail(revoked.error());
  if (*revoked) how.revocations(std::move(**revoked));
  how.logins([from] { return from->in.next_login(); })
      .grants([from](const trust::grant_id& id) { return from->issued.find(id); })
      .invites([from] { return from->invites.ids(); },
               [from](const trust::invite_id& which, bytes_view sealed) {
                 return from->invites.redeem(which, sealed, from->issued);
               })
      .later_revocations(
          [from](const trust::signed_revocations& later) { return from->issued.learn(later, from->self); });
  return {};
}

}  // namespace ajar
