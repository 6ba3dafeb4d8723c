// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/folder_watch.ipp - what ajar/state/folder_watch.hpp declares.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/state/folder_watch.hpp>

#include <sys/inotify.h>
#include <unistd.h>
#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

namespace ajar::state {

struct folder_watch::state {
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

AJAR_DECL result<folder_watch> folder_watch::open(const asio::any_io_executor& executor, const std::string& path,
                                                  std::string ending) {
  descriptor made(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!made) return fail(last_error());
  constexpr std::uint32_t comes_or_goes = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
  if (::inotify_add_watch(made.get(), path.c_str(), comes_or_goes | IN_ONLYDIR) < 0) return fail(last_error());
  return folder_watch(std::make_shared<state>(executor, made.release(), std::move(ending)));
}

AJAR_DECL folder_watch& folder_watch::operator=(folder_watch&& other) noexcept {
  if (this == &other) return *this;
  leave();
  state_ = std::move(other.state_);
  return *this;
}

AJAR_DECL awaitable<result<>> folder_watch::changed() {
  if (!state_) return answer_moved_from();
  return kept(state_, state_->changed());
}

AJAR_DECL bool folder_watch::concerns(bytes_view octets, std::string_view ending) {
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

AJAR_DECL void folder_watch::leave() noexcept {
  std::error_code ignored;
  if (state_) state_->events.close(ignored);
}

}  // namespace ajar::state
