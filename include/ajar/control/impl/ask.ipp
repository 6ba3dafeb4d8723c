// SPDX-License-Identifier: BSL-1.0
// ajar/control/impl/ask.ipp - what ajar/control/ask.hpp declares.
#pragma once

#include <ajar/control/ask.hpp>

#include <ajar/control/letter.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/shortage.hpp>

#include <array>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/this_coro.hpp>
#include <utility>

namespace ajar::control {

namespace detail {

// A full queue at the other end is waited for.
inline awaitable<result<>> post_question(asio::posix::stream_descriptor& to, std::string octets, descriptor passed) {
  for (;;) {
    auto sent = send_letter(to.native_handle(), octets, passed);
    if (sent) co_return sent;
    const auto why = sent.error();
    if (why == std::errc::connection_refused) co_return fail(errc::not_running);
    if (why != std::errc::resource_unavailable_try_again) co_return sent;
    auto [error] = co_await to.async_wait(asio::posix::stream_descriptor::wait_write, use_values);
    if (error) co_return fail(errc::canceled);
  }
}

inline awaitable<result<std::string>> await_reply(asio::posix::stream_descriptor& from) {
  constexpr std::size_t longest = reply::longest_text + 256;
  for (;;) {
    auto [error] = co_await from.async_wait(asio::posix::stream_descriptor::wait_read, use_values);
    if (error) co_return fail(errc::canceled);
    auto came = take_letter(from.native_handle(), longest);
    const auto why = came ? std::error_code() : came.error();
    if (why == std::errc::resource_unavailable_try_again || why == std::errc::interrupted) continue;
    if (is_shortage(why)) co_return fail(why);
    if (why || came->octets.empty()) co_return fail(errc::not_running);  // it let go of its end
    if (came->cut) co_return fail(errc::message_too_long);
    auto reply = parse_reply(came->octets);
    if (!reply) co_return fail(reply.error());
    if (reply->why) co_return fail(reply->why);
    if (!reply->passed) co_return std::move(reply->text);
    co_return read_sealed(came->passed, *reply->passed);
  }
}

inline awaitable<result<std::string>> ask(std::string folder, std::string name, std::string question) {
  const descriptor place(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place && errno == EACCES) co_return fail(errc::control_refused);
  if (!place) co_return fail(errno == ENOENT || errno == ENOTDIR ? make_error_code(errc::not_running) : last_error());
  auto connected = connect_control(place, name);
  if (!connected) co_return fail(connected.error());
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    co_return fail(last_error());
  }
  descriptor theirs(ends[1]);
  auto executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor ours(executor, ends[0]);
  asio::posix::stream_descriptor to(executor, connected->release());
  auto posting = post_question(to, std::move(question), std::move(theirs));
  auto posted = co_await std::move(posting);
  if (!posted) co_return fail(posted.error());
  auto reply = co_await await_reply(ours);
  // whoever lets go of a question, and is still there, has no room for it
  if (!reply && reply.error() == errc::not_running && connect_control(place, name)) {
    co_return fail(errc::control_timeout);
  }
  co_return std::move(reply);
}

}  // namespace detail

AJAR_DECL awaitable<result<std::string>> ask(std::string folder, std::string name, request what, deadline until) {
  const auto question = to_datagram(what);
  if (!question) co_return fail(question.error());
  auto asking = detail::ask(std::move(folder), std::move(name), *question);
  auto answer = co_await before(until, errc::control_timeout, std::move(asking));
  co_return answer;
}

}  // namespace ajar::control
