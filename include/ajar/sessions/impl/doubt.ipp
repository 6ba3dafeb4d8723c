// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/impl/doubt.ipp - what ajar/sessions/doubt.hpp declares.
#pragma once

#include <ajar/sessions/doubt.hpp>

#include <ajar/core/deadline.hpp>

#include <memory>

namespace ajar::sessions {

AJAR_DECL awaitable<void> look_after(std::shared_ptr<doubt_policy> role, identity::peer_id peer) {
  auto& all = role->doubted();
  bool going_on = true;
  while (going_on) {
    all.begin(peer, role->sessions_with(peer), clock::now());
    while (all.look(peer, clock::now())) {
      role->looked_at(peer);
      auto slept = co_await sleep_until(clock::now() + doubts::step);
      if (!slept) co_return;
    }
    role->looked_at(peer);
    auto rested = co_await sleep_until(clock::now() + doubts::rest);
    if (!rested) co_return;
    going_on = all.reopen(peer);
  }
}

}  // namespace ajar::sessions
