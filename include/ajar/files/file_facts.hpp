// SPDX-License-Identifier: BSL-1.0
// ajar/files/file_facts.hpp - what is said of a file or a folder: kind, size, times, and a tag that changes with it.
#pragma once

#include <fmt/format.h>
#include <sys/stat.h>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace ajar::files {

/// What something in a share is.
enum class entry_kind : std::uint8_t { file, folder, link, other };

inline std::string_view to_string(entry_kind what) {
  switch (what) {
    case entry_kind::file:
      return "file";
    case entry_kind::folder:
      return "folder";
    case entry_kind::link:
      return "link";
    case entry_kind::other:
      break;
  }
  return "other";
}

/// When a file was changed: nanoseconds since 1970 in UTC, as the file system keeps them.
using file_time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// The nearest time that is told: of the years 1684 to 2255, which 64 bits of nanoseconds hold. File systems keep
/// others too; they cost that file its time, and nothing else.
inline file_time nearest_time(std::int64_t seconds, std::int64_t nanoseconds) {
  constexpr std::int64_t last = 9'000'000'000;
  if (seconds < -last || seconds >= last) return file_time(std::chrono::seconds(std::clamp(seconds, -last, last)));
  return file_time(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}

/// The facts of one entry. All but its kind belong to files, its time to folders too.
struct file_facts {
  entry_kind kind = entry_kind::other;
  std::uint64_t size = 0;
  file_time modified{};
  std::string etag;
  bool executable = false;  ///< by its owner

  bool operator==(const file_facts&) const = default;
};

namespace detail {

// A validator (RFC 9110 section 8.8.1) that a change of the content renews. Without ctime, which other permissions and
// other names renew too: half a file would be worth nothing then. Who sets a time back after a change deceives it;
// therefore what was put together of two answers is compared by its digest. Without the device's number, which changes
// when a disk is mounted elsewhere.
inline std::string etag_of(const struct stat& status) {
  return fmt::format("\"{:x}-{:x}-{:x}.{:x}\"", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

// Inode, size and time, as a validator of ours has them. Nothing: it is none.
inline std::optional<struct stat> status_of(std::string_view etag) {
  struct stat made{};
  if (!etag.starts_with('"')) return std::nullopt;
  const char* at = etag.data() + 1;
  const char* const end = etag.data() + etag.size();
  const auto number = [&](auto& into, char behind) {
    const auto parsed = std::from_chars(at, end, into, 16);
    if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != behind) return false;
    at = parsed.ptr + 1;
    return true;
  };
  const bool read = number(made.st_ino, '-') && number(made.st_size, '-') && number(made.st_mtim.tv_sec, '.') &&
                    number(made.st_mtim.tv_nsec, '"');
  const bool can_be = made.st_size >= 0 && made.st_mtim.tv_nsec >= 0 && made.st_mtim.tv_nsec < 1'000'000'000;
  return read && can_be && etag_of(made) == etag ? std::optional(made) : std::nullopt;
}

}  // namespace detail

inline file_facts facts_of(const struct stat& status) {
  file_facts made;
  made.modified = nearest_time(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (S_ISREG(status.st_mode)) {
    made.kind = entry_kind::file;
    made.size = static_cast<std::uint64_t>(status.st_size);
    made.etag = detail::etag_of(status);
    made.executable = (status.st_mode & S_IXUSR) != 0;
  } else if (S_ISDIR(status.st_mode)) {
    made.kind = entry_kind::folder;
  } else if (S_ISLNK(status.st_mode)) {
    made.kind = entry_kind::link;
  }
  return made;
}

}  // namespace ajar::files
