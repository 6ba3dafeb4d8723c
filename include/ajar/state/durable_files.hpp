// SPDX-License-Identifier: BSL-1.0
// ajar/state/durable_files.hpp - a folder of small files, each of which is whole or not at all, also after a power cut.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/crypto/random.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::state {

/// A 0700 folder with 0600 files. Every write is whole or not at all: a temporary file, fsync, rename, fsync.
///
/// Names are single path elements. Threads: distinct objects safe; processes are kept apart by alone().
class durable_files {
 public:
  /// No file of such a folder is larger.
  static constexpr std::size_t largest_file = 1 << 20;

  /// Open a folder, making it where it is not there. What a process that was killed had begun to write is removed.
  /// Errors: state_unusable, state_permissions.
  static result<durable_files> open(const std::string& path) {
    if (auto made = make_folders(path); !made) return fail(made.error());
    descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status{};
    if (!opened || ::fstat(opened.get(), &status) != 0) return fail(shortage_or(last_error(), errc::state_unusable));
    if ((status.st_mode & 077) != 0 || status.st_uid != ::geteuid()) return fail(errc::state_permissions);
    durable_files made(path, std::move(opened));
    made.sweep();
    return made;
  }

  const std::string& path() const noexcept { return path_; }

  /// A whole file. Nothing where there is none. Errors: state_permissions, state_damaged (too large), the system's.
  result<std::optional<bytes>> read(const std::string& name) const {
    descriptor file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == ENOENT) return std::optional<bytes>();
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) return fail(last_error());
    if (!S_ISREG(status.st_mode)) return fail(errc::state_damaged);
    if ((status.st_mode & 077) != 0 || status.st_uid != ::geteuid()) return fail(errc::state_permissions);
    bytes content;
    std::array<std::uint8_t, 4096> piece{};
    for (;;) {
      const auto count = ::read(file.get(), piece.data(), piece.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(last_error());
      if (count == 0) break;
      content.insert(content.end(), piece.begin(), piece.begin() + count);
      if (content.size() > largest_file) return fail(errc::state_damaged);
    }
    wipe(piece);
    return std::optional<bytes>(std::move(content));
  }

  /// Replace a file, durably. The old content stays until the new one is whole. Errors: the system's.
  result<> write(const std::string& name, bytes_view content) const {
    const auto written = put(name, content, false);
    if (!written) return fail(written.error());
    return {};
  }

  /// Make a file, durably; of several processes that do so at once one has made it.
  ///
  /// @return false where there is one: it stays as it is
  /// Errors: the system's.
  result<bool> create(const std::string& name, bytes_view content) const { return put(name, content, true); }

  /// Give a file another name, durably and at once. Errors: the system's.
  result<> rename(const std::string& from, const std::string& to) const {
    if (::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0) return fail(last_error());
    if (::fsync(folder_.get()) != 0) return fail(last_error());
    return {};
  }

  /// Forget a file, durably. Errors: the system's; none where there is no such file.
  result<> remove(const std::string& name) const {
    if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fail(last_error());
    if (::fsync(folder_.get()) != 0) return fail(last_error());
    return {};
  }

  /// The time that stands at a file, and setting it. Errors: the system's.
  result<wall_time> time_of(const std::string& name) const {
    struct stat status{};
    if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return fail(last_error());
    return wall_time(std::chrono::seconds(status.st_mtim.tv_sec));
  }
  result<> set_time(const std::string& name, wall_time at) const {
    const std::time_t seconds = at.time_since_epoch().count();
    const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, 0}};
    if (::utimensat(folder_.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) return fail(last_error());
    return {};
  }

  /// The files whose names end like this, in their order. Errors: the system's.
  result<std::vector<std::string>> list(std::string_view ending) const {
    return names([&](std::string_view name) { return !name.starts_with('.') && name.ends_with(ending); });
  }

  /// A lock, until it goes.
  class hold {
   public:
    explicit hold(descriptor file) : file_(std::move(file)) {}

   private:
    descriptor file_;
  };

  /// A lock that is held by whoever looks at files and then writes one that depends on what it saw, and by nobody for
  /// longer. Waits for it while others have their turn (wait_at_most()). Errors: server_busy, the system's.
  result<hold> alone() const {
    constexpr std::chrono::milliseconds pause{1};
    const auto until = std::chrono::steady_clock::now() + patience_;
    descriptor file(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file) return fail(last_error());
    for (;;) {
      if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return hold(std::move(file));
      if (errno != EWOULDBLOCK && errno != EINTR) return fail(last_error());
      if (std::chrono::steady_clock::now() >= until) return fail(errc::server_busy);
      ::poll(nullptr, 0, pause.count());
    }
  }
  /// How long alone() waits: half a minute, which is for a command that its user waits for, as all that are started at
  /// once have their turn. Whoever serves others meanwhile says less.
  void wait_at_most(std::chrono::milliseconds longest) noexcept { patience_ = longest; }
  static constexpr std::chrono::milliseconds of_a_server{1'000};

 protected:
  /// The open folder: owned by this.
  int handle() const noexcept { return folder_.get(); }

 private:
  durable_files(std::string path, descriptor folder) : path_(std::move(path)), folder_(std::move(folder)) {}

  static result<> make_folders(const std::string& path) {
    for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
      const auto part = path.substr(0, at);
      const bool last = at == std::string::npos || at + 1 == path.size();
      const bool made = ::mkdir(part.c_str(), last ? 0700 : 0755) == 0;
      if (!made && errno != EEXIST) return fail(shortage_or(last_error(), errc::state_unusable));
      if (made && !sync_parent(part)) return fail(shortage_or(last_error(), errc::state_unusable));
      if (at == std::string::npos) return {};
    }
  }

  // A folder lasts when the one it stands in does.
  static bool sync_parent(const std::string& of) {
    const auto end = of.find_last_not_of('/');
    const auto slash = of.rfind('/', end);
    const auto parent = slash == std::string::npos ? std::string(".") : of.substr(0, slash + 1);
    const descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return errno == EACCES;  // one that may be entered and written, but not read: nobody can ask
    return ::fsync(folder.get()) == 0;
  }

  // Whole or not at all. @return false where the name is taken, and is to stay
  result<bool> put(const std::string& name, bytes_view content, bool only_new) const {
    const auto begun = begin(name);
    if (!begun) return fail(begun.error());
    const auto& temporary = begun->name;
    auto done = fill(begun->file, content);
    bool named = false;
    if (done) {
      named = only_new ? link_new(temporary, name)
                       : ::renameat(folder_.get(), temporary.c_str(), folder_.get(), name.c_str()) == 0;
      if (!named && !(only_new && errno == EEXIST)) done = fail(last_error());
    }
    if (!named) ::unlinkat(folder_.get(), temporary.c_str(), 0);
    if (!done) return fail(done.error());
    if (::fsync(folder_.get()) != 0) return fail(last_error());
    return named;
  }

  bool link_new(const std::string& temporary, const std::string& name) const {
    const int in = folder_.get();
    if (::renameat2(in, temporary.c_str(), in, name.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    if (::linkat(in, temporary.c_str(), in, name.c_str(), 0) != 0) return false;  // NFS
    ::unlinkat(in, temporary.c_str(), 0);
    return true;
  }

  // A file on its way: .NAME.0123456789abcdef, locked for as long as somebody writes it.
  struct temporary_file {
    std::string name;
    descriptor file;
  };
  static constexpr std::size_t random_digits = 16;

  static bool is_temporary(std::string_view name) {
    if (name.size() < random_digits + 3 || name.front() != '.') return false;
    const auto random = name.substr(name.size() - random_digits);
    return name[name.size() - random_digits - 1] == '.' &&
           random.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }

  result<temporary_file> begin(const std::string& name) const {
    for (;;) {
      temporary_file made{"." + name + "." + to_hex(crypto::random_octets<random_digits / 2>()), descriptor()};
      made.file = descriptor(
          ::openat(folder_.get(), made.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!made.file) return fail(last_error());
      struct stat status{};
      const bool taken = ::flock(made.file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (::fstat(made.file.get(), &status) != 0) return fail(last_error());
      if (!taken && status.st_nlink > 0) return made;  // else somebody swept between the two calls
    }
  }

  static result<> fill(const descriptor& file, bytes_view content) {
    auto written = write_all(file.get(), content);
    if (written && ::fsync(file.get()) != 0) written = fail(last_error());
    return written;
  }

  void sweep() const {
    const auto all = names(is_temporary);
    if (!all) return;
    for (const auto& name : *all) {
      const descriptor file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
      if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(folder_.get(), name.c_str(), 0);
    }
  }

  template <class Wanted>
  result<std::vector<std::string>> names(const Wanted& wanted) const {
    const int again = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* folder = again < 0 ? nullptr : ::fdopendir(again);
    if (!folder) {
      const auto error = last_error();
      if (again >= 0) ::close(again);
      return fail(error);
    }
    std::vector<std::string> all;
    while (const auto* entry = ::readdir(folder)) {
      const std::string_view name = entry->d_name;
      if (wanted(name)) all.emplace_back(name);
    }
    ::closedir(folder);
    std::ranges::sort(all);
    return all;
  }

  std::string path_;
  descriptor folder_;
  std::chrono::milliseconds patience_{30'000};
};

}  // namespace ajar::state
