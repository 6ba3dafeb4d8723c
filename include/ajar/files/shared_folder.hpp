// SPDX-License-Identifier: BSL-1.0
// ajar/files/shared_folder.hpp - a folder or a file that is shared for reading, and lookups that never leave it.
#pragma once

#include <ajar/core/descriptor.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/files/file_facts.hpp>
#include <ajar/files/private_folder.hpp>
#include <ajar/files/url_path.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ajar::files {

/// A file of a share, open for reading.
class shared_file {
 public:
  shared_file(descriptor file, const struct stat& status)
      : file_(std::move(file)), opened_(status), facts_(facts_of(status)), stamp_(stamp_of(status)) {}

  /// Keep to what it was when it had that tag, if it has only grown since: to its first octets, also where it grows
  /// from now on. What was written there meanwhile in their place nobody sees: of who only appends they are what they
  /// were.
  /// @return false where it is another one, and nothing is kept to
  bool keep_to(std::string_view etag) {
    if (etag != facts_.etag) {
      const auto then = detail::status_of(etag);
      if (!then || then->st_ino != opened_.st_ino || then->st_size >= opened_.st_size ||
          was_made_after(then->st_mtim)) {
        return false;
      }
      facts_.size = static_cast<std::uint64_t>(then->st_size);
      facts_.modified = nearest_time(then->st_mtim.tv_sec, then->st_mtim.tv_nsec);
      facts_.etag = etag;
    }
    kept_to_ = true;
    return true;
  }

  /// As they were when it was opened, or when it had the tag that it is kept to.
  const file_facts& facts() const noexcept { return facts_; }
  /// Renewed by whatever changes it, also where its time was set back: the kernel's ctime, which nobody can set.
  const std::string& stamp() const noexcept { return stamp_; }

  /// Some octets from a place on; fewer than `into` at a short read, 0 at the file's end. Errors: share_unreadable.
  result<std::size_t> read_at(std::uint64_t place, std::span<std::uint8_t> into) const {
    if (kept_to_) {
      const auto left = place < facts_.size ? facts_.size - place : 0;
      into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));
    }
    for (;;) {
      const auto count = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(place));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return fail(errc::share_unreadable);
    }
  }
  /// Whether it is still what it was, or has only grown where it is kept to a tag. Errors: share_cut_short where it is
  /// shorter, file_changed, share_unreadable.
  result<> unchanged() const {
    struct stat status{};
    if (::fstat(file_.get(), &status) != 0) return fail(errc::share_unreadable);
    const auto now = facts_of(status);
    if (now.size < facts_.size) return fail(errc::share_cut_short);
    if (kept_to_ && status.st_size > opened_.st_size) return {};
    if (now.etag != detail::etag_of(opened_) || stamp_of(status) != stamp_) return fail(errc::file_changed);
    return {};
  }

 private:
  static std::string stamp_of(const struct stat& status) {
    return fmt::format("{:x}.{:x}", status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
  }

  // Whether another one was in its place then: a number of an inode is given again. Where the file system does not keep
  // when a file was made, nobody knows.
  bool was_made_after(const timespec& time) const {
    struct statx made{};
    if (::statx(file_.get(), "", AT_EMPTY_PATH, STATX_BTIME, &made) != 0 || (made.stx_mask & STATX_BTIME) == 0) {
      return false;
    }
    return std::pair<std::int64_t, std::int64_t>(made.stx_btime.tv_sec, made.stx_btime.tv_nsec) >
           std::pair<std::int64_t, std::int64_t>(time.tv_sec, time.tv_nsec);
  }

  descriptor file_;
  struct stat opened_;
  file_facts facts_;
  std::string stamp_;
  bool kept_to_ = false;  // its tag
};

/// One entry of a folder. For a link, `facts` are those of what it leads to, and nothing where it leads out or nowhere.
struct folder_entry {
  std::string name;
  entry_kind kind = entry_kind::other;
  std::optional<file_facts> facts;
};

class folder_reader;

/// A share: a folder, or a single file.
///
/// A folder is found by its path at each use, and has to be the one that was opened at first: where it is gone, or on
/// another disk, nothing of it is served until it is back, as an empty folder under a disk that is away is not what its
/// owner meant. Another folder on the same disk has taken its place and is served, as far as this process may read it.
/// Nothing is held open meanwhile: disks can be unmounted. What is inside is looked up by openat2(2) with
/// RESOLVE_BENEATH, so that no symbolic link and no '..' leaves it, however the tree changes meanwhile, and with
/// RESOLVE_NO_MAGICLINKS, so that no link of /proc does. Disks that are mounted inside are part of it (no
/// RESOLVE_NO_XDEV): to mount one needs the machine's owner, and whoever shares a folder means what he sees in it. A
/// single file is found by its path at each use, as editors replace files: the owner named that path, no client did.
///
/// The state folder of a node is never served, nor anything in it, wherever it lies and by whatever way it is reached;
/// nor is a node's key that lies elsewhere. Whoever reads a key is that node from then on. Threads: one.
class shared_folder {
 public:
  /// Errors: share_unreadable, openat2_missing; file_not_permitted for what is, or lies in, a state folder.
  static result<shared_folder> open(const std::string& path) {
    shared_folder made;
    descriptor folder(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!folder || ::fstat(folder.get(), &status) != 0) return fail(errc::share_unreadable);
    if (S_ISREG(status.st_mode)) {
      made.file_ = path;
      auto readable = made.file("");
      if (!readable && readable.error() == errc::file_not_permitted && lies_in_private(path))
        return fail(readable.error());
      if (!readable) return fail(errc::share_unreadable);
      return made;
    }
    if (!S_ISDIR(status.st_mode)) return fail(errc::share_unreadable);
    made.folder_ = absolute(path);
    const descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto identity = file_identity::of(top.get());
    if (!top || !identity) return fail(errc::share_unreadable);
    made.top_ = *identity;
    if (is_private(top.get())) return fail(errc::file_not_permitted);
    const auto probe = made.look_up("", O_PATH);
    if (!probe) return fail(probe.error());
    return made;
  }

  bool is_file() const noexcept { return !file_.empty(); }
  /// The folder, by what it is.
  const file_identity& top() const noexcept { return top_; }

  /// Called when it is noticed, at a use, that the folder is not there any more, by share_unreadable; and that it is
  /// again, by none.
  shared_folder& on_loss(std::function<void(const std::error_code&)> told) {
    told_ = std::move(told);
    return *this;
  }

  /// What is there. Errors: file_not_found, file_not_permitted, not_a_folder (below a file), server_busy (no
  /// descriptor is left), share_unreadable.
  result<file_facts> facts(const std::string& inside) const {
    auto found = look_up(inside, O_PATH);
    if (!found) return fail(found.error());
    struct stat status{};
    if (::fstat(found->get(), &status) != 0) return fail(errc::share_unreadable);
    return facts_of(status);
  }

  /// Open a regular file. Nothing else is opened ever: a FIFO would hang, a device might act.
  /// Errors: as facts(), not_a_file.
  result<shared_file> file(const std::string& inside) const {
    auto seen = facts(inside);
    if (!seen) return fail(seen.error());
    if (seen->kind != entry_kind::file) return fail(errc::not_a_file);
    auto found = look_up(inside, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!found) return fail(found.error());
    struct stat status{};
    if (::fstat(found->get(), &status) != 0) return fail(errc::share_unreadable);
    if (!S_ISREG(status.st_mode)) return fail(errc::not_a_file);
    if (state::folder::is_key(found->get())) return fail(errc::file_not_permitted);
    return shared_file(std::move(*found), status);
  }

  /// Read a folder, an entry at a time. The reader is outlived by this. Errors: as facts(), not_a_folder.
  result<folder_reader> folder(const std::string& inside) const;

 private:
  friend class folder_reader;
  shared_folder() = default;

  static std::error_code cause_of(int number) {
    switch (number) {
      case ENOENT:
      case ENAMETOOLONG:
        return errc::file_not_found;
      case ENOTDIR:
        return errc::not_a_folder;
      case EACCES:
      case EPERM:
      case ELOOP:  // a loop, or a magic link
      case EXDEV:  // a way out
        return errc::file_not_permitted;
      case ENOSYS:
        return errc::openat2_missing;
      case ENXIO:
      case ENODEV:
        return errc::not_a_file;
      case EMFILE:
      case ENFILE:
      case ENOMEM:
      case ENOBUFS:
        return errc::server_busy;  // nobody could look
      default:
        return errc::share_unreadable;
    }
  }

  static std::string absolute(const std::string& path) {
    if (path.starts_with('/')) return path;
    const std::unique_ptr<char, decltype(&std::free)> here(::getcwd(nullptr, 0), &std::free);
    return here ? std::string(here.get()) + "/" + path : path;
  }

  // The folder, where it is there. Opened for reading, which tells whether a sandbox lets it.
  result<descriptor> open_top() const {
    descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder && is_shortage(last_error())) return fail(errc::server_busy);
    const auto here = file_identity::of(folder.get());
    const bool same = here == top_;
    const bool there = here && (same || (here->device == top_.device && !is_private(folder.get())));
    if (there) top_ = *here;
    if (there == lost_) {
      lost_ = !there;
      if (told_) told_(there ? std::error_code() : make_error_code(errc::share_unreadable));
    }
    if (!there) return fail(errc::share_unreadable);
    return folder;
  }

  // What lies at a path below, once it is known that no state folder lies on the way. A link is followed by hand: where
  // it leads has a way of its own.
  result<descriptor> look_up(const std::string& inside, int flags) const {
    if (is_file()) {
      if (!inside.empty()) return fail(errc::not_a_folder);
      descriptor found(::open(file_.c_str(), flags | O_CLOEXEC));
      if (!found) return fail(cause_of(errno));
      if (lies_in_private(file_)) return fail(errc::file_not_permitted);
      return found;
    }
    const auto top = open_top();
    if (!top) return fail(top.error());
    std::string path = inside;
    constexpr int most_links = 40;  // path_resolution(7)
    for (int i = 0; i <= most_links; ++i) {
      while (path.ends_with('/')) path.pop_back();
      const auto slash = path.rfind('/');
      const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
      if (name.empty() || name == "." || name == "..") {
        auto found = open_beneath(top->get(), path, flags, 0);
        if (found && is_private(found->get(), top_)) return fail(errc::file_not_permitted);
        return found;
      }
      const auto way = slash == std::string::npos ? std::string() : path.substr(0, slash);
      auto parent = open_beneath(top->get(), way, O_PATH | O_DIRECTORY, 0);
      if (!parent) return parent;
      if (is_private(parent->get(), top_)) return fail(errc::file_not_permitted);
      auto found = open_beneath(parent->get(), name, flags, RESOLVE_NO_SYMLINKS);
      struct stat status{};
      const bool link = !found && ::fstatat(parent->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISLNK(status.st_mode);
      if (!link) {
        if (found && state::folder::is_one(found->get())) return fail(errc::file_not_permitted);
        return found;
      }
      std::string target(PATH_MAX, '\0');
      const auto size = ::readlinkat(parent->get(), name.c_str(), target.data(), target.size());
      if (size < 0) return fail(cause_of(errno));
      target.resize(static_cast<std::size_t>(size));
      if (target.starts_with('/')) return fail(errc::file_not_permitted);  // a way out
      path = way.empty() ? target : way + "/" + target;
    }
    return fail(errc::file_not_permitted);  // a loop
  }

  // openat2(2), never out of `from`. An empty path is `from` itself.
  static result<descriptor> open_beneath(int from, const std::string& path, int flags, std::uint64_t also) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | also;
    const char* name = path.empty() ? "." : path.c_str();
    constexpr int attempts = 100;  // EAGAIN: something was renamed while '..' of a link was followed
    for (int i = 0; i < attempts; ++i) {
      const auto number = ::syscall(SYS_openat2, from, name, &how, sizeof how);
      if (number >= 0) return descriptor(static_cast<int>(number));
      if (errno != EAGAIN && errno != EINTR) break;
    }
    // sandboxes forbid what they do not know by EPERM; the kernel itself has nothing to refuse about "."
    if (errno == EPERM && path.empty()) return fail(errc::openat2_missing);
    return fail(cause_of(errno));
  }

  std::string folder_;           // where it is; "" for a single file
  mutable file_identity top_{};  // and what is there
  mutable bool lost_ = false;    // as it was told
  std::function<void(const std::error_code&)> told_;
  std::string file_;
};

/// Goes through a folder in the order in which the file system keeps it, in constant memory.
class folder_reader {
 public:
  /// Of the folder itself, as they were when it was opened.
  const file_facts& facts() const noexcept { return facts_; }

  /// The next entry; nothing at the end. What vanishes meanwhile, and a state folder, is left out. Errors:
  /// share_unreadable.
  result<std::optional<folder_entry>> next() {
    for (;;) {
      errno = 0;
      const auto* found = ::readdir(stream_.get());
      if (!found && errno != 0) return fail(errc::share_unreadable);
      if (!found) return std::optional<folder_entry>();
      const std::string_view name = found->d_name;
      if (name == "." || name == "..") continue;
      struct stat status{};
      if (::fstatat(::dirfd(stream_.get()), found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return std::optional(folder_entry{std::string(name), entry_kind::other, std::nullopt});
      }
      folder_entry made{std::string(name), entry_kind::other, facts_of(status)};
      made.kind = made.facts->kind;
      if (made.kind == entry_kind::folder && is_state_folder(found->d_name)) continue;
      if (made.kind == entry_kind::link) {
        auto target = of_->facts(inside_.empty() ? made.name : inside_ + "/" + made.name);
        made.facts = target ? std::optional(std::move(*target)) : std::nullopt;
      }
      return std::optional(std::move(made));
    }
  }

 private:
  friend class shared_folder;
  struct close_folder {
    void operator()(DIR* one) const noexcept { ::closedir(one); }
  };

  folder_reader(const shared_folder& of, std::string inside, file_facts facts, DIR* stream)
      : of_(&of), inside_(std::move(inside)), facts_(std::move(facts)), stream_(stream) {}

  bool is_state_folder(const char* name) const {
    const descriptor folder(::openat(::dirfd(stream_.get()), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return folder && state::folder::is_one(folder.get());
  }

  const shared_folder* of_;
  std::string inside_;
  file_facts facts_;
  std::unique_ptr<DIR, close_folder> stream_;
};

inline result<folder_reader> shared_folder::folder(const std::string& inside) const {
  if (is_file()) return fail(inside.empty() ? errc::not_a_folder : errc::file_not_found);
  auto found = look_up(inside, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!found) return fail(found.error());
  struct stat status{};
  if (::fstat(found->get(), &status) != 0) return fail(errc::share_unreadable);
  DIR* stream = ::fdopendir(found->get());
  if (!stream) return fail(is_shortage(last_error()) ? errc::server_busy : errc::share_unreadable);
  (void)found->release();  // the stream's now
  return folder_reader(*this, inside, facts_of(status), stream);
}

}  // namespace ajar::files
