// SPDX-License-Identifier: BSL-1.0
// The folder that files are fetched into: nothing below it is reached through a symbolic link.
#pragma once

#include <ajar/core/descriptor.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/files/file_facts.hpp>
#include <ajar/files/url_path.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <memory>
#include <string>
#include <vector>

namespace tools {

// An open folder below the destination, and what an interrupted run has left in it.
class local_folder {
 public:
  local_folder(ajar::descriptor folder, std::string shown) : folder_(std::move(folder)), path_(std::move(shown)) {
    find_leftovers();
  }

  int native() const noexcept { return folder_.get(); }
  const std::string& path() const noexcept { return path_; }  // for people

  // Whether a file is there already, by size and time.
  bool has(const std::string& name, const ajar::files::file_facts& facts) const {
    struct stat status{};
    if (::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
    const auto own = ajar::files::facts_of(status);
    return own.kind == ajar::files::entry_kind::file && own.size == facts.size && own.modified == facts.modified;
  }

  // Whether something stands there that no file may take the place of: a device, a FIFO, a socket. A link may be
  // replaced.
  bool keeps(const std::string& name) const {
    struct stat status{};
    return ::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode) &&
           !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode);
  }

  // Half files of this name whose tag is another: the file has changed since.
  void drop_leftovers(const std::string& prefix, const std::string& but) const {
    for (const auto& one : leftovers_) {
      if (!one.starts_with(prefix) || one == but) continue;
      const ajar::descriptor file(::openat(native(), one.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(native(), one.c_str(), 0);
    }
  }

 private:
  void find_leftovers() {
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

  ajar::descriptor folder_;
  std::string path_;
  std::vector<std::string> leftovers_;
};

using local_folder_ptr = std::shared_ptr<const local_folder>;

class local_tree {
 public:
  // The destination itself may be a link: its user named it. Errors: the system's.
  static ajar::result<local_tree> open(const std::string& path, bool make) {
    if (make && ::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return ajar::fail(ajar::last_error());
    ajar::descriptor root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return ajar::fail(ajar::last_error());
    return local_tree(std::move(root), path);
  }

  // A folder below, made with all above it where it is not there. Each step is of a single name and follows no link.
  // Errors: the system's; ELOOP or ENOTDIR where a link or a file is in the way.
  ajar::result<local_folder_ptr> folder(const std::string& inside) const {
    ajar::descriptor at(::openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (std::string_view rest = inside; at && !rest.empty();) {
      const auto slash = rest.find('/');
      const std::string name(rest.substr(0, slash));
      rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
      if (!ajar::files::is_entry_name(name)) return ajar::fail(ajar::errc::name_escapes);
      if (::mkdirat(at.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return ajar::fail(ajar::last_error());
      at = ajar::descriptor(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    if (!at) return ajar::fail(ajar::last_error());
    return std::make_shared<const local_folder>(std::move(at), inside.empty() ? path_ : path_ + "/" + inside);
  }

 private:
  local_tree(ajar::descriptor root, std::string path) : root_(std::move(root)), path_(std::move(path)) {}

  ajar::descriptor root_;
  std::string path_;
};

}  // namespace tools
