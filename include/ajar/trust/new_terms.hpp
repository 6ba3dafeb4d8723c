// SPDX-License-Identifier: BSL-1.0
// ajar/trust/new_terms.hpp - what a renewal changes in a grant.
#pragma once

#include <ajar/trust/grant.hpp>

#include <optional>
#include <vector>

namespace ajar::trust {

/// What a server's owner wants otherwise from now on. What is not said stays as it is.
struct new_terms {
  std::optional<std::chrono::seconds> life{};  ///< from now on; by default as long as before
  std::optional<method_set> methods{};         ///< at least one
  std::optional<bool> lan{};
  std::optional<bool> roam{};
  std::optional<std::uint16_t> sessions{};
  std::optional<std::uint16_t> windows_a_minute{};
  std::optional<std::uint32_t> windows_a_day{};
  std::optional<std::uint16_t> windows_at_a_time{};
  std::optional<std::chrono::milliseconds> listening{};  ///< in a minute
  std::vector<service_right> services{};                 ///< all of them; none: as before

  /// The grant with these, for a life that begins now.
  grant change(grant body, wall_time now) const {
    body.begin(now, life.value_or(body.life()));
    body.methods = methods.value_or(body.methods);
    body.lan = lan.value_or(body.lan);
    body.roam = roam.value_or(body.roam);
    body.sessions = sessions.value_or(body.sessions);
    body.windows_a_minute = windows_a_minute.value_or(body.windows_a_minute);
    body.windows_a_day = windows_a_day.value_or(body.windows_a_day);
    body.windows_at_a_time = windows_at_a_time.value_or(body.windows_at_a_time);
    body.listening = listening.value_or(body.listening);
    if (!services.empty()) body.services = services;
    return body;
  }
};

}  // namespace ajar::trust
