// SPDX-License-Identifier: BSL-1.0
#include <tools/line_writer.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <csignal>

#include <array>
#include <string>

namespace line_writer_test {

using namespace tools;

namespace {

// A pipe with room for one page.
struct narrow_pipe {
  narrow_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    reads = ajar::descriptor(ends[0]);
    writes = ajar::descriptor(ends[1]);
    REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  }
  // What is in it now.
  std::string taken() const {
    std::string text(64 * 1024, '\0');
    pollfd ready{reads.get(), POLLIN, 0};
    if (::poll(&ready, 1, 0) == 0) return {};
    const auto count = ::read(reads.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

  ajar::descriptor reads;
  ajar::descriptor writes;
};

std::string missing(std::uint64_t lines) { return std::to_string(lines) + " missing\n"; }

struct losses {
  std::uint64_t before = line_writer::lost_by_all();
  std::uint64_t now() const { return line_writer::lost_by_all() - before; }
};

}  // namespace

TEST_CASE("a reader that stalls costs lines, not time, and is told how many") {
  const losses lost;
  narrow_pipe pipe;
  line_writer to(pipe.writes.get(), missing);
  const std::string line(999, 'x');
  for (int i = 0; i < 1000; ++i) to.put(line + "\n");  // a million octets: it would wait for ever if it waited
  CHECK(lost.now() > 500);
  CHECK(lost.now() < 800);  // a queue of 256 KiB, and a page
  std::string all;
  std::uint64_t told = 0;
  for (std::string some = pipe.taken(); !some.empty(); some = pipe.taken()) {
    all += some;
    to.finish(std::chrono::milliseconds(0));
  }
  told = lost.now();
  to.put("after\n");
  all = pipe.taken();
  CHECK(all == missing(told) + "after\n");
  to.put("on\n");
  CHECK(pipe.taken() == "on\n");
  CHECK(lost.now() == told);
}

TEST_CASE("lines come whole and in their order, also through a reader that is slow") {
  narrow_pipe pipe;
  line_writer to(pipe.writes.get());
  std::string put;
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const auto line = "line " + std::to_string(i) + "\n";
    put += line;
    to.put(line);
    if (i % 50 == 0) all += pipe.taken();
  }
  for (std::string some = pipe.taken(); !some.empty(); some = pipe.taken()) {
    all += some;
    to.finish(std::chrono::milliseconds(0));
  }
  CHECK(all == put);
}

TEST_CASE("a line that is longer than a pipe is in one piece") {
  narrow_pipe pipe;
  line_writer to(pipe.writes.get());
  const auto line = std::string(100'000, 'y') + "\n";
  to.put(line);
  std::string all;
  for (std::string some = pipe.taken(); !some.empty(); some = pipe.taken()) {
    all += some;
    to.finish(std::chrono::milliseconds(0));
  }
  CHECK(all == line);
}

TEST_CASE("nobody's reading, a full disk and no descriptor at all cost lines alone") {
  ::signal(SIGPIPE, SIG_IGN);  // as the tools do
  const losses lost;
  narrow_pipe pipe;
  line_writer closed(pipe.writes.get());
  pipe.reads = ajar::descriptor();
  closed.put("one\n");
  CHECK(lost.now() == 1);
  const ajar::descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  line_writer disk(full.get(), missing);
  disk.put("two\n");
  CHECK(lost.now() == 2);
  line_writer nothing(-1);
  nothing.put("three\nfour\n");
  CHECK(lost.now() == 4);
}

TEST_CASE("a socket that nobody reads is not waited for") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const ajar::descriptor reads(ends[0]);
  const ajar::descriptor writes(ends[1]);
  const losses lost;
  line_writer to(writes.get());
  const std::string line(9999, 'z');
  for (int i = 0; i < 1000; ++i) to.put(line + "\n");
  CHECK(lost.now() > 0);
}

}  // namespace line_writer_test
