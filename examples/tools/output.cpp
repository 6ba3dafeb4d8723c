// SPDX-License-Identifier: BSL-1.0
#include "output.hpp"

#include <ajar/core/descriptor.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <string>

namespace tools {

void end_as_a_filter() {
  ::signal(SIGPIPE, SIG_DFL);
  ::raise(SIGPIPE);
  ::_exit(128 + SIGPIPE);  // where SIGPIPE is blocked
}

struct output::readiness {
  readiness(const asio::any_io_executor& executor, int descriptor) : port(executor, descriptor) {}
  asio::posix::stream_descriptor port;
};

output::output(const asio::any_io_executor& executor, int to) : to_(to) {
  struct stat status{};
  const bool may_wait = ::fstat(to, &status) == 0 && (S_ISFIFO(status.st_mode) || ::isatty(to));
  if (!may_wait) return;  // a file, or what takes all at once
  // not O_NONBLOCK on our own: others share it. An open of the same pipe or terminal has flags of its own.
  const auto same = "/proc/self/fd/" + std::to_string(to);
  const bool own = (::fcntl(to, F_GETFL) & O_NONBLOCK) != 0;  // as open_stream() makes it
  const int again =
      own ? ::fcntl(to, F_DUPFD_CLOEXEC, 3) : ::open(same.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (again >= 0) waiting_ = std::make_unique<readiness>(executor, again);
}

output::~output() = default;

ajar::awaitable<ajar::result<>> output::write(ajar::bytes_view octets) {
  while (!octets.empty()) {
    const auto count = ::write(waiting_ ? waiting_->port.native_handle() : to_, octets.data(), octets.size());
    if (count >= 0) {
      octets = octets.subspan(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EPIPE && to_ == STDOUT_FILENO) end_as_a_filter();
    if (errno != EAGAIN || !waiting_) co_return ajar::fail(ajar::last_error());
    auto [error] = co_await waiting_->port.async_wait(asio::posix::stream_descriptor::wait_write, ajar::use_values);
    if (error) co_return ajar::fail(error);
  }
  co_return ajar::result<>{};
}

}  // namespace tools
