// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/link_account.hpp - how a peer's link to central does.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/telling/cause_counts.hpp>

#include <cstdint>
#include <optional>

namespace ajar::signalling {

/// A link as somebody who asks is told.
struct link_status {
  identity::url central;
  bool linked = false;
  std::chrono::nanoseconds since{0};  ///< how long it is linked, or is not
  std::optional<clock::duration> round_trip;
  std::uint64_t links = 0;       ///< made since the start
  telling::cause_counts losses;  ///< what ended them, and what ended attempts
  std::error_code last_loss;
};

/// Keeps what a link_status tells. Pure: it is told the time.
class link_account {
 public:
  explicit link_account(time_point now) : changed_(now) {}

  void linked(time_point now) {
    linked_ = true;
    changed_ = now;
    ++links_;
  }
  /// We closed it, which is no loss.
  void closed(time_point now) {
    if (linked_) changed_ = now;
    linked_ = false;
  }
  /// A link ended, or an attempt at one; a further attempt changes nothing about since when there is none.
  void lost(time_point now, const std::error_code& why) {
    closed(now);
    last_ = why;
    losses_.add(why);
  }

  link_status status(time_point now, const identity::url& central,
                     const std::optional<clock::duration>& round_trip) const {
    return {central, linked_, now - changed_, linked_ ? round_trip : std::nullopt, links_, losses_, last_};
  }

 private:
  time_point changed_;
  bool linked_ = false;
  std::uint64_t links_ = 0;
  telling::cause_counts losses_;
  std::error_code last_;
};

}  // namespace ajar::signalling
