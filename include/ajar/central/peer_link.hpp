// SPDX-License-Identifier: BSL-1.0
// ajar/central/peer_link.hpp - a peer's link as central keeps it.
#pragma once

#include <ajar/core/notifier.hpp>
#include <ajar/signalling/link.hpp>
#include <ajar/switchboard/router.hpp>

#include <map>
#include <memory>
#include <set>
#include <utility>

namespace ajar::detail {

// A link of this shard, and what it may do.
struct peer_link {
  peer_link(signalling::link from, switchboard::link_ref own, net::tcp::endpoint at)
      : link(std::move(from)), ref(own), seen(std::move(at)), id(link.peer()), verdict(link.stream().get_executor()) {}

  // Those whose grants it holds.
  std::set<identity::peer_id> servers() const {
    std::set<identity::peer_id> all;
    for (const auto& [grant, server] : grants) all.insert(server);
    return all;
  }

  signalling::link link;
  switchboard::link_ref ref;
  net::tcp::endpoint seen;
  identity::peer_id id;
  signalling::role who = signalling::role::client;
  bool attached = false;
  notifier verdict;
  std::map<trust::grant_id, identity::peer_id> grants;  // good ones, and their servers
  bytes record;                                         // of the proved door
  bool proving = false;
  time_point next_proof{};
  time_point next_nonce{};
};
using link_ptr = std::shared_ptr<peer_link>;

}  // namespace ajar::detail
