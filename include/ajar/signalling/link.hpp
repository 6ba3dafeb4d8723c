// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/link.hpp - messages both ways between one peer and central, kept honest by a heartbeat.
#pragma once

#include <ajar/core/task_group.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/signalling/heartbeat.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/tls/stream.hpp>

#include <memory>

namespace ajar::signalling {

/// A link, on either side of it. One coroutine receives; send() may be called at any time and never waits.
///
/// An idle link owns no buffer. Threads: the stream's executor only.
template <net::byte_stream Transport>
class basic_link {
 public:
  explicit basic_link(tls::stream<Transport> stream) : state_(std::make_shared<state>(std::move(stream))) {}

  /// Send a message; it leaves at once where the transport takes it, and what is urgent is followed up.
  /// Errors: limit_reached (the other side takes nothing any more: the link is closed), the stream's own.
  result<> send(const message& what) {
    const auto octets = to_frame(what);
    auto put = state_->stream.put(octets);
    if (put && is_urgent(what)) put = state_->stream.put(to_frame(follow_up{}));
    if (!put) state_->end(put.error());
    if (put && state_->stream.pending_output() != 0) state_->changed.notify();
    return put;
  }

  /// Wait for the next message of any kind.
  /// @param until  absolute, monotonic
  /// Errors: link_timeout, unknown_message and parse()'s, eof, the stream's own, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<message>> receive(time_point until = never) {
    auto operation = next_message(state_);
    auto got = co_await before(until, errc::link_timeout, std::move(operation));
    co_return got;
  }

  /// Receive until the link ends; pings are answered, and sent, meanwhile.
  ///
  /// @param interval  of the heartbeat
  /// @param handler   called as `result<>(const message&)` with everything but the heartbeat; an error ends the link
  /// @return why it ended: link_timeout, a goodbye's code, the handler's error, the stream's own, canceled
  /// Cancellation: terminal.
  template <class Handler>
  [[nodiscard]] awaitable<std::error_code> run(clock::duration interval, Handler& handler) {
    auto state = state_;
    state->beat.emplace(interval, clock::now(), state->greeting_time);
    task_group keeper(state->changed.get_executor());
    keeper.spawn(keep_alive(state));
    for (;;) {
      auto got = co_await next_message(state);
      const auto why = got ? take(*got, handler) : got.error();
      if (why) {
        finish(why);
        break;
      }
    }
    keeper.cancel();
    co_await part();
    co_return *state->why;
  }

  /// After close() without run(): wait a moment for the other side to take the goodbye.
  [[nodiscard]] awaitable<void> part() {
    auto state = state_;
    if (state->polite) {
      auto parted = co_await state->stream.shutdown(clock::now() + farewell);
      (void)parted;  // it is closed in any case
    }
    state->stream.close();
  }

  /// Why it ended, or is about to.
  const std::optional<std::error_code>& ended() const noexcept { return state_->why; }

  /// Say why, and end run() with that; it waits a moment for the other side to take the goodbye.
  void close(errc why) {
    if (state_->why) return;
    const auto octets = to_frame(goodbye{why});
    state_->polite = state_->stream.put(octets).has_value();
    state_->why = why;
    std::error_code ignored;
    state_->stream.lowest_layer().cancel(ignored);
  }

  /// Before run(): how long the first message took to be answered.
  void greeted_in(clock::duration time) { state_->greeting_time = time; }
  /// The shortest round trip so far.
  std::optional<clock::duration> round_trip() const {
    return state_->beat ? state_->beat->round_trip() : state_->greeting_time;
  }
  identity::peer_id peer() const { return identity::peer_id::of(state_->stream.peer_key()); }
  tls::stream<Transport>& stream() noexcept { return state_->stream; }

 private:
  static constexpr std::chrono::seconds farewell{1};

  struct state {
    explicit state(tls::stream<Transport> from) : stream(std::move(from)), changed(stream.get_executor()) {}

    // The first cause stands; closing the stream ends whoever waits for it.
    void end(std::error_code cause) {
      if (why) return;
      why = cause;
      stream.close();
    }

    tls::stream<Transport> stream;
    wire::frame_decoder decoder;
    notifier changed;
    std::optional<heartbeat> beat;
    std::optional<clock::duration> greeting_time;
    std::optional<std::error_code> why;
    bool polite = false;
  };

  static awaitable<result<message>> next_message(std::shared_ptr<state> from) {
    for (;;) {
      if (from->why) co_return fail(*from->why);
      auto frame = from->decoder.next();
      if (!frame) co_return fail(frame.error());
      if (*frame) {
        auto got = parse(**frame);
        if (got && std::holds_alternative<follow_up>(*got)) continue;
        co_return got;
      }
      auto fed = feed(*from);
      if (!fed && fed.error() != errc::would_block) co_return fail(from->why ? *from->why : fed.error());
      if (fed) continue;
      auto ready = co_await from->stream.readable();
      if (!ready) co_return fail(from->why ? *from->why : ready.error());
    }
  }

  // One buffer serves all links of a thread: it is used only between two suspensions.
  static result<> feed(state& from) {
    static thread_local std::array<std::uint8_t, 16 * 1024> scratch;
    auto count = from.stream.try_read(scratch);
    if (!count) {
      const bool cut = count.error() == errc::eof && !from.decoder.at_boundary();
      return fail(cut ? make_error_code(errc::truncated) : count.error());
    }
    if (from.beat) from.beat->heard(clock::now());
    from.decoder.feed(bytes_view(scratch).first(*count));
    return {};
  }

  // Whoever sent what cannot be is told so; a stream that broke takes no goodbye.
  void finish(const std::error_code& why) {
    const bool ours = why.category() == category() && why != errc::eof && why != errc::truncated && !said_goodbye_;
    if (ours && why != errc::canceled) {
      close(static_cast<errc>(why.value()));
    } else {
      state_->end(why);
    }
  }

  template <class Handler>
  std::error_code take(const message& got, Handler& handler) {
    if (const auto* asked = std::get_if<ping>(&got)) {
      const auto sent = send(pong{asked->token});
      return sent ? std::error_code() : sent.error();
    }
    if (const auto* answered = std::get_if<pong>(&got)) {
      state_->beat->answered(answered->token, clock::now());
      return {};
    }
    if (const auto* last = std::get_if<goodbye>(&got)) {
      said_goodbye_ = true;
      return last->why;
    }
    const result<> handled = handler(got);
    return handled ? std::error_code() : handled.error();
  }

  // Sends what is queued, pings, and ends the link when the other side is silent.
  static awaitable<void> keep_alive(std::shared_ptr<state> of) {
    while (!of->why) {
      const auto now = clock::now();
      if (of->beat->dead(now)) {
        of->end(errc::link_timeout);
        break;
      }
      if (const auto token = of->beat->due(now)) {
        const auto octets = to_frame(ping{*token});
        auto put = of->stream.put(octets);
        if (!put) of->end(put.error());
      }
      const auto next = of->beat->next();
      auto work = send_or_wait(of);
      auto done = co_await before(next, errc::would_block, std::move(work));
      if (!done && done.error() != errc::would_block) {
        if (!is_canceled(done.error())) of->end(done.error());
        break;
      }
    }
  }

  static awaitable<result<>> send_or_wait(std::shared_ptr<state> of) {
    auto sent = co_await of->stream.drain();
    if (!sent) co_return sent;
    auto changed = co_await of->changed.wait();
    co_return changed;
  }

  std::shared_ptr<state> state_;
  bool said_goodbye_ = false;  // the other side
};

using link = basic_link<net::tcp_stream>;

}  // namespace ajar::signalling
