// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/roster_log.hpp - a server's roster, as its link is told it: versions, differences, parts.
#pragma once

#include <ajar/crypto/random.hpp>
#include <ajar/switchboard/clientele.hpp>

#include <deque>
#include <optional>
#include <set>
#include <utility>

namespace ajar::switchboard {

/// Whom a server may dial (WO 2004/034190, non-listening server, step B), since when, and what of it is told. Pure.
///
/// It is told in parts: the next one when the one before has left. A client whose entry changes while a snapshot is
/// under way is in its rest, or in a difference behind it; that closes it then, and says which version this is.
class roster_log {
 public:
  static constexpr std::size_t most = 1024;         // older differences become snapshots
  static constexpr std::size_t part = 32;           // entries in a message: each costs its server a signature
  static constexpr std::size_t most_walked = 1024;  // clients that are looked at for one

  roster_log() : roster_log(drawn()) {}
  explicit roster_log(std::uint64_t epoch) { version_.epoch = epoch; }

  const signalling::roster_version& version() const noexcept { return version_; }

  /// There is another link, or none any more: what the one before wanted to know is told to nobody.
  void forget_link() { to_ = {}; }

  void changed(const identity::peer_id& client) {
    ++version_.number;
    log_.emplace_back(version_.number, client);
    if (log_.size() > most) log_.pop_front();
    if (!to_.comes_to(client) && (to_.live || to_.is_under_way())) to_.behind.insert(client);
  }

  /// @param live  differences are pushed from now on
  void ask(const signalling::roster_version& since, bool live) {
    told fresh;
    fresh.live = live;
    fresh.full = to_.full;
    fresh.owed = true;
    const bool known = since.epoch == version_.epoch && since.number <= version_.number &&
                       version_.number - since.number <= log_.size();
    if (known) {
      for (const auto& [number, client] : log_) {
        if (number > since.number) fresh.behind.insert(client);
      }
    } else {
      fresh.snapshot = version_;
    }
    to_ = std::move(fresh);
  }

  /// What next() gave last has left.
  void drained() { to_.full = false; }

  /// The next part, where there is one and room for it.
  std::optional<signalling::roster_update> next(const clientele& of, wall_time today) {
    if (to_.full || !to_.is_under_way()) return std::nullopt;
    signalling::roster_update made;
    made.snapshot = to_.snapshot.has_value();
    made.version = to_.snapshot.value_or(version_);
    if (made.snapshot) {
      if (walk(of, made.entries, today)) to_.snapshot.reset();
    } else {
      while (!to_.behind.empty() && made.entries.size() < part) {
        made.entries.push_back(of.roster_entry_of(*to_.behind.begin(), today));
        to_.behind.erase(to_.behind.begin());
      }
    }
    made.more = to_.snapshot || !to_.behind.empty() || made.version != version_;
    to_.owed = made.more;
    to_.full = true;
    return made;
  }

 private:
  struct told {
    bool live = false;                                     // wants differences pushed
    bool full = false;                                     // a part has not left yet
    bool owed = false;                                     // a part, whether there is anything to tell or not
    std::optional<signalling::roster_version> snapshot{};  // under way, and as it was at its beginning
    std::optional<identity::peer_id> walked{};             // up to there
    std::set<identity::peer_id> behind{};                  // who is another now than was told

    bool is_under_way() const { return owed || snapshot || !behind.empty(); }
    bool comes_to(const identity::peer_id& client) const { return snapshot && (!walked || *walked < client); }
  };

  static std::uint64_t drawn() {
    std::uint64_t epoch = 0;
    for (const auto octet : crypto::random_octets<8>()) epoch = (epoch << 8) | octet;
    return epoch | 1;
  }

  // @return whether it has come to the end
  bool walk(const clientele& of, std::vector<signalling::roster_entry>& into, wall_time today) {
    const auto& clients = of.all();
    auto at = to_.walked ? clients.upper_bound(*to_.walked) : clients.begin();
    for (std::size_t seen = 0; at != clients.end(); ++seen, ++at) {
      if (seen == most_walked || into.size() >= part) return false;
      to_.walked = at->first;
      auto entry = of.roster_entry_of(at->first, today);
      if (entry.present) into.push_back(std::move(entry));
    }
    return true;
  }

  signalling::roster_version version_;
  std::deque<std::pair<std::uint64_t, identity::peer_id>> log_;
  told to_;
};

}  // namespace ajar::switchboard
