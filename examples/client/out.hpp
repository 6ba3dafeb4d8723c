// SPDX-License-Identifier: BSL-1.0
// Standard output that may be a pipe nobody reads for a while: the session goes on meanwhile.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/descriptor.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <asio/posix/stream_descriptor.hpp>
#include <optional>

namespace tools {

class standard_output {
 public:
  explicit standard_output(const asio::any_io_executor& executor) {
    struct stat status{};
    const bool may_wait = ::fstat(STDOUT_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || ::isatty(STDOUT_FILENO));
    if (!may_wait) return;  // a file, or what takes all at once
    // not O_NONBLOCK on our own: others share it. An open of the same pipe or terminal has flags of its own.
    const int again = ::open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (again >= 0) waiting_.emplace(executor, again);
  }

  // Write all. Errors: the system's, canceled.
  [[nodiscard]] ajar::awaitable<ajar::result<>> write(ajar::bytes_view octets) {
    while (!octets.empty()) {
      const auto count = ::write(waiting_ ? waiting_->native_handle() : STDOUT_FILENO, octets.data(), octets.size());
      if (count >= 0) {
        octets = octets.subspan(static_cast<std::size_t>(count));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN || !waiting_) co_return ajar::fail(ajar::last_error());
      auto [error] = co_await waiting_->async_wait(asio::posix::stream_descriptor::wait_write, ajar::use_values);
      if (error) co_return ajar::fail(error);
    }
    co_return ajar::result<>{};
  }

 private:
  std::optional<asio::posix::stream_descriptor> waiting_;
};

}  // namespace tools
