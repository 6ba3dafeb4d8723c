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

struct greeted {
  link up;
  welcome greeting;
};

inline awaitable<result<greeted>> greet(identity::key self, identity::url central, uplink_options how) {
  auto dialling = dial_link(how.network(), std::move(self), std::move(central), never);
  auto up = co_await std::move(dialling);
  if (!up) co_return fail(up.error());
  const auto login = how.next_login();
  if (!login) co_return fail(login.error());
  const auto asked_at = clock::now();
  auto sent = up->send(hello{protocol_version, how.who(), how.methods(), *login, how.next_nonce()});
  if (!sent) co_return fail(sent.error());
  auto got = co_await up->receive();
  if (!got) co_return fail(got.error());
  if (const auto* last = std::get_if<goodbye>(&*got)) co_return fail(last->why);
  const auto* greeting = std::get_if<welcome>(&*got);
  if (!greeting) co_return fail(errc::unexpected_message);
  // the answer may have waited for central, which TCP's acknowledgement has not
  clock::duration answered_in = clock::now() - asked_at;
  const auto kernel = net::shortest_round_trip(up->stream().lowest_layer());
  up->greeted_in(kernel ? std::min<clock::duration>(answered_in, *kernel) : answered_in);
  welcome kept = *greeting;
  co_return greeted{std::move(*up), std::move(kept)};
}

}  // namespace detail

AJAR_DECL awaitable<std::error_code> uplink::run() {
  const unlinked at_the_end{link_};
  net::backoff soon(std::chrono::milliseconds(250), std::chrono::milliseconds(20'000));
  net::backoff slowly(std::chrono::milliseconds(2'000), std::chrono::milliseconds(300'000));
  constexpr std::chrono::seconds lived{20};
  bool admitted = false;
  for (;;) {
    left_ = false;
    auto attempt = detail::greet(self_, central_, how_);
    auto greeted = co_await before(clock::now() + how_.greet_within(), errc::dial_timeout, std::move(attempt));
    std::error_code why = greeted ? std::error_code() : greeted.error();
    if (greeted) {
      const auto since = clock::now();
      admitted = true;
      const auto greeting = greeted->greeting;
      link_.emplace(std::move(greeted->up));
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
