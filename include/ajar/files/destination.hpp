// SPDX-License-Identifier: BSL-1.0
// ajar/files/destination.hpp - the folder that files are fetched into: nothing below it is reached through a symbolic
// link.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/files/file_facts.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ajar::files {

/// Which files here a fetched one may take the place of.
enum class replaces : std::uint8_t {
  fetched,  ///< those that are what was fetched
  any,      ///< those of its owner too
};

/// What a file system that keeps times in such units makes of one: FAT has 2 s, exFAT 10 ms, some 1 s.
inline file_time cut_to(std::chrono::nanoseconds unit, file_time time) {
  const auto since = time.time_since_epoch();
  const auto rest = since % unit;
  return file_time(since - rest - (rest.count() < 0 ? unit : std::chrono::nanoseconds(0)));
}

/// An open folder below a destination, and what an interrupted run has left in it. Threads: any number may read.
class destination_folder {
 public:
  /// @param inside  its path below the destination; "" is the destination itself
  destination_folder(descriptor folder, std::string inside);

  int native() const noexcept { return folder_.get(); }
  const std::string& inside() const noexcept { return inside_; }

  /// Whether a file is there already, by size, and by time as this file system keeps it.
  bool has(const std::string& name, const file_facts& facts) const;

  /// Whether a fetched file may get that name. What was fetched is remembered with the file, in the extended attribute
  /// user.ajar.fetched: its size, and its time here and there. A file without it, or of another size or time by now, is
  /// its owner's. A link may be replaced.
  /// Errors: destination_special for a device, a FIFO, a socket; destination_changed for a file of its owner's;
  /// is_a_directory.
  result<> admits(const std::string& name, replaces which) const;

  /// The file that would be replaced. Nothing: there is none, or it is no regular one.
  std::optional<struct stat> replaced(const std::string& name) const;

  /// What is in it, but half files.
  std::vector<std::string> names() const;

  /// Whether it is a folder that was fetched: destination::set_time has said so.
  bool was_fetched() const;

  /// Remove half files whose names begin like that, but one: the file has changed since. Who is at one keeps it.
  void drop_leftovers(const std::string& prefix, const std::string& but) const;

  /// Remove half files whose names begin like none of these: what they were to become is gone. Who is at one keeps it.
  void drop_vanished(const std::set<std::string>& prefixes) const;
  bool has_leftovers() const noexcept { return !leftovers_.empty(); }

 private:
  void find_leftovers();
  void drop(const std::string& leftover) const;
  std::chrono::nanoseconds unit_of_times() const;

  descriptor folder_;
  std::string inside_;
  std::vector<std::string> leftovers_;
  mutable std::atomic<std::int64_t> unit_{0};  // of times, in nanoseconds; 0: not looked at yet
};

using destination_folder_ptr = std::shared_ptr<const destination_folder>;

/// An empty file, for as long as this lives, by which a folder is known again from elsewhere.
class destination_mark {
 public:
  /// Errors: the system's.
  static result<destination_mark> put(destination_folder_ptr in);
  destination_mark(destination_mark&&) noexcept = default;
  destination_mark& operator=(destination_mark&&) = delete;
  ~destination_mark();

  const std::string& name() const noexcept { return name_; }

 private:
  destination_mark(destination_folder_ptr in, std::string name, descriptor file)
      : in_(std::move(in)), name_(std::move(name)), file_(std::move(file)) {}

  destination_folder_ptr in_;
  std::string name_;
  descriptor file_;  // locked: so it is no leftover
};

/// Give a fetched file its time, and remember with it what was fetched, as far as its file system can: that it cannot
/// costs only that. See destination_folder::admits.
void remember_fetched(int file, file_time modified);

/// The top of what is fetched. Moves, does not copy.
class destination {
 public:
  /// The destination itself may be a link: its user named it.
  ///
  /// @param make  it may have to be made; what is above it has to be there
  /// Errors: the system's.
  static result<destination> open(const std::string& path, bool make);

  /// One in which nothing is made: to see what would happen.
  ///
  /// @param make  it would be made where it is not there
  /// Errors: the system's.
  static result<destination> look(const std::string& path, bool make);

  /// A folder below, made with all above it where it is not there. Each step is of a single name and follows no link.
  /// Where nothing is made: one that is not there has nothing in it.
  /// Errors: name_escapes; the system's: ELOOP or ENOTDIR where a link or a file is in the way.
  result<destination_folder_ptr> folder(const std::string& inside) const;

  /// Give a fetched folder its time, and remember with it that it was fetched, as far as its file system can: that it
  /// cannot costs only that. Nothing is made, and no link is followed.
  void set_time(const std::string& inside, file_time modified) const;

  /// What the destination itself is called, links followed. Nothing: that is not known.
  const std::string& name() const noexcept { return name_; }

 private:
  destination(descriptor top, bool makes, std::string name = {})
      : top_(std::move(top)), makes_(makes), name_(std::move(name)) {}

  result<descriptor> below(const std::string& inside, bool make) const;

  descriptor top_;
  bool makes_;
  std::string name_;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/destination.ipp>
#endif
