// SPDX-License-Identifier: BSL-1.0
#include <tools/system_calls.hpp>

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <tools/process_facts.hpp>
#include <vector>

#include "own_process.hpp"

namespace system_calls_test {

using namespace tools;

namespace {

struct attempt {
  std::string name;
  std::function<long()> call;
};

bool is_forbidden(const attempt& one) {
  errno = 0;
  return one.call() == -1 && errno == EPERM;
}

// Nothing of this needs to be root, and nothing of it changes anything.
const std::vector<attempt> needless = {
    {"unshare", [] { return long{::unshare(0)}; }},
    {"personality", [] { return long{::personality(0xffffffff)}; }},
    {"setresuid", [] { return ::syscall(SYS_setresuid, -1, -1, -1); }},
    {"setgid", [] { return ::syscall(SYS_setgid, ::getgid()); }},
    {"request_key", [] { return ::syscall(SYS_request_key, nullptr, nullptr, nullptr, 0); }},
    {"mknodat", [] { return ::syscall(SYS_mknodat, -1, "nowhere", 0, 0); }},
    {"bpf", [] { return ::syscall(SYS_bpf, -1, nullptr, 0); }},
    {"finit_module", [] { return ::syscall(SYS_finit_module, -1, nullptr, -1); }},
};
const std::vector<attempt> towards_others = {
    {"execve", [] { return long{::execl("/nowhere", "nowhere", nullptr)}; }},
    {"ptrace", [] { return ::syscall(SYS_ptrace, -1, 0, 0, 0); }},
    {"kill", [] { return long{::kill(::getpid(), 0)}; }},
    {"pidfd_open", [] { return ::syscall(SYS_pidfd_open, -1, 0); }},
};

// Silent where a stranger to the filter works as ever.
std::string works() {
  const int one = ::socket(AF_INET, SOCK_STREAM, 0);
  if (one < 0 || ::listen(one, 1) != 0) return "listen";
  ::close(one);
  bool ran = false;
  std::thread([&] { ran = !is_forbidden({"getpid", [] { return long{::getpid()}; }}); }).join();
  return ran ? "" : "thread";
}

}  // namespace

TEST_CASE("what no tool needs is forbidden, and the rest works") {
  auto all = needless;
  if (!sanitized) all.insert(all.end(), towards_others.begin(), towards_others.end());
  const auto said = testing::in_own_process([&]() -> std::string {
    gain_no_privileges();
    const bool root = ::geteuid() == 0;
    for (const auto& one : all) {
      const bool asks_for_rights = one.name == "bpf" || one.name == "finit_module";
      if (is_forbidden(one) && (root || !asks_for_rights)) return one.name + " before";
    }
    if (!forbid_needless_calls()) return "enforce";
    for (const auto& one : all) {
      if (!is_forbidden(one)) return one.name;
    }
    return works();
  });
  CHECK(said == "");
}

TEST_CASE("nothing listens any more, in no thread") {
  const auto said = testing::in_own_process([]() -> std::string {
    gain_no_privileges();
    if (!works().empty()) return "before";
    if (!forbid_listening()) return "enforce";
    if (may_listen()) return "says that it may listen";
    std::string found;
    std::thread([&] { found = works(); }).join();
    return found == "listen" ? "" : "listens";
  });
  CHECK(said == "");
}

TEST_CASE("two filters hold both") {
  const auto said = testing::in_own_process([]() -> std::string {
    gain_no_privileges();
    if (!forbid_listening() || !forbid_needless_calls()) return "enforce";
    return works() == "listen" && is_forbidden(needless.front()) ? "" : "one of them";
  });
  CHECK(said == "");
}

}  // namespace system_calls_test
