// SPDX-License-Identifier: BSL-1.0
// ajar/state/folder_watch.hpp - tells when files of a kind come to a folder, or go.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/result.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ajar::state {

/// Watches one folder for files whose names end alike: that come under such a name, or leave it. What is written to
/// them does not count, nor what happens to other files.
///
/// Where the kernel cannot keep all that happened it tells of a change. Moves, does not copy. Its destructor ends a
/// changed() that is under way, as does the assignment of another one. One that was moved from answers moved_from.
/// Threads: one executor. Source: inotify(7).
class folder_watch {
 public:
  /// @param path  of the folder that is there now; another one that takes its place is not watched
  /// Errors: the system's, such as too_many_files_open where the user watches too much.
  static result<folder_watch> open(const asio::any_io_executor& executor, const std::string& path, std::string ending);
  folder_watch(folder_watch&& other) noexcept = default;
  folder_watch& operator=(folder_watch&& other) noexcept;
  ~folder_watch() { leave(); }

  /// Wait for a change; one that came before is told at once. Errors: canceled, the system's. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> changed();

  /// Whether what the kernel says concerns such a file. Pure: octets in, a verdict out.
  static bool concerns(bytes_view octets, std::string_view ending);

 private:
  // Whoever waits keeps it (kept()): the watch may go meanwhile.
  struct state;

  explicit folder_watch(std::shared_ptr<state> of) : state_(std::move(of)) {}

  void leave() noexcept;

  std::shared_ptr<state> state_;
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/folder_watch.ipp>
#endif
