// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/task_group.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/run.hpp>

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
