// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/logins.hpp - which link of a key is its own now.
#pragma once

#include <ajar/core/rate_limit.hpp>
#include <ajar/switchboard/event.hpp>

#include <map>
#include <optional>
#include <utility>

namespace ajar::switchboard {

/// One link for each key and role: a higher login evicts the one before. Pure.
class logins {
 public:
  struct verdict {
    std::optional<errc> refused;      ///< why the new link is not taken
    std::optional<link_ref> evicted;  ///< the one that it takes the place of
  };

  verdict attach(const event::attached& what, time_point now) {
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
  bool detach(const event::detached& what) {
    const auto known = all_.find({what.peer, what.who});
    if (known == all_.end() || known->second.link != what.link) return false;
    all_.erase(known);
    return true;
  }

  std::size_t size() const noexcept { return all_.size(); }
  /// Keys that have evicted links of late.
  std::size_t evicting() const noexcept { return evictions_.size(); }

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

  std::map<key, login> all_;
  std::map<key, rate_limit> evictions_;
  std::optional<key> swept_;  // of these, the last that was looked at
};

}  // namespace ajar::switchboard
