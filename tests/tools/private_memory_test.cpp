// SPDX-License-Identifier: BSL-1.0
#include <tools/private_memory.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <string>

namespace private_memory_test {

using namespace tools;

namespace {

// Another process of the same user, which is not root. It says so by its exit code.
int opens_memory_of(pid_t whose) {
  const auto other = ::fork();
  if (other == 0)
    ::_exit(::open(("/proc/" + std::to_string(whose) + "/mem").c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 1 : 0);
  int status = 0;
  ::waitpid(other, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

}  // namespace

TEST_CASE("nobody else of this user reads this process's memory, and it leaves no core file") {
  const auto child = ::fork();
  if (child == 0) {
    constexpr uid_t nobody = 65534;
    if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(3);
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // setuid() has taken it away
    const int before = opens_memory_of(::getpid());
    keep_memory_private();
    const int after = opens_memory_of(::getpid());
    rlimit core{};
    ::getrlimit(RLIMIT_CORE, &core);
    // a kernel that forbids it in any case (ptrace_scope) shows nothing here
    ::_exit(before <= 1 && after == 0 && core.rlim_cur == 0 && core.rlim_max == 0 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

}  // namespace private_memory_test
