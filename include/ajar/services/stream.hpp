// SPDX-License-Identifier: BSL-1.0
// ajar/services/stream.hpp - one request with its answer, or one two-way stream, of many on a session.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/services/http2_engine.hpp>

#include <asio/buffer.hpp>
#include <asio/compose.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <string>

namespace ajar::services {

/// What the streams of a session share with whoever moves its octets.
struct stream_host {
  stream_host(http_role role, const asio::any_io_executor& executor) : engine(role, executor), work(executor) {}

  /// There may be something to send.
  void kick() {
    if (engine.wants_write()) work.notify();
  }

  http2_engine engine;
  notifier work;  // wakes the one who sends
};

namespace detail {

class text_source final : public body_source {
 public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min(into.size(), text_.size() - at_);
    std::memcpy(into.data(), text_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// A stream of a multiplexer. It models Asio's AsyncReadStream and AsyncWriteStream.
///
/// One reader and one writer at a time. A reader that does not read holds up its own stream only: the other side stops
/// at its window. Moves, does not copy. Its destructor ends what has not ended; an answer that was given whole is still
/// sent.
///
/// Errors of all operations: stream_reset, stream_refused (nothing was begun: try again), stream_timeout,
/// body_length_wrong, head_too_long, canceled, and why the session ended. Cancellation: terminal; the stream goes on.
/// Threads: the session's executor only.
class stream {
 public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = stream;

  stream(std::shared_ptr<stream_host> host, std::shared_ptr<http2_stream> state)
      : host_(std::move(host)), state_(std::move(state)) {}
  stream(stream&&) noexcept = default;
  stream& operator=(stream&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(state_, other.state_);
    return *this;
  }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() {
    if (!state_) return;
    host_->engine.abandon(*state_);
    host_->kick();
  }

  executor_type get_executor() noexcept { return state_->changed.get_executor(); }
  lowest_layer_type& lowest_layer() noexcept { return *this; }

  /// What was asked: of us, or by us.
  const request& asked() const noexcept { return state_->asked; }

  /// Client: wait for the head of the answer. Errors: stream_timeout at `until`, and the class's own.
  [[nodiscard]] awaitable<result<response>> answer(time_point until = never) {
    auto operation = await_answer(state_);
    auto head = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return head;
  }

  /// Server: answer with a head; the body follows by write() and finish(). Errors: message_malformed (a field that HTTP
  /// does not permit), head_too_long, and the class's own.
  result<> respond(const response& head) { return give(head); }
  /// Server: the whole answer.
  result<> respond(const response& head, std::string body) {
    state_->finishing = true;
    if (!body.empty()) state_->source = std::make_unique<detail::text_source>(std::move(body));
    return give(head);
  }
  /// Server: a head, and a body that is pulled as the session has room; it is sent even if this object goes.
  result<> respond(const response& head, std::unique_ptr<body_source> body) {
    state_->finishing = true;
    state_->source = std::move(body);
    return give(head);
  }

  /// Read some octets, at least one. Errors: eof at the end of the body, stream_timeout at `until`, the class's own.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into, time_point until = never) {
    auto at_once = try_read(into);
    if (at_once || at_once.error() != errc::would_block) co_return at_once;
    auto operation = await_octets(host_, state_, into);
    auto count = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return count;
  }

  /// Write all octets; done when the last frame with some of them was made. Errors: stream_timeout at `until` (part may
  /// have left), the class's own.
  [[nodiscard]] awaitable<result<>> write(bytes_view from, time_point until = never) {
    auto operation = await_room(host_, state_, from);
    auto done = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return done;
  }

  /// Nothing follows what was written.
  result<> finish() {
    if (state_->closed && !state_->end_sent) return fail(state_->why);
    state_->finishing = true;
    send();
    return {};
  }

  /// Wait until the stream has closed in both directions: all that we sent has been handed to the session.
  /// Errors: stream_timeout at `until`, the class's own.
  [[nodiscard]] awaitable<result<>> ended(time_point until = never) {
    auto operation = await_end(state_);
    auto done = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return done;
  }

  /// End it now: the other side sees stream_reset.
  void reset() {
    host_->engine.reset(*state_);
    host_->kick();
  }

  /// What is there, without waiting. Errors: would_block, and as read_some.
  result<std::size_t> try_read(std::span<std::uint8_t> into) {
    if (into.empty()) return 0;
    auto count = state_->take(into);
    if (count) credit(*host_, *state_, *count);
    return count;
  }

  /// AsyncReadStream: void(std::error_code, std::size_t); the end is asio::error::eof. Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(
        reader(host_, state_, first_of<asio::mutable_buffer>(buffers)), token, state_->changed.get_executor());
  }
  /// AsyncWriteStream: void(std::error_code, std::size_t). Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(
        writer(host_, state_, first_of<asio::const_buffer>(buffers)), token, state_->changed.get_executor());
  }

 private:
  using host_ptr = std::shared_ptr<stream_host>;
  using state_ptr = std::shared_ptr<http2_stream>;

  result<> give(const response& head) {
    auto given = host_->engine.respond(*state_, head);
    if (!given) state_->source.reset();
    host_->kick();
    return given;
  }

  void send() {
    host_->engine.resume(*state_);
    host_->kick();
  }

  // Room is announced in few frames: when half a window was taken, nghttp2 sends one.
  static void credit(stream_host& host, http2_stream& state, std::size_t count) {
    host.engine.credit(state, count);
    host.kick();
  }

  static awaitable<result<response>> await_answer(state_ptr state) {
    while (!state->head_complete) {
      if (state->closed) co_return fail(state->why);
      auto changed = co_await state->changed.wait();
      if (!changed) co_return fail(changed.error());
    }
    co_return *state->answered;
  }

  // The reader's own room, filled by whoever receives; taken back however the wait ends.
  struct lent_room {
    lent_room(state_ptr to, std::span<std::uint8_t> room) : state(std::move(to)) {
      state->waiting = room;
      state->filled = 0;
    }
    lent_room(const lent_room&) = delete;
    lent_room& operator=(const lent_room&) = delete;
    ~lent_room() {
      if (state->filled != 0) state->put_back(state->waiting.first(state->filled));  // a read that was cancelled
      state->waiting = {};
      state->filled = 0;
    }
    state_ptr state;
  };

  static awaitable<result<std::size_t>> await_octets(host_ptr host, state_ptr state, std::span<std::uint8_t> into) {
    const lent_room room(state, into);
    for (;;) {
      if (state->filled != 0) {
        const auto count = std::exchange(state->filled, 0);
        credit(*host, *state, count);
        co_return count;
      }
      if (state->end_received) co_return fail(errc::eof);
      if (state->closed) co_return fail(state->why);
      auto changed = co_await state->changed.wait();
      if (!changed && state->filled == 0) co_return fail(changed.error());
    }
  }

  struct lent_octets {
    lent_octets(state_ptr to, bytes_view octets) : state(std::move(to)) { state->out = octets; }
    lent_octets(const lent_octets&) = delete;
    lent_octets& operator=(const lent_octets&) = delete;
    ~lent_octets() { state->out = {}; }
    state_ptr state;
  };

  static awaitable<result<>> await_room(host_ptr host, state_ptr state, bytes_view from) {
    const lent_octets octets(state, from);
    if (state->closed) co_return fail(state->why);
    host->engine.resume(*state);
    host->kick();
    while (!state->out.empty()) {
      auto changed = co_await state->changed.wait();
      if (!changed && !state->out.empty()) co_return fail(changed.error());
    }
    if (state->closed) co_return fail(state->why);  // an end takes the octets back
    co_return result<>{};
  }

  static awaitable<result<>> await_end(state_ptr state) {
    while (!state->closed) {
      auto changed = co_await state->changed.wait();
      if (!changed) co_return fail(changed.error());
    }
    if (state->why != errc::eof) co_return fail(state->why);
    co_return result<>{};
  }

  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const Buffer one(*at);
      if (one.size() != 0) return one;
    }
    return Buffer();
  }

  // Asio's composed operations expect its own end of file.
  static std::error_code for_asio(const std::error_code& error) {
    return error == errc::eof ? std::error_code(asio::error::eof) : error;
  }

  struct reader {
    reader(host_ptr from, state_ptr of, asio::mutable_buffer room)
        : host(std::move(from)), state(std::move(of)), into(room) {}
    template <class Op>
    void operator()(Op& op, std::error_code = {}) {
      if (done) return op.complete(error, count);
      if (posted && op.get_cancellation_state().cancelled() != asio::cancellation_type::none) {
        return op.complete(asio::error::operation_aborted, 0);
      }
      auto got = into.size() == 0 ? result<std::size_t>(0)
                                  : state->take({static_cast<std::uint8_t*>(into.data()), into.size()});
      if (!got && got.error() == errc::would_block) {
        posted = true;
        const auto kept = state;
        return kept->changed.async_wait(std::move(op));
      }
      count = got ? *got : 0;
      error = got ? std::error_code() : for_asio(got.error());
      if (count != 0) credit(*host, *state, count);
      if (posted) return op.complete(error, count);
      done = true;
      asio::post(state->changed.get_executor(), std::move(op));
    }
    host_ptr host;
    state_ptr state;
    asio::mutable_buffer into;
    bool posted = false;
    bool done = false;
    std::error_code error{};
    std::size_t count = 0;
  };

  struct writer {
    writer(host_ptr to, state_ptr of, asio::const_buffer octets)
        : host(std::move(to)), state(std::move(of)), from(octets) {}
    template <class Op>
    void operator()(Op& op, std::error_code = {}) {
      const auto kept = state;
      if (done) return op.complete(error, error ? 0 : from.size());
      if (!begun) {
        begun = true;
        if (!kept->closed && from.size() != 0) {
          kept->out = {static_cast<const std::uint8_t*>(from.data()), from.size()};
          host->engine.resume(*kept);
          host->kick();
          return kept->changed.async_wait(std::move(op));
        }
        done = true;
        error = kept->closed ? kept->why : std::error_code();
        return asio::post(kept->changed.get_executor(), std::move(op));
      }
      if (kept->closed) return op.complete(kept->why, 0);  // an end takes the octets back
      if (kept->out.empty()) return op.complete({}, from.size());
      if (op.get_cancellation_state().cancelled() != asio::cancellation_type::none) {
        const auto left = std::exchange(kept->out, {}).size();
        return op.complete(asio::error::operation_aborted, from.size() - left);
      }
      kept->changed.async_wait(std::move(op));
    }
    host_ptr host;
    state_ptr state;
    asio::const_buffer from;
    bool begun = false;
    bool done = false;
    std::error_code error{};
  };

  host_ptr host_;
  state_ptr state_;
};

}  // namespace ajar::services
