// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/absentees.hpp - servers that have left revocations behind, and for how long these are kept.
#pragma once

#include <ajar/switchboard/desk.hpp>

#include <map>
#include <optional>

namespace ajar::switchboard {

/// Without its link a server's revocations stay in force: for so long, and as many as there is room for. It presents
/// them again when it is back. Pure.
class absentees {
 public:
  static constexpr std::size_t most_kept = 100'000;  // revocations, of all of them together
  static constexpr std::chrono::hours longest_kept{24 * 30};

  /// What a server's entry keeps of its absence.
  struct absence {
    time_point since{};
    std::uint64_t number = 0;  ///< in the order in which they left
    std::size_t revoked = 0;
    timers::iterator look_again;
  };

  /// A server has no link, and so many revocations in force.
  /// @return false where they have been kept for long enough: they are to be forgotten
  bool keep(const identity::peer_id& id, std::optional<absence>& away, std::size_t revoked, time_point now, desk& on) {
    constexpr std::chrono::hours until_next_look{1};
    const auto since = away ? away->since : now;
    const auto number = away ? away->number : ++last_;
    end(away, on);
    if (revoked == 0) return true;
    if (now - since >= longest_kept) return false;
    away = absence{since, number, revoked, on.waiting.emplace(now + until_next_look, timer{id, timer::absence_rest()})};
    in_order_.emplace(number, id);
    kept_ += revoked;
    return true;
  }

  /// It is back, or forgotten.
  void end(std::optional<absence>& away, desk& on) {
    if (!away) return;
    on.waiting.erase(away->look_again);
    in_order_.erase(away->number);
    kept_ -= away->revoked;
    away.reset();
  }

  /// Whose revocations have to be forgotten for want of room: of whoever left first. Nothing where there is room.
  std::optional<identity::peer_id> too_many() const {
    return kept_ > most_kept ? std::optional(in_order_.begin()->second) : std::nullopt;
  }
  std::size_t kept() const noexcept { return kept_; }

 private:
  std::map<std::uint64_t, identity::peer_id> in_order_;
  std::uint64_t last_ = 0;
  std::size_t kept_ = 0;
};

}  // namespace ajar::switchboard
