// SPDX-License-Identifier: BSL-1.0
// ajar/central/grants.hpp - for what a client has its link: grants of servers that the operator admits.
#pragma once

#include <ajar/central/desk.hpp>
#include <ajar/trust/grant.hpp>

#include <set>

namespace ajar::detail {

class central_grants {
 public:
  explicit central_grants(central_desk& of) : of_(of) {}

  result<> take(const link_ptr& one, const signalling::present_grant& what) {
    constexpr std::size_t most_grants = 64;
    const auto said = trust::signed_grant::read(what.grant);
    if (!said) return fail(said.error());
    const auto& body = said->body;
    const auto server = said->signer();
    const auto refuse = [&](errc why) -> result<> {
      of_.counted.rendezvous.refused.add(why);
      one->refused_for(why);
      if (!one->may_present_more()) return fail(errc::too_many_requests);
      return one->link.send(signalling::grant_result{body.id, static_cast<std::uint16_t>(why)});
    };
    if (body.client != one->id) return refuse(errc::grant_of_another);
    if (!of_.served.admits(server)) return refuse(errc::not_admitted);
    if (wall_now() >= body.not_after) return refuse(errc::grant_expired);
    if (one->grants.size() >= most_grants) return refuse(errc::limit_reached);
    if (!one->signatures.take(clock::now())) return fail(errc::too_many_requests);
    const auto given = trust::signed_grant::open(what.grant);
    if (!given) return fail(given.error());  // who forges has no link
    const auto held = one->grants.try_emplace(body.id, peer_link::held_grant{server}).first;
    if (held->second.server != server) return refuse(errc::grant_malformed);  // two servers draw no id twice
    of_.shared->routes.send(
        switchboard::event::granted{one->ref, server, one->id, body.id, body.methods, body.not_after});
    if (!one->record.empty()) {
      of_.shared->routes.send(switchboard::event::door_proved{one->ref, server, one->id, one->record});
    }
    return {};
  }

  // What became of a grant, when it was presented or later. Without any a client has no business here.
  void judged(peer_link& peer, const signalling::grant_result& what) {
    const auto held = peer.grants.find(what.grant);
    if (held == peer.grants.end() || peer.link.ended()) return;
    peer.verdict.notify();
    if (what.code == 0) {
      held->second.good = true;
      return;
    }
    const bool presented_now = !held->second.good;
    peer.grants.erase(held);
    const auto why = errc_from_wire(what.code);
    peer.refused_for(why);
    if (presented_now && !peer.may_present_more()) return of_.cut_off(peer, errc::too_many_requests);
    if (peer.admitted && peer.grants.empty()) of_.cut_off(peer, why);
  }

  // The operator's list is another now.
  void look_again(peer_link& one) {
    if (one.who == signalling::role::server) {
      if (!of_.served.admits(one.id)) of_.cut_off(one, errc::not_admitted);
      return;
    }
    const std::set<identity::peer_id> concerned = one.servers();
    for (const auto& server : concerned) {
      if (of_.served.admits(server)) continue;
      of_.shared->routes.send(switchboard::event::client_left{one.ref, server, one.id});
      for (const auto& [grant, held] : one.grants) {
        if (held.server != server) continue;
        (void)one.link.send(signalling::grant_result{grant, static_cast<std::uint16_t>(errc::not_admitted)});
      }
    }
    const auto lost =
        std::erase_if(one.grants, [&](const auto& held) { return !of_.served.admits(held.second.server); });
    if (lost > 0 && one.grants.empty()) of_.cut_off(one, errc::not_admitted);
  }

 private:
  central_desk& of_;
};

}  // namespace ajar::detail
