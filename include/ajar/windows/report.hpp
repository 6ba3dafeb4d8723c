// SPDX-License-Identifier: BSL-1.0
// ajar/windows/report.hpp - the account of a window: how long what was open, and why it closed.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/windows/cloak.hpp>

#include <cstdint>
#include <functional>
#include <string_view>

namespace ajar::windows {

/// Why a listener closed. Each of them closed it at once.
enum class close_cause : std::uint8_t {
  accepted,  ///< somebody connected from where the expected peer should come from
  stranger,  ///< somebody connected from elsewhere, and was reset
  timeout,   ///< nobody came before the deadline
  canceled,  ///< the owner gave it up
};

constexpr std::string_view to_string(close_cause why) {
  switch (why) {
    case close_cause::accepted:
      return "accepted";
    case close_cause::stranger:
      return "stranger";
    case close_cause::timeout:
      return "timeout";
    case close_cause::canceled:
      return "canceled";
  }
  return "unknown";
}

/// What one window, of one listener or of several in a row, cost.
struct report {
  std::uint16_t listeners = 0;                  ///< ports that were opened, one after the other
  std::uint16_t strangers = 0;                  ///< connections that were reset
  std::uint32_t drops = 0;                      ///< packets of others that the cloak dropped
  close_cause why = close_cause::canceled;      ///< of the last listener
  windows::cloak cloak = windows::cloak::none;  ///< that it wore
  std::chrono::nanoseconds exposure{0};         ///< from before each listen() until after its close(), added up
  time_point opened{};                          ///< of the first listener
  time_point closed{};                          ///< of the last one
};

/// Told what a port has cost, once it is closed: whoever closed it, and also where nobody waits for it any more.
using report_sink = std::function<void(const report&)>;

}  // namespace ajar::windows
