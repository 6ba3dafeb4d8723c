// SPDX-License-Identifier: BSL-1.0
// The kernel's own word that a server in outbound mode opens no port.
#pragma once

#include <seccomp.h>
#include <cerrno>
#include <memory>

namespace tools {

// From here on, in every thread, listen(), accept() and what could stand in for them fail with EPERM (seccomp(2)).
// Called before any thread starts. Gives 0, or an errno.
inline int forbid_listening() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) return ENOMEM;
  // io_uring makes the same system calls where no filter sees them
  for (const int call : {SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(io_uring_setup)}) {
    const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0);
    if (error != 0) return -error;
  }
  return -seccomp_load(filter.get());
}

}  // namespace tools
