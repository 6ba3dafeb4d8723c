// SPDX-License-Identifier: BSL-1.0
// ajar/central/intake.hpp - what a peer says over its link, and to whom it goes.
#pragma once

#include <ajar/central/doors.hpp>
#include <ajar/central/grants.hpp>
#include <ajar/trust/revocations.hpp>
#include <ajar/trust/window_request.hpp>

#include <algorithm>
#include <variant>

namespace ajar::detail {

class central_intake {
 public:
  central_intake(central_desk& of, central_grants& grants, central_doors& doors)
      : of_(of), grants_(grants), doors_(doors) {}

  result<> received(const link_ptr& one, const signalling::message& what) {
    if (const auto* m = std::get_if<signalling::exposure_report>(&what)) {
      of_.exposed.add(std::chrono::system_clock::now(), {0, m->listeners, m->strangers, m->open});
      return {};
    }
    if (const auto* m = std::get_if<signalling::dial_back>(&what)) return doors_.dial_back(one, *m);
    if (one->who == signalling::role::client) {
      if (const auto* m = std::get_if<signalling::present_grant>(&what)) return grants_.take(one, *m);
      if (const auto* m = std::get_if<signalling::door>(&what)) return doors_.take(one, *m);
      if (const auto* m = std::get_if<signalling::request>(&what)) return take_request(one, *m);
    } else {
      if (const auto* m = std::get_if<signalling::answer>(&what)) {
        of_.step_done(one->id, "E", "the server answered");
        of_.shared->routes.send(switchboard::event::answered{one->ref, one->id, *m});
        return {};
      }
      if (const auto* m = std::get_if<signalling::trace>(&what)) {
        of_.shared->routes.send(switchboard::event::traced{one->ref, one->id, m->id, m->signed_trace});
        return {};
      }
      if (const auto* m = std::get_if<signalling::announce_invites>(&what)) {
        of_.shared->routes.send(switchboard::event::invites_announced{one->ref, one->id, m->ids});
        return {};
      }
      if (const auto* m = std::get_if<signalling::redeemed>(&what)) {
        const auto to = peer_link::named_by(m->ticket);
        if (to.shard < of_.shared->routes.size()) of_.shared->routes.deliver({to, *m});
        return {};
      }
      if (const auto* m = std::get_if<signalling::roster_request>(&what)) {
        of_.step_done(one->id, "B", "a server asks for its roster", short_name(one->id));
        const auto back_in = std::min<std::chrono::milliseconds>(m->interval, signalling::longest_interval);
        of_.shared->routes.send(switchboard::event::roster_asked{one->ref, one->id, m->since, back_in});
        return {};
      }
      if (const auto* m = std::get_if<signalling::present_revocations>(&what)) return take_revocations(one, *m);
      if (const auto* m = std::get_if<signalling::renewed_nonce>(&what)) {
        if (!one->nonces.take(clock::now())) return fail(errc::too_many_requests);
        of_.shared->routes.send(switchboard::event::renewed{one->ref, one->id, m->nonce});
        return {};
      }
    }
    return fail(errc::unexpected_message);
  }

 private:
  result<> take_revocations(const link_ptr& one, const signalling::present_revocations& what) {
    if (!one->lists.take(clock::now())) return fail(errc::too_many_requests);
    auto list = trust::signed_revocations::open(what.list);
    if (!list) return fail(list.error());
    if (list->signer() != one->id) return fail(errc::signature_invalid);
    of_.shared->routes.send(switchboard::event::revoked{one->ref, one->id, list->body(), what.list});
    return {};
  }

  result<> take_request(const link_ptr& one, const signalling::request& what) {
    const auto said = trust::signed_request::read(what.signed_request);
    if (!said) return fail(said.error());
    if (said->signer() != one->id) return fail(errc::request_of_another);
    if (!one->signatures.take(clock::now())) return fail(errc::too_many_requests);
    const auto asked = trust::signed_request::open(what.signed_request);
    if (!asked) return fail(asked.error());
    const auto& body = asked->body();
    of_.step_done(one->id, "B", "a client asks for a server", short_name(one->id) + " for " + short_name(body.server));
    of_.shared->routes.send(switchboard::event::requested{one->ref, body.server, one->id, one->seen_at(), body.id,
                                                          body.grant, std::chrono::milliseconds(body.budget_ms),
                                                          what.signed_request, body.explain});
    return {};
  }

  central_desk& of_;
  central_grants& grants_;
  central_doors& doors_;
};

}  // namespace ajar::detail
