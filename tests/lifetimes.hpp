// SPDX-License-Identifier: BSL-1.0
// The generic test of lifetimes: an object goes at each suspension of what it does.
#pragma once

#include <ajar/testing/manual_clock.hpp>

#include <doctest/doctest.h>
#include <asio/co_spawn.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace lifetimes {

using namespace std::chrono_literals;

// Work on an object that goes in the midst of it, and what both are in.
struct trial {
  trial(ajar::testing::manual_clock& at, asio::io_context& in, ajar::awaitable<void> what, std::function<void()> go)
      : time(at), context(in), work(std::move(what)), drop(std::move(go)) {}

  ajar::testing::manual_clock& time;
  asio::io_context& context;
  ajar::awaitable<void> work;
  std::function<void()> drop;
};

// An operation of the object, begun, and the room that it reads into or writes from.
template <class T>
ajar::awaitable<void> finish(ajar::awaitable<T> work, std::shared_ptr<ajar::bytes> room = nullptr) {
  auto done = co_await std::move(work);
  (void)done;
  (void)room;
}

// One more handler; where none is ready the time moves on.
inline void step(trial& of) {
  if (of.context.stopped()) of.context.restart();
  if (of.context.poll_one() == 0) of.time.advance(of.context, 100ms);
}

constexpr auto patience = 5min;  // by the trial's clock: whatever waits for the object waits no longer

// One run: the object goes after so many handlers, or when the work has ended. @return how many it were
inline std::size_t drop_after(std::size_t most, trial& of) {
  bool ended = false;
  std::exception_ptr thrown;
  asio::co_spawn(of.context, std::move(of.work), [&](std::exception_ptr how) {
    ended = true;
    thrown = how;
  });
  auto until = of.time.now() + patience;
  std::size_t handlers = 0;
  for (; handlers < most && !ended && of.time.now() < until; ++handlers) step(of);
  REQUIRE_MESSAGE((ended || handlers == most), "the work has no end");
  of.drop();
  until = of.time.now() + patience;
  while (!ended && of.time.now() < until) step(of);
  REQUIRE_MESSAGE(ended, "the work outlives its object");
  if (thrown) std::rethrow_exception(thrown);
  of.time.settle(of.context);
  return handlers;
}

// The work runs to its end; then, each time anew, the object goes before it begins, after the first handler, after the
// second, and so on. Under AddressSanitizer nothing that has gone is touched.
//
// @param begin  makes all anew: () -> std::unique_ptr of something that has a `trial one`
// @param runs   where there are more handlers than that, some are left out in between
// @return how many handlers the work takes
template <class Begin>
std::size_t drop_at_each(Begin begin, std::size_t runs = 400) {
  const auto all = drop_after(std::numeric_limits<std::size_t>::max(), begin()->one);
  const auto every = all / runs + 1;
  for (std::size_t handlers = 0; handlers < all; handlers += every) {
    INFO("it goes after " << handlers << " handlers of " << all);
    drop_after(handlers, begin()->one);
  }
  return all;
}

}  // namespace lifetimes
