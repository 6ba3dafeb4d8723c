// SPDX-License-Identifier: BSL-1.0
// ajar/windows/arrival.hpp - when a SYN of somebody whom one has met before will arrive.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/identity/peer_id.hpp>

#include <algorithm>
#include <deque>
#include <list>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

namespace ajar::windows {

/// What is kept of one peer: the shortest round trip, and how long after the agreed start its last SYNs came.
///
/// The start is agreed on clocks that differ by half the asymmetry of the path through central; it is the same every
/// time, so the measured arrival contains it. A SYN cannot come much earlier than the earliest ones did, while it can
/// be late by anything: so the port opens a little before the earliest of the last arrivals. Pure.
class arrival {
 public:
  /// @param round_trip  that the kernel measured in the handshake of TCP
  /// @param after       from the agreed start to the SYN, where the peer dialled: it may be negative
  void met(clock::duration round_trip, std::optional<clock::duration> after) {
    shortest_ = shortest_ ? std::min(*shortest_, round_trip) : round_trip;
    if (!after) return;
    widened_ = last_.empty() ? clock::duration(0) : widened_ - widened_ / 8;
    last_.push_back(*after);
    if (last_.size() > most) last_.pop_front();
  }

  /// Nobody came, maybe because the SYN did before the port was open.
  void missed() {
    if (last_.empty()) {
      widened_ = std::clamp<clock::duration>(widened_ * 4, first_lead, most_widened);
    } else {  // a second try has told, or will, when it came
      widened_ = std::min<clock::duration>(widened_ + usual_margin(), most_widened / 5);
    }
  }

  std::optional<clock::duration> round_trip() const { return shortest_; }

  /// From the agreed start to the instant when the port has to open; nothing where no arrival was seen or missed. One
  /// that was only missed came before the start: the two have measured their clocks by ways that are not even.
  std::optional<clock::duration> opens_after() const {
    if (!last_.empty()) return *std::ranges::min_element(last_) - margin();
    if (widened_ > clock::duration(0)) return -first_lead - widened_;
    return std::nullopt;
  }
  /// How long before the earliest arrival it opens: by the distance of the others to that, by the length of the way,
  /// and more while there are few.
  clock::duration margin() const { return usual_margin() + widened_; }

 private:
  static constexpr std::size_t most = 32;
  static constexpr std::chrono::microseconds least_margin{60};
  static constexpr std::chrono::milliseconds first_lead{5};
  static constexpr std::chrono::milliseconds most_widened{100};

  clock::duration usual_margin() const {
    if (last_.empty()) return clock::duration(0);
    const auto count = static_cast<clock::rep>(last_.size());
    const auto mean = std::accumulate(last_.begin(), last_.end(), clock::duration(0)) / count;
    const auto spread = (mean - *std::ranges::min_element(last_)) / 3;
    const auto way = shortest_.value_or(clock::duration(0));
    const auto few = (way / 4 + least_margin * 4) / count;
    return std::max<clock::duration>({least_margin, way / 32, spread, few});
  }

  std::optional<clock::duration> shortest_;
  std::deque<clock::duration> last_;
  clock::duration widened_{0};
};

/// Such a memory of many peers; the one that was asked for longest ago makes room.
class pair_memory {
 public:
  static constexpr std::size_t most = 1024;

  arrival& of(const identity::peer_id& peer) {
    const auto found = where_.find(peer);
    if (found != where_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return found->second->second;
    }
    if (order_.size() == most) {
      where_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(peer, arrival());
    where_[peer] = order_.begin();
    return order_.front().second;
  }
  /// Another network: what was measured holds no more.
  void clear() {
    order_.clear();
    where_.clear();
  }
  std::size_t size() const noexcept { return order_.size(); }

 private:
  std::list<std::pair<identity::peer_id, arrival>> order_;
  std::unordered_map<identity::peer_id, std::list<std::pair<identity::peer_id, arrival>>::iterator> where_;
};

}  // namespace ajar::windows
