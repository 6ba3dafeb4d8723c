// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/desk.hpp - what a decision at central leaves behind: messages, times to wait for, counts.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/switchboard/event.hpp>
#include <ajar/switchboard/rendezvous_account.hpp>

#include <map>
#include <utility>
#include <variant>
#include <vector>

namespace ajar::switchboard {

/// Whom to look at again, and why.
struct timer {
  struct polling {};        ///< a server that has not come back
  struct presence_rest {};  ///< clients that are not told of it yet
  struct absence_rest {};   ///< revocations that are kept without their server

  identity::peer_id server;
  /// The fourth: a request whose time is up. The last: a client whose grants may have ended.
  std::variant<polling, presence_rest, absence_rest, trust::request_id, identity::peer_id> about;
};
using timers = std::multimap<time_point, timer>;

/// Where the parts of one directory put what follows from an event.
struct desk {
  static constexpr std::size_t most_at_once = 128;  // of what is due in one moment: others of the thread wait

  std::vector<delivery> out;
  timers waiting;
  rendezvous_account account;

  void tell(const link_ref& to, signalling::message what) { out.push_back({to, std::move(what)}); }
};

}  // namespace ajar::switchboard
