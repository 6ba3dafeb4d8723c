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
  };

  std::uint64_t serial = 0;
  std::vector<entry> entries;

  bool contains(const grant_id& id) const {
    return std::ranges::any_of(entries, [&](const entry& one) { return one.grant == id; });
  }

  void encode(wire::writer& out) const {
    out.number(serial).number(static_cast<std::uint16_t>(entries.size()));
    for (const auto& one : entries) {
      out.fixed(one.grant);
      encode_time(out, one.not_after);
    }
  }

  static revocations decode(wire::reader& in) {
    revocations made;
    made.serial = in.number<std::uint64_t>();
    const auto count = in.number<std::uint16_t>();
    if (count > most_entries) in.refuse(malformed);
    for (int i = 0; i < count && !in.failed(); ++i) {
      entry one;
      one.grant = in.fixed<16>();
      one.not_after = decode_time(in);
      made.entries.push_back(one);
    }
    return made;
  }
};

using signed_revocations = statement<revocations>;

}  // namespace ajar::trust
