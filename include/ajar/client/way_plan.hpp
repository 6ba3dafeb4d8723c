// SPDX-License-Identifier: BSL-1.0
// ajar/client/way_plan.hpp - which ways there are to a server, in which order, and what follows where one fails.
#pragma once

#include <ajar/client/options.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/net/backoff.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/trust/grant.hpp>

#include <deque>
#include <optional>
#include <system_error>

namespace ajar::detail {

// What is known before the first attempt.
struct way_facts {
  by wish = by::automatic;
  bool dialled = false;  // the server has opened a session already
  bool has_door = false;
  const trust::grant* grant = nullptr;
  const signalling::presence* server = nullptr;
};

// Does this server dial its clients?
inline bool dials(const signalling::presence& one) {
  return one.state != signalling::presence_state::offline && one.methods.contains(trust::method::outbound);
}

// Decides on the ways of one connection. Pure: it is told what failed and how much time is left, and says what to do.
class way_plan {
 public:
  explicit way_plan(const way_facts& facts) : ways_(ways_of(facts)) {
    if (ways_.empty()) why_ = none(facts);
  }

  // The way to try now; nothing where none is left: why() says it then.
  std::optional<by> way() const { return ways_.empty() ? std::nullopt : std::optional(ways_.front()); }
  const std::error_code& why() const noexcept { return why_; }

  // The attempt has failed.
  // @param left  until the deadline of it all
  // @return how long to wait before the next one
  clock::duration failed(const std::error_code& why, clock::duration left) {
    why_ = why;
    ++attempts_;
    if (is_worth_another()) {
      const clock::duration pause = pause_.next();
      if (pause < left) return pause;
    }
    attempts_ = 0;
    pause_.reset();
    ways_.pop_front();
    if (!helps_another_way(why)) ways_.clear();
    return clock::duration(0);
  }

 private:
  static std::deque<by> ways_of(const way_facts& facts) {
    if (facts.dialled && (facts.wish == by::automatic || facts.wish == by::outbound)) return {by::outbound};
    if (facts.wish != by::automatic) return {facts.wish};
    std::deque<by> ways;
    const auto& now = *facts.server;
    const bool windows = now.state == signalling::presence_state::online && now.methods.contains(trust::method::window);
    if (windows && facts.grant->permits(trust::method::window)) ways.push_back(by::automatic);
    if (facts.has_door && facts.grant->permits(trust::method::outbound) && dials(now)) ways.push_back(by::outbound);
    return ways;
  }

  static std::error_code none(const way_facts& facts) {
    if (facts.server->state == signalling::presence_state::offline) return errc::server_offline;
    const bool door_would_do = dials(*facts.server) && facts.grant->permits(trust::method::outbound);
    return door_would_do && !facts.has_door ? errc::client_unreachable : errc::method_not_granted;
  }

  // The same way once more? A server that is short of something has it again in a moment. A machine under load was too
  // slow, and another window may do: as long as there is time, if there is no other way. Packets may have been lost, or
  // a firewall dropped them, as it will again: once. Who hangs up is a server whose window has ended meanwhile, which
  // on a machine under load happens several times, or a middlebox that always does.
  bool is_worth_another() const {
    if (ways_.front() == by::outbound) return false;
    const bool slow = why_ == errc::handshake_timeout || why_ == errc::window_timeout || why_ == errc::exchange_timeout;
    const bool lost = why_ == errc::crossing_failed || why_ == errc::window_unreachable;
    const bool hung_up = why_ == errc::truncated;
    if (why_ == errc::server_busy || (slow && only_way_)) return true;
    if (hung_up && only_way_) return attempts_ < most_hung_up;
    return (slow || lost || hung_up) && attempts_ == 1;
  }

  static bool helps_another_way(const std::error_code& why) {
    for (const auto cause :
         {errc::window_unreachable, errc::window_timeout, errc::window_stranger, errc::bind_failed,
          errc::window_refused, errc::address_not_permitted, errc::too_many_windows, errc::too_many_windows_today,
          errc::crossing_failed, errc::no_direct_path, errc::port_443_not_permitted, errc::way_too_long}) {
      if (why == cause) return true;
    }
    return false;
  }

  static constexpr int most_hung_up = 4;

  std::deque<by> ways_;
  bool only_way_ = ways_.size() == 1;
  int attempts_ = 0;
  net::backoff pause_{std::chrono::milliseconds(100), std::chrono::milliseconds(1600)};
  std::error_code why_;
};

}  // namespace ajar::detail
