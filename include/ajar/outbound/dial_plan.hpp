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
/// A client that left the roster is not dialled any more; its session goes on. Whatever central and a client say, two
/// attempts for one client are half a second apart, so that both together cannot make a server a source of floods.
/// Source: WO 2004/034190, non-listening server, steps B and C.
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
    if (one.phase == state::waiting) one.due = std::max(now, one.not_before);
  }

  /// The client has no entry any more.
  void remove(const identity::peer_id& client) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    found->second.at.reset();
    if (found->second.phase == state::waiting) clients_.erase(found);
  }

  /// An attempt ended without a session.
  void failed(const identity::peer_id& client, time_point now) { ended(client, now); }
  /// An attempt became a session.
  void connected(const identity::peer_id& client) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    found->second.phase = state::connected;
    found->second.pause.reset();
  }
  bool is_connected(const identity::peer_id& client) const {
    const auto found = clients_.find(client);
    return found != clients_.end() && found->second.phase == state::connected;
  }
  /// A session ended, for whatever reason.
  void lost(const identity::peer_id& client, time_point now) { ended(client, now); }

  /// The attempts to make now. Each one is answered by failed() or connected().
  std::vector<attempt> due(time_point now) {
    std::vector<attempt> some;
    auto dialling = count_dialling();
    for (auto& [client, one] : clients_) {
      if (dialling >= most_at_once) break;
      if (one.phase != state::waiting || !one.at || one.due > now) continue;
      one.phase = state::dialling;
      one.not_before = now + first_pause;
      ++dialling;
      some.push_back({client, *one.at, one.grant});
    }
    return some;
  }

  /// When to ask due() again, if nothing happens before.
  time_point next() const {
    auto first = never;
    if (count_dialling() >= most_at_once) return first;  // until one of them has ended
    for (const auto& [client, one] : clients_) {
      if (one.phase == state::waiting && one.at) first = std::min(first, one.due);
    }
    return first;
  }

  std::size_t size() const noexcept { return clients_.size(); }

 private:
  static constexpr std::size_t most_at_once = 64;  // a roster of thousands must not become a burst of SYNs
  static constexpr std::chrono::milliseconds first_pause{500};
  static constexpr std::chrono::milliseconds longest_pause{60'000};

  enum class state { waiting, dialling, connected };
  struct target {
    std::optional<net::tcp::endpoint> at;
    trust::grant_id grant{};
    state phase = state::waiting;
    time_point due{};
    time_point not_before{};
    net::backoff pause{first_pause, longest_pause};
  };

  std::size_t count_dialling() const {
    return static_cast<std::size_t>(
        std::ranges::count(clients_, state::dialling, [](const auto& one) { return one.second.phase; }));
  }

  void ended(const identity::peer_id& client, time_point now) {
    const auto found = clients_.find(client);
    if (found == clients_.end()) return;
    if (!found->second.at) {
      clients_.erase(found);
      return;
    }
    found->second.phase = state::waiting;
    found->second.due = std::max(now + found->second.pause.next(), found->second.not_before);
  }

  std::map<identity::peer_id, target> clients_;
};

}  // namespace ajar::outbound
