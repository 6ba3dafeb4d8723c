// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/run_on.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>
#include <asio/thread_pool.hpp>
#include <future>
#include <memory>
#include <optional>
#include <thread>

namespace run_on_test {

using namespace ajar;

namespace {

using thread_id = std::thread::id;

awaitable<std::unique_ptr<thread_id>> where_it_runs() {
  co_return std::make_unique<thread_id>(std::this_thread::get_id());
}

awaitable<void> note_where(thread_id& into) {
  into = std::this_thread::get_id();
  co_return;
}

struct places {
  thread_id before, there, noted, after;
};

awaitable<places> visit(asio::any_io_executor elsewhere) {
  places seen;
  seen.before = std::this_thread::get_id();
  auto there = co_await run_on(elsewhere, where_it_runs());
  seen.there = *there;
  co_await run_on(elsewhere, note_where(seen.noted));
  seen.after = std::this_thread::get_id();
  co_return seen;
}

awaitable<int> broken() {
  throw std::logic_error("broken");
  co_return 0;
}

awaitable<result<int>> after(std::future<int> told) {
  const auto value = told.get();
  auto goes_on = co_await yield(patience::shares_core);
  if (!goes_on) co_return fail(goes_on.error());
  co_return value;
}

awaitable<result<int>> wait_there(asio::any_io_executor elsewhere, std::future<int> told) {
  auto value = co_await run_on(elsewhere, after(std::move(told)));
  co_return value;
}

awaitable<void> wait_until(asio::any_io_executor elsewhere, std::future<int> told, time_point until,
                           std::optional<result<int>>& into) {
  auto waiting = wait_there(std::move(elsewhere), std::move(told));
  auto value = co_await before(until, errc::read_timeout, std::move(waiting));
  into.emplace(std::move(value));
}

awaitable<void> tell_later(std::promise<int> what, const std::optional<result<int>>& other) {
  for (int i = 0; i < 100; ++i) {
    auto others = co_await yield(patience::shares_core);
    CHECK(others.has_value());
  }
  CHECK(!other.has_value());  // cancelled long ago
  what.set_value(7);
}

}  // namespace

TEST_CASE("a coroutine runs on another executor, and who awaits it goes on where he was") {
  asio::io_context context;
  asio::thread_pool pool(1);  // it ends first: its thread may still be at the context
  const auto seen = testing::run(context, visit(pool.get_executor()));
  CHECK(seen.before == std::this_thread::get_id());
  CHECK(seen.there != seen.before);
  CHECK(seen.noted == seen.there);
  CHECK(seen.after == seen.before);
}

TEST_CASE("what a coroutine throws elsewhere reaches who awaits it") {
  asio::io_context context;
  asio::thread_pool pool(1);  // it ends first: its thread may still be at the context
  CHECK_THROWS_AS(testing::run(context, run_on(pool.get_executor(), broken())), std::logic_error);
}

TEST_CASE("who is cancelled waits until what runs elsewhere has ended, and has what it gave") {
  asio::io_context context;
  asio::thread_pool pool(1);
  std::promise<int> what;
  std::optional<result<int>> value;
  task_group work(context.get_executor());
  work.spawn(wait_until(pool.get_executor(), what.get_future(), clock::now(), value));
  work.spawn(tell_later(std::move(what), value));
  testing::run(context, work.join());
  REQUIRE(value.has_value());
  CHECK(value->value_or(0) == 7);
}

}  // namespace run_on_test
