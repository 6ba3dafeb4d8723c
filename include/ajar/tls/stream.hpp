// SPDX-License-Identifier: BSL-1.0
// ajar/tls/stream.hpp - TLS over any byte_stream, both directions at once.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/net/byte_stream.hpp>
#include <ajar/tls/engine.hpp>

#include <asio/compose.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <asio/post.hpp>
#include <memory>
#include <utility>

namespace ajar::tls {

/// Octets that a stream carried, before encryption.
struct traffic {
  std::uint64_t in = 0;
  std::uint64_t out = 0;

  traffic& operator+=(const traffic& other) {
    in += other.in;
    out += other.out;
    return *this;
  }
  bool operator==(const traffic&) const = default;
};

/// An authenticated, encrypted stream. It models Asio's AsyncReadStream and AsyncWriteStream.
///
/// One reader and one writer at a time, which may interleave freely on one executor. A read never waits for output. An
/// idle stream owns no buffer. Errors: eof (the other side said goodbye), truncated (it did not), refused_by_peer (it
/// rejected our key: TLS 1.3 tells the client only here), and the transport's own.
template <net::byte_stream Transport>
class stream {
 public:
  using executor_type = decltype(std::declval<Transport&>().get_executor());
  using lowest_layer_type = Transport;

  /// @param transport  connected; used by nobody else from here on
  stream(Transport transport, const context& from, side which, expectation expected)
      : state_(std::make_unique<state>(std::move(transport), from, which, std::move(expected))) {}

  executor_type get_executor() noexcept { return state_->transport.get_executor(); }
  Transport& lowest_layer() noexcept { return state_->transport; }

  /// Shake hands: both keys proved, the expectation held against the other's, the application protocol agreed.
  ///
  /// @param until  absolute, monotonic
  /// Errors: handshake_timeout, handshake_failed, not_tls, tls_version, certificate_missing, certificate_malformed,
  /// wrong_key, refused_by_peer, alpn_missing, alpn_mismatch, truncated, canceled. Cancellation: terminal.
  /// After an error the transport is closed. Source: RFC 8446.
  [[nodiscard]] awaitable<result<>> handshake(time_point until) {
    auto operation = negotiate();
    auto done = co_await before(until, errc::handshake_timeout, std::move(operation));
    if (!done) close();  // a refused stranger holds nothing open
    co_return done;
  }

  /// After the handshake: the key that the other side proved, the protocol agreed on, and 32 octets that only these two
  /// ends know (RFC 8446 section 7.5).
  const crypto::public_key& peer_key() const noexcept { return state_->machine.peer_key(); }
  const std::string& protocol() const noexcept { return state_->machine.protocol(); }
  const secret<32>& exporter() const noexcept { return state_->machine.exporter(); }

  /// Decrypt what is there, without waiting. Errors: would_block (then wait for readable()), and the class's own.
  result<std::size_t> try_read(std::span<std::uint8_t> into) {
    auto count = state_->machine.read(*state_, into);
    if (count) state_->carried.in += *count;
    return count;
  }

  /// Encrypt all of `from`, without waiting, and send or queue it; drain() before the next.
  result<> put(bytes_view from) {
    auto taken = state_->machine.write(*state_, from);
    if (taken) state_->carried.out += from.size();
    return taken;
  }

  /// What it carried so far, both ways.
  const traffic& carried() const noexcept { return state_->carried; }

  /// Octets that put() took and that have not left yet.
  std::size_t pending_output() const noexcept { return state_->machine.pending_output(); }

  /// Wait until try_read() may have something. Errors: canceled, the transport's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> readable() {
    if (state_->machine.pending_output() == 0) {
      auto [error] = co_await state_->transport.async_wait(asio::socket_base::wait_read, use_values);
      co_return outcome(error);
    }
    auto both = readable_or_writable();
    auto [order, read_error, write_error] = co_await both.async_wait(asio::experimental::wait_for_one(), use_awaitable);
    co_return outcome(order[0] == 0 ? read_error : write_error);
  }

  /// Wait until everything that put() took has left. Errors: canceled, the transport's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> drain() {
    for (;;) {
      auto flushed = state_->machine.flush(*state_);
      if (!flushed || state_->machine.pending_output() == 0) co_return flushed;
      auto [error] = co_await state_->transport.async_wait(asio::socket_base::wait_write, use_values);
      if (error) co_return outcome(error);
    }
  }

  /// Read some octets, at least one. Errors: read_timeout, canceled, and the class's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into, time_point until = never) {
    auto operation = read_when_ready(into);
    auto count = co_await before(until, errc::read_timeout, std::move(operation));
    co_return count;
  }

  /// Read until `into` is full. Errors: as read_some.
  [[nodiscard]] awaitable<result<>> read(std::span<std::uint8_t> into, time_point until = never) {
    auto operation = read_all(into);
    auto done = co_await before(until, errc::read_timeout, std::move(operation));
    co_return done;
  }

  /// Write all octets. Errors: write_timeout, canceled, and the class's own. Cancellation: terminal; part may have
  /// left.
  [[nodiscard]] awaitable<result<>> write(bytes_view from, time_point until = never) {
    auto operation = write_all(from);
    auto done = co_await before(until, errc::write_timeout, std::move(operation));
    co_return done;
  }

  /// Say goodbye and wait for the other side's, so that nothing sent is lost; the transport is closed afterwards in any
  /// case. What the other side still sends is discarded. Errors: write_timeout, read_timeout, the class's own.
  [[nodiscard]] awaitable<result<>> shutdown(time_point until) {
    auto farewell = say_goodbye();
    auto done = co_await before(until, errc::write_timeout, std::move(farewell));
    if (done) {
      auto answer = await_goodbye();
      done = co_await before(until, errc::read_timeout, std::move(answer));
    }
    close();
    co_return done;
  }

  /// Close the transport at once, without a goodbye: the other side sees `truncated`.
  void close() {
    std::error_code ignored;
    state_->transport.close(ignored);
  }

  bool is_open() const { return state_->transport.is_open(); }

  /// AsyncReadStream: void(std::error_code, std::size_t); the end is asio::error::eof. Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(
        reader{this, first_of<asio::mutable_buffer>(buffers)}, token, state_->transport);
  }

  /// AsyncWriteStream: void(std::error_code, std::size_t); at most 64 KiB at a time. Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(std::error_code, std::size_t)>(
        writer{this, first_of<asio::const_buffer>(buffers)}, token, state_->transport);
  }

 private:
  static constexpr std::size_t most_at_once = 64 * 1024;

  // The engine calls back into it, so it stays in one place while the stream moves.
  struct state final : octet_source_and_sink {
    state(Transport from, const context& shared, side which, expectation expected)
        : transport(std::move(from)), machine(shared, which, std::move(expected)) {}
    std::size_t receive(std::span<std::uint8_t> into, std::error_code& error) override {
      return transport.read_some(asio::mutable_buffer(into.data(), into.size()), error);
    }
    std::size_t send(bytes_view from, std::error_code& error) override {
      return transport.write_some(asio::const_buffer(from.data(), from.size()), error);
    }
    Transport transport;
    engine machine;
    traffic carried;
  };

  static result<> outcome(const std::error_code& error) {
    if (is_canceled(error)) return fail(errc::canceled);
    if (error) return fail(error);
    return {};
  }

  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const Buffer one(*at);
      if (one.size() != 0) return one;
    }
    return Buffer();
  }

  auto readable_or_writable() {
    return asio::experimental::make_parallel_group(
        state_->transport.async_wait(asio::socket_base::wait_read, deferred),
        state_->transport.async_wait(asio::socket_base::wait_write, deferred));
  }

  // Asio's composed operations expect its own end of file.
  static std::error_code for_asio(const std::error_code& error) {
    return error == errc::eof ? std::error_code(asio::error::eof) : error;
  }

  struct reader {
    stream* self;
    asio::mutable_buffer into;
    bool posted = false;
    bool done = false;
    std::error_code error{};
    std::size_t count = 0;

    template <class Op>
    void operator()(Op& op, std::error_code waited = {}) {
      if (done) return op.complete(error, count);
      if (waited) return op.complete(waited, 0);
      step(op);
    }
    template <class Op>
    void operator()(Op& op, std::array<std::size_t, 2> order, std::error_code read, std::error_code write) {
      (*this)(op, order[0] == 0 ? read : write);
    }
    template <class Op>
    void step(Op& op) {
      auto got = into.size() == 0 ? result<std::size_t>(0)
                                  : self->try_read({static_cast<std::uint8_t*>(into.data()), into.size()});
      if (!got && got.error() == errc::would_block) {
        posted = true;  // whatever comes next does not come from inside the initiating call
        if (self->state_->machine.pending_output() == 0) {
          self->state_->transport.async_wait(asio::socket_base::wait_read, std::move(op));
        } else {
          self->readable_or_writable().async_wait(asio::experimental::wait_for_one(), std::move(op));
        }
        return;
      }
      count = got ? *got : 0;
      error = got ? std::error_code() : for_asio(got.error());
      if (posted) return op.complete(error, count);
      done = true;
      asio::post(self->get_executor(), std::move(op));
    }
  };

  struct writer {
    stream* self;
    asio::const_buffer from;
    bool put = false;
    bool posted = false;
    bool done = false;
    std::error_code error{};

    template <class Op>
    void operator()(Op& op, std::error_code waited = {}) {
      const auto count = std::min(from.size(), most_at_once);
      if (done) return op.complete(error, error ? 0 : count);
      if (waited) return op.complete(waited, 0);
      auto sent = put ? self->state_->machine.flush(*self->state_)
                      : self->put({static_cast<const std::uint8_t*>(from.data()), count});
      put = true;
      if (sent && self->state_->machine.pending_output() != 0) {
        posted = true;
        self->state_->transport.async_wait(asio::socket_base::wait_write, std::move(op));
        return;
      }
      error = sent ? std::error_code() : sent.error();
      if (posted) return op.complete(error, error ? 0 : count);
      done = true;
      asio::post(self->get_executor(), std::move(op));
    }
  };

  awaitable<result<>> negotiate() {
    if constexpr (requires(std::error_code error) { state_->transport.non_blocking(true, error); }) {
      std::error_code error;
      state_->transport.non_blocking(true, error);  // what an acceptor gives is not, and would stop the whole thread
      if (error) co_return outcome(error);
    }
    for (;;) {
      auto step = state_->machine.handshake(*state_);
      if (step) break;
      if (step.error() != errc::would_block) co_return step;
      auto waited = co_await readable();
      if (!waited) co_return waited;
    }
    auto drained = co_await drain();
    co_return drained;
  }

  awaitable<result<std::size_t>> read_when_ready(std::span<std::uint8_t> into) {
    for (;;) {
      auto count = try_read(into);
      if (count || count.error() != errc::would_block) co_return count;
      auto waited = co_await readable();
      if (!waited) co_return fail(waited.error());
    }
  }

  awaitable<result<>> read_all(std::span<std::uint8_t> into) {
    while (!into.empty()) {
      auto count = co_await read_when_ready(into);
      if (!count) co_return fail(count.error());
      into = into.subspan(*count);
    }
    co_return result<>{};
  }

  awaitable<result<>> write_all(bytes_view from) {
    while (!from.empty()) {
      const auto now = from.first(std::min(from.size(), most_at_once));
      auto taken = put(now);
      if (!taken) co_return taken;
      auto sent = co_await drain();
      if (!sent) co_return sent;
      from = from.subspan(now.size());
    }
    co_return result<>{};
  }

  awaitable<result<>> say_goodbye() {
    auto said = state_->machine.close_notify(*state_);
    if (!said) co_return said;
    auto sent = co_await drain();
    std::error_code ignored;
    state_->transport.shutdown(asio::socket_base::shutdown_send, ignored);
    co_return sent;
  }

  awaitable<result<>> await_goodbye() {
    const auto discarded = std::make_unique<std::array<std::uint8_t, 4096>>();
    for (;;) {
      auto count = co_await read_when_ready(*discarded);
      if (count) continue;
      if (count.error() == errc::eof) co_return result<>{};
      co_return fail(count.error());
    }
  }

  std::unique_ptr<state> state_;
};

}  // namespace ajar::tls
