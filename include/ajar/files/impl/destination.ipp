// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/destination.ipp - what ajar/files/destination.hpp declares.
#pragma once

#include <ajar/files/destination.hpp>

#include <ajar/files/url_path.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace ajar::files {

namespace detail {

inline constexpr const char* fetched_attribute = "user.ajar.fetched";

// What was fetched to a file. Text: whoever looks at the attribute can read it.
struct fetched_record {
  std::uint64_t size = 0;
  std::int64_t kept = 0;    // its time, as the file system kept it
  std::int64_t source = 0;  // and as it was told
};

inline std::optional<fetched_record> fetched_to(int file) {
  char text[80] = {};
  const auto count = ::fgetxattr(file, fetched_attribute, text, sizeof text - 1);
  fetched_record made;
  int end = 0;
  if (count <= 0 ||
      std::sscanf(text, "%" SCNu64 " %" SCNd64 " %" SCNd64 "%n", &made.size, &made.kept, &made.source, &end) != 3) {
    return std::nullopt;
  }
  return end == count ? std::optional(made) : std::nullopt;
}

inline std::optional<fetched_record> fetched_to(int folder, const std::string& name) {
  const descriptor file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  return file ? fetched_to(file.get()) : std::nullopt;
}

inline bool is_half(std::string_view name) { return name.starts_with(".ajar-") && name.ends_with(".part"); }

// Calls with all that an open folder has, "." and ".." too.
template <class Each>
void each_name(int folder, Each&& each) {
  descriptor again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = again ? ::fdopendir(again.get()) : nullptr;
  if (!stream) return;
  (void)again.release();  // the stream's now
  while (const auto* entry = ::readdir(stream)) each(std::string_view(entry->d_name));
  ::closedir(stream);
}

inline timespec to_timespec(file_time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  timespec made{};
  made.tv_sec = static_cast<std::time_t>(seconds.time_since_epoch().count());
  made.tv_nsec = static_cast<long>((time - seconds).count());
  return made;
}

// @return the time that the file has then
inline std::optional<file_time> set_time(int file, file_time time) {
  timespec times[2] = {};
  times[0].tv_nsec = UTIME_OMIT;
  times[1] = to_timespec(time);
  struct stat status{};
  if (::futimens(file, times) != 0 || ::fstat(file, &status) != 0) return std::nullopt;
  return facts_of(status).modified;
}

}  // namespace detail

AJAR_DECL void remember_fetched(int file, file_time modified) {
  (void)detail::set_time(file, modified);
  struct stat status{};
  if (::fstat(file, &status) != 0) return;
  const auto text = fmt::format("{} {} {}", status.st_size, facts_of(status).modified.time_since_epoch().count(),
                                modified.time_since_epoch().count());
  (void)::fsetxattr(file, detail::fetched_attribute, text.data(), text.size(), 0);
}

AJAR_DECL destination_folder::destination_folder(descriptor folder, std::string inside)
    : folder_(std::move(folder)), inside_(std::move(inside)) {
  find_leftovers();
}

AJAR_DECL bool destination_folder::has(const std::string& name, const file_facts& facts) const {
  struct stat status{};
  if (::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const auto own = facts_of(status);
  if (own.kind != entry_kind::file || own.size != facts.size) return false;
  if (own.modified == facts.modified) return true;
  if (const auto record = detail::fetched_to(native(), name)) {
    return record->size == own.size && file_time(std::chrono::nanoseconds(record->kept)) == own.modified &&
           file_time(std::chrono::nanoseconds(record->source)) == facts.modified;
  }
  if (cut_to(std::chrono::seconds(2), facts.modified) > own.modified || own.modified > facts.modified) return false;
  return cut_to(unit_of_times(), facts.modified) == own.modified;
}

AJAR_DECL result<> destination_folder::admits(const std::string& name, replaces which) const {
  struct stat status{};
  if (::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISLNK(status.st_mode)) return {};
  if (S_ISDIR(status.st_mode)) return fail(std::make_error_code(std::errc::is_a_directory));
  if (!S_ISREG(status.st_mode)) return fail(errc::destination_special);
  if (which == replaces::any) return {};
  const auto own = facts_of(status);
  const auto record = detail::fetched_to(native(), name);
  if (!record || record->size != own.size || file_time(std::chrono::nanoseconds(record->kept)) != own.modified) {
    return fail(errc::destination_changed);
  }
  return {};
}

AJAR_DECL std::optional<struct stat> destination_folder::replaced(const std::string& name) const {
  struct stat status{};
  const bool there = ::fstatat(native(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
  return there ? std::optional(status) : std::nullopt;
}

// Asks the file system, by a file of its own: what it is called does not tell.
AJAR_DECL std::chrono::nanoseconds destination_folder::unit_of_times() const {
  using std::chrono::nanoseconds;
  if (const auto known = unit_.load()) return nanoseconds(known);
  const auto name = fmt::format(".ajar-times-{}.part", ::getpid());
  const file_time asked(nanoseconds(1'000'000'001'123'456'789));
  auto found = nanoseconds(1);
  const descriptor file(::openat(native(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file) {
    const auto kept = detail::set_time(file.get(), asked);
    ::unlinkat(native(), name.c_str(), 0);
    for (const nanoseconds one : {nanoseconds(100), nanoseconds(1'000), nanoseconds(1'000'000), nanoseconds(10'000'000),
                                  nanoseconds(1'000'000'000), nanoseconds(2'000'000'000)}) {
      if (kept != asked && kept == cut_to(one, asked) && found == nanoseconds(1)) found = one;
    }
  }
  unit_.store(found.count());
  return found;
}

AJAR_DECL void destination_folder::drop_leftovers(const std::string& prefix, const std::string& but) const {
  for (const auto& one : leftovers_) {
    if (one.starts_with(prefix) && one != but) drop(one);
  }
}

AJAR_DECL void destination_folder::drop_vanished(const std::set<std::string>& prefixes) const {
  for (const auto& one : leftovers_) {
    const auto prefix = one.substr(0, one.rfind('-') + 1);
    if (!prefixes.contains(prefix)) drop(one);
  }
}

AJAR_DECL void destination_folder::drop(const std::string& leftover) const {
  const descriptor file(::openat(native(), leftover.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlinkat(native(), leftover.c_str(), 0);
}

AJAR_DECL result<destination_mark> destination_mark::put(destination_folder_ptr in) {
  static std::atomic<unsigned> count{0};
  const std::string prefix = ".ajar-here-";
  in->drop_leftovers(prefix, {});  // of runs that were killed
  auto name = fmt::format("{}{:x}.{:x}.{:x}.part", prefix, ::getpid(), ++count,
                          std::chrono::system_clock::now().time_since_epoch().count());
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  descriptor file(::openat(in->native(), name.c_str(), flags, 0666));
  if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return fail(last_error());
  return destination_mark(std::move(in), std::move(name), std::move(file));
}

AJAR_DECL destination_mark::~destination_mark() {
  if (file_) ::unlinkat(in_->native(), name_.c_str(), 0);
}

AJAR_DECL void destination_folder::find_leftovers() {
  constexpr std::size_t most = 10'000;
  detail::each_name(native(), [this](std::string_view name) {
    if (detail::is_half(name) && leftovers_.size() < most) leftovers_.emplace_back(name);
  });
}

AJAR_DECL std::vector<std::string> destination_folder::names() const {
  std::vector<std::string> all;
  detail::each_name(native(), [&](std::string_view name) {
    if (name != "." && name != ".." && !detail::is_half(name)) all.emplace_back(name);
  });
  return all;
}

AJAR_DECL bool destination_folder::was_fetched() const { return detail::fetched_to(native()).has_value(); }

AJAR_DECL result<destination> destination::open(const std::string& path, bool make) {
  if (make && ::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return fail(last_error());
  descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return fail(last_error());
  const std::unique_ptr<char, decltype(&std::free)> whole(::realpath(path.c_str(), nullptr), &std::free);
  const std::string real(whole ? whole.get() : "");
  return destination(std::move(top), true, real.substr(real.rfind('/') + 1));
}

AJAR_DECL result<destination> destination::look(const std::string& path, bool make) {
  descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top && (errno != ENOENT || !make)) return fail(last_error());
  const auto slash = path.rfind('/');
  const auto parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  if (!top && ::access(parent.c_str(), W_OK | X_OK) != 0) return fail(last_error());
  return destination(std::move(top), false);
}

AJAR_DECL result<destination_folder_ptr> destination::folder(const std::string& inside) const {
  if (!top_) return std::make_shared<const destination_folder>(descriptor(), inside);
  auto at = below(inside, makes_);
  if (!at && !makes_ && at.error() == std::errc::no_such_file_or_directory) {
    return std::make_shared<const destination_folder>(descriptor(), inside);
  }
  if (!at) return fail(at.error());
  return std::make_shared<const destination_folder>(std::move(*at), inside);
}

AJAR_DECL void destination::set_time(const std::string& inside, file_time modified) const {
  const auto at = below(inside, false);
  struct stat status{};
  if (!at || ::fstat(at->get(), &status) != 0) return;
  if (facts_of(status).modified != modified || !detail::fetched_to(at->get())) remember_fetched(at->get(), modified);
}

// Each step is of a single name.
AJAR_DECL result<descriptor> destination::below(const std::string& inside, bool make) const {
  descriptor at(::openat(top_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::string_view rest = inside; at && !rest.empty();) {
    const auto slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (!is_entry_name(name)) return fail(errc::name_escapes);
    if (make && ::mkdirat(at.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return fail(last_error());
    at = descriptor(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!at) return fail(last_error());
  return at;
}

}  // namespace ajar::files
