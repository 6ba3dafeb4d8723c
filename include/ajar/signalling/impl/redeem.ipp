// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/impl/redeem.ipp - what ajar/signalling/redeem.hpp declares.
#pragma once

#include <ajar/signalling/redeem.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/signalling/link.hpp>

#include <utility>

namespace ajar::signalling {

namespace detail {

inline awaitable<result<bytes>> say_over(link up, message what) {
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
                                                  time_point until, std::shared_ptr<net::network> over) {
  auto dialling = dial_link(std::move(over), std::move(self), std::move(central), until);
  auto up = co_await std::move(dialling);
  if (!up) co_return fail(up.error());
  auto working = detail::say_over(std::move(*up), std::move(what));
  auto done = co_await before(until, errc::exchange_timeout, std::move(working));
  co_return done;
}

AJAR_DECL awaitable<result<>> succeed_at(identity::key successor, identity::url central, trust::signed_succession said,
                                         time_point until, std::shared_ptr<net::network> over) {
  auto dialling = dial_link(std::move(over), std::move(successor), std::move(central), until);
  auto up = co_await std::move(dialling);
  if (!up) co_return fail(up.error());
  auto working = detail::say_over(std::move(*up), succeed{said.octets()});
  auto done = co_await before(until, errc::exchange_timeout, std::move(working));
  if (!done) co_return fail(done.error());
  co_return result<>{};
}

}  // namespace ajar::signalling
