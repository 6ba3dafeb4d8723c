// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/roster.hpp - a server's copy of whom it may dial, and where.
#pragma once

#include <ajar/signalling/message.hpp>

#include <map>
#include <set>

namespace ajar::signalling {

/// The clients with a proved door, as central told it: by a snapshot or by differences.
///
/// Pure. Absence from it never ends a session: central may forget, only the grant's end or a revocation counts.
class roster {
 public:
  static constexpr std::size_t most_clients = 100'000;

  struct entry {
    trust::grant_id grant{};
    trust::signed_address record;
  };

  /// The clients whose entry is another now, or gone.
  using changes = std::set<identity::peer_id>;

  explicit roster(std::size_t most = most_clients) : most_(most) {}

  /// Take an update; what is not signed by the client it names is left out, and so is who comes when it is full.
  changes apply(const roster_update& update) {
    changes changed;
    // The parts of one snapshot have one version; another one begins anew, also where the link broke in between.
    if (update.snapshot && filling_ != update.version) {
      for (const auto& [client, ignored] : entries_) changed.insert(client);
      entries_.clear();
      left_out_ = 0;
      version_ = {};  // until it is whole
    }
    filling_.reset();
    if (update.snapshot && update.more) filling_ = update.version;
    for (const auto& one : update.entries) {
      changed.insert(one.client);
      entries_.erase(one.client);
      if (!one.present) continue;
      auto record = trust::signed_address::open(one.record);
      if (!record || record->signer() != one.client) continue;
      if (entries_.size() >= most_) {
        ++left_out_;
      } else {
        entries_.emplace(one.client, entry{one.grant, std::move(*record)});
      }
    }
    if (!update.more) version_ = update.version;
    return changed;
  }

  /// What to ask central for the difference to.
  const roster_version& version() const noexcept { return version_; }

  const entry* find(const identity::peer_id& client) const {
    const auto at = entries_.find(client);
    return at == entries_.end() ? nullptr : &at->second;
  }
  std::size_t size() const noexcept { return entries_.size(); }
  /// How many came since the last snapshot when it was full; each of them has a place when it changes after others
  /// went.
  std::size_t left_out() const noexcept { return left_out_; }

 private:
  std::map<identity::peer_id, entry> entries_;
  roster_version version_;
  std::optional<roster_version> filling_;  // by a snapshot whose end has not come
  std::size_t most_;
  std::size_t left_out_ = 0;
};

}  // namespace ajar::signalling
