// SPDX-License-Identifier: BSL-1.0
// ajar/state/revocation_list.hpp - the list that a server signs of the grants that it took back.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/result.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/state/durable_files.hpp>
#include <ajar/trust/revocations.hpp>

#include <cstdint>
#include <map>
#include <optional>
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
  result<std::optional<trust::signed_revocations>> kept() const;

  /// Sign what was taken back, until when each would have been good, what kept() has, and another list, and keep it
  /// durably. Of more than fit (trust::revocations::most_entries) those that would last longest are in it: the server
  /// knows all by their files. Errors: state_permissions, the system's.
  result<trust::signed_revocations> sign(std::map<trust::grant_id, wall_time> all, const trust::revocations& other,
                                         const identity::key& self) const;

 private:
  static constexpr const char* name = "revocations";

  // It keeps serials from going back where the list so far is lost.
  static std::uint64_t by_the_clock();

  const durable_files& in_;
  identity::peer_id server_;
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/revocation_list.ipp>
#endif
