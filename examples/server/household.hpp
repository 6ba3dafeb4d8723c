// SPDX-License-Identifier: BSL-1.0
// Whom a server lets in.
#pragma once

#include "offers.hpp"

#include <ajar/state/issued_invites.hpp>

namespace tools {

// Who may enter and who is invited, as the state folder says, and in whose name that is signed; and what is offered
// while this process runs.
struct household {
  household(const ajar::state::folder& in, const ajar::identity::key& key)
      : issued(in, key.id()), invites(in, key), self(key) {}

  ajar::state::issued_grants issued;
  ajar::state::issued_invites invites;
  offers offered;
  const ajar::identity::key& self;
};

}  // namespace tools
