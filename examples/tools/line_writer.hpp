// SPDX-License-Identifier: BSL-1.0
// Lines for whoever reads them, by one who never waits for him.
#pragma once

#include <ajar/core/descriptor.hpp>

#include <fmt/format.h>
#include <sys/types.h>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tools {

// Writes lines to a descriptor that others own. A reader that stalls costs lines, never time: what does not leave at
// once waits in a bounded queue, and what finds no room there, or cannot be written at all, is counted and gone. When
// the reader goes on, a line of its own says how many are missing. Threads: any.
class line_writer {
 public:
  static constexpr std::size_t largest_queue = 256 * 1024;

  // What is to be said of lines that were lost: a line, with its end.
  using loss_line = std::function<std::string(std::uint64_t lines)>;

  explicit line_writer(int to, loss_line loss = {});
  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;
  ~line_writer() { finish(std::chrono::milliseconds(500)); }

  // A line, or several, with their ends. Never waits.
  void put(std::string_view lines);

  // How many lines of this process nobody will read.
  static std::uint64_t lost_by_all() noexcept { return all_lost_; }

  // Waits so long for what is in the queue to leave.
  void finish(std::chrono::milliseconds longest);

 private:
  void lose(std::string_view lines);

  // Until all has left, or would have to wait.
  void drain();
  ssize_t write_some();

  static inline std::atomic<std::uint64_t> all_lost_{0};

  std::mutex mutex_;
  int to_;
  ajar::descriptor own_;
  bool socket_ = false;
  bool may_stall_ = false;
  loss_line loss_;
  std::string waiting_;
  std::uint64_t untold_ = 0;  // of them, no line has told yet
};

// This process's stderr, for whatever it has to say there.
line_writer& standard_error();

// Something for a person, on stderr. Unlike fmt::print it neither waits nor throws.
template <class... Words>
void tell(fmt::format_string<Words...> text, Words&&... words) {
  standard_error().put(fmt::format(text, std::forward<Words>(words)...));
}

}  // namespace tools
