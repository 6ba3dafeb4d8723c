// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/account.hpp - the sessions of a role: who, how, since when, how much.
#pragma once

#include <ajar/sessions/session.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace ajar::sessions {

/// A session as somebody who asks is told.
struct session_status {
  session_info info;
  std::chrono::nanoseconds age{0};
  tls::traffic carried;
  std::optional<std::chrono::microseconds> round_trip;  ///< of TCP
};

/// What a role keeps of its sessions, wherever they are used. Threads: their executor.
class account {
 public:
  struct entry {
    session::sight sight;
    time_point since;
    wall_time not_after;  ///< the grant's end
  };

  /// A session began.
  const entry& add(session& one, time_point now, wall_time not_after) {
    if (entries_.size() >= sweep_at_) {  // those that ended, also where nobody asks
      alive();
      sweep_at_ = 2 * entries_.size() + 8;
    }
    one.when_closed([sum = ended_](const tls::traffic& carried) { *sum += carried; });
    ++begun_;
    entries_.push_back({one.watch(), now, not_after});
    return entries_.back();
  }

  /// Those that are alive.
  const std::vector<entry>& alive() {
    std::erase_if(entries_, [](const entry& one) { return !one.sight.alive(); });
    return entries_;
  }

  /// Those with one peer.
  std::vector<session::sight> of(const identity::peer_id& peer) {
    std::vector<session::sight> all;
    for (const auto& one : alive()) {
      if (one.sight.info().peer == peer) all.push_back(one.sight);
    }
    return all;
  }

  std::uint64_t begun() const noexcept { return begun_; }

  std::vector<session_status> list(time_point now) {
    std::vector<session_status> all;
    for (const auto& one : alive()) {
      all.push_back({one.sight.info(), now - one.since, one.sight.carried(), one.sight.round_trip()});
    }
    return all;
  }

  /// Octets of all sessions, those that ended and those that are alive.
  tls::traffic carried() {
    auto sum = *ended_;
    for (const auto& one : alive()) sum += one.sight.carried();
    return sum;
  }

 private:
  std::vector<entry> entries_;
  std::size_t sweep_at_ = 8;
  std::uint64_t begun_ = 0;
  std::shared_ptr<tls::traffic> ended_ = std::make_shared<tls::traffic>();
};

}  // namespace ajar::sessions
