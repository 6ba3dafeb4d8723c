// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_grant.hpp - a grant as its server keeps it: the file of one.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/result.hpp>
#include <ajar/identity/peer_id.hpp>
#include <ajar/trust/checked_text.hpp>
#include <ajar/trust/grant.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ajar::state {

/// A grant as its server keeps it.
struct issued_grant {
  std::string petname;  ///< what the server's owner calls the client: is_name()
  bool renews = true;   ///< it is made longer for a client that comes in its second half
  trust::signed_grant grant;
  std::optional<wall_time> last_seen{};         ///< when its client was last there
  std::optional<trust::grant_id> instead_of{};  ///< the one of the key before; it ends when this one is used

  /// But for last_seen, which is the file's time.
  std::string to_text() const {
    const std::string_view renewal = renews ? "yes" : "no";
    const auto octets = to_base32(grant.octets());
    if (!instead_of) return trust::checked_text(kind, {{"client", petname}, {"renews", renewal}, {"grant", octets}});
    return trust::checked_text(
        successor_kind,
        {{"client", petname}, {"renews", renewal}, {"instead-of", to_base32(*instead_of)}, {"grant", octets}});
  }
  /// @param server  whose signature it has
  /// Errors: state_damaged, unknown_version.
  static result<issued_grant> parse(std::string_view text, const identity::peer_id& server) {
    const bool succeeds = text.starts_with(successor_kind);
    const auto lines = succeeds
                           ? trust::parse_checked_text(text, successor_kind,
                                                       {"client", "renews", "instead-of", "grant"}, errc::state_damaged)
                           : trust::parse_checked_text(text, kind, {"client", "renews", "grant"}, errc::state_damaged);
    if (!lines) return fail(lines.error());
    const auto octets = from_base32(lines->back());
    const bool renews = (*lines)[1] == "yes";
    if (!octets || !trust::is_name((*lines)[0]) || (!renews && (*lines)[1] != "no")) return fail(errc::state_damaged);
    auto one = trust::signed_grant::open(*octets);
    if (!one || one->signer() != server) return fail(errc::state_damaged);
    issued_grant made{(*lines)[0], renews, std::move(*one)};
    if (!succeeds) return made;
    const auto before = from_base32((*lines)[2]);
    if (!before || before->size() != made.instead_of.emplace().size()) return fail(errc::state_damaged);
    std::ranges::copy(*before, made.instead_of->begin());
    return made;
  }

  /// Those of one client, as it goes over from key to key, have this in common.
  const trust::grant_id& root() const { return instead_of ? *instead_of : grant.body().id; }

  static constexpr std::string_view kind = "ajar-issued/1";
  static constexpr std::string_view successor_kind = "ajar-issued/2";
};

}  // namespace ajar::state
