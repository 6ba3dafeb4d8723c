// SPDX-License-Identifier: BSL-1.0
// What this process listens on, as the kernel tells it: what the tests of everything that opens a port share.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <chrono>
#include <vector>

namespace open_ports {

// The sockets that listen.
inline std::vector<int> all() {
  constexpr int most_descriptors = 1024;
  std::vector<int> some;
  for (int fd = 0; fd < most_descriptors; ++fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0) some.push_back(fd);
  }
  return some;
}

// True where there is something to read or to accept, or comes within the time.
inline bool readable(int fd, std::chrono::milliseconds within = std::chrono::milliseconds(0)) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, static_cast<int>(within.count())) == 1;
}

}  // namespace open_ports
