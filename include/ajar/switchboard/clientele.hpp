// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/clientele.hpp - the clients of one server: their grants, what was revoked, whose doors are proved.
#pragma once

#include <ajar/switchboard/desk.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::switchboard {

/// Whoever has presented a grant of one server that counts. What admitted a client is judged again when it may have
/// ended. Pure.
class clientele {
 public:
  static constexpr std::size_t most_grants = 8;         // of one client for one server
  static constexpr std::chrono::minutes look_again{1};  // at a grant: the wall clock may be set

  struct grant_facts {
    trust::grant_id id{};
    trust::method_set methods{};
    wall_time not_after{};
  };
  struct client {
    link_ref link;
    std::vector<grant_facts> grants;
    timers::iterator judged_at;  // where there is a grant: when the first of them may have ended
    bytes record;                // of its proved door
  };
  using client_map = std::map<identity::peer_id, client>;
  struct presented {
    std::optional<errc> refused;
    bool roster_changed = false;
  };

  const client_map& all() const noexcept { return clients_; }
  bool empty() const noexcept { return clients_.empty() && revoked_.empty(); }

  // ---- grants

  std::optional<errc> why_ended(const grant_facts& held, wall_time today) const {
    if (revoked_.contains(held.id)) return errc::grant_revoked;
    if (held.not_after <= today) return errc::grant_expired;
    return std::nullopt;
  }
  bool counts(const client& one, wall_time today) const {
    return std::ranges::any_of(one.grants,
                               [&](const grant_facts& held) { return !why_ended(held, today).has_value(); });
  }
  /// The client, where this is its link.
  const client* at_link(const identity::peer_id& id, const link_ref& link) const {
    const auto at = clients_.find(id);
    return at != clients_.end() && at->second.link == link ? &at->second : nullptr;
  }
  static const grant_facts* find(const client& one, const trust::grant_id& id) {
    const auto at = std::ranges::find(one.grants, id, &grant_facts::id);
    return at == one.grants.end() ? nullptr : &*at;
  }
  bool is_revoked(const trust::grant_id& id) const { return revoked_.contains(id); }

  presented present(const event::granted& what, time_point now, wall_time today, desk& on) {
    const grant_facts fresh{what.grant, what.methods, what.not_after};
    if (const auto why = why_ended(fresh, today)) return {why, false};
    presented made;
    auto found = clients_.find(what.client);
    if (found != clients_.end() && found->second.link != what.link) {
      made.roster_changed = !found->second.record.empty();
      forget(found, on);
      found = clients_.end();
    }
    if (found == clients_.end()) {
      found = clients_.try_emplace(what.client).first;
      found->second.link = what.link;
    } else {
      on.waiting.erase(found->second.judged_at);
    }
    auto& one = found->second;
    std::erase_if(one.grants, [&](const grant_facts& held) { return held.id == what.grant; });
    if (one.grants.size() < most_grants) {
      one.grants.push_back(fresh);
      holders_.insert_or_assign(what.grant, what.client);
      made.roster_changed = made.roster_changed || !one.record.empty();
    } else {
      made.refused = errc::limit_reached;
    }
    watch(what.server, what.client, one, now, today, on);
    return made;
  }

  /// What of a client's has ended goes, and it is told; so does a client without any grant.
  /// @return whether the roster is another now
  bool judge(const identity::peer_id& server, const identity::peer_id& id, time_point now, wall_time today, desk& on) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) return false;
    auto& one = at->second;
    std::vector<grant_facts> good;
    for (const auto& held : one.grants) {
      if (const auto why = why_ended(held, today)) {
        release(id, held);
        on.tell(one.link, signalling::grant_result{held.id, static_cast<std::uint16_t>(*why)});
      } else {
        good.push_back(held);
      }
    }
    const bool off_roster = good.size() < one.grants.size() && !one.record.empty();
    if (good.empty()) {
      forget(at, on);
    } else {
      one.grants = std::move(good);
      on.waiting.erase(one.judged_at);
      watch(server, id, one, now, today, on);
    }
    return off_roster;
  }

  /// Nothing where it is not the client's link; else whether the client had a door.
  std::optional<bool> leave(const identity::peer_id& id, const link_ref& link, desk& on) {
    if (!at_link(id, link)) return std::nullopt;
    const auto at = clients_.find(id);
    const bool had_door = !at->second.record.empty();
    forget(at, on);
    return had_door;
  }

  // ---- revocations

  struct taken {
    bool refused = false;                    ///< one in force is later, or has what this one lacks
    std::vector<identity::peer_id> holders;  ///< whom to judge()
  };
  taken revoke(const event::revoked& what, wall_time today) {
    std::map<trust::grant_id, wall_time> fresh;
    for (const auto& entry : what.list.entries) {
      auto& end = fresh[entry.grant];
      end = std::max(end, entry.not_after);
    }
    if (what.list.serial < serial_ || forgets(fresh, today)) return {true, {}};
    serial_ = what.list.serial;
    revoked_ = std::move(fresh);
    list_ = what.octets;
    std::erase_if(revoked_, [&](const auto& held) { return held.second <= today; });
    taken made;
    for (const auto& [grant, ignored] : revoked_) {
      const auto holder = holders_.find(grant);
      if (holder != holders_.end()) made.holders.push_back(holder->second);
    }
    return made;
  }
  /// As the server signed them.
  const bytes& list() const noexcept { return list_; }
  /// How many are in force; those that would have ended are forgotten.
  std::size_t revocations_in_force(wall_time today) {
    std::erase_if(revoked_, [&](const auto& held) { return held.second <= today; });
    return revoked_.size();
  }
  /// As if it had never presented any.
  void forget_revocations() {
    revoked_.clear();
    list_.clear();
    serial_ = 0;
  }

  // ---- doors

  /// @return whether it is the client's link
  bool prove(const identity::peer_id& id, const link_ref& link, const bytes& record) {
    if (!at_link(id, link)) return false;
    clients_.find(id)->second.record = record;
    return true;
  }

  signalling::roster_entry roster_entry_of(const identity::peer_id& id, wall_time today) const {
    signalling::roster_entry made;
    made.client = id;
    const auto found = clients_.find(id);
    if (found == clients_.end() || found->second.record.empty()) return made;
    for (const auto& held : found->second.grants) {
      if (!held.methods.contains(trust::method::outbound)) continue;
      if (why_ended(held, today)) continue;
      made.present = true;
      made.grant = held.id;
      made.record = found->second.record;
    }
    return made;
  }

 private:
  // One that has a grant, and no timer now.
  static void watch(const identity::peer_id& server, const identity::peer_id& id, client& one, time_point now,
                    wall_time today, desk& on) {
    const auto first = std::ranges::min(one.grants, {}, &grant_facts::not_after).not_after;
    const auto left = std::clamp<std::chrono::seconds>(first - today, std::chrono::seconds(0), look_again);
    one.judged_at = on.waiting.emplace(now + left, timer{server, id});
  }

  void release(const identity::peer_id& id, const grant_facts& held) {
    const auto holder = holders_.find(held.id);
    if (holder != holders_.end() && holder->second == id) holders_.erase(holder);
  }

  void forget(client_map::iterator at, desk& on) {
    for (const auto& held : at->second.grants) release(at->first, held);
    on.waiting.erase(at->second.judged_at);
    clients_.erase(at);
  }

  // A server whose state is an older copy may sign a later list that lacks what it revoked before.
  bool forgets(const std::map<trust::grant_id, wall_time>& fresh, wall_time today) const {
    if (fresh.size() >= trust::revocations::most_entries) return false;  // there was no room for all
    return std::ranges::any_of(revoked_,
                               [&](const auto& held) { return held.second > today && !fresh.contains(held.first); });
  }

  client_map clients_;
  std::map<trust::grant_id, identity::peer_id> holders_;  // of their grants
  std::uint64_t serial_ = 0;
  std::map<trust::grant_id, wall_time> revoked_;  // and their ends
  bytes list_;                                    // the same, signed
};

}  // namespace ajar::switchboard
