// SPDX-License-Identifier: BSL-1.0
// ajar/client/status.hpp - what a running client knows of itself.
#pragma once

#include <ajar/sessions/account.hpp>
#include <ajar/signalling/link_account.hpp>
#include <ajar/telling/cause_counts.hpp>
#include <ajar/windows/exposure_account.hpp>

#include <vector>

namespace ajar {

/// Plain values, of one instant.
struct client_status {
  identity::peer_id id;
  std::chrono::nanoseconds uptime{0};
  std::vector<signalling::link_status> links;        ///< one for each central that was asked
  windows::cloak cloak = windows::cloak::automatic;  ///< that windows of its own are to wear
  bool door_open = false;
  std::vector<sessions::session_status> sessions;  ///< that are alive
  std::uint64_t sessions_begun = 0;
  tls::traffic carried;             ///< by all sessions since the start
  windows::exposure exposed_today;  ///< its door and its own windows
  windows::exposure exposed;
  telling::cause_counts failures;  ///< connections that were wanted and did not come about
  std::uint64_t exceptions = 0;    ///< coroutines that ended by one: a fault of the program, or no memory
};

}  // namespace ajar
