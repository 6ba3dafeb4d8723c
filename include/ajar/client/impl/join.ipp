// SPDX-License-Identifier: BSL-1.0
// ajar/client/impl/join.ipp - what ajar/client/join.hpp declares.
#pragma once

#include <ajar/client/join.hpp>

#include <ajar/signalling/redeem.hpp>

#include <utility>

namespace ajar {

AJAR_DECL awaitable<result<trust::redeemed>> join(identity::key self, trust::invite with, deadline until,
                                                  std::shared_ptr<net::network> over) {
  const trust::redeemer own(with, self);
  const auto central = with.central;
  signalling::redeem asked{with.server, own.id(), own.octets()};
  auto asking = signalling::redeem_through(self, central, std::move(asked), until, std::move(over));
  auto answered = co_await std::move(asking);
  if (!answered) {
    // central forgets those that have long ended, and so does the server
    const bool gone = answered.error() == errc::invite_unknown && wall_now() >= with.not_after;
    co_return fail(gone ? make_error_code(errc::invite_expired) : answered.error());
  }
  co_return own.open(*answered);
}

}  // namespace ajar
