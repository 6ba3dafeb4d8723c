// SPDX-License-Identifier: BSL-1.0
// ajar/tls/stream.hpp - TLS over any transport, both directions at once.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/secret.hpp>
#include <ajar/crypto/sign.hpp>
#include <ajar/net/asio_face.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/life_signs.hpp>
#include <ajar/net/transport.hpp>
#include <ajar/tls/context.hpp>

#include <functional>
#include <memory>
#include <string>
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
/// No peer holds the thread: one that never stops sending or reading is served in turns of 256 KiB, between which
/// everything else of the thread goes on.
///
/// One reader and one writer at a time, which may interleave freely on one executor. A read never waits for output. An
/// idle stream owns no buffer. Moves, does not copy; operations go on when it moves, and end when it goes, which closes
/// the transport without a goodbye. Threads: its executor only.
///
/// Errors of all operations: eof (the other side said goodbye), truncated (it did not), grant_revoked, grant_expired or
/// grant_unknown (it cut, and said why), refused_by_peer (it rejected our key: TLS 1.3 tells the client only here), the
/// transport's own; once it was closed with a cause, that one. Of a stream that was moved from: moved_from; it is
/// closed, carried nothing and has no lowest_layer(). A stream that another one is assigned to ends, as one that goes.
class stream {
 public:
  using executor_type = asio::any_io_executor;
  using lowest_layer_type = net::transport;

  /// @param below  connected; used by nobody else from here on
  stream(net::transport below, const context& from, side which, expectation expected);
  stream(stream&& other) noexcept;
  stream& operator=(stream&& other) noexcept;
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream();

  executor_type get_executor() const noexcept;
  net::transport& lowest_layer() noexcept;

  /// Shake hands: both keys proved, the expectation held against the other's, the application protocol agreed.
  ///
  /// Errors: handshake_timeout, handshake_failed, not_tls, tls_version, certificate_missing, certificate_malformed,
  /// wrong_key, refused_by_peer, alpn_missing, alpn_mismatch, truncated, canceled. Cancellation: terminal.
  /// After an error the transport is closed. Source: RFC 8446.
  [[nodiscard]] awaitable<result<>> handshake(deadline until);

  /// After the handshake: the key that the other side proved, the protocol agreed on, and 32 octets that only these two
  /// ends know (RFC 8446 section 7.5).
  const crypto::public_key& peer_key() const noexcept;
  const std::string& protocol() const noexcept;
  const secret<32>& exporter() const noexcept;

  /// Decrypt what is there, without waiting. Errors: would_block (then wait for readable(): after a read that took all
  /// there was it is said once without asking the transport), and the class's own.
  result<std::size_t> try_read(std::span<std::uint8_t> into);
  /// Encrypt all of `from`, without waiting, and send or queue it; drain() before the next.
  result<> put(bytes_view from);
  /// The same, and send nothing yet: what is queued leaves in one piece with the next put(), which may be of nothing.
  /// Errors: limit_reached, where more than 512 KiB wait, and the class's own.
  result<> queue(bytes_view from);
  /// Octets that put() and queue() took and that have not left yet, encrypted.
  std::size_t pending_output() const noexcept;
  /// Wait until try_read() may have something. Errors: canceled, the class's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> readable();
  /// Wait until everything that they took has left. Errors: canceled, the class's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> drain();

  /// Read some octets, at least one. Errors: read_timeout, canceled, and the class's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into, deadline until = never);
  /// Read until `into` is full. Errors: as read_some.
  [[nodiscard]] awaitable<result<>> read(std::span<std::uint8_t> into, deadline until = never);
  /// Write all octets. Errors: write_timeout, canceled, and the class's own. Cancellation: terminal; part may have
  /// left.
  [[nodiscard]] awaitable<result<>> write(bytes_view from, deadline until = never);

  /// Say goodbye and wait for the other side's, so that nothing sent is lost; the transport is closed afterwards in any
  /// case. What the other side still sends is discarded, up to 16 MiB of it. Errors: write_timeout, read_timeout,
  /// limit_reached, the class's own.
  [[nodiscard]] awaitable<result<>> shutdown(deadline until);
  /// Close the transport at once, without a goodbye: the other side sees `truncated`.
  void close();
  /// The same, with a cause: every operation, of those that wait too, ends with it, and octets that were decrypted
  /// before are not given out any more. The first cause stands.
  void close(std::error_code why);
  bool is_open() const;
  /// Closed, here or by the other side, and nothing is left to read.
  bool has_ended() const;

  /// Called once, with what it carried, when the stream is closed or gone, or at once where it is closed already; in
  /// the order of these calls.
  void when_closed(std::function<void(const traffic&)> then);
  /// What it carried so far, both ways.
  const traffic& carried() const noexcept;

  /// AsyncReadStream: void(std::error_code, std::size_t); the end is asio::error::eof. Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return net::async_read_some(port(), buffers, std::forward<Token>(token));
  }
  /// AsyncWriteStream: void(std::error_code, std::size_t); at most 64 KiB at a time. Cancellation: terminal.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return net::async_write_some(port(), buffers, std::forward<Token>(token));
  }

 private:
  struct state;
  std::shared_ptr<net::octet_port> port() const;

  std::shared_ptr<state> state_;
  executor_type executor_;  // Asio's operations need one, also of a stream that was moved from

 public:
  /// A stream as its owner keeps it in sight: it may be gone.
  class sight {
   public:
    bool alive() const;
    bool is_of(const stream& one) const { return one.state_ && of_.lock() == one.state_; }
    /// Close it now, with a cause. No octet leaves any more, not even of those that the kernel holds. The end of a
    /// grant (may_be_told) is said first, in one attempt that never waits; where the kernel held octets already, it is
    /// lost with them.
    void cut(std::error_code why) const;
    /// What it carried; nothing once it is gone.
    traffic carried() const;
    /// Of TCP, while it is open.
    std::optional<std::chrono::microseconds> round_trip() const;
    /// What its connection shows of the other end, while it is open.
    std::optional<net::life_signs> signs() const;
    /// Let the other end's kernel show that it is there (net::ask_for_signs).
    void ask() const;
    /// Of TCP: look after it like this from now on.
    void keep_alive(const net::keep_alive_times& when) const;

   private:
    friend class stream;
    explicit sight(std::weak_ptr<state> of) : of_(std::move(of)) {}
    std::weak_ptr<state> of_;
  };
  sight watch() const { return sight(state_); }
};

/// TLS on a fresh connection. Who accepted it is the TLS server, so that an open port never speaks first.
///
/// Errors: stream::handshake's. Cancellation: terminal.
[[nodiscard]] awaitable<result<stream>> secure(net::transport below, context own, side which, expectation expected,
                                               deadline until);

/// The same on the connection that is being dialled, as its TLS client. Errors: those of `dialling` too.
[[nodiscard]] awaitable<result<stream>> secure(awaitable<result<net::transport>> dialling, context own,
                                               expectation expected, deadline until);

}  // namespace ajar::tls

#ifdef AJAR_HEADER_ONLY
#include <ajar/tls/impl/stream.ipp>
#endif
