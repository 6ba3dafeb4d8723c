// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/dial_plan.hpp - which clients a server dials, and when: one session with each of them.
#pragma once

#include <ajar/net/backoff.hpp>
#include <ajar/signalling/roster.hpp>
#include <ajar/trust/may_dial.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace ajar::outbound {

/// Decides whom to dial. Pure: it is told the time and what happened, and says what to do.
///
/// Where that session may be dead, one more is made beside it. A client that left the roster is not dialled any more;
/// its session goes on. Whatever central and a client say, two attempts for one client are half a second apart, so that
/// both together cannot make a server a source of floods. Source: WO 2004/034190, non-listening server, steps B and C.
class dial_plan {
 public:
  /// One connection to make.
  struct attempt {
    identity::peer_id client;
    net::tcp::endpoint to;
    trust::grant_id grant{};
  };

  /// The client's entry in the roster is this now.
  void put(const identity::peer_id& client, const signalling::roster::entry& entry, time_point now) {
    auto& one = clients_[client];
    const bool moved = !one.at || *one.at != entry.record.body().at || one.grant != entry.grant;
    one.at = entry.record.body().at;
    one.grant = entry.grant;
    if (!moved) return;
    one.pause.reset();
    if (one.phase == state::waiting) queue(client, one, std::max(now, one.not_before));
  }

  /// The client has no entry any more.
  void remove(const identity::peer_id& client) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    found->second.at.reset();
    if (found->second.phase != state::waiting) return;
    if (found->second.sessions == 0) return forget(found);
    go_on(found->second, state::connected);
  }

  /// An attempt ended without a session.
  void failed(const identity::peer_id& client, time_point now) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    auto& one = found->second;
    if (one.sessions == 0) return ended(found, now);
    go_on(one, state::connected);
    one.not_before = std::max<time_point>(now + one.pause.next(), one.not_before);
  }
  /// An attempt became a session.
  void connected(const identity::peer_id& client) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    ++found->second.sessions;
    go_on(found->second, state::connected);
    found->second.pause.reset();
  }
  bool is_connected(const identity::peer_id& client) const {
    const auto found = clients_.find(client);
    return found != clients_.end() && found->second.sessions != 0;
  }
  /// A session ended, for whatever reason.
  void lost(const identity::peer_id& client, time_point now) {
    const auto found = clients_.find(client);
    if (found == clients_.end() || found->second.sessions == 0) return;
    if (--found->second.sessions == 0 && found->second.phase == state::connected) ended(found, now);
  }
  /// The session that is there may be dead: another one is to be made beside it.
  void again(const identity::peer_id& client, time_point now) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    auto& one = found->second;
    if (one.phase != state::connected || !one.at) return;
    go_on(one, state::waiting);
    queue(client, one, std::max(now, one.not_before));
  }

  /// The attempts to make now: whoever has waited for longest comes first. Each one is answered by failed() or
  /// connected().
  std::vector<attempt> due(time_point now) {
    std::vector<attempt> some;
    while (dialling_ < most_at_once && !queue_.empty() && queue_.begin()->first <= now) {
      const auto client = queue_.begin()->second;
      auto& one = clients_.find(client)->second;
      go_on(one, state::dialling);
      one.not_before = now + first_pause;
      some.push_back({client, *one.at, one.grant});
    }
    return some;
  }

  /// When to ask due() again, if nothing happens before.
  time_point next() const {
    if (dialling_ >= most_at_once || queue_.empty()) return never;  // until one of them has ended
    return queue_.begin()->first;
  }

  std::size_t size() const noexcept { return clients_.size(); }

 private:
  static constexpr std::size_t most_at_once = 64;  // a roster of thousands must not become a burst of SYNs
  static constexpr std::chrono::milliseconds first_pause{500};
  static constexpr std::chrono::milliseconds longest_pause{60'000};

  enum class state { waiting, dialling, connected };
  using due_queue = std::multimap<time_point, identity::peer_id>;  // of those who wait, in the order of their turns
  struct target {
    std::optional<net::tcp::endpoint> at;
    trust::grant_id grant{};
    state phase = state::waiting;
    std::size_t sessions = 0;
    std::optional<due_queue::iterator> place{};
    time_point not_before{};
    net::backoff pause{first_pause, longest_pause};
  };

  using client_map = std::map<identity::peer_id, target>;

  void unqueue(target& one) {
    if (one.place) queue_.erase(*one.place);
    one.place.reset();
  }
  void queue(const identity::peer_id& client, target& one, time_point due) {
    unqueue(one);
    one.place = queue_.emplace(due, client);
  }
  void go_on(target& one, state to) {
    if (one.phase == state::dialling) --dialling_;
    if (to == state::dialling) ++dialling_;
    one.phase = to;
    unqueue(one);
  }
  void forget(client_map::iterator which) {
    unqueue(which->second);
    clients_.erase(which);
  }

  void ended(client_map::iterator which, time_point now) {
    auto& one = which->second;
    go_on(one, state::waiting);
    if (!one.at) return forget(which);
    queue(which->first, one, std::max<time_point>(now + one.pause.next(), one.not_before));
  }

  client_map clients_;
  due_queue queue_;
  std::size_t dialling_ = 0;
};

}  // namespace ajar::outbound
