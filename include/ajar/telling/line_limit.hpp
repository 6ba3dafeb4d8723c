// SPDX-License-Identifier: BSL-1.0
// ajar/telling/line_limit.hpp - how many lines of a kind a peer may cause.
#pragma once

#include <ajar/core/rate_limit.hpp>
#include <ajar/telling/step.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::telling {

/// A hundred lines of a kind at once, then one a second, for each peer. Pure.
class line_limit {
 public:
  static constexpr std::int64_t at_once = 100;
  static constexpr std::chrono::seconds then_each{1};
  static constexpr std::size_t most = 4096;  ///< kinds and peers that are told apart; all others share one limit a kind

  struct left_out {
    std::string_view what;
    std::string peer;  ///< empty: of several
    std::uint64_t lines = 0;
  };

  /// One more line.
  ///
  /// @param what  a constant
  /// @return how many like it were left out before it; nothing where it is left out, too
  std::optional<std::uint64_t> take(std::string_view what, std::string_view peer, time_point now) {
    auto found = entries_.find(key(what, peer));
    if (found == entries_.end() && entries_.size() >= most) found = entries_.find(key(what, {}));
    if (found == entries_.end()) {
      found = entries_.try_emplace(key(what, entries_.size() < most ? peer : std::string_view())).first;
    }
    auto& one = found->second;
    if (one.rate.take(now)) return std::exchange(one.lines, 0);
    ++one.lines;
    return std::nullopt;
  }

  /// What has been quiet for long enough is forgotten, a little at a time.
  ///
  /// @return of whom lines were left out that nothing has told of yet
  std::vector<left_out> forget(time_point now) {
    constexpr int a_little = 2;  // for each line that comes: faster than they can be added
    std::vector<left_out> untold;
    for (int i = 0; i < a_little && !entries_.empty(); ++i) {
      auto at = entries_.upper_bound(swept_);
      if (at == entries_.end()) at = entries_.begin();
      swept_ = at->first;
      if (!at->second.rate.rested(now)) continue;
      if (at->second.lines > 0) untold.push_back({at->first.first, at->first.second, at->second.lines});
      entries_.erase(at);
    }
    return untold;
  }

  std::size_t size() const noexcept { return entries_.size(); }

 private:
  using key_type = std::pair<std::string_view, std::string>;
  struct entry {
    rate_limit rate{then_each, at_once};
    std::uint64_t lines = 0;  // left out
  };

  static key_type key(std::string_view what, std::string_view peer) { return {what, std::string(peer)}; }

  std::map<key_type, entry> entries_;
  key_type swept_;  // the last that was looked at
};

/// Steps that a peer caused go on at line_limit's rate, with the number of those that were left out; all others go on
/// as they are. For one executor.
inline step_sink limit_lines(step_sink to) {
  if (!to) return to;
  return [to = std::move(to), limit = std::make_shared<line_limit>()](const step& one) {
    if (one.peer.empty()) return to(one);
    const auto words = [](std::uint64_t lines) { return std::to_string(lines) + " more like it were left out"; };
    const auto now = clock::now();
    for (const auto& gone : limit->forget(now)) {
      step told{one.at, {}, gone.what, gone.peer + (gone.peer.empty() ? "" : ": ") + words(gone.lines), one.level, {}};
      to(told);
    }
    const auto before = limit->take(one.what, one.peer, now);
    if (!before) return;
    if (*before == 0) return to(one);
    auto told = one;
    told.detail += (told.detail.empty() ? "" : "; ") + words(*before);
    to(told);
  };
}

}  // namespace ajar::telling
