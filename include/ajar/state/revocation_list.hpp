// SPDX-License-Identifier: BSL-1.0
// ajar/state/revocation_list.hpp - the list that a server signs of the grants that it took back.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/result.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/state/durable_files.hpp>
#include <ajar/trust/revocations.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace ajar::state {

/// A file, made from those of the grants (issued_grants), so that it may be lost. Its serial never goes back.
///
/// Outlived by its files. Threads: one.
class revocation_list {
 public:
  revocation_list(const durable_files& in, identity::peer_id server) : in_(in), server_(std::move(server)) {}

  /// The one that was signed last. One that is damaged, or by another key, is as one that is lost: the files of the
  /// grants have all that it said. Errors: state_permissions, the system's.
  result<std::optional<trust::signed_revocations>> kept() const {
    auto file = in_.read(name);
    if (!file) return fail(file.error());
    if (!*file) return std::optional<trust::signed_revocations>();
    auto list = trust::signed_revocations::open(**file);
    if (!list || list->signer() != server_) return std::optional<trust::signed_revocations>();
    return std::optional(std::move(*list));
  }

  /// Sign what was taken back, until when each would have been good, what kept() has, and another list, and keep it
  /// durably. Of more than fit (trust::revocations::most_entries) those that would last longest are in it: the server
  /// knows all by their files. Errors: state_permissions, the system's.
  result<trust::signed_revocations> sign(std::map<trust::grant_id, wall_time> all, const trust::revocations& other,
                                         const identity::key& self) const {
    const auto before = kept();
    if (!before) return fail(before.error());
    trust::revocations made;
    made.serial = std::max(other.serial, by_the_clock());
    for (const auto& one : other.entries) all.emplace(one.grant, one.not_after);
    if (*before) {
      made.serial = std::max(made.serial, (*before)->body().serial);
      for (const auto& one : (*before)->body().entries) all.emplace(one.grant, one.not_after);
    }
    ++made.serial;
    for (const auto& [id, end] : all) {
      if (end > wall_now()) made.entries.push_back({id, end});  // in seconds: year 9999 has too many nanoseconds
    }
    std::ranges::sort(made.entries, [](const auto& a, const auto& b) {
      return std::tie(b.not_after, a.grant) < std::tie(a.not_after, b.grant);
    });
    if (made.entries.size() > trust::revocations::most_entries) made.entries.resize(trust::revocations::most_entries);
    auto signed_one = trust::signed_revocations::sign(std::move(made), self);
    auto written = in_.write(name, signed_one.octets());
    if (!written) return fail(written.error());
    return signed_one;
  }

 private:
  static constexpr const char* name = "revocations";

  // It keeps serials from going back where the list so far is lost.
  static std::uint64_t by_the_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(passed, 0));
  }

  const durable_files& in_;
  identity::peer_id server_;
};

}  // namespace ajar::state
