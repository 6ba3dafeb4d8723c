// SPDX-License-Identifier: BSL-1.0
// For what a process gives up for good: each check lives in a process of its own.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <functional>
#include <string>

namespace testing {

// The check's first complaint; empty where it has none.
inline std::string in_own_process(const std::function<std::string()>& check) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto said = check();
    if (!said.empty() && ::write(ends[1], said.data(), said.size()) < 0) ::_exit(2);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said(256, '\0');
  const auto count = ::read(ends[0], said.data(), said.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return said;
}

}  // namespace testing
