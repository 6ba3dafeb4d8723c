// SPDX-License-Identifier: BSL-1.0
// ajar/control/impl/port.ipp - what ajar/control/port.hpp declares.
#pragma once

#include <ajar/control/port.hpp>

#include <ajar/control/letter.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <asio/posix/stream_descriptor.hpp>
#include <map>
#include <utility>

namespace ajar::control {

struct port::state : std::enable_shared_from_this<state> {
  state(const asio::any_io_executor& executor, descriptor in, std::string as, ino_t which, descriptor bound)
      : place(std::move(in)), name(std::move(as)), inode(which), socket(executor, bound.release()), tasks(executor) {
    keep_spare();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() { close(); }

  // What another process bound since then is not ours to remove.
  void close() {
    tasks.cancel();
    if (!socket.is_open()) return;
    std::error_code ignored;
    socket.close(ignored);
    struct stat status{};
    const bool ours = ::fstatat(place.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISSOCK(status.st_mode) && status.st_ino == inode;
    if (ours) ::unlinkat(place.get(), name.c_str(), 0);
  }

  // The number of one that is done with becomes it at once: between close() and open() somebody else would have it.
  void keep_spare(descriptor done = descriptor()) {
    if (spare) return;
    const bool kept = done && ::dup3(place.get(), done.get(), O_CLOEXEC) >= 0;
    spare = kept ? std::move(done) : descriptor(::fcntl(place.get(), F_DUPFD_CLOEXEC, 0));
  }

  // Whatever asks brings a descriptor, and there may be room for no other one.
  result<detail::letter> take() {
    auto came = detail::take_letter(socket.native_handle(), request::longest);
    if (came || !is_shortage(came.error()) || !spare) return came;
    spare = descriptor();
    return detail::take_letter(socket.native_handle(), request::longest);
  }

  descriptor place;
  descriptor spare;
  std::string name;
  ino_t inode;
  asio::posix::stream_descriptor socket;
  std::map<std::string, plain_answer, std::less<>> plain;
  std::map<std::string, slow_answer, std::less<>> slow;
  task_group tasks;

  static result<> make_room(const descriptor& place, const std::string& name) {
    struct stat status{};
    if (::fstatat(place.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? result<>() : result<>(fail(last_error()));
    }
    if (!S_ISSOCK(status.st_mode)) return fail(errc::state_damaged);
    if (detail::connect_control(place, name)) return fail(errc::already_running);
    if (::unlinkat(place.get(), name.c_str(), 0) != 0) return fail(last_error());
    return {};
  }

  awaitable<void> answer_all() {
    constexpr int most_in_a_row = 16;  // others of this thread have their turn, too
    constexpr std::chrono::milliseconds pause{20};
    for (;;) {
      auto [error] = co_await socket.async_wait(asio::posix::stream_descriptor::wait_read, use_values);
      if (error || !socket.is_open()) co_return;
      std::error_code none;
      for (int i = 0; i < most_in_a_row && !none; ++i) {
        auto letter = take();
        if (letter) answer(std::move(*letter));
        if (!letter) none = letter.error();
        keep_spare();
      }
      if (!is_shortage(none)) continue;
      auto paused = co_await sleep_until(clock::now() + pause);  // the question stays where it is until there is room
      if (!paused) co_return;
    }
  }

  void answer(detail::letter from) {
    if (!from.passed) return;  // nowhere to answer to
    const auto reply = [&](const result<std::string>& what) {
      detail::send_reply(from.passed.get(), what);
      keep_spare(std::move(from.passed));
    };
    const bool permitted = from.sender && (*from.sender == ::geteuid() || *from.sender == 0);
    if (!permitted) return reply(fail(errc::control_refused));
    if (from.cut) return reply(fail(errc::message_too_long));
    auto asked = parse_request(from.octets);
    if (!asked) return reply(fail(asked.error()));
    if (const auto at = plain.find(asked->verb); at != plain.end()) return reply(at->second(*asked));
    const auto at = slow.find(asked->verb);
    if (at == slow.end()) return reply(fail(errc::unknown_verb));
    if (tasks.size() > most_at_once) return reply(fail(errc::limit_reached));
    tasks.spawn(shared_from_this(), answer_later(at->second(std::move(*asked)), std::move(from.passed)));
  }

  awaitable<void> answer_later(awaitable<result<std::string>> work, descriptor to) {
    auto what = co_await before(clock::now() + longest_answer, errc::control_timeout, std::move(work));
    if (!what && is_canceled(what.error())) co_return;  // we end: that is told by the end of the pair
    detail::send_reply(to.get(), what);
    keep_spare(std::move(to));
  }

  awaitable<void> stop() {
    close();
    co_await tasks.join();
  }
};

AJAR_DECL port::port(std::shared_ptr<state> with) : state_(std::move(with)) {}

AJAR_DECL result<port> port::open(const asio::any_io_executor& executor, const std::string& folder,
                                  const std::string& name) {
  descriptor place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!place || ::fstat(place.get(), &status) != 0) return fail(shortage_or(last_error(), errc::state_unusable));
  if ((status.st_mode & 077) != 0 || status.st_uid != ::geteuid()) return fail(errc::state_permissions);
  if (::flock(place.get(), LOCK_EX) != 0) return fail(last_error());  // two that start at once: one after the other
  auto free = state::make_room(place, name);
  auto bound = free ? detail::bind_control(place, name) : result<descriptor>(fail(free.error()));
  if (bound && ::fstatat(place.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) bound = fail(last_error());
  ::flock(place.get(), LOCK_UN);
  if (!bound) return fail(bound.error());
  return port(std::make_shared<state>(executor, std::move(place), name, status.st_ino, std::move(*bound)));
}

AJAR_DECL port::~port() {
  if (state_) state_->close();
}

AJAR_DECL void port::answer_with(const std::string& verb, plain_answer how) { state_->plain[verb] = std::move(how); }

AJAR_DECL void port::carry_out(const std::string& verb, slow_answer how) { state_->slow[verb] = std::move(how); }

AJAR_DECL void port::start() { state_->tasks.spawn(state_, state_->answer_all()); }

AJAR_DECL void port::close() { state_->close(); }

AJAR_DECL awaitable<void> port::stop() { return kept(state_, state_->stop()); }

}  // namespace ajar::control
