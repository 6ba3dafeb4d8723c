// SPDX-License-Identifier: BSL-1.0
// ajar/streams/stream.hpp - one request with its answer, or one two-way stream, of many on a session.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/net/asio_face.hpp>
#include <ajar/streams/body_source.hpp>
#include <ajar/streams/http2_stream.hpp>

#include <memory>
#include <string>

namespace ajar::streams {

struct stream_host;

/// A stream of a multiplexer. It models Asio's AsyncReadStream and AsyncWriteStream.
///
/// One reader and one writer at a time. A reader that does not read holds up its own stream only: the other side stops
/// at its window. Moves, does not copy. Its destructor ends what has not ended, and so does the assignment of another
/// one; an answer that was given whole is still sent. One that was moved from answers moved_from, and was asked
/// nothing.
///
/// Errors of all operations: stream_reset, stream_refused (nothing was begun: try again), stream_timeout,
/// body_length_wrong, head_too_long, canceled, and why the session ended. Cancellation: terminal; the stream goes on.
/// Threads: the session's executor only.
class stream {
 public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = stream;

  stream(std::shared_ptr<stream_host> host, std::shared_ptr<http2_stream> state);
  stream(stream&& other) noexcept;
  stream& operator=(stream&& other) noexcept;
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream();

  executor_type get_executor() noexcept;
  lowest_layer_type& lowest_layer() noexcept { return *this; }

  /// What was asked: of us, or by us.
  const request& asked() const noexcept;

  /// Client: wait for the head of the answer. Errors: stream_timeout at `until`, and the class's own.
  [[nodiscard]] awaitable<result<response>> answer(deadline until = never);

  /// Server: answer with a head; the body follows by write() and finish(). Errors: message_malformed (a field that HTTP
  /// does not permit), head_too_long, and the class's own.
  result<> respond(const response& head);
  /// Server: the whole answer.
  result<> respond(const response& head, std::string body);
  /// Server: a head, and a body that is pulled as the session has room; it is sent even if this object goes.
  result<> respond(const response& head, std::unique_ptr<body_source> body);

  /// Read some octets, at least one. Errors: eof at the end of the body, stream_timeout at `until`, the class's own.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into, deadline until = never);

  /// Write all octets; done when the last frame with some of them was made. Errors: stream_timeout at `until` (part may
  /// have left), the class's own.
  [[nodiscard]] awaitable<result<>> write(bytes_view from, deadline until = never);

  /// Nothing follows what was written.
  result<> finish();

  /// Wait until the stream has closed in both directions: all that we sent has been handed to the session.
  /// Errors: stream_timeout at `until`, the class's own.
  [[nodiscard]] awaitable<result<>> ended(deadline until = never);

  /// End it now: the other side sees stream_reset.
  void reset();

  /// What is there, without waiting. Errors: would_block, and as read_some.
  result<std::size_t> try_read(std::span<std::uint8_t> into);

  /// AsyncReadStream: void(std::error_code, std::size_t); the end is asio::error::eof. Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return net::async_read_some(port(), buffers, std::forward<Token>(token));
  }
  /// AsyncWriteStream: void(std::error_code, std::size_t). Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return net::async_write_some(port(), buffers, std::forward<Token>(token));
  }

 private:
  struct operations;
  std::shared_ptr<net::octet_port> port() const;
  result<> give(const response& head);
  void abandon();

  std::shared_ptr<stream_host> host_;  // stays: Asio's operations need an executor
  std::shared_ptr<http2_stream> state_;
};

}  // namespace ajar::streams

#ifdef AJAR_HEADER_ONLY
#include <ajar/streams/impl/stream.ipp>
#endif
