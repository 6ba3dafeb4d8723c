// SPDX-License-Identifier: BSL-1.0
#include <tools/output.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>
#include <string>

namespace output_test {

using namespace ajar;

namespace {

struct pipe_ends {
  pipe_ends() {
    int both[2] = {-1, -1};
    REQUIRE(::pipe2(both, O_CLOEXEC) == 0);
    out = descriptor(both[0]);
    in = descriptor(both[1]);
  }
  // What is there, and the next octet where nothing is.
  std::size_t read_some() const {
    char piece[65536];
    return static_cast<std::size_t>(::read(out.get(), piece, sizeof piece));
  }
  descriptor out;
  descriptor in;
};

awaitable<void> keep(awaitable<result<>> writing, std::optional<result<>>& into) {
  auto written = co_await std::move(writing);
  into.emplace(std::move(written));
}

}  // namespace

TEST_CASE("who writes to a pipe that nobody reads holds up nobody, and all of it arrives") {
  asio::io_context context;
  pipe_ends ends;
  const std::string text(300'000, 'x');
  tools::output out(context.get_executor(), ends.in.get());
  std::optional<result<>> done;
  task_group work(context.get_executor());
  work.spawn(keep(out.write(as_bytes(text)), done));
  while (context.poll() > 0) continue;
  CHECK(!done);  // and this thread goes on
  std::size_t came = 0;
  while (came < text.size()) {
    came += ends.read_some();
    context.poll();
  }
  REQUIRE(done.has_value());
  CHECK(done->has_value());
}

TEST_CASE("the flags of a pipe that is shared with others stay as they were") {
  asio::io_context context;
  pipe_ends ends;
  tools::output out(context.get_executor(), ends.in.get());
  CHECK(testing::run(context, out.write(as_bytes(std::string_view("one\n")))).has_value());
  CHECK((::fcntl(ends.in.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a reader that has gone is an error of any output but the standard one") {
  ::signal(SIGPIPE, SIG_IGN);
  asio::io_context context;
  pipe_ends ends;
  tools::output out(context.get_executor(), ends.in.get());
  ends.out = descriptor();
  const auto written = testing::run(context, out.write(as_bytes(std::string_view("one\n"))));
  CHECK(written.error() == std::errc::broken_pipe);
}

}  // namespace output_test
