// SPDX-License-Identifier: BSL-1.0
// ajar/state/folder_watch.hpp - tells when files of a kind come to a folder, or go.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/core/task_group.hpp>

#include <sys/inotify.h>
#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <cstring>
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
  static result<folder_watch> open(const asio::any_io_executor& executor, const std::string& path, std::string ending) {
    descriptor made(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!made) return fail(last_error());
    constexpr std::uint32_t comes_or_goes = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
    if (::inotify_add_watch(made.get(), path.c_str(), comes_or_goes | IN_ONLYDIR) < 0) return fail(last_error());
    return folder_watch(std::make_shared<state>(executor, made.release(), std::move(ending)));
  }
  folder_watch(folder_watch&& other) noexcept = default;
  folder_watch& operator=(folder_watch&& other) noexcept {
    if (this == &other) return *this;
    leave();
    state_ = std::move(other.state_);
    return *this;
  }
  ~folder_watch() { leave(); }

  /// Wait for a change; one that came before is told at once. Errors: canceled, the system's. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> changed() {
    if (!state_) return answer_moved_from();
    return kept(state_, state_->changed());
  }

  /// Whether what the kernel says concerns such a file. Pure: octets in, a verdict out.
  static bool concerns(bytes_view octets, std::string_view ending) {
    while (octets.size() >= sizeof(inotify_event)) {
      inotify_event head{};
      std::memcpy(&head, octets.data(), sizeof head);
      const auto rest = octets.subspan(sizeof head);
      if (head.len > rest.size()) break;
      const auto padded = as_text(rest.first(head.len));
      if ((head.mask & IN_Q_OVERFLOW) != 0 || padded.substr(0, padded.find('\0')).ends_with(ending)) return true;
      octets = rest.subspan(head.len);
    }
    return false;
  }

 private:
  // Whoever waits keeps it (kept()): the watch may go meanwhile.
  struct state {
    state(const asio::any_io_executor& executor, int descriptor, std::string of)
        : events(executor, descriptor), ending(std::move(of)) {}

    awaitable<result<>> changed() {
      for (;;) {
        if (!events.is_open()) co_return fail(errc::canceled);  // the watch has gone
        const auto came = drain();
        if (!came) co_return fail(came.error());
        if (*came) co_return result<>{};
        auto [error] = co_await events.async_wait(asio::posix::stream_descriptor::wait_read, use_values);
        if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
      }
    }

    result<bool> drain() {
      constexpr std::size_t some = 16 * 1024;
      std::array<std::uint8_t, some> octets{};
      bool came = false;
      for (;;) {
        const auto count = ::read(events.native_handle(), octets.data(), octets.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return came;
        if (count < 0) return fail(last_error());
        if (concerns(bytes_view(octets).first(static_cast<std::size_t>(count)), ending)) came = true;
      }
    }

    asio::posix::stream_descriptor events;
    std::string ending;
  };

  explicit folder_watch(std::shared_ptr<state> of) : state_(std::move(of)) {}

  void leave() noexcept {
    std::error_code ignored;
    if (state_) state_->events.close(ignored);
  }

  std::shared_ptr<state> state_;
};

}  // namespace ajar::state
