// SPDX-License-Identifier: BSL-1.0
// ajar/trust/revocations.hpp - the grants that a server has taken back, signed by the server.
#pragma once

#include <ajar/trust/grant.hpp>

namespace ajar::trust {

/// Signed: statement<revocations>; the signer is the server. A list replaces every one with a lower serial.
struct revocations {
  static constexpr std::string_view domain = "ajar revocations/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;
  static constexpr std::size_t most_entries = 900;  // a statement stays within a frame; entries leave after their time

  struct entry {
    grant_id grant{};
    wall_time not_after{};  ///< of the grant: afterwards it needs no revocation

    static void layout(auto& self, auto& io) { io(self.grant, self.not_after); }
  };

  std::uint64_t serial = 0;
  std::vector<entry> entries;

  bool contains(const grant_id& id) const {
    return std::ranges::any_of(entries, [&](const entry& one) { return one.grant == id; });
  }

  static void layout(auto& self, auto& io) { io(self.serial, wire::list<std::uint16_t>(self.entries, most_entries)); }
};

using signed_revocations = statement<revocations>;

}  // namespace ajar::trust
