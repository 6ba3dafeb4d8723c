// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/open_files.ipp - what ajar/files/open_files.hpp declares.
#pragma once

#include <ajar/files/open_files.hpp>

#include <ajar/core/deadline.hpp>

#include <utility>

namespace ajar::files {

namespace detail {

// Whoever waits hears of it when a place is given back.
struct heard_place {
  heard_place(place of, std::shared_ptr<notifier> whom) : taken(std::move(of)), room(std::move(whom)) {}
  heard_place(const heard_place&) = delete;
  heard_place& operator=(const heard_place&) = delete;
  ~heard_place() {
    taken.reset();
    room->notify();
  }
  place taken;
  std::shared_ptr<notifier> room;
};

}  // namespace detail

AJAR_DECL awaitable<result<>> open_files::await_room(const std::string& reader) {
  while (!has_room(reader)) {
    auto woken = co_await room_->wait();
    if (!woken) co_return fail(woken.error());
  }
  co_return result<>{};
}

AJAR_DECL awaitable<result<place>> open_files::take(std::string reader) {
  if (!has_room(reader)) {
    auto waiting = await_room(reader);
    auto room = co_await before(clock::now() + most_.patience, errc::server_busy, std::move(waiting));
    if (!room) co_return fail(room.error());
  }
  co_return std::make_shared<const detail::heard_place>(taken_.take(reader), room_);
}

}  // namespace ajar::files
