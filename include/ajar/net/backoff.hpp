// SPDX-License-Identifier: BSL-1.0
// ajar/net/backoff.hpp - how long to wait before the next attempt.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/crypto/random.hpp>

#include <algorithm>

namespace ajar::net {

/// Full jitter: anything between nothing and a bound that doubles, so that a fleet whose central came back does not
/// come back in step. Source: M. Brooker, "Exponential Backoff And Jitter", 2015.
class backoff {
 public:
  backoff(std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : first_(first), longest_(longest), bound_(first) {}

  /// The wait before the next attempt.
  std::chrono::milliseconds next() {
    const auto wait = crypto::random_below(static_cast<std::uint32_t>(bound_.count()) + 1);
    bound_ = std::min(bound_ * 2, longest_);
    return std::chrono::milliseconds(wait);
  }

  /// An attempt succeeded.
  void reset() { bound_ = first_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds longest_;
  std::chrono::milliseconds bound_;
};

}  // namespace ajar::net
