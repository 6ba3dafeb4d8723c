// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/timeline.ipp - what ajar/rendezvous/timeline.hpp declares.
#pragma once

#include <ajar/rendezvous/timeline.hpp>

#include <ajar/net/clock_offset.hpp>
#include <ajar/signalling/message.hpp>

#include <algorithm>

namespace ajar::rendezvous {

AJAR_DECL timeline merge(const own_record& own, const std::optional<signalling::trace>& told,
                         const identity::peer_id& server, const identity::peer_id& client) {
  constexpr std::uint64_t farthest_us = 60'000'000;
  timeline made;
  const auto put = [&](party who, time_point at, const trust::traced_step& one) {
    const auto place = std::ranges::upper_bound(made, at, {}, &told_step::at);
    made.insert(place, {at, who, one});
  };
  for (const auto& one : own.steps) put(party::client, time_of(one.at_us), one);
  const auto add = [&](party who, const trust::traced_steps& theirs) {
    if (!own.heard) return;
    const auto offset = net::offset_of({own.sent_us, theirs.received_us, theirs.sent_us, stamp_of(*own.heard)});
    if (!offset) return;
    for (const auto& one : theirs.steps) {
      const auto local = offset->to_local(one.at_us);
      if (local - own.sent_us + farthest_us <= 2 * farthest_us) put(who, time_of(local), one);
    }
  };
  if (told) {
    add(party::central, told->of_central);
    const auto theirs = trust::signed_trace::open(told->signed_trace);
    const bool good =
        theirs && theirs->signer() == server && theirs->body().id == told->id && theirs->body().client == client;
    if (good) add(party::server, theirs->body().of_server);
  }
  return made;
}

}  // namespace ajar::rendezvous
