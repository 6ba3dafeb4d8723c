// SPDX-License-Identifier: BSL-1.0
// ajar/central/peer_link.hpp - a peer's link as central keeps it.
#pragma once

#include <ajar/core/notifier.hpp>
#include <ajar/core/rate_limit.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/signalling/link.hpp>
#include <ajar/switchboard/router.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace ajar::detail {

// A link of this shard, and what it may do.
struct peer_link {
  peer_link(signalling::link from, switchboard::link_ref own, net::tcp::endpoint at)
      : link(std::move(from)),
        ref(own),
        ticket(ticket_of(own)),
        seen(std::move(at)),
        id(link.peer()),
        verdict(link.stream().get_executor()) {}

  // Shard u32, number u64, and 16 octets that nobody can guess.
  static signalling::link_ticket ticket_of(const switchboard::link_ref& own) {
    bytes octets;
    wire::writer out(octets);
    const auto secret = crypto::random_octets<16>();
    out.number(own.shard).number(own.number).fixed(secret);
    signalling::link_ticket made{};
    std::ranges::copy(octets, made.begin());
    return made;
  }
  static switchboard::link_ref named_by(const signalling::link_ticket& ticket) {
    wire::reader in(ticket);
    switchboard::link_ref made;
    made.shard = in.number<std::uint32_t>();
    made.number = in.number<std::uint64_t>();
    return made;
  }

  // Where the peer is, as far as central has seen it itself: where its link comes from, and of the other family what
  // was reflected last.
  std::vector<net::tcp::endpoint> seen_at() const {
    std::vector<net::tcp::endpoint> all{seen};
    if (other) all.push_back(*other);
    return all;
  }
  bool is_seen(const net::address& at) const {
    return at == seen.address() || (other && at == other->address()) ||
           std::ranges::find(reflected, at) != reflected.end();
  }
  void remember(const net::tcp::endpoint& at) {
    constexpr std::size_t most_reflected = 4;  // a pool of addresses: RFC 4787 section 4.1
    if (at.address().is_v6() != seen.address().is_v6()) other = at;
    if (is_seen(at.address())) return;
    if (reflected.size() == most_reflected) reflected.erase(reflected.begin());
    reflected.push_back(at.address());
  }

  // A grant that it has presented: of whom, and whether it counts where that server is at home.
  struct held_grant {
    identity::peer_id server;
    bool good = false;  // the answer has come
  };

  // Those whose grants it holds.
  std::set<identity::peer_id> servers() const {
    std::set<identity::peer_id> all;
    for (const auto& [grant, held] : grants) all.insert(held.server);
    return all;
  }
  bool has_good_grant() const {
    return std::ranges::any_of(grants, [](const auto& one) { return one.second.good; });
  }
  bool awaits_verdict() const {
    return std::ranges::any_of(grants, [](const auto& one) { return !one.second.good; });
  }

  // There is an end to grants that are refused.
  bool may_present_more() {
    constexpr std::size_t most_bad = 64;
    return ++bad_grants <= most_bad;
  }
  void refused_for(errc why) {
    if (why == errc::grant_expired || why == errc::grant_revoked) ended_for = why;
  }
  std::error_code why_not_admitted() const { return ended_for.value_or(errc::not_admitted); }

  signalling::link link;
  switchboard::link_ref ref;
  signalling::link_ticket ticket;
  net::tcp::endpoint seen;
  std::optional<net::tcp::endpoint> other;  // of the other family
  std::vector<net::address> reflected;
  identity::peer_id id;
  signalling::role who = signalling::role::client;
  bool attached = false;
  bool redeemed = false;  // of a redeemer: what the server said has gone out
  notifier verdict;
  bool admitted = false;  // a client that is served
  std::map<trust::grant_id, held_grant> grants;
  std::optional<errc> ended_for;  // those that it has presented, and that counted once
  bytes record;                   // of the proved door
  bool proving = false;
  // grants and requests, each with a signature to check: a client that asks for windows all day comes to 100 a second
  rate_limit signatures{std::chrono::milliseconds(4), 256};
  rate_limit proofs{std::chrono::milliseconds(500), 1};
  rate_limit lists{std::chrono::milliseconds(100), 256};  // of revocations: each is up to 900 entries, and a signature
  rate_limit dial_backs{std::chrono::milliseconds(250), 4};  // two kinds of ports of two families
  std::size_t bad_grants = 0;
  rate_limit nonces{std::chrono::minutes(1), 4};  // each is told to all the server's clients
};
using link_ptr = std::shared_ptr<peer_link>;

}  // namespace ajar::detail
