// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/durable_files.ipp - what ajar/state/durable_files.hpp declares.
#pragma once

#include <ajar/core/shortage.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/state/durable_files.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace ajar::state {

AJAR_DECL result<durable_files> durable_files::open(const std::string& path) {
  if (auto made = make_folders(path); !made) return fail(made.error());
  descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!opened || ::fstat(opened.get(), &status) != 0) return fail(shortage_or(last_error(), errc::state_unusable));
  if ((status.st_mode & 077) != 0 || status.st_uid != ::geteuid()) return fail(errc::state_permissions);
  durable_files made(path, std::move(opened));
  made.sweep();
  return made;
}

AJAR_DECL result<std::optional<bytes>> durable_files::read(const std::string& name) const {
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

AJAR_DECL result<> durable_files::write(const std::string& name, bytes_view content) const {
  const auto written = put(name, content, false);
  if (!written) return fail(written.error());
  return {};
}

AJAR_DECL result<> durable_files::rename(const std::string& from, const std::string& to) const {
  if (::renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0) return fail(last_error());
  if (::fsync(folder_.get()) != 0) return fail(last_error());
  return {};
}

AJAR_DECL result<> durable_files::remove(const std::string& name) const {
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fail(last_error());
  if (::fsync(folder_.get()) != 0) return fail(last_error());
  return {};
}

AJAR_DECL result<wall_time> durable_files::time_of(const std::string& name) const {
  struct stat status{};
  if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return fail(last_error());
  return wall_time(std::chrono::seconds(status.st_mtim.tv_sec));
}

AJAR_DECL result<> durable_files::set_time(const std::string& name, wall_time at) const {
  const std::time_t seconds = at.time_since_epoch().count();
  const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, 0}};
  if (::utimensat(folder_.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) return fail(last_error());
  return {};
}

AJAR_DECL result<durable_files::hold> durable_files::alone() const {
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

AJAR_DECL result<> durable_files::make_folders(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const auto part = path.substr(0, at);
    const bool last = at == std::string::npos || at + 1 == path.size();
    const bool made = ::mkdir(part.c_str(), last ? 0700 : 0755) == 0;
    if (!made && errno != EEXIST) return fail(shortage_or(last_error(), errc::state_unusable));
    if (made && !sync_parent(part)) return fail(shortage_or(last_error(), errc::state_unusable));
    if (at == std::string::npos) return {};
  }
}

AJAR_DECL bool durable_files::sync_parent(const std::string& of) {
  const auto end = of.find_last_not_of('/');
  const auto slash = of.rfind('/', end);
  const auto parent = slash == std::string::npos ? std::string(".") : of.substr(0, slash + 1);
  const descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno == EACCES;  // one that may be entered and written, but not read: nobody can ask
  return ::fsync(folder.get()) == 0;
}

AJAR_DECL result<bool> durable_files::put(const std::string& name, bytes_view content, bool only_new) const {
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

AJAR_DECL bool durable_files::link_new(const std::string& temporary, const std::string& name) const {
  const int in = folder_.get();
  if (::renameat2(in, temporary.c_str(), in, name.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (::linkat(in, temporary.c_str(), in, name.c_str(), 0) != 0) return false;  // NFS
  ::unlinkat(in, temporary.c_str(), 0);
  return true;
}

AJAR_DECL bool durable_files::is_temporary(std::string_view name) {
  if (name.size() < random_digits + 3 || name.front() != '.') return false;
  const auto random = name.substr(name.size() - random_digits);
  return name[name.size() - random_digits - 1] == '.' &&
         random.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

AJAR_DECL result<durable_files::temporary_file> durable_files::begin(const std::string& name) const {
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

AJAR_DECL result<> durable_files::fill(const descriptor& file, bytes_view content) {
  auto written = write_all(file.get(), content);
  if (written && ::fsync(file.get()) != 0) written = fail(last_error());
  return written;
}

AJAR_DECL void durable_files::sweep() const {
  const auto all = names();
  if (!all) return;
  for (const auto& name : *all) {
    if (!is_temporary(name)) continue;
    const descriptor file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(folder_.get(), name.c_str(), 0);
  }
}

AJAR_DECL result<std::vector<std::string>> durable_files::list(std::string_view ending) const {
  auto all = names();
  if (all) std::erase_if(*all, [&](const auto& name) { return name.starts_with('.') || !name.ends_with(ending); });
  return all;
}

AJAR_DECL result<std::vector<std::string>> durable_files::names() const {
  const int again = ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* folder = again < 0 ? nullptr : ::fdopendir(again);
  if (!folder) {
    const auto error = last_error();
    if (again >= 0) ::close(again);
    return fail(error);
  }
  std::vector<std::string> all;
  while (const auto* entry = ::readdir(folder)) all.emplace_back(entry->d_name);
  ::closedir(folder);
  std::ranges::sort(all);
  return all;
}

}  // namespace ajar::state
