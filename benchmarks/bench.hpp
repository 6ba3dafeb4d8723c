// SPDX-License-Identifier: BSL-1.0
// What the benchmarks share: the command line; a thread for each role, in a network namespace of its own where one is
// named; quantiles; the machine's name.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/net/endpoint.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <cxxopts.hpp>
#include <fstream>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {

/// Where a role is: a namespace of `ip netns` and its address there; by default this one's loopback.
struct place {
  std::string space;
  ajar::net::address address = asio::ip::address_v4::loopback();
  std::uint32_t user = 0;  // other than 0: without root's privileges

  /// NAMESPACE@ADDRESS. It ends the program where it is none.
  static place parse(std::string_view text) {
    const auto at = text.find('@');
    std::error_code error;
    place made;
    if (at != std::string_view::npos) made.address = asio::ip::make_address(std::string(text.substr(at + 1)), error);
    if (at == std::string_view::npos || error) {
      fmt::print(stderr, "{}: not NAMESPACE@ADDRESS\n", text);
      std::exit(2);
    }
    made.space = text.substr(0, at);
    return made;
  }
};

/// What the command line says. --help, and whatever is wrong, end the program.
inline cxxopts::ParseResult read_words(cxxopts::Options options, int count, char** words) {
  options.add_options()("json", "one JSON object")("help", "this text");
  try {
    auto given = options.parse(count, words);
    if (given.count("help") == 0 && given.unmatched().empty()) return given;
    fmt::print("{}", options.help());
    std::exit(given.count("help") > 0 ? 0 : 2);
  } catch (const std::exception& wrong) {
    fmt::print(stderr, "{}\n{}", wrong.what(), options.help());
    std::exit(2);
  }
}

/// The place that an option names; by default loopback.
inline place place_of(const cxxopts::ParseResult& given, const std::string& option) {
  return given.count(option) > 0 ? place::parse(given[option].as<std::string>()) : place();
}

inline std::chrono::milliseconds milliseconds_of(const cxxopts::ParseResult& given, const std::string& option) {
  return std::chrono::milliseconds(given[option].as<std::uint32_t>());
}

/// A role's thread. Sockets belong to the namespace of the thread that makes them.
class loop {
 public:
  /// @param processor  that it stays on, where there is one of that number; nothing: the system chooses, and chooses
  /// anew
  explicit loop(const place& where = place(), std::optional<unsigned> processor = std::nullopt)
      : busy_(asio::make_work_guard(context_)), thread_([this, where, processor] {
          if (processor && *processor < std::thread::hardware_concurrency()) stay_on(*processor);
          enter(where.space);
          become(where.user);
          context_.run();
        }) {}
  ~loop() {
    busy_.reset();
    context_.stop();
    thread_.join();
  }
  asio::any_io_executor executor() { return context_.get_executor(); }

  /// Call something there, and wait for it.
  template <class Call>
  auto call(Call what) {
    std::packaged_task<decltype(what())()> task(std::move(what));
    auto done = task.get_future();
    asio::post(context_, std::move(task));
    return done.get();
  }
  /// Run a coroutine there to its end.
  void run(ajar::awaitable<void> work) {
    std::promise<void> ended;
    asio::co_spawn(context_, std::move(work),
                   [&](std::exception_ptr thrown) { thrown ? ended.set_exception(thrown) : ended.set_value(); });
    ended.get_future().get();
  }

 private:
  static void stay_on(unsigned processor) {
    cpu_set_t alone;
    CPU_ZERO(&alone);
    CPU_SET(processor, &alone);
    (void)::sched_setaffinity(0, sizeof alone, &alone);  // 0: this thread. Where it may not, the system chooses
  }

  static void enter(const std::string& space) {
    if (space.empty()) return;
    const int file = ::open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0 || ::setns(file, CLONE_NEWNET) != 0) {
      fmt::print(stderr, "{}: cannot enter this network namespace: root, and 'ip netns add', are needed\n", space);
      std::exit(1);
    }
    ::close(file);
  }

  // Of this thread alone: the C library's calls would change all of them.
  static void become(std::uint32_t user) {
    if (user == 0) return;
    const bool done = ::syscall(SYS_setgroups, 0, nullptr) == 0 && ::syscall(SYS_setresgid, user, user, user) == 0 &&
                      ::syscall(SYS_setresuid, user, user, user) == 0;
    if (done) return;
    fmt::print(stderr, "cannot become the user {}: root is needed\n", user);
    std::exit(1);
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy_;
  std::thread thread_;
};

class samples {
 public:
  void add(std::chrono::nanoseconds one) { all_.push_back(one); }
  std::size_t size() const { return all_.size(); }
  /// 0.5 is the median; nearest rank.
  double microseconds(double quantile) {
    std::ranges::sort(all_);
    const auto rank = static_cast<std::size_t>(quantile * static_cast<double>(all_.size() - 1) + 0.5);
    return static_cast<double>(all_.at(rank).count()) / 1000;
  }
  std::string json() {
    return fmt::format(R"({{"median":{:.1f},"p90":{:.1f},"p99":{:.1f},"max":{:.1f}}})", microseconds(0.5),
                       microseconds(0.9), microseconds(0.99), microseconds(1));
  }
  std::string line(std::string_view what) {
    return fmt::format("{:<38}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}\n", what, microseconds(0.5), microseconds(0.9),
                       microseconds(0.99), microseconds(1));
  }
  static std::string head() {
    return fmt::format("{:<38}{:>10}{:>10}{:>10}{:>10}\n", "microseconds", "median", "p90", "p99", "max");
  }

 private:
  std::vector<std::chrono::nanoseconds> all_;
};

inline std::string machine() {
  utsname about{};
  ::uname(&about);
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("model name")) {
  }
  const auto colon = line.find(": ");
  return fmt::format("{} threads of {}, Linux {}, {}", std::thread::hardware_concurrency(),
                     colon == std::string::npos ? "an unknown processor" : line.substr(colon + 2), about.release,
                     __VERSION__);
}

}  // namespace bench
