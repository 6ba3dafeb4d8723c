// SPDX-License-Identifier: BSL-1.0
// ajar/streams/multiplexer.hpp - many streams over one session: HTTP/2 by nghttp2.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/streams/stream.hpp>

#include <memory>
#include <optional>

namespace ajar::streams {

/// Streams over a session. The client opens them and the server accepts them, whoever dialled.
///
/// Owns the session. HTTP/2 begins with the first request, so an idle session costs a coroutine and no buffer. Receives
/// and sends by itself from the beginning; windows follow the rate and the round trip (window_tuner). While streams are
/// open, a PING that nobody answers ends the session (read_timeout); over TCP only where the other side's kernel is
/// silent too, or after ten minutes: who was stopped for a while, or has a slow link, is not gone. Its destructor ends
/// session and streams, and so does the assignment of another one. One that was moved from answers moved_from, and has
/// no info(), no lowest_layer() and no executor.
///
/// Errors that end the session, and with it every stream: truncated, read_timeout, http2_violated, http2_flood, why its
/// owner or the other side's cut it, canceled, what a body_source has thrown. Cancellation: terminal. Threads: the
/// session's executor only. Example: examples/streams.cpp. Source: RFC 9113.
class multiplexer {
 public:
  multiplexer(sessions::session session, http_role role);
  multiplexer(multiplexer&&) noexcept;
  multiplexer& operator=(multiplexer&& other) noexcept;
  multiplexer(const multiplexer&) = delete;
  multiplexer& operator=(const multiplexer&) = delete;
  ~multiplexer();

  asio::any_io_executor get_executor() noexcept;
  const sessions::session_info& info() const noexcept;
  net::transport& lowest_layer() noexcept;
  /// Streams that are open now.
  std::size_t streams() const noexcept;
  /// The least round trip seen, once there was one.
  std::optional<clock::duration> round_trip() const noexcept;

  /// Client: begin a request, or CONNECT.
  ///
  /// @param body_follows  octets will be written; else the request ends with its head
  /// @param until         how long to wait while the other side takes no further stream
  /// Errors: stream_timeout, session_draining, head_too_long, message_malformed, and the class's own.
  [[nodiscard]] awaitable<result<stream>> open(request asked, bool body_follows = false, deadline until = never);

  /// Server: the next request. Errors: eof (the client said goodbye), and the class's own.
  [[nodiscard]] awaitable<result<stream>> accept();

  /// One round trip to the other side's multiplexer and back. Errors: stream_timeout, and the class's own.
  [[nodiscard]] awaitable<result<clock::duration>> ping(deadline until);

  /// Take no further stream, let those there end, say goodbye, close. Errors: stream_timeout where streams were still
  /// open at `until` (they have ended with session_draining then), write_timeout, read_timeout, the class's own.
  [[nodiscard]] awaitable<result<>> shutdown(deadline until);

  /// End session and streams now.
  void close();

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace ajar::streams

#ifdef AJAR_HEADER_ONLY
#include <ajar/streams/impl/multiplexer.ipp>
#endif
