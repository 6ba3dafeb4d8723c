// SPDX-License-Identifier: BSL-1.0
// ajar/state/durable_files.hpp - a folder of small files, each of which is whole or not at all, also after a power cut.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
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
  static result<durable_files> open(const std::string& path);

  const std::string& path() const noexcept { return path_; }

  /// A whole file. Nothing where there is none. Errors: state_permissions, state_damaged (too large), the system's.
  result<std::optional<bytes>> read(const std::string& name) const;

  /// Replace a file, durably. The old content stays until the new one is whole. Errors: the system's.
  result<> write(const std::string& name, bytes_view content) const;

  /// Make a file, durably; of several processes that do so at once one has made it.
  ///
  /// @return false where there is one: it stays as it is
  /// Errors: the system's.
  result<bool> create(const std::string& name, bytes_view content) const { return put(name, content, true); }

  /// Give a file another name, durably and at once. Errors: the system's.
  result<> rename(const std::string& from, const std::string& to) const;

  /// Forget a file, durably. Errors: the system's; none where there is no such file.
  result<> remove(const std::string& name) const;

  /// The time that stands at a file, and setting it. Errors: the system's.
  result<wall_time> time_of(const std::string& name) const;
  result<> set_time(const std::string& name, wall_time at) const;

  /// The files whose names end like this, in their order. Errors: the system's.
  result<std::vector<std::string>> list(std::string_view ending) const;

  /// A lock, until it goes.
  class hold {
   public:
    explicit hold(descriptor file) : file_(std::move(file)) {}

   private:
    descriptor file_;
  };

  /// A lock that is held by whoever looks at files and then writes one that depends on what it saw, and by nobody for
  /// longer. Waits for it while others have their turn (wait_at_most()). Errors: server_busy, the system's.
  result<hold> alone() const;
  /// How long alone() waits: half a minute, which is for a command that its user waits for, as all that are started at
  /// once have their turn. Whoever serves others meanwhile says less.
  void wait_at_most(std::chrono::milliseconds longest) noexcept { patience_ = longest; }
  static constexpr std::chrono::milliseconds of_a_server{1'000};

 protected:
  /// The open folder: owned by this.
  int handle() const noexcept { return folder_.get(); }

 private:
  durable_files(std::string path, descriptor folder) : path_(std::move(path)), folder_(std::move(folder)) {}

  static result<> make_folders(const std::string& path);

  // A folder lasts when the one it stands in does.
  static bool sync_parent(const std::string& of);

  // Whole or not at all. @return false where the name is taken, and is to stay
  result<bool> put(const std::string& name, bytes_view content, bool only_new) const;

  bool link_new(const std::string& temporary, const std::string& name) const;

  // A file on its way: .NAME.0123456789abcdef, locked for as long as somebody writes it.
  struct temporary_file {
    std::string name;
    descriptor file;
  };
  static constexpr std::size_t random_digits = 16;

  static bool is_temporary(std::string_view name);

  result<temporary_file> begin(const std::string& name) const;

  static result<> fill(const descriptor& file, bytes_view content);

  void sweep() const;

  // Of all files, in their order.
  result<std::vector<std::string>> names() const;

  std::string path_;
  descriptor folder_;
  std::chrono::milliseconds patience_{30'000};
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/durable_files.ipp>
#endif
