// SPDX-License-Identifier: BSL-1.0
// ajar/windows/policy.hpp - what the owner of a window decides about it.
#pragma once

#include <chrono>

namespace ajar::windows {

/// What to do when somebody else comes to the window.
enum class on_stranger {
  close,            ///< nothing more: the rule of WO 2004/034190, and a way to deny service
  close_and_reopen  ///< another port for what is left of the time, a few times
};

/// No window stays open for longer, and by default not even so long.
inline constexpr std::chrono::milliseconds longest_window{999};
inline constexpr std::chrono::milliseconds default_window{800};

}  // namespace ajar::windows
