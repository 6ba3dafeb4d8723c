// SPDX-License-Identifier: BSL-1.0
// Whom a server lets in.
#pragma once

#include "offers.hpp"

#include <ajar/files/host.hpp>
#include <ajar/server/state.hpp>

namespace tools {

// Whoever is there, and asks: by the grants issued, and for what is offered.
class guest_policy final : public ajar::files::issued_grant_policy {
 public:
  guest_policy(ajar::state::issued_grants& issued, const ajar::identity::key& own, offers& offered)
      : issued_grant_policy(issued, own), offered_(offered) {}

  void came(const ajar::sessions::session_info& info) override {
    issued_grant_policy::came(info);
    offered_.came(info.grant, short_name(info.peer) + " by " + std::string(to_string(info.way)));
  }
  std::optional<ajar::files::page> answer(const ajar::sessions::session_info& info,
                                          const ajar::streams::request& asked) override {
    if (asked.path() == offer_path) {
      const auto* offered = offered_.of(info.grant);
      return offered ? ajar::files::page{200, to_text(*offered)} : ajar::files::page{404, {}};
    }
    if (asked.path() != fetched_path || asked.method() != "POST") return std::nullopt;
    return ajar::files::page{offered_.fetched(info.grant) ? 200U : 404U, {}};
  }

 private:
  offers& offered_;
};

// Who may enter and who is invited, as the state folder says; and what is offered while this process runs.
struct household : ajar::server_state {
  using server_state::server_state;

  offers offered;
  guest_policy guests{issued, self, offered};
};

}  // namespace tools
