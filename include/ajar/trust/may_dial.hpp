// SPDX-License-Identifier: BSL-1.0
// ajar/trust/may_dial.hpp - may this address be dialled, or would a lying client make us a reflector?
#pragma once

#include <ajar/trust/address_record.hpp>
#include <ajar/trust/grant.hpp>

namespace ajar::trust {

/// A server dials only what the client itself signed, what is still true, and what a stranger's network cannot be.
///
/// Errors: request_of_another (somebody else signed it), address_not_proved (it has ended), address_not_permitted.
inline result<> may_dial(const signed_address& record, const grant& given, wall_time now) {
  if (record.signer() != given.client) return fail(errc::request_of_another);
  if (now >= record.body().not_after) return fail(errc::address_not_proved);
  switch (net::scope_of(record.body().at.address())) {
    case net::scope::global:
      return {};
    case net::scope::local:
      if (given.lan) return {};
      break;
    case net::scope::forbidden:
      break;
  }
  return fail(errc::address_not_permitted);
}

}  // namespace ajar::trust
