// SPDX-License-Identifier: BSL-1.0
#include <tools/event_loop.hpp>

#include <doctest/doctest.h>
#include <signal.h>
#include <ajar/core/deadline.hpp>
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

awaitable<void> note_thread(std::thread::id& into, tools::event_loop& on) {
  into = std::this_thread::get_id();
  on.stop();
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

TEST_CASE("a loop that is to run until it is stopped waits where there is nothing to do") {
  tools::event_loop loop;
  std::thread::id ran;
  std::thread thread([&] { loop.run_until_stopped(); });
  const auto there = thread.get_id();
  loop.spawn(note_thread(ran, loop));
  thread.join();
  CHECK(ran == there);
}

}  // namespace event_loop_test
