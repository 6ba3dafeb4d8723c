// SPDX-License-Identifier: BSL-1.0
// What the kernel says of this process.
#pragma once

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

namespace tools {

// How many of its sockets listen. Nothing where it may not look at its own descriptors.
inline std::optional<int> listening_sockets() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return std::nullopt;
  int count = 0;
  while (const auto* entry = ::readdir(folder)) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (entry->d_name[0] == '.') continue;
    const auto number = std::atoi(entry->d_name);
    if (::getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0) ++count;
  }
  ::closedir(folder);
  return count;
}

// Whether the kernel would let it listen: it is asked with a descriptor that is none, so that nothing comes of it.
inline bool may_listen() { return ::listen(-1, 0) == 0 || errno != EPERM; }

// "none", "strict" or "filter" (seccomp(2)).
inline std::string seccomp_mode() {
  switch (::prctl(PR_GET_SECCOMP, 0, 0, 0, 0)) {
    case 0:
      return "none";
    case 1:
      return "strict";
    case 2:
      return "filter";
    default:
      return "unknown";
  }
}

}  // namespace tools
