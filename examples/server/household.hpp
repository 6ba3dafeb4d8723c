// SPDX-License-Identifier: BSL-1.0
// What a server's state folder says of people.
#pragma once

#include <ajar/state/issued_invites.hpp>

namespace tools {

// Who may enter and who is invited, and in whose name that is signed.
struct household {
  household(const ajar::state::folder& in, const ajar::identity::key& key)
      : issued(in, key.id()), invites(in, key), self(key) {}

  ajar::state::issued_grants issued;
  ajar::state::issued_invites invites;
  const ajar::identity::key& self;
};

}  // namespace tools
