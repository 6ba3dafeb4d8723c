// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/impl/redeem.ipp - what ajar/signalling/redeem.hpp declares.
#pragma once

#include <ajar/signalling/redeem.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/signalling/link.hpp>

#include <utility>

namespace ajar::signalling {

namespace detail {

inline awaitable<result<bytes>> redeem_now(identity::key self, identity::url central, redeem what,
                                           net::dial_options dialling) {
  auto stream = co_await net::dial(central.at, never, std::move(dialling));
  if (!stream) co_return fail(stream.error());
  tls::stream secured(std::move(*stream), self.tls(), tls::side::client, identity::expect(central.id, tls::alpn::link));
  auto shaken = co_await secured.handshake(never);
  if (!shaken) co_return fail(shaken.error());
  link up(std::move(secured));
  auto greeted = up.send(hello{protocol_version, role::redeemer});
  if (!greeted) co_return fail(greeted.error());
  auto asked = up.send(what);
  if (!asked) co_return fail(asked.error());
  auto got = co_await up.receive();
  if (!got) co_return fail(got.error());
  up.close(errc::canceled);
  co_await up.part();
  if (const auto* last = std::get_if<goodbye>(&*got)) co_return fail(last->why);
  auto* answer = std::get_if<redeemed>(&*got);
  if (!answer) co_return fail(errc::unexpected_message);
  if (answer->code != 0) co_return fail(errc_from_wire(answer->code));
  co_return std::move(answer->sealed);
}

}  // namespace detail

AJAR_DECL awaitable<result<bytes>> redeem_through(identity::key self, identity::url central, redeem what,
                                                  time_point until, net::dial_options dialling) {
  auto working = detail::redeem_now(std::move(self), std::move(central), std::move(what), std::move(dialling));
  auto done = co_await before(until, errc::exchange_timeout, std::move(working));
  co_return done;
}

}  // namespace ajar::signalling
