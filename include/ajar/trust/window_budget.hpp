// SPDX-License-Identifier: BSL-1.0
// ajar/trust/window_budget.hpp - how many windows at a time, and for how long in a minute ports are open.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/trust/grant.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <utility>

namespace ajar::trust {

/// What windows may cost: what their grants say, and all of them together. Pure. What is being opened counts as open
/// for as long as it may be; when it has closed, as long as it was.
class window_budget {
 public:
  /// @param of_all   for how long in a minute ports may be open, whoever asks for them
  /// @param longest  that one window may be open
  window_budget(std::chrono::milliseconds of_all, std::chrono::milliseconds longest)
      : of_all_(of_all), longest_(longest) {}

  /// Is there room for one more?
  /// @param of_client, of_all  windows under way already
  bool fits(const grant& under, std::size_t of_client, std::size_t of_all, time_point now) {
    const auto fits_in = [&](clock::duration spent, std::size_t beside, clock::duration limit) {
      return spent + longest_ * static_cast<int>(beside + 1) <= limit;
    };
    return of_client < under.windows_at_a_time && fits_in(listened(under.id, now), of_client, under.listening) &&
           fits_in(listened(now), of_all, of_all_);
  }

  /// A window has closed; its ports were open for so long.
  void closed(const grant_id& under, clock::duration open, time_point now) {
    if (open <= clock::duration(0)) return;
    sweep(now);
    last_minute_.push_back({now, under, open});
    sum_ += open;
    of_grant_[under] += open;
  }

  /// For how long ports were open in the last minute.
  clock::duration listened(time_point now) {
    sweep(now);
    return sum_;
  }
  /// The same by grant, of those for whom ports were open.
  const std::map<grant_id, clock::duration>& by_grant(time_point now) {
    sweep(now);
    return of_grant_;
  }
  std::chrono::milliseconds limit() const noexcept { return of_all_; }

 private:
  struct spent {
    time_point at;
    grant_id under;
    clock::duration open;
  };

  clock::duration listened(const grant_id& under, time_point now) {
    sweep(now);
    const auto at = of_grant_.find(under);
    return at == of_grant_.end() ? clock::duration(0) : at->second;
  }

  void sweep(time_point now) {
    while (!last_minute_.empty() && now - last_minute_.front().at >= std::chrono::minutes(1)) {
      const auto& oldest = last_minute_.front();
      sum_ -= oldest.open;
      const auto at = of_grant_.find(oldest.under);
      at->second -= oldest.open;
      if (at->second <= clock::duration(0)) of_grant_.erase(at);
      last_minute_.pop_front();
    }
  }

  std::chrono::milliseconds of_all_;
  clock::duration longest_;
  std::deque<spent> last_minute_;
  std::map<grant_id, clock::duration> of_grant_;
  clock::duration sum_{0};
};

}  // namespace ajar::trust
