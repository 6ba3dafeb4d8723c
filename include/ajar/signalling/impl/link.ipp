// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/impl/link.ipp - what ajar/signalling/link.hpp declares.
#pragma once

#include <ajar/signalling/link.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/signalling/heartbeat.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace ajar::signalling {

struct link::state : std::enable_shared_from_this<state> {
  static constexpr std::chrono::seconds farewell{1};
  static constexpr std::size_t turn = 32;        // messages, before others of the thread have theirs
  static constexpr std::size_t signed_one = 16;  // counts for so many: two signatures a turn

  explicit state(tls::stream from)
      : stream(std::move(from)), changed(stream.get_executor()), emptied(stream.get_executor()) {}

  // The first cause stands; closing the stream ends whoever waits for it.
  void end(std::error_code cause) {
    if (why) return;
    why = cause;
    emptied.notify();
    stream.close();
  }

  result<> send(const message& what) {
    const auto octets = to_frame(what);
    auto put = stream.put(octets);
    if (put && is_urgent(what)) put = stream.put(to_frame(follow_up{}));
    if (!put) end(put.error());
    if (put && stream.pending_output() != 0) changed.notify();
    return put;
  }

  void close(errc cause) {
    if (why) return;
    const auto octets = to_frame(goodbye{cause});
    polite = stream.put(octets).has_value();
    why = cause;
    emptied.notify();
    stream.lowest_layer().cancel();
  }

  // Whoever sent what cannot be is told so; a stream that broke takes no goodbye.
  void finish(const std::error_code& cause) {
    const bool ours = cause.category() == category() && cause != errc::eof && cause != errc::truncated && !said_goodbye;
    if (ours && cause != errc::canceled) {
      close(static_cast<errc>(cause.value()));
    } else {
      end(cause);
    }
  }

  std::error_code take(const message& got, const message_handler& handler) {
    if (const auto* asked = std::get_if<ping>(&got)) {
      const auto sent = send(pong{asked->token});
      return sent ? std::error_code() : sent.error();
    }
    if (const auto* answered = std::get_if<pong>(&got)) {
      beat->answered(answered->token, clock::now());
      return {};
    }
    if (const auto* last = std::get_if<goodbye>(&got)) {
      said_goodbye = true;
      return last->why;
    }
    const result<> handled = handler(got);
    return handled ? std::error_code() : handled.error();
  }

  // One buffer serves all links of a thread: it is used only between two suspensions.
  result<> feed() {
    static thread_local std::array<std::uint8_t, 16 * 1024> scratch;
    auto count = stream.try_read(scratch);
    if (!count) {
      const bool cut = count.error() == errc::eof && !decoder.at_boundary();
      return fail(cut ? make_error_code(errc::truncated) : count.error());
    }
    if (beat) beat->heard(clock::now());
    decoder.feed(bytes_view(scratch).first(*count));
    return {};
  }

  // The next message, where it has come. Errors: would_block, where others have their turn first (more()).
  result<message> try_next() {
    for (;;) {
      if (why) return fail(*why);
      if (taken >= turn) return fail(errc::would_block);
      auto frame = decoder.next();
      if (!frame) return fail(frame.error());
      if (*frame) {
        ++taken;
        if (rate && !rate->take(clock::now())) return fail(errc::too_many_requests);
        auto got = parse(**frame);
        if (got && std::holds_alternative<follow_up>(*got)) continue;
        if (got && is_signed(*got)) taken += signed_one - 1;
        if (got && std::holds_alternative<roster_update>(*got)) taken = turn;
        return got;
      }
      const auto fed = feed();
      if (!fed && fed.error() == errc::would_block) return fail(fed.error());
      if (!fed) return fail(why ? *why : fed.error());
    }
  }

  // All that has come. @return why the link ends, where it does
  std::error_code take_all(const message_handler& handler) {
    for (;;) {
      const auto got = try_next();
      if (!got && got.error() == errc::would_block) return {};
      const auto cause = got ? take(*got, handler) : got.error();
      if (cause) return cause;
    }
  }

  // Others of the thread have their turn after some messages, after few whose signatures are checked, and after one of
  // a roster, which costs as many as it has entries.
  awaitable<result<>> more() {
    const bool over = taken >= turn;
    taken = 0;
    return over ? yield(patience::keeps_core) : stream.readable();
  }

  // --- coroutines: whoever awaits one keeps this (kept()). Of an idle link those of run() stay: they hold little

  awaitable<result<message>> next_message() {
    for (;;) {
      auto got = try_next();
      if (got || got.error() != errc::would_block) co_return got;
      auto came = co_await more();
      if (!came) co_return fail(why ? *why : came.error());
    }
  }

  awaitable<std::error_code> run(clock::duration interval, message_handler handler) {
    beat.emplace(interval, clock::now(), greeting_time);
    task_group keeper(changed.get_executor());
    keeper.spawn(shared_from_this(), keep_alive());
    for (;;) {
      auto cause = take_all(handler);
      if (!cause) {
        auto came = co_await more();
        if (came) continue;
        cause = why ? *why : came.error();
      }
      finish(cause);
      break;
    }
    keeper.cancel();
    co_await part();
    co_return *why;
  }

  awaitable<void> part() {
    if (polite) {
      auto parted = co_await stream.shutdown(clock::now() + farewell);
      (void)parted;  // it is closed in any case
    }
    stream.close();
  }

  // Sends what is queued, pings, and ends the link when the other side is silent.
  awaitable<void> keep_alive() {
    while (!why) {
      const auto now = clock::now();
      if (beat->dead(now)) {
        end(errc::link_timeout);
        break;
      }
      if (const auto token = beat->due(now)) {
        const auto octets = to_frame(ping{*token});
        auto put = stream.put(octets);
        if (!put) end(put.error());
      }
      const auto next = beat->next();
      result<> done;
      if (stream.pending_output() != 0) {
        auto sending = stream.drain();
        done = co_await before(next, errc::would_block, std::move(sending));
      }
      if (done) {
        emptied.notify();
        done = co_await changed.wait_until(next, errc::would_block);
      }
      if (!done && done.error() != errc::would_block) {
        if (!is_canceled(done.error())) end(done.error());
        break;
      }
    }
  }

  awaitable<result<>> drained() {
    while (!why && stream.pending_output() != 0) {
      auto left = co_await emptied.wait();
      if (!left) co_return left;
    }
    if (why) co_return fail(*why);
    co_return result<>{};
  }

  static awaitable<std::error_code> none_to_run() { co_return make_error_code(errc::moved_from); }
  static awaitable<void> none_to_part() { co_return; }

  tls::stream stream;
  wire::frame_decoder decoder;
  notifier changed;
  notifier emptied;  // nothing waits to leave, or the link has ended
  std::optional<heartbeat> beat;
  std::optional<clock::duration> greeting_time;
  std::optional<std::error_code> why;
  std::size_t taken = 0;  // messages, in this turn
  std::optional<rate_limit> rate;
  bool polite = false;
  bool said_goodbye = false;  // the other side
};

AJAR_DECL link::link(tls::stream stream) : state_(std::make_shared<state>(std::move(stream))) {}

AJAR_DECL link& link::operator=(link&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->end(errc::canceled);
  state_ = std::move(other.state_);
  return *this;
}

AJAR_DECL link::~link() {
  if (state_) state_->end(errc::canceled);
}

AJAR_DECL result<> link::send(const message& what) {
  if (!state_) return fail(errc::moved_from);
  return state_->send(what);
}
AJAR_DECL awaitable<result<message>> link::receive(time_point until) {
  if (!state_) return answer_moved_from<message>();
  return before(until, errc::link_timeout, kept(state_, state_->next_message()));
}
AJAR_DECL awaitable<result<>> link::drained() { return state_ ? kept(state_, state_->drained()) : answer_moved_from(); }
AJAR_DECL awaitable<std::error_code> link::run(clock::duration interval, message_handler handler) {
  return state_ ? kept(state_, state_->run(interval, std::move(handler))) : state::none_to_run();
}
AJAR_DECL awaitable<void> link::part() { return state_ ? kept(state_, state_->part()) : state::none_to_part(); }
AJAR_DECL void link::close(errc why) {
  if (state_) state_->close(why);
}
AJAR_DECL const std::optional<std::error_code>& link::ended() const noexcept {
  static const std::optional<std::error_code> moved(errc::moved_from);
  return state_ ? state_->why : moved;
}
AJAR_DECL void link::limit(rate_limit of_messages) {
  if (state_) state_->rate = of_messages;
}
AJAR_DECL void link::greeted_in(clock::duration time) {
  if (state_) state_->greeting_time = time;
}
AJAR_DECL std::optional<clock::duration> link::round_trip() const {
  if (!state_) return std::nullopt;
  return state_->beat ? state_->beat->round_trip() : state_->greeting_time;
}
AJAR_DECL identity::peer_id link::peer() const { return identity::peer_id::of(state_->stream.peer_key()); }
AJAR_DECL tls::stream& link::stream() noexcept { return state_->stream; }

AJAR_DECL awaitable<result<link>> central_dial::next() {
  if (!left_) {
    auto resolving = over_->resolve(central_.at);
    auto found = co_await before(until_, errc::name_unanswered, std::move(resolving));
    if (!found) co_return fail(found.error());
    left_ = std::move(*found);
  }
  bool more = !left_->empty();
  while (more) {
    late_ = errc::dial_timeout;
    auto dialling = over_->dial_first(*left_, until_);
    auto stream = co_await std::move(dialling);
    if (!stream) co_return fail(why_ ? why_ : stream.error());
    begin_part(*stream);
    late_ = errc::handshake_timeout;
    auto expected = identity::expect(central_.id, tls::alpn::link);
    auto securing = tls::secure(std::move(*stream), self_.tls(), tls::side::client, std::move(expected), part_);
    auto secured = co_await std::move(securing);
    if (secured) co_return link(std::move(*secured));
    more = goes_on(secured.error());
  }
  co_return fail(why_ ? why_ : make_error_code(errc::name_not_found));
}

AJAR_DECL bool central_dial::goes_on(const std::error_code& why) {
  if (!why_) why_ = why;
  return left_ && !left_->empty() && !is_canceled(why) && !is_shortage(why);
}

AJAR_DECL void central_dial::begin_part(net::transport& with) {
  const auto now = clock::now();
  part_ = now + (until_ - now) / static_cast<int>(left_->size());
  const auto at = with.remote_endpoint();
  const auto tried = std::ranges::find_if(*left_, [&](const net::tcp::endpoint& one) { return at && one == *at; });
  left_->erase(tried == left_->end() ? left_->begin() : tried);
}

AJAR_DECL awaitable<result<link>> dial_link(std::shared_ptr<net::network> over, identity::key self,
                                            identity::url central, time_point until) {
  central_dial dialling(std::move(over), std::move(self), std::move(central), until);
  auto linking = dialling.next();
  auto up = co_await std::move(linking);
  co_return std::move(up);
}

}  // namespace ajar::signalling
