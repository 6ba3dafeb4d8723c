// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/destination.ipp - what ajar/files/destination.hpp declares.
#pragma once

#include <ajar/files/destination.hpp>

#include <ajar/files/url_path.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <string_view>
#include <utility>

namespace ajar::files {

AJAR_DECL destination_folder::destination_folder(descriptor folder, std::string inside)
    : folder_(std::move(folder)), inside_(std::move(inside)) {
  find_leftovers();
}

AJAR_DECL bool destination_folder::has(const std::string& name, const file_facts& facts) const {
  struct stat status{};
  if (::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const auto own = facts_of(status);
  return own.kind == entry_kind::file && own.size == facts.size && own.modified == facts.modified;
}

AJAR_DECL bool destination_folder::keeps(const std::string& name) const {
  struct stat status{};
  return ::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode) &&
         !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode);
}

AJAR_DECL void destination_folder::drop_leftovers(const std::string& prefix, const std::string& but) const {
  for (const auto& one : leftovers_) {
    if (!one.starts_with(prefix) || one == but) continue;
    const descriptor file(::openat(native(), one.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(native(), one.c_str(), 0);
  }
}

AJAR_DECL void destination_folder::find_leftovers() {
  constexpr std::size_t most = 10'000;
  const int again = ::openat(native(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = again < 0 ? nullptr : ::fdopendir(again);
  if (!stream) {
    if (again >= 0) ::close(again);
    return;
  }
  while (const auto* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with(".ajar-") && name.ends_with(".part") && leftovers_.size() < most) {
      leftovers_.emplace_back(name);
    }
  }
  ::closedir(stream);
}

AJAR_DECL result<destination> destination::open(const std::string& path, bool make) {
  if (make && ::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return fail(last_error());
  descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return fail(last_error());
  return destination(std::move(top));
}

AJAR_DECL result<destination_folder_ptr> destination::folder(const std::string& inside) const {
  descriptor at(::openat(top_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::string_view rest = inside; at && !rest.empty();) {
    const auto slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (!is_entry_name(name)) return fail(errc::name_escapes);
    if (::mkdirat(at.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return fail(last_error());
    at = descriptor(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!at) return fail(last_error());
  return std::make_shared<const destination_folder>(std::move(at), inside);
}

}  // namespace ajar::files
