// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/task_group.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/testing/run.hpp>
#include <string>
#include <vector>

namespace task_group_test {

using namespace ajar;

namespace {

awaitable<void> forever(notifier& change, int& ended) {
  struct count_end {
    int& ended;
    ~count_end() { ++ended; }
  } guard{ended};
  for (;;) {
    auto woken = co_await change.wait();
    (void)woken;
  }
}

awaitable<void> cancel_and_join(task_group& group) {
  group.cancel();
  co_await group.join();
}

awaitable<void> end_with(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
  co_return;
}

awaitable<void> sleep_for_ever() {
  auto slept = co_await sleep_until(never);
  (void)slept;
}

awaitable<result<>> join_all(task_group& group) {
  co_await group.join();
  co_return result<>{};
}

awaitable<result<>> join_before(task_group& group, time_point until) {
  auto joined = join_all(group);
  auto done = co_await before(until, errc::link_timeout, std::move(joined));
  co_return done;
}

}  // namespace

TEST_CASE("children end when their group is cancelled, and join waits for the last") {
  asio::io_context context;
  notifier change(context.get_executor());
  task_group group(context.get_executor());
  int ended = 0;
  for (int i = 0; i < 3; ++i) group.spawn(forever(change, ended));
  context.poll();
  change.notify();
  context.poll();
  CHECK(group.size() == 3);
  testing::run(context, cancel_and_join(group));
  CHECK(ended == 3);
  CHECK(group.size() == 0);
}

TEST_CASE("a cancelled group starts nothing") {
  asio::io_context context;
  notifier change(context.get_executor());
  task_group group(context.get_executor());
  int ended = 0;
  group.cancel();
  group.spawn(forever(change, ended));
  CHECK(group.size() == 0);
}

TEST_CASE("an empty group is joined at once, and children that end by themselves are forgotten") {
  asio::io_context context;
  task_group group(context.get_executor());
  testing::run(context, group.join());
  for (int i = 0; i < 100; ++i) group.spawn(end_with(nullptr));
  CHECK(group.size() == 100);
  testing::run(context, group.join());
  CHECK(group.size() == 0);
  CHECK(!group.cancelled());
}

TEST_CASE("what a child throws ends that child alone, and is told to its owner; a cancellation is not") {
  asio::io_context context;
  std::vector<std::string> told;
  task_group group(context.get_executor(), [&](const std::exception_ptr& what) {
    try {
      std::rethrow_exception(what);
    } catch (const std::exception& error) {
      told.emplace_back(error.what());
    }
  });
  group.spawn(sleep_for_ever());
  group.spawn(end_with(std::make_exception_ptr(std::system_error(asio::error::operation_aborted))));
  group.spawn(end_with(std::make_exception_ptr(std::logic_error("broken"))));
  CHECK(context.poll() > 0);
  CHECK(group.size() == 1);  // the others go on
  CHECK(told == std::vector<std::string>{"broken"});
  group.cancel();
  context.restart();
  testing::run(context, group.join());
  CHECK(told.size() == 1);
}

TEST_CASE("where nobody is told what a child has thrown, join throws it") {
  asio::io_context context;
  task_group group(context.get_executor());
  group.spawn(end_with(std::make_exception_ptr(std::logic_error("broken"))));
  group.spawn(end_with(std::make_exception_ptr(std::runtime_error("broken too"))));
  CHECK(context.poll() > 0);
  CHECK_THROWS_AS(testing::run(context, group.join()), std::logic_error);
  testing::run(context, group.join());  // once
}

TEST_CASE("the children of one name are ended together, and the others go on") {
  asio::io_context context;
  notifier change(context.get_executor());
  task_group group(context.get_executor());
  int mine = 0;
  int theirs = 0;
  const bytes name{1, 2};
  const bytes other{1};
  for (int i = 0; i < 2; ++i) group.spawn(forever(change, mine), name);
  group.spawn(forever(change, theirs), other);
  group.spawn(forever(change, theirs));
  context.poll();
  testing::run(context, group.end(name));
  CHECK(mine == 2);
  CHECK(theirs == 0);
  CHECK(group.size() == 2);
  group.spawn(forever(change, mine), name);  // the name is as good as before
  testing::run(context, group.end({9}));     // and one of nobody ends nobody
  CHECK(group.size() == 3);
  testing::run(context, cancel_and_join(group));
  CHECK(mine == 3);
  CHECK(theirs == 2);
}

TEST_CASE("a join that is cancelled leaves the children alone") {
  asio::io_context context;
  task_group group(context.get_executor());
  group.spawn(sleep_for_ever());
  CHECK(testing::run(context, join_before(group, clock::now())).error() == errc::link_timeout);
  CHECK(group.size() == 1);
  testing::run(context, cancel_and_join(group));
  CHECK(group.size() == 0);
}

TEST_CASE("a group that goes away cancels its children, who may outlive it for a moment") {
  asio::io_context context;
  notifier change(context.get_executor());
  int ended = 0;
  {
    task_group group(context.get_executor());
    group.spawn(forever(change, ended));
    context.poll();
  }
  context.poll();
  CHECK(ended == 1);
}

namespace {

// As the roles do it: the children hold what owns them.
struct owner {
  explicit owner(const asio::any_io_executor& executor) : children(executor) {}
  task_group children;
};

awaitable<void> wait_for_ever(std::shared_ptr<owner> self) {
  auto slept = co_await sleep_until(clock::now() + std::chrono::hours(1));
  (void)slept;
  (void)self;
}

}  // namespace

TEST_CASE("a context may go while children hold the last of their owner") {
  for (int children = 1; children < 4; ++children) {
    asio::io_context context;
    {
      const auto one = std::make_shared<owner>(context.get_executor());
      for (int i = 0; i < children; ++i) one->children.spawn(wait_for_ever(one));
    }
    context.poll();
  }
}

TEST_CASE("a group may go before its join has begun, which ends with the last child") {
  asio::io_context context;
  auto group = std::make_unique<task_group>(context.get_executor());
  group->spawn(sleep_for_ever());
  context.poll();
  auto joining = group->join();
  group.reset();
  testing::run(context, std::move(joining));
  CHECK(context.stopped());
}

}  // namespace task_group_test
