// SPDX-License-Identifier: BSL-1.0
// ajar/trust/window_budget.hpp - how many windows at a time, and for how long in a minute ports are open.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/identity/peer_id.hpp>
#include <ajar/trust/grant.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <utility>

namespace ajar::trust {

/// What windows may cost, whoever asks for them.
struct window_limits {
  std::size_t at_a_time = 2;                    ///< of one client
  std::chrono::milliseconds of_grant{6'000};    ///< that ports are open in a minute, under one grant
  std::chrono::milliseconds of_server{30'000};  ///< the same, all windows together
};

/// Pure. What is being opened counts as open for as long as it may be; when it has closed, as long as it was.
class window_budget {
 public:
  /// @param longest  that one window may be open
  window_budget(window_limits limits, std::chrono::milliseconds longest) : limits_(limits), longest_(longest) {}

  /// Is there room for one more?
  /// @param of_client, of_all  windows under way already
  bool fits(const grant_id& grant, std::size_t of_client, std::size_t of_all, time_point now) {
    const auto fits_in = [&](clock::duration spent, std::size_t beside, clock::duration limit) {
      return spent + longest_ * static_cast<int>(beside + 1) <= limit;
    };
    return of_client < limits_.at_a_time && fits_in(listened(grant, now), of_client, limits_.of_grant) &&
           fits_in(listened(now), of_all, limits_.of_server);
  }

  /// A window has closed; its ports were open for so long.
  void closed(const grant_id& grant, clock::duration open, time_point now) {
    if (open <= clock::duration(0)) return;
    sweep(now);
    last_minute_.push_back({now, grant, open});
    sum_ += open;
    of_grant_[grant] += open;
  }

  /// For how long ports were open in the last minute.
  clock::duration listened(time_point now) {
    sweep(now);
    return sum_;
  }
  const window_limits& limits() const noexcept { return limits_; }

 private:
  struct spent {
    time_point at;
    grant_id grant;
    clock::duration open;
  };

  clock::duration listened(const grant_id& grant, time_point now) {
    sweep(now);
    const auto at = of_grant_.find(grant);
    return at == of_grant_.end() ? clock::duration(0) : at->second;
  }

  void sweep(time_point now) {
    while (!last_minute_.empty() && now - last_minute_.front().at >= std::chrono::minutes(1)) {
      const auto& oldest = last_minute_.front();
      sum_ -= oldest.open;
      const auto at = of_grant_.find(oldest.grant);
      at->second -= oldest.open;
      if (at->second <= clock::duration(0)) of_grant_.erase(at);
      last_minute_.pop_front();
    }
  }

  window_limits limits_;
  clock::duration longest_;
  std::deque<spent> last_minute_;
  std::map<grant_id, clock::duration> of_grant_;
  clock::duration sum_{0};
};

}  // namespace ajar::trust
