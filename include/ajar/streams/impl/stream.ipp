// SPDX-License-Identifier: BSL-1.0
// ajar/streams/impl/stream.ipp - what ajar/streams/stream.hpp declares.
#pragma once

#include <ajar/streams/stream.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/streams/stream_host.hpp>

#include <cstring>
#include <utility>

namespace ajar::streams {

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

struct stream::operations {
  using host_ptr = std::shared_ptr<stream_host>;
  using state_ptr = std::shared_ptr<http2_stream>;

  // Room is announced in few frames: when half a window was taken, nghttp2 sends one.
  static void credit(stream_host& host, http2_stream& state, std::size_t count) {
    host.engine.credit(state, count);
    host.kick();
  }

  static result<std::size_t> try_read(const host_ptr& host, const state_ptr& state, std::span<std::uint8_t> into) {
    if (into.empty()) return 0;
    auto count = state->take(into);
    if (count) credit(*host, *state, *count);
    return count;
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

  static awaitable<result<std::size_t>> read_some(host_ptr host, state_ptr state, std::span<std::uint8_t> into,
                                                  time_point until) {
    auto at_once = try_read(host, state, into);
    if (at_once || at_once.error() != errc::would_block) co_return at_once;
    auto operation = await_octets(host, state, into);
    auto count = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return count;
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

  // Asio's operations.
  struct port final : net::octet_port {
    port(host_ptr of, state_ptr at) : host(std::move(of)), state(std::move(at)) {}

    asio::any_io_executor executor() override { return state->changed.get_executor(); }
    result<std::size_t> try_read(std::span<std::uint8_t> into) override {
      return operations::try_read(host, state, into);
    }
    void await_read(net::wait_handler then) override { state->changed.async_wait(std::move(then)); }
    result<std::size_t> take(bytes_view from) override {
      if (state->closed) return fail(state->why);
      given = from.size();
      if (given == 0) return given;
      state->out = from;
      host->engine.resume(*state);
      host->kick();
      return given;
    }
    result<> flush() override {
      if (given == 0) return {};
      if (state->closed) return fail(state->why);  // an end takes the octets back
      if (!state->out.empty()) return fail(errc::would_block);
      return {};
    }
    void await_write(net::wait_handler then) override { state->changed.async_wait(std::move(then)); }
    std::size_t take_back() override { return given - std::exchange(state->out, {}).size(); }
    std::error_code cause(const std::error_code& of_wait) const override { return of_wait; }

    host_ptr host;
    state_ptr state;
    std::size_t given = 0;
  };
};

AJAR_DECL stream::stream(std::shared_ptr<stream_host> host, std::shared_ptr<http2_stream> state)
    : host_(std::move(host)), state_(std::move(state)) {}
AJAR_DECL stream::stream(stream&& other) noexcept : host_(other.host_), state_(std::move(other.state_)) {}
AJAR_DECL stream& stream::operator=(stream&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  host_ = other.host_;
  state_ = std::move(other.state_);
  return *this;
}
AJAR_DECL stream::~stream() { abandon(); }
AJAR_DECL void stream::abandon() {
  if (!state_) return;
  host_->engine.abandon(*state_);
  host_->kick();
}

AJAR_DECL stream::executor_type stream::get_executor() noexcept { return host_->work.get_executor(); }
AJAR_DECL const request& stream::asked() const noexcept {
  static const request none;
  return state_ ? state_->asked : none;
}
AJAR_DECL std::shared_ptr<net::octet_port> stream::port() const {
  if (!state_) return net::ended_port(host_->work.get_executor(), errc::moved_from);
  return std::make_shared<operations::port>(host_, state_);
}

AJAR_DECL awaitable<result<response>> stream::answer(deadline until) {
  if (!state_) return answer_moved_from<response>();
  return before(until, errc::stream_timeout, operations::await_answer(state_));
}

AJAR_DECL result<> stream::respond(const response& head) { return give(head); }
AJAR_DECL result<> stream::respond(const response& head, std::string body) {
  if (!state_) return fail(errc::moved_from);
  state_->finishing = true;
  if (!body.empty()) state_->source = std::make_unique<detail::text_source>(std::move(body));
  return give(head);
}
AJAR_DECL result<> stream::respond(const response& head, std::unique_ptr<body_source> body) {
  if (!state_) return fail(errc::moved_from);
  state_->finishing = true;
  state_->source = std::move(body);
  return give(head);
}
AJAR_DECL result<> stream::give(const response& head) {
  if (!state_) return fail(errc::moved_from);
  auto given = host_->engine.respond(*state_, head);
  if (!given) state_->source.reset();
  host_->kick();
  return given;
}

AJAR_DECL awaitable<result<std::size_t>> stream::read_some(std::span<std::uint8_t> into, deadline until) {
  if (!state_) return answer_moved_from<std::size_t>();
  return operations::read_some(host_, state_, into, until);
}
AJAR_DECL awaitable<result<>> stream::write(bytes_view from, deadline until) {
  if (!state_) return answer_moved_from();
  return before(until, errc::stream_timeout, operations::await_room(host_, state_, from));
}
AJAR_DECL awaitable<result<>> stream::ended(deadline until) {
  if (!state_) return answer_moved_from();
  return before(until, errc::stream_timeout, operations::await_end(state_));
}

AJAR_DECL result<> stream::finish() {
  if (!state_) return fail(errc::moved_from);
  if (state_->closed && !state_->end_sent) return fail(state_->why);
  state_->finishing = true;
  host_->engine.resume(*state_);
  host_->kick();
  return {};
}

AJAR_DECL void stream::reset() {
  if (!state_) return;
  host_->engine.reset(*state_);
  host_->kick();
}

AJAR_DECL result<std::size_t> stream::try_read(std::span<std::uint8_t> into) {
  if (!state_) return fail(errc::moved_from);
  return operations::try_read(host_, state_, into);
}

}  // namespace ajar::streams
