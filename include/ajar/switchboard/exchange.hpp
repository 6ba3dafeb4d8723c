// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/exchange.hpp - the life of one window request at central.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/error.hpp>
#include <ajar/trust/window_request.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace ajar::switchboard {

/// A request was commanded to its server; answers are relayed until the time is up. Pure.
///
/// WO 2004/034190, just-in-time listening: made at step C, step E is answered(), step F is its true.
class exchange {
 public:
  /// Central waits for this much longer than the client will, so that the client's own deadline comes first.
  static constexpr std::chrono::milliseconds grace{500};
  static constexpr std::chrono::milliseconds longest_budget{5'000};
  static constexpr int most_answers = trust::most_answers;

  exchange(time_point now, std::chrono::milliseconds budget)
      : deadline_(now + std::min(budget, longest_budget) + grace) {}

  /// The server answered. @return whether the client is to have it
  bool answered(time_point now, bool last) {
    if (now >= deadline_ || is_over()) return false;
    answers_ = last ? most_answers : answers_ + 1;
    return true;
  }

  bool is_answered() const noexcept { return answers_ > 0; }
  /// Nothing can come of it any more.
  bool is_over() const noexcept { return answers_ >= most_answers; }

  time_point deadline() const noexcept { return deadline_; }

  /// At its end: what the client is still to be told, if anything.
  std::optional<errc> failure(errc why = errc::exchange_timeout) const {
    return answers_ == 0 ? std::optional(why) : std::nullopt;
  }

 private:
  time_point deadline_;
  int answers_ = 0;
};

}  // namespace ajar::switchboard
