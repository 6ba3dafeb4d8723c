// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/notifier.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/run.hpp>
#include <asio/detached.hpp>

#include <memory>

namespace notifier_test {

using namespace ajar;

namespace {

awaitable<void> note(notifier& change, int& woken, int& canceled) {
  auto told = co_await change.wait();
  ++(told ? woken : canceled);
}

awaitable<result<>> wait_briefly(notifier& change) {
  auto operation = change.wait();
  auto told = co_await before(clock::now(), errc::link_timeout, std::move(operation));
  co_return told;
}

awaitable<void> note_until(notifier& change, time_point until, std::error_code& why, int& ended) {
  auto told = co_await change.wait_until(until, errc::link_timeout);
  why = told ? std::error_code() : told.error();
  ++ended;
}

awaitable<result<>> wait_long(notifier& change) {
  auto operation = change.wait_until(clock::now() + std::chrono::hours(1), errc::link_timeout);
  auto told = co_await before(clock::now(), errc::window_timeout, std::move(operation));
  co_return told;
}

}  // namespace

TEST_CASE("who waits alone may do so until an instant") {
  asio::io_context context;
  testing::manual_clock time;
  auto change = std::make_unique<notifier>(context.get_executor());
  const auto until = clock::now() + std::chrono::seconds(1);
  std::error_code why;
  int ended = 0;
  const auto wait = [&] { asio::co_spawn(context, note_until(*change, until, why, ended), asio::detached); };
  wait();
  time.settle(context);
  CHECK(ended == 0);
  change->notify();
  time.settle(context);
  CHECK((ended == 1 && !why));
  wait();
  time.advance(context, std::chrono::seconds(1));
  CHECK((ended == 2 && why == errc::link_timeout));
  wait();  // it is over already
  time.settle(context);
  CHECK((ended == 3 && why == errc::link_timeout));
  int woken = 0;
  int canceled = 0;
  asio::co_spawn(context, note(*change, woken, canceled), asio::detached);  // which knows of no instant
  time.advance(context, std::chrono::seconds(2));
  CHECK(woken + canceled == 0);
  change->notify();
  time.settle(context);
  CHECK(woken == 1);
  asio::co_spawn(context, note_until(*change, never, why, ended), asio::detached);
  time.settle(context);
  change.reset();
  time.settle(context);
  CHECK((ended == 4 && why == errc::canceled));
}

TEST_CASE("a wait until an instant that is cancelled says so") {
  asio::io_context context;
  notifier change(context.get_executor());
  CHECK(testing::run(context, wait_long(change)).error() == errc::window_timeout);
}

TEST_CASE("a notification wakes all who wait, once, and is not kept for those who come later") {
  asio::io_context context;
  notifier change(context.get_executor());
  int woken = 0;
  int canceled = 0;
  change.notify();
  for (int i = 0; i < 3; ++i) asio::co_spawn(context, note(change, woken, canceled), asio::detached);
  context.poll();
  CHECK(woken == 0);
  change.notify();
  CHECK(woken == 0);
  context.poll();
  CHECK(woken == 3);
  asio::co_spawn(context, note(change, woken, canceled), asio::detached);
  context.restart();
  context.poll();
  CHECK(woken == 3);
  change.notify();
  context.poll();
  CHECK(woken == 4);
  CHECK(canceled == 0);
}

TEST_CASE("a wait that is cancelled says so, and leaves the others alone") {
  asio::io_context context;
  notifier change(context.get_executor());
  int woken = 0;
  int canceled = 0;
  asio::co_spawn(context, note(change, woken, canceled), asio::detached);
  CHECK(testing::run(context, wait_briefly(change)).error() == errc::link_timeout);
  CHECK(woken + canceled == 0);
  change.notify();
  context.restart();
  context.poll();
  CHECK(woken == 1);
}

TEST_CASE("a notifier may go while some wait for it: they are told, also those who have not begun to wait") {
  asio::io_context context;
  int woken = 0;
  int canceled = 0;
  std::error_code called;
  auto change = std::make_unique<notifier>(context.get_executor());
  asio::co_spawn(context, note(*change, woken, canceled), asio::detached);
  change->async_wait(erased_handler<std::error_code>([&](std::error_code error) { called = error; },
                                                     asio::any_io_executor(context.get_executor())));
  context.poll();
  auto late = change->wait();
  change.reset();
  CHECK(testing::run(context, std::move(late)).error() == errc::canceled);
  CHECK(woken == 0);
  CHECK(canceled == 1);
  CHECK(called == asio::error::operation_aborted);
}

}  // namespace notifier_test
