// SPDX-License-Identifier: BSL-1.0
#include <tools/event_loop.hpp>

#include <doctest/doctest.h>
#include <signal.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/run_on.hpp>
#include <stdexcept>
#include <thread>

namespace event_loop_test {

using namespace ajar;

namespace {

awaitable<result<int>> seven() {
  auto others = co_await yield(patience::shares_core);
  if (!others) co_return fail(others.error());
  co_return 7;
}

awaitable<result<int>> broken() {
  throw std::logic_error("broken");
  co_return 0;
}

awaitable<void> count_signals(tools::signals& of, int& into) {
  for (;;) {
    const bool came = co_await of.next();
    if (!came) co_return;
    ++into;
    if (into == 2) of.cancel();
    if (into == 1) ::raise(SIGUSR2);
  }
}

awaitable<void> note_thread(std::thread::id& into) {
  into = std::this_thread::get_id();
  co_return;
}

// From one loop to another, which has nothing to do in between, and back: again and again.
awaitable<void> visit(std::vector<tools::event_loop>& all, std::thread::id& there) {
  for (int i = 0; i < 100; ++i) {
    auto visiting = run_on(all.back().executor(), note_thread(there));
    co_await std::move(visiting);
  }
  for (auto& one : all) one.stop();
}

awaitable<void> break_down() {
  throw std::logic_error("broken");
  co_return;
}

}  // namespace

TEST_CASE("an operation is run to its end, and gives what it gave; several, one after the other") {
  tools::event_loop loop;
  CHECK(loop.finish(seven()).value_or(0) == 7);
  CHECK(loop.finish(seven()).value_or(0) == 7);
}

TEST_CASE("what a coroutine throws leaves the loop") {
  tools::event_loop loop;
  CHECK_THROWS_AS(loop.finish(broken()), std::logic_error);
}

TEST_CASE("signals are told one after the other until nobody wants to know any more") {
  tools::event_loop loop;
  tools::signals usual(loop, {SIGUSR1, SIGUSR2});
  int came = 0;
  loop.spawn(count_signals(usual, came));
  ::raise(SIGUSR1);
  loop.run();
  CHECK(came == 2);
}

TEST_CASE("loops run on a thread each until they are stopped, also those with nothing to do") {
  std::vector<tools::event_loop> loops(3);
  std::thread::id there;
  loops.front().spawn(visit(loops, there));
  tools::run_until_stopped(loops);
  CHECK(there != std::thread::id());
  CHECK(there != std::this_thread::get_id());
}

TEST_CASE("what is thrown on one of several loops stops all, and reaches who runs them") {
  for (const std::size_t which : {0U, 2U}) {
    std::vector<tools::event_loop> loops(3);
    loops[which].spawn(break_down());
    CHECK_THROWS_AS(tools::run_until_stopped(loops), std::logic_error);
  }
}

}  // namespace event_loop_test
