// SPDX-License-Identifier: BSL-1.0
// ajar/trust/may_dial.hpp - may this address be dialled, or would a liar make us a reflector?
#pragma once

#include <ajar/trust/address_record.hpp>
#include <ajar/trust/grant.hpp>

#include <optional>

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

/// A client goes where its server says, but to no address that a server elsewhere cannot have: to this machine itself
/// only where central is on it, and to a local network where the grant allows it or central is on one.
///
/// @param central  where the client's link goes; nothing where that is not known
/// Errors: address_not_permitted.
inline result<> may_visit(const net::address& at, const grant& given, const std::optional<net::address>& central) {
  const auto there = net::unmapped(at);
  const bool here = there.is_loopback();
  switch (net::scope_of(there)) {
    case net::scope::global:
      return {};
    case net::scope::local:
      if (here ? central && net::unmapped(*central).is_loopback()
               : given.lan || (central && net::scope_of(*central) == net::scope::local)) {
        return {};
      }
      break;
    case net::scope::forbidden:
      break;
  }
  return fail(errc::address_not_permitted);
}

}  // namespace ajar::trust
