// SPDX-License-Identifier: BSL-1.0
// ajar/central/greeting.hpp - from the first octet of a link to where its peer is served.
#pragma once

#include <ajar/central/grants.hpp>
#include <ajar/central/strangers.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/trust/succession.hpp>

#include <utility>
#include <variant>

namespace ajar::detail {

class central_greeting {
 public:
  central_greeting(central_desk& of, central_grants& grants) : of_(of), grants_(grants) {}

  // All of it. A redeemer is served by it.
  awaitable<result<>> meet(link_ptr one, central_strangers::stranger& budgeted, time_point until) {
    auto greeting = greet(one, budgeted, until);
    auto greeted = co_await std::move(greeting);
    if (greeted && one->who == signalling::role::redeemer) {
      auto serving = serve_once(one, until);
      greeted = co_await std::move(serving);
    }
    if (greeted && one->who == signalling::role::client) {
      auto admitting = admit_client(one, until);
      greeted = co_await std::move(admitting);
    }
    co_return greeted;
  }

 private:
  // From the hello to the welcome.
  awaitable<result<>> greet(link_ptr one, central_strangers::stranger& budgeted, time_point until) {
    auto got = co_await one->link.receive(until);
    if (!got) co_return fail(got.error());
    const auto* first = std::get_if<signalling::hello>(&*got);
    if (!first) co_return fail(errc::unexpected_message);
    if (first->version != signalling::protocol_version) co_return fail(errc::unknown_version);
    one->who = first->who;
    const auto room = budgeted.take_room();
    if (!room) co_return room;
    if (one->who == signalling::role::redeemer) co_return result<>{};  // the directory knows nothing of it
    if (one->who == signalling::role::server && !of_.served.admits(one->id)) {
      co_return fail(errc::not_admitted);
    }
    if (one->who == signalling::role::server) one->link.limit(rate_limit(std::chrono::microseconds(100), 40'000));
    of_.shared->routes.send(switchboard::event::attached{one->ref, one->id, one->who, first->login, first->methods,
                                                         first->nonce, one->seen, of_.reflect_port(), one->ticket});
    while (!one->attached && !one->link.ended()) {
      auto verdict = one->verdict.wait();
      auto decided = co_await before(until, errc::handshake_timeout, std::move(verdict));
      if (!decided) co_return fail(decided.error());
    }
    if (one->link.ended()) co_return fail(*one->link.ended());
    co_return result<>{};
  }

  // A client is served for a grant of an admitted server that counts there; until one is, nothing else is taken.
  awaitable<result<>> admit_client(link_ptr one, time_point until) {
    while (!one->has_good_grant()) {
      auto got = co_await one->link.receive(until);
      if (!got) co_return fail(got.error() == errc::link_timeout ? one->why_not_admitted() : got.error());
      if (const auto* last = std::get_if<signalling::goodbye>(&*got)) co_return fail(last->why);
      const auto* presented = std::get_if<signalling::present_grant>(&*got);
      if (!presented) co_return fail(errc::not_admitted);
      auto taken = grants_.take(one, *presented);
      if (!taken) co_return taken;
      while (one->awaits_verdict() && !one->link.ended()) {
        auto verdict = one->verdict.wait();
        auto decided = co_await before(until, errc::handshake_timeout, std::move(verdict));
        if (!decided) co_return fail(decided.error());
      }
      if (one->link.ended()) co_return fail(*one->link.ended());
    }
    one->admitted = true;
    co_return result<>{};
  }

  // What somebody with an invite says goes to the server that announced it, and what the server says comes back.
  // Central answers for its own, and whoever goes over to another key. That is all that such a link is for.
  awaitable<result<>> serve_once(link_ptr one, time_point until) {
    auto got = co_await one->link.receive(until);
    if (!got) co_return fail(got.error());
    if (const auto* said = std::get_if<signalling::succeed>(&*got)) co_return follow(*one, *said);
    const auto* asked = std::get_if<signalling::redeem>(&*got);
    if (!asked) co_return fail(errc::unexpected_message);
    if (asked->server == of_.shared->key.id()) co_return take_invite(*one, *asked);
    if (!of_.served.admits(asked->server)) co_return fail(errc::not_admitted);
    of_.step_done(asked->server, "", "somebody redeems an invite",
                  short_name(one->id) + " of " + short_name(asked->server));
    of_.shared->routes.send(
        switchboard::event::redeeming{one->ref, asked->server, asked->invite, one->ticket, asked->sealed});
    while (!one->redeemed && !one->link.ended()) {
      auto verdict = one->verdict.wait();
      auto answered = co_await before(until, errc::exchange_timeout, std::move(verdict));
      if (!answered) co_return fail(answered.error());
    }
    if (!one->redeemed) co_return fail(*one->link.ended());
    co_return result<>{};
  }

  // Central's own invites it redeems itself. Who is refused costs its address as much as any other stranger.
  result<> take_invite(peer_link& one, const signalling::redeem& asked) {
    if (!of_.shared->how.redeem_) return fail(errc::invite_unknown);
    auto answered = of_.shared->how.redeem_(asked.invite, asked.sealed);
    if (!answered) return fail(answered.error());
    (void)one.link.send(signalling::redeemed{one.ticket, 0, std::move(answered->sealed)});
    if (answered->refused) return fail(answered->refused);
    of_.step_done(one.id, "", "a server has redeemed its invite",
                  short_name(one.id) + " from " + net::to_string(one.seen));
    return {};
  }

  // Whose key of before is served is served with the one of this link, too.
  result<> follow(peer_link& one, const signalling::succeed& what) {
    const auto claimed = trust::signed_succession::read(what.said);
    if (!claimed) return fail(claimed.error());
    const auto before = claimed->signer();
    if (!of_.served.admits(before)) return fail(errc::not_admitted);
    const auto said = trust::signed_succession::open(what.said);
    if (!said) return fail(said.error());
    const auto successor = trust::successor_of(*said, before, wall_now());
    if (!successor) return fail(successor.error());
    if (*successor != one.id) return fail(errc::answer_forged);
    if (!of_.shared->how.follow_) return fail(errc::not_admitted);
    const auto followed = of_.shared->how.follow_(before, *successor);
    if (!followed) return fail(errc::central_busy);
    (void)one.link.send(signalling::redeemed{one.ticket, 0, {}});
    of_.step_done(one.id, "", "a server goes over to another key", short_name(before) + " to " + short_name(one.id));
    return {};
  }

  central_desk& of_;
  central_grants& grants_;
};

}  // namespace ajar::detail
