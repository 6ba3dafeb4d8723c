// SPDX-License-Identifier: BSL-1.0
// ajar/files/private_folder.hpp - what no share serves: the state folders of nodes, with their keys.
#pragma once

#include <ajar/core/descriptor.hpp>
#include <ajar/state/folder.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ajar::files {

/// A file or folder by what it is, not by what it is called: device and inode.
struct file_identity {
  dev_t device = 0;
  ino_t inode = 0;

  static std::optional<file_identity> of(int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0) return std::nullopt;
    return file_identity{status.st_dev, status.st_ino};
  }
  bool operator==(const file_identity&) const = default;
};

namespace detail {

/// Go from an open folder upwards, as the mounts are: through a bind mount to where it is mounted.
///
/// @param met   is asked about each folder, the first one included; true ends the way
/// @return whether it was met before the top of the file system; true where the way cannot be seen
template <class Met>
bool met_above(int folder, Met&& met) {
  constexpr int deepest = PATH_MAX;
  descriptor at(::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < deepest && at; ++i) {
    const auto here = file_identity::of(at.get());
    if (!here) return true;
    if (const std::optional<bool> found = met(at.get(), *here)) return *found;
    descriptor up(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!up) return true;
    if (file_identity::of(up.get()) == here) return false;
    at = std::move(up);
  }
  return true;
}

}  // namespace detail

/// Whether an open folder is a state folder, or lies in one.
///
/// @param top  where to stop: the share's own folder, which was looked at when the share was opened. Nothing: at the
///             top of the file system.
/// What cannot be seen counts as private: it is not served.
inline bool is_private(int folder, std::optional<file_identity> top = std::nullopt) {
  bool reached = !top.has_value();
  const bool met = detail::met_above(folder, [&](int at, const file_identity& here) -> std::optional<bool> {
    if (state::folder::is_one(at)) return true;
    if (top && here == *top) {
      reached = true;
      return false;
    }
    return std::nullopt;
  });
  return met || !reached;  // moved out of the share meanwhile
}

/// The same for the folder that a path's file lies in, links followed.
inline bool lies_in_private(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) return false;  // there is nothing to serve
  const std::string whole(real.get());
  const auto slash = whole.rfind('/');
  const descriptor folder(::open(whole.substr(0, slash + 1).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return !folder || is_private(folder.get());
}

/// Whether a folder lies in another one, or is it.
inline bool lies_in(int folder, const file_identity& other) {
  return detail::met_above(folder, [&](int, const file_identity& here) -> std::optional<bool> {
    return here == other ? std::optional(true) : std::nullopt;
  });
}

}  // namespace ajar::files
