// SPDX-License-Identifier: BSL-1.0
// ajar/testing/stream_pair.hpp - two ends of a stream in memory, with every trouble that a socket can make.
#pragma once

#include <ajar/net/transport.hpp>
#include <ajar/testing/pipe.hpp>

#include <asio/compose.hpp>
#include <asio/post.hpp>

namespace ajar::testing {

/// One end of a stream in memory; it models net::byte_stream, like a non-blocking socket.
///
/// Made by make_stream_pair(). Closing or destroying it lets the other end read what is on its way and then the end of
/// file; a write towards a closed end gives connection_reset. Cancellation of async_wait: terminal. Threads: one
/// executor. Example: tests/testing/stream_pair_test.cpp.
class stream {
 public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = stream;

  explicit stream(std::shared_ptr<detail::end> state) : state_(std::move(state)) {}
  stream(stream&&) = default;
  stream& operator=(stream&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~stream() {
    if (state_) state_->leave(detail::pipe::kind::closed);
  }

  executor_type get_executor() { return state_->wake.get_executor(); }
  stream& lowest_layer() noexcept { return *this; }
  bool is_open() const noexcept { return state_ && state_->open; }

  /// Octets that are there. Errors: would_block, eof, connection_reset, bad_descriptor, the gate's.
  std::size_t read_some(asio::mutable_buffer into, std::error_code& error) {
    const auto count = receive(into, asio::socket_base::message_peek, error);
    auto& in = *state_->in;
    in.octets.erase(in.octets.begin(), in.octets.begin() + static_cast<std::ptrdiff_t>(count));
    in.held -= count;
    if (count == 0) return 0;
    if (const auto writer = in.from.lock()) writer->wake.cancel();
    return count;
  }

  /// The same, and they stay: `how` is message_peek.
  std::size_t receive(asio::mutable_buffer into, asio::socket_base::message_flags, std::error_code& error) {
    auto& in = *state_->in;
    error = state_->checked();
    if (error || into.size() == 0) return 0;
    if (in.octets.empty()) {
      error = in.reset   ? asio::error::make_error_code(asio::error::connection_reset)
              : in.ended ? asio::error::make_error_code(asio::error::eof)
                         : asio::error::make_error_code(asio::error::would_block);
      return 0;
    }
    const auto count = std::min({into.size(), in.octets.size(), state_->limits.read_most});
    const auto last = in.octets.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(in.octets.begin(), last, static_cast<std::uint8_t*>(into.data()));
    return count;
  }

  /// Take what fits. Errors: would_block, connection_reset, broken_pipe after a shutdown, bad_descriptor, the gate's.
  std::size_t write_some(asio::const_buffer from, std::error_code& error) {
    auto& out = *state_->out;
    error = state_->checked();
    if (error || from.size() == 0) return 0;
    if (!state_->sending) {
      error = asio::error::broken_pipe;
    } else if (out.refused) {
      error = asio::error::connection_reset;
    } else if (out.held >= out.capacity) {
      error = asio::error::would_block;
    }
    if (error) return 0;
    const auto count = std::min({from.size(), out.capacity - out.held, state_->limits.write_most});
    const auto* first = static_cast<const std::uint8_t*>(from.data());
    bytes flight(first, first + count);
    const auto then = out.hook ? out.hook(flight) : fate::deliver;
    out.send(detail::pipe::kind::octets, std::move(flight));
    if (then == fate::cut) state_->cut();
    return count;
  }

  /// Complete when a further attempt is worth while: void(std::error_code). Errors: operation_aborted, the gate's.
  template <class Token>
  auto async_wait(asio::socket_base::wait_type which, Token&& token) {
    return asio::async_compose<Token, void(std::error_code)>(waiting(state_, which), token, state_->wake);
  }

  /// Say that nothing more will be sent: the other end reads the end of file behind what is on its way.
  void shutdown(asio::socket_base::shutdown_type what, std::error_code& error) {
    error = is_open() ? std::error_code() : asio::error::bad_descriptor;
    if (error || what == asio::socket_base::shutdown_receive || !std::exchange(state_->sending, false)) return;
    state_->out->send(detail::pipe::kind::end);
    state_->wake.cancel();
  }
  /// End every wait with operation_aborted.
  void cancel(std::error_code& error) {
    error = {};
    if (state_) state_->cancel();
  }
  void close(std::error_code& error) {
    error = {};
    if (state_) state_->leave(detail::pipe::kind::closed);
  }
  /// Close as a crashed machine's kernel does: the other end sees connection_reset.
  void reset() {
    if (state_) state_->leave(detail::pipe::kind::reset);
  }
  /// Cut the path: both ends read an end that nobody announced.
  void cut() { state_->cut(); }

  /// As a kernel counts them, and answers; each write is a packet, which nobody acknowledges.
  net::life_signs signs() const {
    net::life_signs made;
    made.heard = state_->in->arrived;
    made.said = state_->out->sent;
    made.ended = state_->in->octets.empty() && (state_->in->ended || state_->in->reset);
    return made;
  }
  void ask() { state_->out->send(detail::pipe::kind::question); }

  /// See, change or take away what this end sends from now on.
  void on_send(flight_hook hook) { state_->out->hook = std::move(hook); }
  /// Ask before each operation of this end (testing/fuse.hpp).
  void on_operation(operation_gate gate) { state_->gate = std::move(gate); }

  /// The addresses, where testing::network made the stream.
  asio::ip::tcp::endpoint local_endpoint() const { return state_->here; }
  asio::ip::tcp::endpoint remote_endpoint() const { return state_->there; }
  asio::ip::tcp::endpoint local_endpoint(std::error_code& error) const { return error = {}, local_endpoint(); }
  asio::ip::tcp::endpoint remote_endpoint(std::error_code& error) const { return error = {}, remote_endpoint(); }

  /// What both the stream and those who act on it from outside share.
  const std::shared_ptr<detail::end>& state() const noexcept { return state_; }

 private:
  struct waiting {
    waiting(std::shared_ptr<detail::end> of, asio::socket_base::wait_type what)
        : state(std::move(of)), which(what), cancels(state->cancels) {}

    template <class Op>
    void operator()(Op& op, std::error_code = {}) {
      if (ended) return op.complete(result);
      if (!state->open || state->cancels != cancels || op.get_cancellation_state().cancelled() != kept) {
        result = state->open || started ? asio::error::operation_aborted : asio::error::bad_descriptor;
        ended = true;
      } else if (!started) {
        result = state->checked();
        ended = result || ready();
      } else {
        ended = ready();
      }
      if (ended && std::exchange(started, true)) return op.complete(result);
      auto held = state;  // outlives the move of this
      started = true;
      if (ended) return asio::post(held->wake.get_executor(), std::move(op));
      held->wake.async_wait(std::move(op));
    }

    bool ready() const {
      if (which == asio::socket_base::wait_read) return state->readable();
      if (which == asio::socket_base::wait_write) return state->writable();
      return bool(state->broken);
    }

    static constexpr auto kept = asio::cancellation_type::none;
    std::shared_ptr<detail::end> state;
    asio::socket_base::wait_type which;
    std::uint64_t cancels;
    bool started = false;
    bool ended = false;
    std::error_code result;
  };

  std::shared_ptr<detail::end> state_;
};

static_assert(net::byte_stream<stream>);

/// Make two connected ends.
///
/// @param executor  of both ends
/// @param how       the same for both ends, but for the delays: first to second, second to first
std::pair<stream, stream> make_stream_pair(const asio::any_io_executor& executor,
                                           const pair_options& how = pair_options());

}  // namespace ajar::testing

#ifdef AJAR_HEADER_ONLY
#include <ajar/testing/impl/stream_pair.ipp>
#endif
