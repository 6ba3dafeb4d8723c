// SPDX-License-Identifier: BSL-1.0
#include <ajar/control/ask.hpp>

#include <doctest/doctest.h>
#include <ajar/control/letter.hpp>
#include <ajar/testing/run.hpp>
#include <asio/co_spawn.hpp>

#include "../temporary_folder.hpp"

namespace ask_test {

using namespace ajar;
using namespace ajar::control;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

// A socket that is asked, and answers with what the test says: octets, and a descriptor.
struct liar {
  liar() {
    const descriptor place(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    auto bound = control::detail::bind_control(place, "control");
    REQUIRE(bound);
    socket = std::move(*bound);
  }

  result<std::string> hears(const std::string& octets, const descriptor& passed) {
    asio::io_context context;
    result<std::string> got;
    bool ended = false;
    asio::co_spawn(context, ask(path, "control", request{"status", {}}, clock::now() + 10s),
                   [&](const std::exception_ptr&, result<std::string> reply) {
                     got = std::move(reply);
                     ended = true;
                   });
    context.poll();
    {
      const auto asked = control::detail::take_letter(socket.get(), request::longest);
      REQUIRE(asked);
      CHECK(asked->sender == ::getuid());
      if (!octets.empty()) REQUIRE(control::detail::send_letter(asked->passed.get(), octets, passed));
    }
    context.restart();
    context.run_for(10s);
    REQUIRE(ended);
    return got;
  }
  result<std::string> hears(const std::string& octets) { return hears(octets, descriptor()); }

  temporary_folder on;
  const std::string& path = on.path;
  descriptor socket;
};

}  // namespace

TEST_CASE("an answer that cannot be is a cause, never a crash") {
  liar other;
  CHECK(other.hears("ajar-control/1\0text\0fine"s) == "fine");
  CHECK(other.hears("").error() == errc::control_timeout);  // it lets go of the question, and is there
  CHECK(other.hears("garbage").error() == errc::message_malformed);
  CHECK(other.hears("ajar-control/2\0text\0"s).error() == errc::unknown_version);
  CHECK(other.hears(std::string(60'000, 'a')).error() == errc::message_too_long);
  CHECK(other.hears("ajar-control/1\0passed\0005\0"s).error() == errc::message_malformed);
  const auto sealed = control::detail::seal_text("hello");
  CHECK(other.hears("ajar-control/1\0passed\0005\0"s, *sealed) == "hello");
  CHECK(other.hears("ajar-control/1\0passed\0006\0"s, *sealed).error() == errc::message_malformed);
  const descriptor endless(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  CHECK(other.hears("ajar-control/1\0passed\0005\0"s, endless).error() == errc::message_malformed);
}

TEST_CASE("a question that waits for a full queue can be cancelled, and has its deadline") {
  const liar other;  // takes nothing
  asio::io_context context;
  int late = 0;
  constexpr int many = 40;  // net.unix.max_dgram_qlen is 10 by default
  for (int i = 0; i < many; ++i) {
    asio::co_spawn(context, ask(other.path, "control", request{"status", {}}, clock::now() + 50ms),
                   [&](const std::exception_ptr&, const result<std::string>& got) {
                     late += !got && got.error() == errc::control_timeout;
                   });
  }
  context.run_for(20s);
  CHECK(late == many);
}

}  // namespace ask_test
