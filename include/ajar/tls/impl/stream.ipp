// SPDX-License-Identifier: BSL-1.0
// ajar/tls/impl/stream.ipp - what ajar/tls/stream.hpp declares.
#pragma once

#include <ajar/tls/stream.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/tls/engine.hpp>

#include <array>
#include <asio/experimental/parallel_group.hpp>
#include <asio/post.hpp>
#include <optional>
#include <vector>

namespace ajar::tls {

// What the stream's operations share: they hold it while they run. Nobody else does but the stream, which closes it
// when it goes.
struct stream::state final : octet_source_and_sink, net::octet_port {
  static constexpr std::size_t most_at_once = 64 * 1024;
  static constexpr std::size_t most_discarded = 16 * 1024 * 1024;  // after a goodbye; what may be on its way
  static constexpr std::size_t least_read = 1024;  // each read counts as so many octets: a record of one costs as much

  state(net::transport from, const context& shared, side which, expectation expected)
      : below(std::move(from)), machine(shared, which, std::move(expected)) {}

  // --- below the engine
  // A peer that never stops sending, or never stops reading, must not hold the thread: after so many octets the
  // transport looks as if it would block, so that whoever reads or writes waits, and others have their turn. The wait
  // ends at once where the transport is still ready.
  class turn {
   public:
    bool is_over() const { return moved_ >= most; }
    void moved(std::size_t count) { moved_ += count; }
    void begin() { moved_ = 0; }  // somebody waits

   private:
    static constexpr std::size_t most = 256 * 1024;
    std::size_t moved_ = 0;
  };

  std::size_t receive(std::span<std::uint8_t> into, std::error_code& error) override {
    if (reads.is_over() || std::exchange(took_all, false)) return error = asio::error::would_block, 0;
    const auto count = below.read_some(asio::mutable_buffer(into.data(), into.size()), error);
    reads.moved(count);
    took_all = !error && count < into.size();
    return count;
  }
  std::size_t send(bytes_view from, std::error_code& error) override {
    if (writes.is_over()) return error = asio::error::would_block, 0;
    const auto count = below.write_some(asio::const_buffer(from.data(), from.size()), error);
    writes.moved(count);
    return count;
  }

  // --- attempts
  result<std::size_t> try_read(std::span<std::uint8_t> into) override {
    if (why) return fail(*why);
    auto count = machine.read(*this, into);
    reads.moved(least_read);
    if (count) carried.in += *count;
    return count;
  }
  result<> queue(bytes_view from) {
    if (why) return fail(*why);
    auto taken = machine.queue(from);
    if (!taken) return fail(why_lost(taken.error()));
    carried.out += from.size();
    return {};
  }
  result<> put(bytes_view from) {
    auto queued = queue(from);
    if (!queued) return queued;
    auto flushed = machine.flush(*this);
    if (!flushed) return fail(why_lost(flushed.error()));
    return {};
  }
  result<std::size_t> take(bytes_view from) override {
    from = from.first(std::min(from.size(), most_at_once));
    auto taken = put(from);
    if (!taken) return fail(taken.error());
    return from.size();
  }
  result<> flush() override {
    if (why) return fail(*why);
    auto flushed = machine.flush(*this);
    if (!flushed) return fail(why_lost(flushed.error()));
    if (machine.pending_output() != 0) return fail(errc::would_block);
    return {};
  }
  // The other end may have said why it cut, before its connection was gone.
  std::error_code why_lost(const std::error_code& error) {
    reads.begin();
    took_all = false;
    return machine.why_lost(*this, error);
  }
  std::size_t take_back() override { return 0; }  // TLS has no such thing: it will leave, or the stream has ended

  // --- waits
  asio::any_io_executor executor() override { return below.get_executor(); }
  void await_read(net::wait_handler then) override {
    reads.begin();
    took_all = false;
    if (machine.can_read()) return asio::post(executor(), already{std::move(then)});
    if (machine.pending_output() == 0) return below.async_wait(asio::socket_base::wait_read, std::move(then));
    // a read moves output on too
    writes.begin();
    auto both = asio::experimental::make_parallel_group(below.async_wait(asio::socket_base::wait_read, deferred),
                                                        below.async_wait(asio::socket_base::wait_write, deferred));
    both.async_wait(asio::experimental::wait_for_one(), first_of_two{std::move(then)});
  }
  void await_write(net::wait_handler then) override {
    writes.begin();
    below.async_wait(asio::socket_base::wait_write, std::move(then));
  }
  std::error_code cause(const std::error_code& of_wait) const override { return why ? *why : of_wait; }

  template <class Token>
  auto async_readable(Token&& token) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [this](auto handler) { await_read(net::wait_handler(std::move(handler), executor())); }, token);
  }

  struct already {
    using executor_type = net::wait_handler::executor_type;
    executor_type get_executor() const noexcept { return then.get_executor(); }
    void operator()() { then({}); }
    net::wait_handler then;
  };

  struct first_of_two {
    using executor_type = net::wait_handler::executor_type;
    using cancellation_slot_type = net::wait_handler::cancellation_slot_type;
    executor_type get_executor() const noexcept { return then.get_executor(); }
    cancellation_slot_type get_cancellation_slot() const noexcept { return then.get_cancellation_slot(); }
    void operator()(std::array<std::size_t, 2> order, std::error_code first, std::error_code second) {
      then(order[0] == 0 ? first : second);
    }
    net::wait_handler then;
  };

  result<> outcome(const std::error_code& error) const {
    if (why) return fail(*why);
    if (is_canceled(error)) return fail(errc::canceled);
    if (error) return fail(error);
    return {};
  }

  // --- its end
  void close() {
    below.close();
    const auto told = std::exchange(closed, {});
    for (const auto& then : told) then(carried);
  }
  void close(const std::error_code& cause) {
    if (!why) why = cause;
    close();
  }

  // --- coroutines: whoever awaits one keeps this (kept()). Those that are awaited often do so by a parameter, without
  // a frame more; from inside it is null
  using owner = std::shared_ptr<const state>;
  awaitable<result<>> readable(owner) {
    auto [error] = co_await async_readable(use_values);
    co_return outcome(error);
  }

  awaitable<result<>> drain(owner) {
    for (;;) {
      auto flushed = flush();
      if (flushed || flushed.error() != errc::would_block) co_return flushed;
      writes.begin();
      auto [error] = co_await below.async_wait(asio::socket_base::wait_write, use_values);
      if (error) co_return outcome(error);
    }
  }

  awaitable<result<>> shake(time_point until) {
    auto operation = negotiate();
    auto done = co_await before(until, errc::handshake_timeout, std::move(operation));
    if (!done) close();  // a refused stranger holds nothing open
    co_return done;
  }

  awaitable<result<>> negotiate() {
    for (;;) {
      auto step = why ? result<>(fail(*why)) : machine.handshake(*this);
      if (step) break;
      if (step.error() != errc::would_block) co_return step;
      auto waited = co_await readable(nullptr);
      if (!waited) co_return waited;
    }
    auto drained = co_await drain(nullptr);
    co_return drained;
  }

  awaitable<result<std::size_t>> read_when_ready(owner, std::span<std::uint8_t> into) {
    for (;;) {
      auto count = try_read(into);
      if (count || count.error() != errc::would_block) co_return count;
      auto waited = co_await readable(nullptr);
      if (!waited) co_return fail(waited.error());
    }
  }

  awaitable<result<>> read_all(owner, std::span<std::uint8_t> into) {
    while (!into.empty()) {
      auto count = co_await read_when_ready(nullptr, into);
      if (!count) co_return fail(count.error());
      into = into.subspan(*count);
    }
    co_return result<>{};
  }

  awaitable<result<>> write_all(owner, bytes_view from) {
    while (!from.empty()) {
      const auto now = from.first(std::min(from.size(), most_at_once));
      auto taken = put(now);
      if (!taken) co_return taken;
      auto sent = co_await drain(nullptr);
      if (!sent) co_return sent;
      from = from.subspan(now.size());
    }
    co_return result<>{};
  }

  awaitable<result<>> part(time_point until) {
    auto farewell = say_goodbye();
    auto done = co_await before(until, errc::write_timeout, std::move(farewell));
    if (done) {
      auto answer = await_goodbye();
      done = co_await before(until, errc::read_timeout, std::move(answer));
    }
    close();
    if (why) co_return fail(*why);
    co_return done;
  }

  awaitable<result<>> say_goodbye() {
    if (why) co_return fail(*why);
    auto said = machine.close_notify(*this);
    if (!said) co_return fail(why_lost(said.error()));
    auto sent = co_await drain(nullptr);
    below.shutdown_send();
    co_return sent;
  }

  awaitable<result<>> await_goodbye() {
    const auto discarded = std::make_unique<std::array<std::uint8_t, 4096>>();
    for (std::size_t all = 0; all < most_discarded;) {
      auto count = co_await read_when_ready(nullptr, *discarded);
      if (!count && count.error() == errc::eof) co_return result<>{};
      if (!count) co_return fail(count.error());
      all += std::max(*count, least_read);
    }
    co_return fail(errc::limit_reached);
  }

  net::transport below;
  engine machine;
  turn reads;
  turn writes;
  bool took_all = false;  // the last read took all there was: the next one, once, is spared
  traffic carried;
  std::optional<std::error_code> why;  // it was closed with this cause
  std::vector<std::function<void(const traffic&)>> closed;
};

AJAR_DECL stream::stream(net::transport below, const context& from, side which, expectation expected)
    : state_(std::make_shared<state>(std::move(below), from, which, std::move(expected))),
      executor_(state_->below.get_executor()) {}

AJAR_DECL stream::stream(stream&& other) noexcept : state_(std::move(other.state_)), executor_(other.executor_) {}

AJAR_DECL stream& stream::operator=(stream&& other) noexcept {
  if (this == &other) return *this;
  close();
  state_ = std::move(other.state_);
  executor_ = other.executor_;
  return *this;
}

AJAR_DECL stream::~stream() { close(); }

AJAR_DECL stream::executor_type stream::get_executor() const noexcept { return executor_; }
AJAR_DECL net::transport& stream::lowest_layer() noexcept { return state_->below; }
AJAR_DECL const crypto::public_key& stream::peer_key() const noexcept {
  static const crypto::public_key none{};
  return state_ ? state_->machine.peer_key() : none;
}
AJAR_DECL const std::string& stream::protocol() const noexcept {
  static const std::string none;
  return state_ ? state_->machine.protocol() : none;
}
AJAR_DECL const secret<32>& stream::exporter() const noexcept {
  static const secret<32> none;
  return state_ ? state_->machine.exporter() : none;
}
AJAR_DECL const traffic& stream::carried() const noexcept {
  static const traffic none;
  return state_ ? state_->carried : none;
}
AJAR_DECL std::size_t stream::pending_output() const noexcept { return state_ ? state_->machine.pending_output() : 0; }
AJAR_DECL bool stream::is_open() const { return state_ && state_->below.is_open(); }
AJAR_DECL bool stream::has_ended() const {
  if (!is_open()) return true;
  const auto signs = net::signs_of(state_->below);
  return signs && signs->ended && !state_->machine.holds_input();
}
AJAR_DECL std::shared_ptr<net::octet_port> stream::port() const {
  if (!state_) return net::ended_port(executor_, errc::moved_from);
  return state_;
}

AJAR_DECL awaitable<result<>> stream::handshake(deadline until) {
  return state_ ? kept(state_, state_->shake(until)) : answer_moved_from();
}

AJAR_DECL result<std::size_t> stream::try_read(std::span<std::uint8_t> into) {
  if (!state_) return fail(errc::moved_from);
  return state_->try_read(into);
}
AJAR_DECL result<> stream::put(bytes_view from) {
  if (!state_) return fail(errc::moved_from);
  return state_->put(from);
}
AJAR_DECL result<> stream::queue(bytes_view from) {
  if (!state_) return fail(errc::moved_from);
  return state_->queue(from);
}
AJAR_DECL awaitable<result<>> stream::readable() { return state_ ? state_->readable(state_) : answer_moved_from(); }
AJAR_DECL awaitable<result<>> stream::drain() { return state_ ? state_->drain(state_) : answer_moved_from(); }

AJAR_DECL awaitable<result<std::size_t>> stream::read_some(std::span<std::uint8_t> into, deadline until) {
  if (!state_) return answer_moved_from<std::size_t>();
  return before(until, errc::read_timeout, state_->read_when_ready(state_, into));
}
AJAR_DECL awaitable<result<>> stream::read(std::span<std::uint8_t> into, deadline until) {
  if (!state_) return answer_moved_from();
  return before(until, errc::read_timeout, state_->read_all(state_, into));
}
AJAR_DECL awaitable<result<>> stream::write(bytes_view from, deadline until) {
  if (!state_) return answer_moved_from();
  return before(until, errc::write_timeout, state_->write_all(state_, from));
}

AJAR_DECL awaitable<result<>> stream::shutdown(deadline until) {
  return state_ ? kept(state_, state_->part(until)) : answer_moved_from();
}
AJAR_DECL void stream::close() {
  if (state_) state_->close();
}
AJAR_DECL void stream::close(std::error_code why) {
  if (state_) state_->close(why);
}
AJAR_DECL void stream::when_closed(std::function<void(const traffic&)> then) {
  if (!is_open()) return then(carried());
  state_->closed.push_back(std::move(then));
}

AJAR_DECL bool stream::sight::alive() const {
  const auto state = of_.lock();
  return state && state->below.is_open();
}

AJAR_DECL void stream::sight::cut(std::error_code why) const {
  const auto state = of_.lock();
  if (!state) return;
  if (!state->why && state->below.is_open()) {
    state->writes.begin();
    state->machine.part(*state, why);
  }
  if (auto* const tcp = state->below.target<net::tcp_stream>()) net::reset(*tcp);
  state->close(why);
}

AJAR_DECL traffic stream::sight::carried() const {
  const auto state = of_.lock();
  return state ? state->carried : traffic();
}

AJAR_DECL std::optional<std::chrono::microseconds> stream::sight::round_trip() const {
  const auto state = of_.lock();
  return state ? net::round_trip(state->below) : std::nullopt;
}

AJAR_DECL std::optional<net::life_signs> stream::sight::signs() const {
  const auto state = of_.lock();
  if (!state || !state->below.is_open()) return std::nullopt;
  auto signs = net::signs_of(state->below);
  if (signs && state->machine.holds_input()) signs->ended = false;
  return signs;
}

AJAR_DECL void stream::sight::ask() const {
  const auto state = of_.lock();
  if (state && state->below.is_open()) net::ask_for_signs(state->below);
}

AJAR_DECL void stream::sight::keep_alive(const net::keep_alive_times& when) const {
  const auto state = of_.lock();
  auto* const tcp = state && state->below.is_open() ? state->below.target<net::tcp_stream>() : nullptr;
  if (tcp) net::keep_alive(*tcp, when);
}

AJAR_DECL awaitable<result<stream>> secure(net::transport below, context own, side which, expectation expected,
                                           deadline until) {
  stream made(std::move(below), own, which, std::move(expected));
  auto shaken = co_await made.handshake(until);
  if (!shaken) co_return fail(shaken.error());
  co_return std::move(made);
}

AJAR_DECL awaitable<result<stream>> secure(awaitable<result<net::transport>> dialling, context own,
                                           expectation expected, deadline until) {
  auto below = co_await std::move(dialling);
  if (!below) co_return fail(below.error());
  auto securing = secure(std::move(*below), std::move(own), side::client, std::move(expected), until);
  auto made = co_await std::move(securing);
  co_return made;
}

}  // namespace ajar::tls
