// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/timeline.hpp - one window as its three parties saw it, on one clock.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/trust/window_trace.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::signalling {
struct trace;
}

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

/// Told the server's sentence for a person on each of its answers: why it goes that way, or why there is none. The
/// server has signed it; it is printable ASCII, and empty where the code of a refusal says it all.
using reason_sink = std::function<void(const std::string& why)>;

/// What the client knows of one request: its own steps, and when it heard of it first.
struct own_record {
  std::uint64_t sent_us = 0;        ///< of the request
  std::optional<time_point> heard;  ///< when the first answer came, or central's failure
  std::vector<trust::traced_step> steps{};
};

/// Keeps what goes to a sink.
inline telling::step_sink recording(std::shared_ptr<own_record> into, telling::step_sink next) {
  return [into = std::move(into), next = std::move(next)](const telling::step& one) {
    if (into->steps.size() < trust::traced_steps::most) into->steps.push_back(trust::traced_step::of(one));
    if (next) next(one);
  };
}

/// Put the steps of all parties on the client's clock. A trace that is not this server's word, and stamps that cannot
/// be, are left out: they explain nothing. Pure.
timeline merge(const own_record& own, const std::optional<signalling::trace>& told, const identity::peer_id& server,
               const identity::peer_id& client);

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/timeline.ipp>
#endif
