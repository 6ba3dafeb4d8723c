// SPDX-License-Identifier: BSL-1.0
// ajar/core/descriptor.hpp - a file descriptor that has one owner.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/result.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace ajar {

/// Closes what it owns. Moves, does not copy; empty at first.
class descriptor {
 public:
  explicit descriptor(int number = -1) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const noexcept { return number_; }
  /// Give it away.
  int release() noexcept { return std::exchange(number_, -1); }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

/// What errno says.
inline std::error_code last_error() { return {errno, std::system_category()}; }

/// So many descriptors of a process, those of the highest numbers, are for what it does itself: whoever accepts
/// connections leaves them free.
inline constexpr rlim_t descriptors_of_its_own = 8;

/// Whether there is a descriptor for one more peer, beside those. Errors: too_many_files_open, the system's.
///
/// @param any  an open descriptor
inline result<> room_for_a_peer(int any) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail(last_error());
  const descriptor next(::fcntl(any, F_DUPFD_CLOEXEC, 0));  // the lowest number that is free
  const bool room = next && static_cast<rlim_t>(next.get()) + descriptors_of_its_own < limit.rlim_cur;
  return room ? result<>() : result<>(fail(std::error_code(EMFILE, std::system_category())));
}

/// Write all octets to a file. Errors: the system's.
inline result<> write_all(int to, bytes_view octets) {
  while (!octets.empty()) {
    const auto count = ::write(to, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(last_error());
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace ajar
