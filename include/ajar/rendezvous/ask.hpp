// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/ask.hpp - a client asks a server for a way through, and goes it.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/stamp.hpp>
#include <ajar/net/clock_offset.hpp>
#include <ajar/rendezvous/errand.hpp>
#include <ajar/rendezvous/passage.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/trust/may_dial.hpp>
#include <ajar/trust/window_request.hpp>
#include <ajar/windows/policy.hpp>
#include <ajar/windows/redial_grid.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

namespace detail {

// One answer in our own time.
struct guided {
  trust::window_answer said;
  std::vector<rung_in_time> rungs;
  time_point until;
};

// Errors: answer_forged, where no honest plan is like that; address_not_permitted.
inline result<guided> guide(const errand& about, const trust::window_answer& said, std::uint64_t sent_us,
                            time_point came_at) {
  constexpr std::chrono::seconds farthest = longest_ladder;
  constexpr std::uint16_t shortest_gap = windows::redial_grid::shortest_gap.count();
  constexpr std::uint16_t longest_gap = 2'000;
  constexpr std::chrono::milliseconds early{5};  // our own port, before the start
  constexpr std::chrono::milliseconds sure{20};  // where nobody came to the first one: our clocks differ by more
  const auto measured = net::offset_of({sent_us, said.received_us, said.sent_us, stamp_of(came_at)});
  if (!measured) return fail(errc::answer_forged);
  const auto offset = about.server_clock ? about.server_clock->add(*measured, came_at) : *measured;
  const auto central = about.up ? about.up->central_endpoint() : std::nullopt;
  const auto central_at = central ? std::optional(central->address()) : std::nullopt;
  guided made{said, {}, came_at};
  for (const auto& one : said.rungs) {
    for (const auto& to : one.server) {
      const auto permitted = trust::may_visit(to.address(), about.grant.body(), central_at);
      if (!permitted) return fail(permitted.error());
    }
    rung_in_time rung{one, window_end::client, came_at, came_at, said.id};
    if (one.grid_ms != 0) rung.what.grid_ms = std::clamp(one.grid_ms, shortest_gap, longest_gap);
    if (one.start_us != 0) rung.start = time_of(offset.to_local(one.start_us));
    if (rung.start > came_at + farthest || rung.start < came_at - farthest) return fail(errc::answer_forged);
    const bool ours = listens(one.kind, window_end::client);
    const bool second_try = !made.rungs.empty() && made.rungs.back().what.kind == one.kind;
    rung.opens = rung.start - (second_try ? sure : early);
    // one port has closed before the next one opens
    if (!made.rungs.empty()) made.rungs.back().end = ours ? rung.opens - early : rung.start;
    made.rungs.push_back(std::move(rung));
  }
  const auto budget = std::min<std::chrono::milliseconds>(std::chrono::milliseconds(said.budget_ms), longest_ladder);
  const auto way_back = std::min(std::chrono::microseconds(said.round_trip_us), std::chrono::microseconds(1'000'000));
  made.until = std::max(made.rungs.front().start, came_at) + budget + way_back;
  made.rungs.back().end = made.until;
  clock::duration left = windows::longest_window;  // whatever the server says
  for (auto& rung : made.rungs) {
    if (!listens(rung.what.kind, window_end::client)) continue;
    rung.end = std::clamp(rung.end, rung.opens, rung.opens + left);
    left -= rung.end - rung.opens;
  }
  return made;
}

}  // namespace detail

/// Ask for a way through to the server, and go the rungs that it plans until one lets us in.
///
/// Errors: method_not_granted, server_offline, link_lost, exchange_timeout, answer_forged, what the server or central
/// refuses with (no_direct_path, port_443_not_permitted, ...), crossing_failed, window_timeout, window_unreachable,
/// those of tls::secure and sessions::enter.
/// Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps B, F and G.
[[nodiscard]] awaitable<result<sessions::session>> ask_for_window(shared_errand about);

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/ask.ipp>
#endif
