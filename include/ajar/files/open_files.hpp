// SPDX-License-Identifier: BSL-1.0
// ajar/files/open_files.hpp - how many files and folders a service holds open, for each who reads and for all.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/core/result.hpp>

#include <chrono>
#include <string>

namespace ajar::files {

/// Descriptors. Whoever asks for many files at a time and does not read them has `each` open, and waits for itself.
struct open_limits {
  std::size_t each = 128;
  std::size_t all = 512;
  std::chrono::milliseconds patience{10'000};  ///< how long a request waits for those before it
};

/// Places for open files. Threads: its executor only. Places may outlive this.
class open_files {
 public:
  explicit open_files(const asio::any_io_executor& executor, open_limits most = {})
      : room_(std::make_shared<notifier>(executor)), most_(most) {}

  /// Other limits from now on; what is open stays so.
  void limit(open_limits most) {
    most_ = most;
    room_->notify();
  }
  std::size_t count() const noexcept { return taken_.taken(); }
  std::size_t count(const std::string& reader) const { return taken_.taken(reader); }

  /// A place, as soon as there is one; it is given back with its last copy. Errors: server_busy when the patience is
  /// over, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<place>> take(std::string reader);

 private:
  bool has_room(const std::string& reader) const {
    return taken_.taken() < most_.all && taken_.taken(reader) < most_.each;
  }
  awaitable<result<>> await_room(const std::string& reader);

  std::shared_ptr<notifier> room_;
  open_limits most_;
  places<std::string> taken_;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/open_files.ipp>
#endif
