// SPDX-License-Identifier: BSL-1.0
#include "line_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

namespace tools {

namespace {

std::uint64_t lines_in(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

}  // namespace

line_writer::line_writer(int to, loss_line loss) : to_(to), loss_(std::move(loss)) {
  struct stat status{};
  if (::fstat(to, &status) != 0) return;
  socket_ = S_ISSOCK(status.st_mode);
  if (!S_ISFIFO(status.st_mode) && !::isatty(to)) return;  // what takes all at once
  may_stall_ = true;
  // not O_NONBLOCK on theirs: others share it. An open of the same pipe or terminal has flags of its own.
  const auto same = fmt::format("/proc/self/fd/{}", to);
  own_ = ajar::descriptor(::open(same.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

void line_writer::put(std::string_view lines) {
  const std::lock_guard guard(mutex_);
  drain();
  // once something was lost, nothing more is taken until the rest has left: the line that tells of it stands there
  if (!waiting_.empty() && (untold_ > 0 || waiting_.size() + lines.size() > largest_queue)) return lose(lines);
  if (untold_ > 0 && loss_) waiting_ = loss_(untold_);
  untold_ = 0;
  waiting_ += lines;
  drain();
}

void line_writer::finish(std::chrono::milliseconds longest) {
  const std::lock_guard guard(mutex_);
  const auto until = std::chrono::steady_clock::now() + longest;
  for (drain(); !waiting_.empty(); drain()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd ready{own_ ? own_.get() : to_, POLLOUT, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0) return;
  }
}

void line_writer::lose(std::string_view lines) {
  all_lost_ += lines_in(lines);
  untold_ += lines_in(lines);
}

void line_writer::drain() {
  while (!waiting_.empty()) {
    const auto count = write_some();
    if (count >= 0) {
      waiting_.erase(0, static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    const auto gone = std::exchange(waiting_, {});  // closed, or a full disk: the next line will see
    lose(gone);
  }
}

ssize_t line_writer::write_some() {
  if (socket_) return ::send(to_, waiting_.data(), waiting_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (own_) return ::write(own_.get(), waiting_.data(), waiting_.size());
  if (!may_stall_) return ::write(to_, waiting_.data(), waiting_.size());
  // another user's pipe: what is ready takes this much (pipe(7))
  constexpr std::size_t taken_at_once = 512;
  pollfd ready{to_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) > 0) return ::write(to_, waiting_.data(), std::min(waiting_.size(), taken_at_once));
  errno = EAGAIN;
  return -1;
}

line_writer& standard_error() {
  static line_writer one(STDERR_FILENO, [](std::uint64_t lines) {
    return fmt::format("{} lines were lost here: whoever reads them was too slow, or could not keep them\n", lines);
  });
  return one;
}

}  // namespace tools
