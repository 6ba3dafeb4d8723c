// SPDX-License-Identifier: BSL-1.0
// ajar/testing/impl/manual_clock.ipp - what ajar/testing/manual_clock.hpp declares.
#pragma once

#include <ajar/testing/manual_clock.hpp>

#include <algorithm>

namespace ajar::testing {

AJAR_DECL void manual_clock::settle(asio::io_context& context) {
  constexpr int most = 1'000'000;
  timer probe(context.get_executor());
  for (int rounds = 0; rounds < most; ++rounds) {
    // Asio's reactor looks at its timers when its timerfd fires, which follows the earliest expiry as it was when
    // that timer was armed: a timer earlier than all others makes it look now, and note the next expiry.
    bool looked = false;
    probe.expires_at(time_point(std::chrono::hours(-1)));
    probe.async_wait([&looked](std::error_code) { looked = true; });
    std::size_t handlers = 0;
    while (!looked) {
      if (context.stopped()) context.restart();
      handlers += context.poll();
    }
    if (handlers == 1) return;
  }
  throw std::runtime_error("manual_clock: handlers without end");
}

AJAR_DECL void manual_clock::advance(asio::io_context& context, clock::duration by) {
  const auto target = now_ + by;
  settle(context);
  while (now_ < target) {
    now_ = std::min(next_expiry(), target);
    settle(context);
  }
}

AJAR_DECL void manual_clock::run(asio::io_context& context, awaitable<void> operation, clock::duration cap) {
  const auto state = detail::start(context, std::move(operation), false);
  const auto until = now_ + cap;
  settle(context);
  while (!state->ended && next_expiry() <= until) {
    now_ = next_expiry();
    settle(context);
  }
  state->rethrow();
}

}  // namespace ajar::testing
