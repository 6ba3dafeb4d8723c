// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/deadline.hpp>

#include <doctest/doctest.h>
#include <ajar/core/notifier.hpp>
#include <ajar/testing/run.hpp>

using namespace ajar;

namespace {

awaitable<result<int>> at_once(int value) { co_return value; }

awaitable<result<int>> failing(errc why) { co_return fail(why); }

awaitable<result<int>> throwing() {
  throw std::logic_error("broken");
  co_return 0;
}

awaitable<result<>> waiting(notifier& change, bool& resumed) {
  auto woken = co_await change.wait();
  resumed = true;
  co_return woken;
}

awaitable<result<int>> with_deadline(time_point until, awaitable<result<int>> operation) {
  auto value = co_await before(until, errc::dial_timeout, std::move(operation));
  co_return value;
}

awaitable<result<>> late_wait(notifier& change, bool& resumed) {
  auto operation = waiting(change, resumed);
  auto value = co_await before(clock::now(), errc::read_timeout, std::move(operation));
  co_return value;
}

}  // namespace

TEST_CASE("an operation in time gives its own value or error") {
  asio::io_context context;
  const auto until = clock::now() + std::chrono::minutes(1);
  CHECK(testing::run(context, with_deadline(until, at_once(7))).value() == 7);
  CHECK(testing::run(context, with_deadline(never, at_once(8))).value() == 8);
  CHECK(testing::run(context, with_deadline(until, failing(errc::no_grant))).error() == errc::no_grant);
}

TEST_CASE("a late operation is cancelled, has stopped, and the error names the step") {
  asio::io_context context;
  notifier change(context.get_executor());
  bool resumed = false;
  CHECK(testing::run(context, late_wait(change, resumed)).error() == errc::read_timeout);
  CHECK(resumed);
}

TEST_CASE("an exception passes through a deadline") {
  asio::io_context context;
  CHECK_THROWS_AS(testing::run(context, with_deadline(clock::now() + std::chrono::minutes(1), throwing())),
                  std::logic_error);
}
