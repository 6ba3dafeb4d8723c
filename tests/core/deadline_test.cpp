// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/deadline.hpp>

#include <doctest/doctest.h>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/run.hpp>

namespace deadline_test {

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

awaitable<result<int>> at(time_point when, int value) {
  auto slept = co_await sleep_until(when);
  if (!slept) co_return fail(slept.error());
  co_return value;
}

// Finishes its work although it is cancelled.
awaitable<result<int>> stubborn(time_point when, int value) {
  co_await asio::this_coro::throw_if_cancelled(false);
  auto slept = co_await sleep_until(when);
  (void)slept;
  co_return value;
}

awaitable<result<int>> nested(time_point inner, time_point outer) {
  auto operation = with_deadline(inner, at(never, 1));
  auto value = co_await before(outer, errc::handshake_timeout, std::move(operation));
  co_return value;
}

awaitable<void> note_end(time_point until, std::error_code& how, bool& went_on) {
  auto value = co_await with_deadline(until, at(never, 1));
  how = value ? std::error_code() : value.error();
  auto slept = co_await sleep_until(clock::now());
  went_on = slept.has_value();
}

awaitable<void> join(task_group& group) {
  group.cancel();
  co_await group.join();
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

TEST_CASE("an operation is late only after its deadline") {
  using namespace std::chrono_literals;
  testing::manual_clock time;
  asio::io_context context;
  const auto until = clock::now() + 10s;
  CHECK(time.run(context, with_deadline(until, at(until - 1ns, 3))).value() == 3);
  CHECK(time.run(context, with_deadline(clock::now() + 10s, at(clock::now() + 11s, 3))).error() == errc::dial_timeout);
  CHECK(time.run(context, with_deadline(never, at(clock::now() + 24h, 4)), 48h).value() == 4);
  CHECK(time.run(context, with_deadline(clock::now() - 1h, at(clock::now() + 1s, 5))).error() == errc::dial_timeout);
}

TEST_CASE("an operation that finished its work although it was late has its value") {
  using namespace std::chrono_literals;
  testing::manual_clock time;
  asio::io_context context;
  CHECK(time.run(context, with_deadline(clock::now() + 1s, stubborn(clock::now() + 2s, 6))).value() == 6);
}

TEST_CASE("of two deadlines the earlier one names the step") {
  using namespace std::chrono_literals;
  testing::manual_clock time;
  asio::io_context context;
  CHECK(time.run(context, nested(clock::now() + 1s, clock::now() + 2s)).error() == errc::dial_timeout);
  CHECK(time.run(context, nested(clock::now() + 2s, clock::now() + 1s)).error() == errc::handshake_timeout);
}

TEST_CASE("the parent's cancellation is canceled, not late, and the parent ends at its next await") {
  for (const auto until : {never, clock::now() + std::chrono::hours(1)}) {
    asio::io_context context;
    task_group group(context.get_executor());
    std::error_code how;
    bool went_on = false;
    group.spawn(note_end(until, how, went_on));
    context.poll();
    testing::run(context, join(group));
    CHECK(how == errc::canceled);
    CHECK(!went_on);
  }
}

namespace {

awaitable<result<>> failing_wait(notifier& change) {
  auto woken = co_await change.wait();
  (void)woken;
  co_return fail(errc::stream_reset);
}

awaitable<void> note_unless(notifier& vain, awaitable<result<int>> operation, std::optional<result<int>>& into) {
  auto other = failing_wait(vain);
  auto value = co_await unless(std::move(other), std::move(operation));
  into.emplace(std::move(value));
}

awaitable<result<int>> resumed_by(notifier& change, bool& resumed) {
  auto woken = co_await change.wait();
  resumed = true;
  if (!woken) co_return fail(woken.error());
  co_return 7;
}

}  // namespace

TEST_CASE("an operation that something else makes vain is cancelled, and has stopped") {
  asio::io_context context;
  notifier vain(context.get_executor());
  notifier change(context.get_executor());
  task_group group(context.get_executor());
  for (const bool first : {true, false}) {
    std::optional<result<int>> got;
    bool resumed = false;
    group.spawn(note_unless(vain, resumed_by(change, resumed), got));
    context.restart();
    context.poll();
    CHECK(!got);
    (first ? vain : change).notify();
    context.restart();
    context.poll();
    REQUIRE(got);
    CHECK(resumed);
    if (first) CHECK(got->error() == errc::canceled);
    if (!first) CHECK(got->value() == 7);
  }
  CHECK(group.size() == 0);
}

TEST_CASE("beside what has not ended an operation gives its own value, error or exception") {
  asio::io_context context;
  notifier vain(context.get_executor());
  std::optional<result<int>> got;
  testing::run(context, note_unless(vain, at_once(3), got));
  CHECK(got.value().value() == 3);
  testing::run(context, note_unless(vain, failing(errc::eof), got));
  CHECK(got->error() == errc::eof);
  CHECK_THROWS_AS(testing::run(context, note_unless(vain, throwing(), got)), std::logic_error);
}

TEST_CASE("sleeping until the past is no sleep") {
  asio::io_context context;
  CHECK(testing::run(context, sleep_until(clock::now() - std::chrono::seconds(1))).has_value());
}

TEST_CASE("Asio's own cancellation counts as canceled") {
  CHECK(is_canceled(asio::error::operation_aborted));
  CHECK(is_canceled(errc::canceled));
  CHECK(!is_canceled(errc::eof));
  CHECK(!is_canceled({}));
}

TEST_CASE("a precise sleep ends at its instant, not before") {
  for (const auto how : {patience::keeps_core, patience::shares_core}) {
    asio::io_context context;
    const auto at = clock::now() + std::chrono::microseconds(900);
    CHECK(testing::run(context, sleep_precisely(at, how)).has_value());
    CHECK(clock::now() >= at);
    CHECK(testing::run(context, sleep_precisely(time_point(), how)).has_value());
  }
}

}  // namespace deadline_test
