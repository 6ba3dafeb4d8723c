// SPDX-License-Identifier: BSL-1.0
#include <ajar/control/port.hpp>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ajar/control/ask.hpp>
#include <ajar/control/letter.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/run.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <fstream>
#include <vector>

#include "../temporary_folder.hpp"

namespace port_test {

using namespace ajar;
using namespace ajar::control;
using namespace std::chrono_literals;

namespace {

// A folder that is its user's alone, and gone afterwards.
struct folder {
  explicit folder(std::string below = "") {
    path = top.path + below;
    std::filesystem::create_directories(path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  std::string file(const std::string& name = "control") const { return path + "/" + name; }
  temporary_folder top;
  std::string path;
};

awaitable<result<std::string>> wait_for(std::shared_ptr<notifier> change, request asked) {
  auto woken = co_await change->wait();
  if (!woken) co_return fail(woken.error());
  co_return "woken for " + asked.arguments.at(0);
}

// A process that answers.
struct answering {
  explicit answering(const folder& in, const std::string& name = "control")
      : at(in.path), socket(port::open(context.get_executor(), in.path, name)) {
    REQUIRE(socket);
    socket->answer_with("greet", [](const request& asked) -> result<std::string> {
      if (asked.arguments.size() != 1) return fail(errc::message_malformed);
      return "hello " + asked.arguments[0];
    });
    socket->answer_with("long",
                        [](const request&) -> result<std::string> { return std::string(8 << 20, 'x') + "end"; });
    socket->answer_with("broken", [](const request&) -> result<std::string> {
      return fail(std::error_code(ENOSPC, std::system_category()));
    });
    socket->carry_out("wait", [change = change](request asked) { return wait_for(change, std::move(asked)); });
    socket->start();
  }
  result<std::string> ask(request what, clock::duration within = 10s) {
    return testing::run(context, control::ask(at, "control", std::move(what), clock::now() + within));
  }

  asio::io_context context;
  std::string at;
  std::shared_ptr<notifier> change = std::make_shared<notifier>(context.get_executor());
  result<port> socket;
};

result<std::string> ask_nobody(const std::string& in, const std::string& name = "control") {
  asio::io_context context;
  return testing::run(context, ask(in, name, request{"greet", {"you"}}, clock::now() + 10s));
}

std::error_code cannot_open(const std::string& in) {
  asio::io_context context;
  const auto made = port::open(context.get_executor(), in);
  return made ? std::error_code() : made.error();
}

// Octets straight to the socket, with an end of a pair for the answer; nothing for "let go without a word".
std::optional<result<reply>> send_raw(answering& to, std::string_view octets) {
  const descriptor place(::open(to.at.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto connected = control::detail::connect_control(place, "control");
  REQUIRE(connected);
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const descriptor ours(ends[0]);
  {
    const descriptor theirs(ends[1]);
    REQUIRE(control::detail::send_letter(connected->get(), octets, theirs));
  }
  result<control::detail::letter> came = fail(errc::not_running);
  for (int i = 0; i < 10'000 && !came; ++i) {
    to.context.restart();
    to.context.poll();
    came = control::detail::take_letter(ours.get(), 100'000);
  }
  REQUIRE(came);
  if (came->octets.empty()) return std::nullopt;
  return parse_reply(came->octets);
}

// The exit code of a child that does something as another user.
template <class Work>
int as_user(uid_t user, Work work) {
  const auto child = ::fork();
  if (child == 0) {
    if (user != 0 && ::setresuid(user, user, user) != 0) ::_exit(99);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a running process answers") {
  const folder in;
  answering tool(in);
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
  CHECK(tool.ask({"greet", {""}}) == "hello ");
  CHECK(tool.ask({"greet", {}}).error() == errc::message_malformed);
  CHECK(tool.ask({"broken", {}}).error() == std::errc::no_space_on_device);
  CHECK(tool.ask({"frobnicate", {}}).error() == errc::unknown_verb);
  CHECK(tool.ask({"NO VERB", {}}).error() == errc::message_malformed);
}

TEST_CASE("its socket is its user's alone, and gone when it ends") {
  const folder in;
  {
    const answering tool(in);
    struct stat status{};
    REQUIRE(::lstat(in.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    int listens = 1;
    socklen_t size = sizeof listens;
    const descriptor place(::open(in.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto other = control::detail::connect_control(place, "control");
    REQUIRE(other);
    CHECK(::getsockopt(other->get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0);
    CHECK(listens == 0);
  }
  CHECK_FALSE(std::filesystem::exists(in.file()));
  CHECK(ask_nobody(in.path).error() == errc::not_running);
}

TEST_CASE("an answer of several megabytes arrives whole") {
  const folder in;
  answering tool(in);
  const auto text = tool.ask({"long", {}});
  REQUIRE(text);
  CHECK(text->size() == (8 << 20) + 3);
  CHECK(text->ends_with("xend"));
}

TEST_CASE("an answer that takes time holds up no other") {
  const folder in;
  answering tool(in);
  const auto until = clock::now() + 10s;
  result<std::string> slow;
  asio::co_spawn(tool.context, ask(in.path, "control", request{"wait", {"me"}}, until),
                 [&](const std::exception_ptr&, result<std::string> got) { slow = std::move(got); });
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
  CHECK(slow == "");
  tool.change->notify();
  CHECK(tool.ask({"greet", {"again"}}) == "hello again");
  CHECK(slow == "woken for me");
}

TEST_CASE("two hundred ask at once, more than the kernel queues, and all are answered") {
  const folder in;
  answering tool(in);
  int answered = 0;
  for (int i = 0; i < 200; ++i) {
    const auto name = std::to_string(i);
    asio::co_spawn(tool.context, ask(in.path, "control", request{"greet", {name}}, clock::now() + 10s),
                   [&, name](const std::exception_ptr&, const result<std::string>& got) {
                     answered += got == "hello " + name;
                     if (answered == 200) tool.context.stop();
                   });
  }
  tool.context.run_for(20s);
  CHECK(answered == 200);
}

TEST_CASE("of slow answers there are only so many at a time") {
  const folder in;
  answering tool(in);
  int refused = 0;
  int others = 0;
  for (std::size_t i = 0; i < port::most_at_once + 5; ++i) {
    asio::co_spawn(tool.context, ask(in.path, "control", request{"wait", {"me"}}, clock::now() + 10s),
                   [&](const std::exception_ptr&, const result<std::string>& got) {
                     ++(!got && got.error() == errc::limit_reached ? refused : others);
                     if (refused == 5) tool.context.stop();
                   });
  }
  tool.context.run_for(20s);
  CHECK(refused == 5);
  CHECK(others == 0);
  tool.change->notify();
  for (int i = 0; i < 10'000 && others < static_cast<int>(port::most_at_once); ++i) {
    tool.context.restart();
    tool.context.poll();
  }
  CHECK(others == static_cast<int>(port::most_at_once));
}

TEST_CASE("whoever asks gives up at his deadline, and learns of an end before it") {
  const folder in;
  answering tool(in);
  CHECK(tool.ask({"wait", {"me"}}, 20ms).error() == errc::control_timeout);
  result<std::string> got;
  asio::co_spawn(tool.context, ask(in.path, "control", request{"wait", {"me"}}, clock::now() + 10s),
                 [&](const std::exception_ptr&, result<std::string> reply) {
                   got = std::move(reply);
                   tool.context.stop();
                 });
  tool.context.restart();
  tool.context.poll();
  tool.socket->close();
  tool.context.restart();
  tool.context.run_for(10s);
  REQUIRE_FALSE(got);
  CHECK(got.error() == errc::not_running);
}

TEST_CASE("garbage, an empty datagram, another version and one that is too long get their cause, and harm nothing") {
  const folder in;
  answering tool(in);
  const auto why = [&](std::string_view octets) { return (**send_raw(tool, octets)).why; };
  CHECK(why("garbage") == errc::message_malformed);
  CHECK(why("") == errc::message_malformed);
  CHECK(why(std::string(17, '\0')) == errc::message_malformed);
  CHECK(why(std::string("ajar-control/7\0greet\0", 21)) == errc::unknown_version);
  CHECK(why(std::string(4097, 'a')) == errc::message_too_long);
  CHECK(why(std::string(100'000, 'a')) == errc::message_too_long);
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
}

TEST_CASE("a datagram without a descriptor for the answer is dropped") {
  const folder in;
  answering tool(in);
  const descriptor place(::open(in.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto connected = control::detail::connect_control(place, "control");
  REQUIRE(connected);
  const auto octets = *to_datagram(request{"greet", {"you"}});
  REQUIRE(control::detail::send_letter(connected->get(), octets, descriptor()));
  const descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));  // what takes no answer
  REQUIRE(control::detail::send_letter(connected->get(), octets, null));
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
}

TEST_CASE("nobody there, no folder, and a file that is no socket") {
  const folder in;
  CHECK(ask_nobody(in.path).error() == errc::not_running);
  CHECK(ask_nobody(in.path + "/nowhere").error() == errc::not_running);
  std::ofstream(in.file()) << "precious";
  CHECK(ask_nobody(in.path).error() == errc::not_running);
  CHECK(cannot_open(in.path) == errc::state_damaged);
  std::string kept;
  std::ifstream(in.file()) >> kept;
  CHECK(kept == "precious");
}

TEST_CASE("what a process that was killed left behind is replaced; one that is alive is not") {
  const folder in;
  {
    const descriptor place(::open(in.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const auto left = control::detail::bind_control(place, "control");
    REQUIRE(left);
  }
  REQUIRE(std::filesystem::exists(in.file()));
  CHECK(ask_nobody(in.path).error() == errc::not_running);
  answering tool(in);
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
  CHECK(cannot_open(in.path) == errc::already_running);
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
}

TEST_CASE("the socket of a successor is left alone") {
  const folder in;
  auto first = std::make_unique<answering>(in);
  std::filesystem::remove(in.file());
  answering second(in);
  first.reset();
  CHECK(second.ask({"greet", {"you"}}) == "hello you");
}

TEST_CASE("a folder that others may enter is refused") {
  const folder in;
  std::filesystem::permissions(in.path, std::filesystem::perms::owner_all | std::filesystem::perms::others_exec);
  CHECK(cannot_open(in.path) == errc::state_permissions);
  CHECK(cannot_open(in.path + "/nowhere") == errc::state_unusable);
  CHECK_FALSE(std::filesystem::exists(in.file()));
}

TEST_CASE("the path of the folder may be longer than a socket's name") {
  const folder in("/" + std::string(120, 'a') + "/" + std::string(120, 'b'));
  answering tool(in);
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
}

TEST_CASE("another user is refused by the folder, and by the process where the folder lets him in") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  constexpr uid_t nobody = 65534;
  const folder in;
  const auto ask = [&](const std::string& at) {
    return as_user(nobody, [at] {
      const auto got = ask_nobody(at);
      return got ? 1 : got.error() == errc::control_refused ? 0 : 2;
    });
  };
  answering tool(in);
  CHECK(ask(in.path) == 0);  // cannot enter: no running process needed

  // the kernel's word on the sender holds even where everybody could reach the socket
  ::chmod(in.path.c_str(), 0777);
  ::chmod(in.file().c_str(), 0777);
  const auto child = ::fork();
  if (child == 0) {
    if (::setresuid(nobody, nobody, nobody) != 0) ::_exit(99);
    const auto got = ask_nobody(in.path);
    ::_exit(got ? 1 : got.error() == errc::control_refused ? 0 : 2);
  }
  int status = 0;
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (::waitpid(child, &status, WNOHANG) == 0 && std::chrono::steady_clock::now() < until) {
    tool.context.restart();
    tool.context.run_for(10ms);
  }
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(tool.ask({"greet", {"you"}}) == "hello you");
}

TEST_CASE("root may ask anybody's process") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: only root can become another user");
    return;
  }
  constexpr uid_t nobody = 65534;
  const folder in;
  REQUIRE(::chown(in.path.c_str(), nobody, nobody) == 0);
  std::filesystem::permissions(in.top.path, std::filesystem::perms::owner_all);
  const auto child = ::fork();
  if (child == 0) {
    if (::setresuid(nobody, nobody, nobody) != 0) ::_exit(99);
    asio::io_context context;
    auto socket = port::open(context.get_executor(), in.path);
    if (!socket) ::_exit(98);
    socket->answer_with("greet", [](const request&) -> result<std::string> { return "from nobody"; });
    socket->start();
    context.run_for(20s);
    ::_exit(0);
  }
  result<std::string> got = fail(errc::not_running);
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!got && got.error() == errc::not_running && std::chrono::steady_clock::now() < until)
    got = ask_nobody(in.path);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(got == "from nobody");
}

namespace {

// A process of its own that answers, and has no descriptor free. What is said to it lets its slow answers be given.
class short_of_descriptors {
 public:
  explicit short_of_descriptors(const folder& in) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    ours_ = descriptor(ends[0]);
    const descriptor theirs(ends[1]);
    child_ = ::fork();
    if (child_ == 0) answer(in, theirs.get());
    char one = 0;
    REQUIRE(::read(ours_.get(), &one, 1) == 1);
  }
  short_of_descriptors(const short_of_descriptors&) = delete;
  short_of_descriptors& operator=(const short_of_descriptors&) = delete;
  ~short_of_descriptors() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  void say() const { REQUIRE(::write(ours_.get(), "x", 1) == 1); }

 private:
  [[noreturn]] static void answer(const folder& in, int told) {
    ::alarm(60);
    answering tool(in);
    tool.socket->carry_out("later", [](const request&) -> awaitable<result<std::string>> { co_return "later"; });
    asio::posix::stream_descriptor saying(tool.context, told);
    saying.async_wait(asio::posix::stream_descriptor::wait_read,
                      [&](const std::error_code&) { tool.change->notify(); });
    const rlimit few{64, 64};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(1);
    while (::dup(0) >= 0) continue;
    if (::write(told, "x", 1) != 1) ::_exit(1);
    tool.context.run();
    ::_exit(0);
  }

  descriptor ours_;
  pid_t child_ = -1;
};

}  // namespace

TEST_CASE("a process without a free descriptor answers, again and again") {
  const folder in;
  const short_of_descriptors process(in);
  for (int i = 0; i < 3; ++i) {
    CHECK(ask_nobody(in.path) == "hello you");
    asio::io_context context;
    const auto got = testing::run(context, ask(in.path, "control", request{"later", {}}, clock::now() + 10s));
    CHECK(got == "later");
  }
}

TEST_CASE("whoever asks while the last descriptor is in use waits for it") {
  const folder in;
  const short_of_descriptors process(in);
  asio::io_context context;
  result<std::string> slow;
  result<std::string> quick;
  const auto into = [](result<std::string>& where) {
    return [&where](const std::exception_ptr&, result<std::string> got) { where = std::move(got); };
  };
  asio::co_spawn(context, ask(in.path, "control", request{"wait", {"me"}}, clock::now() + 30s), into(slow));
  context.poll();
  asio::co_spawn(context, ask(in.path, "control", request{"greet", {"you"}}, clock::now() + 30s), into(quick));
  context.restart();
  context.run_for(100ms);
  CHECK(slow == "");  // neither is told that nobody is there
  CHECK(quick == "");
  process.say();
  context.restart();
  context.run();
  CHECK(slow == "woken for me");
  CHECK(quick == "hello you");
}

namespace {

// Both ends of what an answer comes by.
std::array<descriptor, 2> answer_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
  return {descriptor(ends[0]), descriptor(ends[1])};
}

// No descriptor is free in this process, as long as this is there.
class none_free {
 public:
  none_free() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit few{256, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int made = ::dup(0); made >= 0; made = ::dup(0)) taken_.emplace_back(made);
  }
  none_free(const none_free&) = delete;
  none_free& operator=(const none_free&) = delete;
  ~none_free() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<descriptor> taken_;
};

}  // namespace

TEST_CASE("a process that has no descriptor for a question looks again from time to time, and rests meanwhile") {
  testing::manual_clock time;
  const folder in;
  answering tool(in);
  const descriptor place(::open(in.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto slow = control::detail::connect_control(place, "control");
  const auto quick = control::detail::connect_control(place, "control");
  REQUIRE((slow && quick));
  auto for_slow = answer_pair();
  auto for_quick = answer_pair();
  time.settle(tool.context);
  {
    const none_free here;
    REQUIRE(control::detail::send_letter(slow->get(), *to_datagram(request{"wait", {"me"}}), for_slow[1]));
    time.settle(tool.context);  // it has the last one
    REQUIRE(control::detail::send_letter(quick->get(), *to_datagram(request{"greet", {"you"}}), for_quick[1]));
    tool.context.restart();
    int steps = 0;
    while (steps < 1000 && tool.context.poll_one() > 0) ++steps;
    CHECK(steps < 1000);
  }
  time.advance(tool.context, 20ms);
  std::array<char, 64> told{};
  CHECK(::recv(for_quick[0].get(), told.data(), told.size(), 0) > 0);
  CHECK(::recv(for_slow[0].get(), told.data(), told.size(), 0) < 0);
}

}  // namespace port_test
