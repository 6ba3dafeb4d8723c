// SPDX-License-Identifier: BSL-1.0
// ajar/testing/impl/run.ipp - what ajar/testing/run.hpp declares.
#pragma once

#include <ajar/testing/run.hpp>

#include <asio/co_spawn.hpp>
#include <utility>

namespace ajar::testing {

namespace detail {

AJAR_DECL void running::rethrow() const {
  if (!ended) throw std::runtime_error("the coroutine has not ended in time");
  if (thrown) std::rethrow_exception(thrown);
}

AJAR_DECL std::shared_ptr<running> start(asio::io_context& context, awaitable<void> operation, bool stop_at_end) {
  auto state = std::make_shared<running>();
  asio::co_spawn(context, std::move(operation), [state, stop_at_end, &context](std::exception_ptr thrown) {
    state->thrown = thrown;
    state->ended = true;
    if (stop_at_end) context.stop();
  });
  return state;
}

}  // namespace detail

AJAR_DECL void run(asio::io_context& context, awaitable<void> operation, std::chrono::seconds cap) {
  const auto state = detail::start(context, std::move(operation), true);
  context.restart();
  context.run_for(cap);
  state->rethrow();
}

}  // namespace ajar::testing
