// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/route_watch.ipp - what ajar/net/route_watch.hpp declares.
#pragma once

#include <ajar/net/route_watch.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/core/task_group.hpp>

#include <asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

namespace ajar::net {

// Whoever waits keeps it (kept()): the watch may go meanwhile.
struct route_watch::state {
  state(const asio::any_io_executor& executor, int made) : socket(executor, made) {}

  awaitable<result<>> changed() {
    constexpr std::chrono::milliseconds quiet{200};
    constexpr std::chrono::seconds longest{2};
    auto waiting = next();
    auto first = co_await std::move(waiting);
    if (!first) co_return first;
    const auto end = clock::now() + longest;
    for (;;) {
      auto more = next();
      auto came = co_await before(std::min<time_point>(end, clock::now() + quiet), errc::would_block, std::move(more));
      if (!came && came.error() == errc::would_block && socket.is_open()) co_return result<>{};
      if (!came) co_return fail(socket.is_open() ? came.error() : make_error_code(errc::canceled));
    }
  }

  // Until something came that matters.
  awaitable<result<>> next() {
    for (;;) {
      if (!socket.is_open()) co_return fail(errc::canceled);  // the watch has gone
      auto [error] = co_await socket.async_wait(asio::posix::stream_descriptor::wait_read, use_values);
      if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
      if (socket.is_open() && drain()) co_return result<>{};
    }
  }

  bool drain() {
    constexpr std::size_t longest = 32 * 1024;
    bool matters = false;
    std::vector<std::uint8_t> octets(longest);
    for (;;) {
      sockaddr_nl from{};
      socklen_t size = sizeof from;
      const auto count = ::recvfrom(socket.native_handle(), octets.data(), octets.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 0 && errno == ENOBUFS) {
        matters = true;  // more than could be kept
        continue;
      }
      if (count <= 0) return matters;
      if (from.nl_pid != 0) continue;  // not the kernel's
      if (reader.read(bytes_view(octets).first(static_cast<std::size_t>(count)))) matters = true;
    }
  }

  asio::posix::stream_descriptor socket;
  route_reader reader;
};

AJAR_DECL route_watch::route_watch(std::shared_ptr<state> of) : state_(std::move(of)) {}

AJAR_DECL route_watch& route_watch::operator=(route_watch&& other) noexcept {
  if (this == &other) return *this;
  leave();
  state_ = std::move(other.state_);
  return *this;
}

AJAR_DECL route_watch::~route_watch() { leave(); }

AJAR_DECL void route_watch::leave() noexcept {
  std::error_code ignored;
  if (state_) state_->socket.close(ignored);
}

AJAR_DECL result<route_watch> route_watch::open(const asio::any_io_executor& executor) {
  const int made = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (made < 0) return fail(std::error_code(errno, std::system_category()));
  route_watch watch(std::make_shared<state>(executor, made));
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (::bind(made, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) != 0) {
    return fail(std::error_code(errno, std::system_category()));
  }
  return watch;
}

AJAR_DECL awaitable<result<>> route_watch::changed() {
  if (!state_) return answer_moved_from();
  return kept(state_, state_->changed());
}

}  // namespace ajar::net
