// SPDX-License-Identifier: BSL-1.0
// What is where something is to go: looked at, and opened where it is written to as it is.
#pragma once

#include "place.hpp"

#include <ajar/core/descriptor.hpp>

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cstdlib>
#include <string>

namespace tools {

namespace detail {

inline bool is_link(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
}

inline std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// Whether a path is one of the kernel's own links to what a process has open, such as /dev/stdout.
inline bool leads_to_a_descriptor(std::string path) {
  constexpr int most_links = 40;  // path_resolution(7)
  for (int i = 0; i < most_links && is_link(path); ++i) {
    struct statfs system{};
    if (::statfs(parent_of(path).c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC) return true;
    char target[PATH_MAX];
    const auto size = ::readlink(path.c_str(), target, sizeof target);
    if (size <= 0) return false;
    const std::string to(target, static_cast<std::size_t>(size));
    path = to.starts_with('/') ? to : parent_of(path) + "/" + to;
  }
  return false;
}

}  // namespace detail

inline there what_is_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return detail::is_link(path) ? there::other : there::nothing;
  if (S_ISDIR(status.st_mode)) return there::folder;
  if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)) return there::stream;
  if (!S_ISREG(status.st_mode)) return there::other;
  return detail::leads_to_a_descriptor(path) ? there::stream : there::file;
}

// A link that leads to a file stands for that file: what it leads to is replaced, not the link.
inline std::string followed(std::string path) {
  if (!detail::is_link(path) || what_is_at(path) != there::file) return path;
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) ? resolved : path;
}

// Open what is written to as it is. A FIFO waits for whoever reads, as for every writer. Errors: the system's.
inline ajar::result<ajar::descriptor> open_stream(const std::string& path) {
  ajar::descriptor made(::open(path.c_str(), O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC));
  struct stat status{};
  if (!made || ::fstat(made.get(), &status) != 0) return ajar::fail(ajar::last_error());
  // nobody shares this open of it
  if (S_ISFIFO(status.st_mode) || ::isatty(made.get())) ::fcntl(made.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
  return made;
}

}  // namespace tools
