// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/notifier.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/testing/run.hpp>
#include <asio/detached.hpp>

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

}  // namespace

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
