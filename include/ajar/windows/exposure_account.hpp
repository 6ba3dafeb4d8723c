// SPDX-License-Identifier: BSL-1.0
// ajar/windows/exposure_account.hpp - how long ports were open: today, and in all.
#pragma once

#include <ajar/windows/report.hpp>

#include <algorithm>
#include <chrono>

namespace ajar::windows {

/// What ports cost together.
struct exposure {
  std::uint64_t windows = 0;
  std::uint64_t listeners = 0;
  std::uint64_t strangers = 0;
  std::chrono::nanoseconds open{0};
  std::uint64_t drops = 0;  ///< packets of strangers that a cloak dropped; a peer tells central nothing of them

  exposure& operator+=(const exposure& other) {
    windows += other.windows;
    listeners += other.listeners;
    strangers += other.strangers;
    drops += other.drops;
    open = open > std::chrono::nanoseconds::max() - other.open ? std::chrono::nanoseconds::max() : open + other.open;
    return *this;
  }
  bool operator==(const exposure&) const = default;
};

/// One window's part of it.
inline exposure exposure_of(const report& cost) {
  return {1, cost.listeners, cost.strangers, cost.exposure, cost.drops};
}

/// The "listening milliseconds per day" of WO 2004/034190, in nanoseconds. Days are UTC's. Pure: it is told the time.
class exposure_account {
 public:
  using instant = std::chrono::sys_time<std::chrono::nanoseconds>;

  /// What ended now. Of what was open over midnight only the part since then is today's.
  void add(instant now, const exposure& cost) {
    begin_day(now);
    total_ += cost;
    auto part = cost;
    part.open = std::min(cost.open, std::max(now - instant(day_), std::chrono::nanoseconds(0)));
    today_ += part;
  }

  const exposure& total() const noexcept { return total_; }
  exposure today(instant now) const { return is_another_day(now) ? exposure() : today_; }

 private:
  // A clock that is set back over midnight, by a little, goes on with the day that it had begun.
  bool is_another_day(instant now) const {
    const auto day = std::chrono::floor<std::chrono::days>(now);
    return day != day_ && day != day_ - std::chrono::days(1);
  }
  void begin_day(instant now) {
    if (!is_another_day(now)) return;
    day_ = std::chrono::floor<std::chrono::days>(now);
    today_ = exposure();
  }

  exposure total_;
  exposure today_;
  std::chrono::sys_days day_{};
};

}  // namespace ajar::windows
