// SPDX-License-Identifier: BSL-1.0
// ajar/net/transport.hpp - what is below TLS: a connection of TCP, or, in tests, one in memory.
#pragma once

#include <ajar/core/erased_handler.hpp>
#include <ajar/net/endpoint.hpp>

#include <asio/async_result.hpp>
#include <asio/buffer.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/socket_base.hpp>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace ajar::net {

using tcp_stream = asio::ip::tcp::socket;

/// A stream of octets that tells when it is ready: asio::ip::tcp::socket in non-blocking mode is one, testing::stream
/// another.
///
/// read_some and write_some never wait: they give asio::error::would_block, asio::error::eof, or their count; receive()
/// with message_peek reads, and the octets stay. async_wait completes when a further attempt is worth while. One reader
/// and one writer at a time.
template <class Stream>
concept byte_stream = requires(Stream stream, asio::mutable_buffer in, asio::const_buffer out, std::error_code error) {
  { stream.read_some(in, error) } -> std::same_as<std::size_t>;
  { stream.write_some(out, error) } -> std::same_as<std::size_t>;
  { stream.receive(in, asio::socket_base::message_peek, error) } -> std::same_as<std::size_t>;
  { stream.remote_endpoint(error) } -> std::convertible_to<tcp::endpoint>;
  { stream.local_endpoint(error) } -> std::convertible_to<tcp::endpoint>;
  { stream.is_open() } -> std::convertible_to<bool>;
  stream.async_wait(asio::socket_base::wait_read, asio::detached);
  stream.shutdown(asio::socket_base::shutdown_send, error);
  stream.cancel(error);
  stream.close(error);
  stream.get_executor();
};

static_assert(byte_stream<tcp_stream>);

/// Who is called when a wait has ended: void(std::error_code).
using wait_handler = erased_handler<std::error_code>;

/// Signs of life of a connection, as its transport counts them: whatever the programs at both ends do. A process that
/// is stopped gives them, as its kernel does.
struct life_signs {
  std::uint64_t heard = 0;       ///< packets that came, acknowledgements too
  std::uint64_t said = 0;        ///< packets that left, also such as were sent again
  std::uint32_t unanswered = 0;  ///< of these, those sent again or to ask, in a row, since something came
  bool ended = false;            ///< the connection is over, and nothing is left to read
};

/// Any byte_stream: everything above knows this one type, and is compiled once.
///
/// Moves, does not copy; never empty, unless moved from. Reads and writes never block, whatever it is made of. Threads:
/// its executor only.
class transport {
 public:
  using executor_type = asio::any_io_executor;

  /// Anything that is a byte_stream becomes one, and is put into non-blocking mode where it has one.
  template <byte_stream Stream>
  transport(Stream stream) : below_(std::make_unique<over<Stream>>(std::move(stream))) {}

  executor_type get_executor() const noexcept { return below_->executor(); }

  /// As byte_stream's of the same names.
  std::size_t read_some(asio::mutable_buffer into, std::error_code& error) { return below_->read_some(into, error); }
  std::size_t write_some(asio::const_buffer from, std::error_code& error) { return below_->write_some(from, error); }
  /// As read_some, and the octets stay.
  std::size_t peek(asio::mutable_buffer into, std::error_code& error) { return below_->peek(into, error); }
  void shutdown_send() { below_->shutdown_send(); }
  /// End every wait with asio::error::operation_aborted.
  void cancel() { below_->cancel(); }
  void close() { below_->close(); }
  bool is_open() const { return below_->is_open(); }

  /// Wait until a further attempt is worth while: void(std::error_code). Cancellation: terminal. The transport may move
  /// meanwhile; it must not go.
  template <class Token>
  auto async_wait(asio::socket_base::wait_type until, Token&& token) {
    return asio::async_initiate<Token, void(std::error_code)>(
        [below = below_.get(), until](auto handler) {
          below->wait(until, wait_handler(std::move(handler), below->executor()));
        },
        token);
  }

  void async_wait(asio::socket_base::wait_type until, wait_handler then) { below_->wait(until, std::move(then)); }

  /// The addresses of the two ends, while it is connected.
  std::optional<tcp::endpoint> local_endpoint() const { return below_->local_endpoint(); }
  std::optional<tcp::endpoint> remote_endpoint() const { return below_->remote_endpoint(); }

  /// Of a stream that counts its own, which TCP's does not: signs_of() and ask_for_signs() (life_signs.hpp) know both.
  std::optional<life_signs> signs() const { return below_->signs(); }
  void ask() { below_->ask(); }

  /// The stream that this was made of, where it is a Stream; else nothing.
  template <byte_stream Stream>
  Stream* target() noexcept {
    auto* const found = dynamic_cast<over<Stream>*>(below_.get());
    return found ? &found->stream : nullptr;
  }

 private:
  struct below {
    virtual ~below() = default;
    virtual executor_type executor() noexcept = 0;
    virtual std::size_t read_some(asio::mutable_buffer into, std::error_code& error) = 0;
    virtual std::size_t write_some(asio::const_buffer from, std::error_code& error) = 0;
    virtual std::size_t peek(asio::mutable_buffer into, std::error_code& error) = 0;
    virtual void wait(asio::socket_base::wait_type until, wait_handler then) = 0;
    virtual void shutdown_send() = 0;
    virtual void cancel() = 0;
    virtual void close() = 0;
    virtual bool is_open() const = 0;
    virtual std::optional<tcp::endpoint> local_endpoint() const = 0;
    virtual std::optional<tcp::endpoint> remote_endpoint() const = 0;
    virtual std::optional<life_signs> signs() const = 0;
    virtual void ask() = 0;
  };

  template <byte_stream Stream>
  struct over final : below {
    explicit over(Stream from) : stream(std::move(from)) {
      if constexpr (requires(std::error_code error) { stream.non_blocking(true, error); }) {
        std::error_code error;
        stream.non_blocking(true, error);  // what an acceptor gives is not, and would stop the whole thread
        if (error) stream.close(error);
      }
    }
    executor_type executor() noexcept override { return stream.get_executor(); }
    std::size_t read_some(asio::mutable_buffer into, std::error_code& error) override {
      return stream.read_some(into, error);
    }
    std::size_t write_some(asio::const_buffer from, std::error_code& error) override {
      return stream.write_some(from, error);
    }
    std::size_t peek(asio::mutable_buffer into, std::error_code& error) override {
      return stream.receive(into, asio::socket_base::message_peek, error);
    }
    void wait(asio::socket_base::wait_type until, wait_handler then) override {
      stream.async_wait(until, std::move(then));
    }
    // what these three cannot do is done already
    void shutdown_send() override {
      std::error_code ignored;
      stream.shutdown(asio::socket_base::shutdown_send, ignored);
    }
    void cancel() override {
      std::error_code ignored;
      stream.cancel(ignored);
    }
    void close() override {
      std::error_code ignored;
      stream.close(ignored);
    }
    bool is_open() const override { return stream.is_open(); }
    std::optional<tcp::endpoint> local_endpoint() const override {
      std::error_code error;
      const tcp::endpoint at = stream.local_endpoint(error);
      return error ? std::nullopt : std::optional(at);
    }
    std::optional<tcp::endpoint> remote_endpoint() const override {
      std::error_code error;
      const tcp::endpoint at = stream.remote_endpoint(error);
      return error ? std::nullopt : std::optional(at);
    }
    std::optional<life_signs> signs() const override {
      if constexpr (requires { stream.signs(); }) return stream.signs();
      return std::nullopt;
    }
    void ask() override {
      if constexpr (requires { stream.ask(); }) stream.ask();
    }
    Stream stream;
  };

  std::unique_ptr<below> below_;
};

}  // namespace ajar::net
