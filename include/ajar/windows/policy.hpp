// SPDX-License-Identifier: BSL-1.0
// ajar/windows/policy.hpp - what the owner of a window decides about it.
#pragma once

#include <algorithm>
#include <chrono>

namespace ajar::windows {

/// What to do when somebody else comes to the window.
enum class on_stranger {
  close,            ///< nothing more: the rule of WO 2004/034190, and a way to deny service
  close_and_reopen  ///< another port for what is left of the time, a few times
};

/// No window's ports are open for longer, all together; and usually not even so long.
inline constexpr std::chrono::milliseconds longest_window{999};
inline constexpr std::chrono::milliseconds default_window{800};

/// For how long ports may be open between two ends, where nobody says so: a connection stands at the listener one and
/// a half round trips after its SYN was sent.
constexpr std::chrono::milliseconds window_time_for(std::chrono::microseconds round_trip) {
  const auto needed = std::chrono::ceil<std::chrono::milliseconds>(round_trip * 3 / 2) + std::chrono::milliseconds(100);
  return std::clamp(needed, default_window, longest_window);
}

/// Beyond this round trip nobody comes through a port: it would have closed before the connection stands.
inline constexpr std::chrono::milliseconds longest_way = (longest_window - std::chrono::milliseconds(20)) * 2 / 3;

}  // namespace ajar::windows
