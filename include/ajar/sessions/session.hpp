// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/session.hpp - an authenticated stream between a client and a server, and all that is known about it.
#pragma once

#include <ajar/net/dial.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/sessions/proof.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/windows/report.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace ajar::sessions {

/// Who is there, and how they came.
struct session_info {
  identity::peer_id peer;
  path way = path::window;
  session_nonce nonce{};
  trust::grant_id grant{};
  net::tcp::endpoint remote;
  std::optional<windows::report> window;  ///< at the end that opened it: what it cost
};

/// A session. It models Asio's AsyncReadStream and AsyncWriteStream, so asio::async_read and the like work on it.
///
/// One reader and one writer at a time. Its owner may cut it from elsewhere (a grant that ended): every operation then
/// fails with that cause. Moves, does not copy. Threads: its executor only.
template <net::byte_stream Transport>
class basic_session {
  struct state;

 public:
  using stream_type = tls::stream<Transport>;
  using executor_type = typename stream_type::executor_type;
  using lowest_layer_type = Transport;

  basic_session(stream_type stream, session_info info)
      : state_(std::make_shared<state>(std::move(stream), std::move(info))) {}
  basic_session(basic_session&&) noexcept = default;
  basic_session& operator=(basic_session&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  basic_session(const basic_session&) = delete;
  basic_session& operator=(const basic_session&) = delete;

  executor_type get_executor() noexcept { return state_->stream.get_executor(); }
  lowest_layer_type& lowest_layer() noexcept { return state_->stream.lowest_layer(); }

  const session_info& info() const noexcept { return state_->info; }
  const identity::peer_id& peer() const noexcept { return state_->info.peer; }
  path way() const noexcept { return state_->info.way; }

  /// Read some octets, at least one. Errors: eof, truncated, read_timeout, canceled, or why the session was cut.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into, time_point until = never) {
    auto count = co_await state_->stream.read_some(into, until);
    co_return unless_cut(std::move(count));
  }
  /// Read until `into` is full. Errors: as read_some.
  [[nodiscard]] awaitable<result<>> read(std::span<std::uint8_t> into, time_point until = never) {
    auto done = co_await state_->stream.read(into, until);
    co_return unless_cut(std::move(done));
  }
  /// Write all octets. Errors: write_timeout, truncated, canceled, or why the session was cut.
  [[nodiscard]] awaitable<result<>> write(bytes_view from, time_point until = never) {
    auto done = co_await state_->stream.write(from, until);
    co_return unless_cut(std::move(done));
  }

  /// For those who drive the session themselves (services/): as tls::stream's of the same names, none of which waits
  /// but readable() and drain(). Errors: theirs, or why the session was cut.
  result<std::size_t> try_read(std::span<std::uint8_t> into) { return unless_cut(state_->stream.try_read(into)); }
  result<> put(bytes_view from) { return unless_cut(state_->stream.put(from)); }
  std::size_t pending_output() const noexcept { return state_->stream.pending_output(); }
  [[nodiscard]] awaitable<result<>> readable() {
    auto done = co_await state_->stream.readable();
    co_return unless_cut(std::move(done));
  }
  [[nodiscard]] awaitable<result<>> drain() {
    auto done = co_await state_->stream.drain();
    co_return unless_cut(std::move(done));
  }

  /// Say goodbye and wait for the other's, so that nothing sent is lost; closed afterwards in any case.
  [[nodiscard]] awaitable<result<>> shutdown(time_point until) {
    auto done = co_await state_->stream.shutdown(until);
    state_->end();
    co_return unless_cut(std::move(done));
  }
  /// Close without a goodbye.
  void close() {
    state_->stream.close();
    state_->end();
  }

  /// Called once, when the session is closed, cut or gone.
  void when_ended(std::function<void()> then) { state_->ended = std::move(then); }

  /// AsyncReadStream and AsyncWriteStream: void(std::error_code, std::size_t). Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(reading<Buffers>{state_, buffers}, token,
                                                                          lowest_layer());
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(writing<Buffers>{state_, buffers}, token,
                                                                          lowest_layer());
  }

  /// A session as its owner keeps it in sight: it may be gone.
  class sight {
   public:
    bool alive() const {
      const auto state = state_.lock();
      return state && state->stream.is_open();
    }
    /// End it now; whoever uses it gets this cause. No octet leaves any more, not even of those that the kernel holds.
    void cut(std::error_code why) const {
      if (const auto state = state_.lock()) {
        if (!state->cut) state->cut = why;
        if constexpr (std::is_same_v<Transport, net::tcp_stream>) net::reset(state->stream.lowest_layer());
        state->stream.close();
        state->end();
      }
    }
    const session_info& info() const noexcept { return info_; }
    /// What it carried; nothing once it is gone.
    tls::traffic carried() const {
      const auto state = state_.lock();
      return state ? state->stream.carried() : tls::traffic();
    }
    /// Of TCP, while it is open.
    std::optional<std::chrono::microseconds> round_trip() const {
      const auto state = state_.lock();
      if constexpr (std::is_same_v<Transport, net::tcp_stream>) {
        if (state) return net::round_trip(state->stream.lowest_layer());
      }
      return std::nullopt;
    }

   private:
    friend class basic_session;
    explicit sight(const basic_session& of) : state_(of.state_), info_(of.state_->info) {}

    std::weak_ptr<state> state_;
    session_info info_;
  };

  sight watch() const { return sight(*this); }

  /// What it carried so far.
  const tls::traffic& carried() const noexcept { return state_->stream.carried(); }
  /// Once it is closed, cut or gone, what it carried is added there.
  void count_into(std::shared_ptr<tls::traffic> sum) { state_->sum = std::move(sum); }

  /// What the window cost, where this end opened it; set by whoever opened it.
  void set_window(const windows::report& cost) { state_->info.window = cost; }

 private:
  struct state {
    state(stream_type from, session_info about) : stream(std::move(from)), info(std::move(about)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { end(); }
    void end() {
      if (const auto into = std::exchange(sum, nullptr)) *into += stream.carried();
      const auto then = std::exchange(ended, nullptr);
      if (then) then();
    }
    stream_type stream;
    session_info info;
    std::optional<std::error_code> cut;
    std::function<void()> ended;
    std::shared_ptr<tls::traffic> sum;
  };

  // Octets that TLS had decrypted before the cut are not given out any more either.
  template <class T>
  result<T> unless_cut(result<T> got) const {
    if (state_->cut) return fail(*state_->cut);
    return got;
  }

  // Knows the session's state alone: the session may move meanwhile, or go, which ends the operation.
  template <class Op>
  static void complete(const std::weak_ptr<state>& of, Op& op, const std::error_code& error, std::size_t count) {
    const auto held = of.lock();
    const auto cut = held ? held->cut : std::nullopt;
    op.complete(cut ? *cut : error, cut ? 0 : count);
  }

  template <class Buffers>
  struct reading {
    std::weak_ptr<state> of;
    Buffers buffers;
    template <class Op>
    void operator()(Op& op) {
      const auto held = of.lock();
      held->stream.async_read_some(buffers, std::move(op));
    }
    template <class Op>
    void operator()(Op& op, std::error_code error, std::size_t count) {
      complete(of, op, error, count);
    }
  };
  template <class Buffers>
  struct writing {
    std::weak_ptr<state> of;
    Buffers buffers;
    template <class Op>
    void operator()(Op& op) {
      const auto held = of.lock();
      held->stream.async_write_some(buffers, std::move(op));
    }
    template <class Op>
    void operator()(Op& op, std::error_code error, std::size_t count) {
      complete(of, op, error, count);
    }
  };

  std::shared_ptr<state> state_;
};

using session = basic_session<net::tcp_stream>;

}  // namespace ajar::sessions
