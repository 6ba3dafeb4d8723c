// SPDX-License-Identifier: BSL-1.0
// ajar/client/held_grants.hpp - what a client's grants let it do, and let others do to it.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/identity/peer_id.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/trust/grant_file.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ajar::detail {

// What the other side's "not now" for a grant means: where it is long valid here, or for long yet, it is not the grant.
inline std::error_code by_both_clocks(const std::error_code& why, const trust::grant& grant, wall_time now) {
  if (why != errc::grant_expired && why != errc::grant_not_yet_valid) return why;
  const bool valid = grant.not_before <= now && now < grant.not_after - trust::grant::clocks_differ;
  return valid ? make_error_code(errc::clocks_differ) : why;
}

// A grant for another key is none.
class held_grants {
 public:
  held_grants(const identity::peer_id& own, const std::vector<trust::grant_file>& all) {
    for (const auto& one : all) {
      if (one.grant.body().client == own) mine_.push_back(one);
    }
  }

  // The one of that server which lasts longest; nullptr: there is none.
  const trust::grant_file* of(const identity::peer_id& server) const {
    const trust::grant_file* best = nullptr;
    for (const auto& one : mine_) {
      if (one.grant.signer() != server) continue;
      if (!best || one.grant.body().not_after > best->grant.body().not_after) best = &one;
    }
    return best;
  }

  // What a central is shown, of those that have not ended: as many as it takes.
  std::vector<const trust::grant_file*> shown_to(const identity::url& central, wall_time now) const {
    std::vector<const trust::grant_file*> all;
    for (const auto& one : mine_) {
      if (one.central == central && now < one.grant.body().not_after && all.size() < most_shown) all.push_back(&one);
    }
    return all;
  }

  // Is a central asked about that server, or that grant? What it says of others is not kept.
  bool ask_about(const identity::url& central, const identity::peer_id& server) const {
    return any([&](const auto& one) { return one.central == central && one.grant.signer() == server; });
  }
  bool ask_about(const identity::url& central, const trust::grant_id& id) const {
    return any([&](const auto& one) { return one.central == central && one.grant.body().id == id; });
  }

  // May that server dial this client now?
  bool let_dial(const identity::peer_id& server, wall_time now) const {
    const auto* held = of(server);
    return held && held->grant.body().permits(trust::method::outbound) && now < held->grant.body().not_after;
  }

  static constexpr std::size_t most_shown = 64;

 private:
  bool any(const auto& what) const { return std::ranges::any_of(mine_, what); }

  std::vector<trust::grant_file> mine_;
};

}  // namespace ajar::detail
