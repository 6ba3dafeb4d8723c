// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_grant.hpp - a grant as its server keeps it: the file of one.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/result.hpp>
#include <ajar/identity/peer_id.hpp>
#include <ajar/trust/grant.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace ajar::state {

/// A grant as its server keeps it.
struct issued_grant {
  std::string petname;  ///< what the server's owner calls the client: is_name()
  bool renews = true;   ///< it is made longer for a client that comes in its second half
  trust::signed_grant grant;
  std::optional<wall_time> last_seen{};         ///< when its client was last there
  std::optional<trust::grant_id> instead_of{};  ///< the one of the key before; it ends when this one is used

  /// But for last_seen, which is the file's time.
  std::string to_text() const;
  /// @param server  whose signature it has
  /// Errors: state_damaged, unknown_version.
  static result<issued_grant> parse(std::string_view text, const identity::peer_id& server);

  /// Those of one client, as it goes over from key to key, have this in common.
  const trust::grant_id& root() const { return instead_of ? *instead_of : grant.body().id; }

  static constexpr std::string_view kind = "ajar-issued/1";
  static constexpr std::string_view successor_kind = "ajar-issued/2";
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/issued_grant.ipp>
#endif
