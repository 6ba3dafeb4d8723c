// SPDX-License-Identifier: BSL-1.0
// ajar/server/status.hpp - what a running server knows of itself.
#pragma once

#include <ajar/sessions/account.hpp>
#include <ajar/signalling/link_account.hpp>
#include <ajar/telling/cause_counts.hpp>
#include <ajar/trust/grant.hpp>
#include <ajar/windows/exposure_account.hpp>

#include <vector>

namespace ajar {

/// What the ports of one grant's windows have cost in the last minute, and may.
struct grant_listening {
  trust::grant_id grant{};
  identity::peer_id client;
  std::size_t windows = 0;  ///< of the client, under way
  std::size_t most_windows = 0;
  std::chrono::nanoseconds open{0};
  std::chrono::nanoseconds limit{0};
};

/// Plain values, of one instant.
struct server_status {
  identity::peer_id id;
  std::chrono::nanoseconds uptime{0};
  trust::method_set methods{};
  signalling::link_status link;                      ///< to its own central
  std::vector<signalling::link_status> other_links;  ///< to those that it is at as well
  std::size_t clients_with_door = 0;                 ///< on the roster
  net::reflection network;                           ///< how windows look from outside; empty before it is known
  windows::cloak cloak = windows::cloak::automatic;  ///< that they are to wear
  std::uint64_t revocations_serial = 0;              ///< of the list in force; 0: nothing was ever revoked
  bool revocations_acknowledged = true;              ///< every central has it too
  std::size_t windows_open = 0;                      ///< requests that are being answered
  std::chrono::nanoseconds listened_last_minute{0};  ///< for so long ports of windows were open
  std::chrono::nanoseconds listened_limit{0};        ///< and may be, in a minute
  std::vector<grant_listening> listened_by;          ///< of these, the grants whose windows they were
  std::vector<sessions::session_status> sessions;    ///< that are alive
  std::uint64_t sessions_begun = 0;
  tls::traffic carried;  ///< by all sessions since the start
  windows::exposure exposed_today;
  windows::exposure exposed;
  telling::cause_counts refusals;       ///< windows that were asked for and not opened, or through which nobody came
  telling::cause_counts dial_failures;  ///< clients that were not reached
  std::uint64_t exceptions = 0;         ///< coroutines that ended by one: a fault of the program, or no memory
};

}  // namespace ajar
