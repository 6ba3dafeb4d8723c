// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/impl/uplink.ipp - what ajar/signalling/uplink.hpp declares.
#pragma once

#include <ajar/signalling/uplink.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/net/backoff.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/round_trip.hpp>

#include <algorithm>
#include <utility>

namespace ajar::signalling {

namespace detail {

// Nothing that central has said: another address of its name may be better.
inline bool is_silence(const std::error_code& why) {
  return why.category() != category() || why == errc::link_timeout || why == errc::eof || why == errc::truncated;
}

}  // namespace detail

AJAR_DECL awaitable<result<uplink::greeted>> uplink::greet(link up) {
  const auto login = how_.next_login();
  if (!login) co_return fail(login.error());
  const auto asked_at = clock::now();
  auto sent = up.send(hello{protocol_version, how_.who(), how_.methods(), *login, how_.next_nonce()});
  if (!sent) co_return fail(sent.error());
  auto got = co_await up.receive(attempt_->until());
  if (!got) co_return fail(got.error());
  if (const auto* last = std::get_if<goodbye>(&*got)) co_return fail(last->why);
  const auto* greeting = std::get_if<welcome>(&*got);
  if (!greeting) co_return fail(errc::unexpected_message);
  // the answer may have waited for central, which TCP's acknowledgement has not
  clock::duration answered_in = clock::now() - asked_at;
  const auto kernel = net::shortest_round_trip(up.stream().lowest_layer());
  up.greeted_in(kernel ? std::min<clock::duration>(answered_in, *kernel) : answered_in);
  welcome kept = *greeting;
  co_return greeted{std::move(up), std::move(kept)};
}

AJAR_DECL awaitable<result<uplink::greeted>> uplink::reach() {
  attempt_.emplace(how_.network(), self_, central_, clock::now() + how_.greet_within());
  for (;;) {
    auto dialling = attempt_->next();
    auto up = co_await std::move(dialling);
    if (!up) co_return fail(up.error());
    auto greeting = greet(std::move(*up));
    auto came = co_await std::move(greeting);
    if (came) co_return std::move(came);
    if (!detail::is_silence(came.error())) co_return fail(came.error());
    if (!attempt_->goes_on(came.error())) co_return fail(attempt_->why());
  }
}

AJAR_DECL awaitable<std::error_code> uplink::run() {
  const unlinked at_the_end{link_};
  net::backoff soon(std::chrono::milliseconds(250), std::chrono::milliseconds(20'000));
  net::backoff slowly(std::chrono::milliseconds(2'000), std::chrono::milliseconds(300'000));
  constexpr std::chrono::seconds lived{20};
  bool admitted = false;
  for (;;) {
    left_ = false;
    auto reaching = reach();
    auto reached = co_await std::move(reaching);
    std::error_code why = reached ? std::error_code() : reached.error();
    if (reached) {
      const auto since = clock::now();
      admitted = true;
      const auto greeting = reached->greeting;
      link_.emplace(std::move(reached->up));
      why = co_await serve(greeting);
      link_.reset();
      if (clock::now() - since >= lived) {
        soon.reset();
        slowly.reset();
      }
    }
    if (is_final(why, admitted) && !left_) {
      events_.lost(why, std::nullopt);
      co_return why;
    }
    const auto wait = left_ ? *how_.interval() : is_hopeless(why) ? slowly.next() : soon.next();
    events_.lost(why, wait);
    auto slept = co_await sleep_until(clock::now() + wait);
    if (!slept) co_return slept.error();
  }
}

AJAR_DECL result<> uplink::send(const message& what) {
  if (!link_) return fail(errc::link_lost);
  return link_->send(what);
}

AJAR_DECL void uplink::leave() {
  left_ = how_.interval().has_value();
  close();
}

AJAR_DECL void uplink::close() {
  if (link_) link_->close(errc::canceled);
}

AJAR_DECL std::optional<net::address> uplink::local_address() {
  const auto at = link_ ? link_->stream().lowest_layer().local_endpoint() : std::nullopt;
  return at ? std::optional(net::unmapped(at->address())) : std::nullopt;
}

AJAR_DECL std::optional<net::tcp::endpoint> uplink::central_endpoint() {
  const auto at = link_ ? link_->stream().lowest_layer().remote_endpoint() : std::nullopt;
  return at ? std::optional(net::tcp::endpoint(net::unmapped(at->address()), at->port())) : std::nullopt;
}

AJAR_DECL awaitable<std::error_code> uplink::serve(welcome greeting) {
  const auto heartbeat = std::clamp<std::chrono::milliseconds>(greeting.heartbeat, welcome::shortest_heartbeat,
                                                               welcome::longest_heartbeat);
  net::set_user_timeout(link_->stream().lowest_layer(), heartbeat * 5 / 2);
  message_handler handler = [this](const message& what) { return events_.received(what); };
  events_.linked(greeting);
  auto why = co_await link_->run(heartbeat, std::move(handler));
  if (why == errc::eof || why == errc::truncated) co_return make_error_code(errc::link_lost);
  co_return why;
}

}  // namespace ajar::signalling
