// SPDX-License-Identifier: BSL-1.0
// ajar/client/join.hpp - from an invite to a grant.
#pragma once

#include <ajar/signalling/redeem.hpp>

#include <utility>

namespace ajar {

/// Redeem an invite by one key, through the central that it names. Again with the same key is harmless, and gets the
/// same grant.
///
/// @return the grant, or why the server gives none: `invite_pending` means not yet
/// Errors: dial's and the handshake's; server_offline, unknown_server, invite_unknown, invite_expired, not_admitted;
/// answer_forged; exchange_timeout, canceled. Cancellation: terminal; the server may have recorded the use.
[[nodiscard]] inline awaitable<result<trust::redeemed>> join(identity::key self, trust::invite with, time_point until,
                                                             net::dial_options dialling = {}) {
  const trust::redeemer own(with, self);
  const auto central = with.central;
  signalling::redeem asked{with.server, own.id(), own.octets()};
  auto asking = signalling::redeem_through(self, central, std::move(asked), until, std::move(dialling));
  auto answered = co_await std::move(asking);
  if (!answered) {
    // central forgets those that have long ended, and so does the server
    const bool gone = answered.error() == errc::invite_unknown && wall_now() >= with.not_after;
    co_return fail(gone ? make_error_code(errc::invite_expired) : answered.error());
  }
  co_return own.open(*answered);
}

}  // namespace ajar
