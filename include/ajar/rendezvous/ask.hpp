// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/ask.hpp - a client asks a server to open a window, and goes through it.
#pragma once

#include <ajar/rendezvous/errand.hpp>

#include <string>
#include <utility>

namespace ajar::rendezvous {

namespace detail {

// WO 2004/034190, just-in-time listening, step G.
inline awaitable<result<sessions::session>> visit(shared_errand about, trust::window_answer came, time_point until) {
  if (came.endpoints.empty()) co_return fail(errc::answer_forged);
  net::endpoint at(came.endpoints.front());
  report_step(about->steps, "G", "connect", net::to_string(at));
  auto stream = co_await net::dial(at, until, about->dialling);
  if (!stream) {
    if (is_canceled(stream.error()) || stream.error() == errc::bind_failed) co_return fail(stream.error());
    // a port that answers is reachable, but closed again by now
    co_return fail(stream.error() == errc::dial_refused ? errc::window_timeout : errc::window_unreachable);
  }
  auto entering = enter(about, std::move(*stream), tls::side::client, sessions::path::window, came.id, until);
  auto guest = co_await std::move(entering);
  co_return guest;
}

// A stranger may have been there first: then the server opens another port, and says so.
inline bool another_port_may_follow(const std::error_code& why) {
  return why == errc::window_unreachable || why == errc::window_timeout ||
         (windows::is_stranger(why) && why != errc::wrong_key);
}

}  // namespace detail

/// Ask for a window of the server's, and connect to each port that it names until one lets us in.
///
/// Errors: method_not_granted, server_offline, link_lost, exchange_timeout, answer_forged, what the server or central
/// refuses with, window_timeout, window_unreachable, those of sessions::secure and sessions::enter.
/// Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps B, F and G.
[[nodiscard]] inline awaitable<result<sessions::session>> ask_for_window(shared_errand about) {
  constexpr std::chrono::seconds answer_time{3};
  auto asked = sign_request(*about, trust::opener::server, {});
  if (!asked) co_return fail(asked.error());
  const answers::inbox inbox(about->inboxes, asked->body().id);
  report_step(about->steps, "B", "ask central for the server", short_name(about->server()));
  auto sent = about->up->send(signalling::request{asked->octets()});
  if (!sent) co_return fail(sent.error());
  auto until = std::min(about->until, clock::now() + answer_time);
  std::error_code last_failure;
  for (;;) {
    auto came = co_await inbox.next(until);
    if (!came && last_failure && came.error() == errc::exchange_timeout) co_return fail(last_failure);
    const auto answer = check_answer(*about, inbox.id(), came);
    if (!answer) co_return fail(answer.error());
    report_step(about->steps, "F", "central says: connect", "attempt " + std::to_string(answer->attempt));
    // another answer may follow for as long as the server may have a window open
    until = std::min(about->until, clock::now() + std::chrono::milliseconds(answer->budget_ms));
    auto visiting = detail::visit(about, *answer, until);
    auto guest = co_await std::move(visiting);
    if (guest) co_return guest;
    last_failure = guest.error();
    if (!detail::another_port_may_follow(last_failure) || clock::now() >= until) co_return fail(last_failure);
  }
}

}  // namespace ajar::rendezvous
