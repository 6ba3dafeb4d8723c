// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/logins.hpp - which link of a key is its own now.
#pragma once

#include <ajar/core/rate_limit.hpp>
#include <ajar/switchboard/event.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace ajar::switchboard {

/// One link for each key and role: a higher login evicts the one before. Who was sent away for a flood has none for a
/// while: with a link a peer gets a burst, and must not get one after the other. Pure.
class logins {
 public:
  static constexpr std::chrono::seconds rest{5};  ///< after a flood

  struct verdict {
    std::optional<errc> refused;      ///< why the new link is not taken
    std::optional<link_ref> evicted;  ///< the one that it takes the place of
  };

  verdict attach(const event::attached& what, time_point now) {
    forget_rested(now);
    if (resting_.contains({what.peer, what.who})) return {errc::too_many_requests, {}};
    const auto [place, first] = all_.try_emplace({what.peer, what.who});
    auto& known = place->second;
    verdict made;
    if (!first) {
      if (what.login <= known.number) return {errc::login_too_low, {}};
      if (!may_evict(place->first, now)) return {errc::too_many_requests, {}};
      made.evicted = known.link;
    }
    known.link = what.link;
    known.number = what.login;
    return made;
  }

  /// @return whether it was the peer's link still
  bool detach(const event::detached& what, time_point now) {
    forget_rested(now);
    if (what.flooded) {
      resting_.insert_or_assign({what.peer, what.who}, now + rest);
      rests_.emplace_back(now + rest, key(what.peer, what.who));
    }
    const auto known = all_.find({what.peer, what.who});
    if (known == all_.end() || known->second.link != what.link) return false;
    all_.erase(known);
    return true;
  }

  std::size_t size() const noexcept { return all_.size(); }
  /// Keys that have evicted links of late.
  std::size_t evicting() const noexcept { return evictions_.size(); }
  /// Keys that were sent away for a flood of late.
  std::size_t resting() const noexcept { return resting_.size(); }

 private:
  using key = std::pair<identity::peer_id, signalling::role>;
  struct login {
    link_ref link;
    std::uint64_t number = 0;
  };

  // Counted beyond its links: a key that leaves and comes again has not paid for what it evicted. Those who have
  // rested are forgotten, a few at a time.
  bool may_evict(const key& whose, time_point now) {
    constexpr int a_few = 2;
    for (int i = 0; i < a_few && !evictions_.empty(); ++i) {
      auto at = swept_ ? evictions_.upper_bound(*swept_) : evictions_.begin();
      if (at == evictions_.end()) at = evictions_.begin();
      swept_ = at->first;
      if (at->second.rested(now)) evictions_.erase(at);
    }
    // many more than one process and a copy of its folder cause
    return evictions_.try_emplace(whose, std::chrono::seconds(2), 30).first->second.take(now);
  }

  void forget_rested(time_point now) {
    while (!rests_.empty() && rests_.front().first <= now) {
      const auto at = resting_.find(rests_.front().second);
      if (at != resting_.end() && at->second <= now) resting_.erase(at);
      rests_.pop_front();
    }
  }

  std::map<key, login> all_;
  std::map<key, time_point> resting_;             // until then
  std::deque<std::pair<time_point, key>> rests_;  // the same, as they end
  std::map<key, rate_limit> evictions_;
  std::optional<key> swept_;  // of these, the last that was looked at
};

}  // namespace ajar::switchboard
