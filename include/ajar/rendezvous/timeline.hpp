// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/timeline.hpp - one window as its three parties saw it, on one clock.
#pragma once

#include <ajar/net/clock_offset.hpp>
#include <ajar/signalling/message.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

enum class party : std::uint8_t { client, central, server };

constexpr std::string_view to_string(party who) {
  constexpr std::array<std::string_view, 3> names{"client", "central", "server"};
  return names[static_cast<std::size_t>(who)];
}

/// One step in the client's own time.
struct told_step {
  time_point at{};
  party who = party::client;
  trust::traced_step said;
};

/// In the order of time. A step of another party is off by half of its round trip to the client at most.
using timeline = std::vector<told_step>;
using timeline_sink = std::function<void(const timeline&)>;

/// What the client knows of one request: its own steps, and when it heard of it first.
struct own_record {
  std::uint64_t sent_us = 0;        ///< of the request
  std::optional<time_point> heard;  ///< when the first answer came, or central's failure
  std::vector<trust::traced_step> steps{};
};

/// Keeps what goes to a sink.
inline step_sink recording(std::shared_ptr<own_record> into, step_sink next) {
  return [into = std::move(into), next = std::move(next)](const step& one) {
    if (into->steps.size() < trust::traced_steps::most) into->steps.push_back(trust::traced_step::of(one));
    if (next) next(one);
  };
}

/// Put the steps of all parties on the client's clock. A trace that is not this server's word, and stamps that cannot
/// be, are left out: they explain nothing. Pure.
inline timeline merge(const own_record& own, const std::optional<signalling::trace>& told,
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
