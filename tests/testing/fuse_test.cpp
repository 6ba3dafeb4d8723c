// SPDX-License-Identifier: BSL-1.0
#include <ajar/testing/fuse.hpp>

#include <ajar/core/notifier.hpp>

#include <doctest/doctest.h>

namespace fuse_test {

using namespace ajar;
using testing::fuse;

namespace {

awaitable<result<>> pass_on(fuse& with, bool careless) {
  auto ends = testing::make_stream_pair(co_await asio::this_coro::executor);
  with.arm(ends.first);
  std::array<char, 4> room{};
  std::error_code error;
  for (int i = 0; i < 3; ++i) {
    ends.first.write_some(asio::const_buffer("abcd", 4), error);
    if (error && !careless) co_return fail(error);
    auto [waited] = co_await ends.second.async_wait(asio::socket_base::wait_read, use_values);
    if (waited) co_return fail(waited);
    ends.second.read_some(asio::buffer(room), error);
    if (error && !careless) co_return fail(error);
  }
  co_return result<>{};
}

awaitable<result<>> hang(fuse&) {
  notifier change(co_await asio::this_coro::executor);
  auto woken = co_await change.wait();
  co_return woken;
}

awaitable<result<>> throw_at_failure(fuse& with) {
  const auto error = with.count();
  if (error) throw std::logic_error("strange");
  co_return result<>{};
}

awaitable<result<>> always_failing(fuse& with) {
  (void)with.count();
  co_return fail(errc::eof);
}

awaitable<result<>> ignore_cancellation(fuse&) {
  co_await asio::this_coro::throw_if_cancelled(false);
  notifier change(co_await asio::this_coro::executor);
  auto first = co_await change.wait();
  auto second = co_await change.wait();
  co_return first ? second : first;
}

}  // namespace

TEST_CASE("a fuse fails every operation once, and then lets one run pass") {
  fuse one;
  const auto report = one.fail_each([](fuse& with) { return pass_on(with, false); });
  CHECK(report.runs == 4);
  CHECK(report.failed == 3);
  CHECK(report.survived == 0);
}

TEST_CASE("a fuse counts the runs that did not mind") {
  fuse one;
  const auto report = one.fail_each([](fuse& with) { return pass_on(with, true); });
  CHECK(report.runs > 3);
  CHECK(report.survived + report.failed + 1 == report.runs);
  CHECK(report.survived > 0);
}

TEST_CASE("a fuse cancels at every suspension, and then lets one run pass") {
  fuse one;
  const auto report = one.cancel_each([](fuse& with) { return pass_on(with, false); });
  CHECK(report.failed >= 2);
  CHECK(report.survived + report.failed + 1 == report.runs);
}

TEST_CASE("a fuse tells of bodies that hang, that throw, that never pass and that do not end") {
  fuse one;
  one.each_within(std::chrono::milliseconds(10)).at_most(20);
  CHECK_THROWS_WITH(one.fail_each(hang), "fuse: hangs, failing at operation 1");
  CHECK_THROWS_WITH(one.fail_each(throw_at_failure), "strange");
  CHECK_THROWS_WITH(one.fail_each(always_failing), "fuse: fails undisturbed: the other side closed the connection");
  CHECK_THROWS_WITH(one.cancel_each(ignore_cancellation), "fuse: hangs, cancelled at suspension 1");
}

}  // namespace fuse_test
