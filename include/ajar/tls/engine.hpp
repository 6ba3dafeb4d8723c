// SPDX-License-Identifier: BSL-1.0
// ajar/tls/engine.hpp - one TLS connection as a machine: octets in, octets out, no waiting.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/secret.hpp>
#include <ajar/tls/context.hpp>
#include <ajar/tls/goodbye.hpp>

#include <memory>
#include <optional>
#include <string>

struct WOLFSSL;
struct WOLFSSL_X509_STORE_CTX;

namespace ajar::tls {

/// The transport below an engine, as two calls that never wait.
class octet_source_and_sink {
 public:
  virtual ~octet_source_and_sink() = default;
  /// Some octets into `into`. Errors: asio::error::would_block, asio::error::eof, the transport's own.
  virtual std::size_t receive(std::span<std::uint8_t> into, std::error_code& error) = 0;
  /// Some octets of `from`. Errors: asio::error::would_block, the transport's own.
  virtual std::size_t send(bytes_view from, std::error_code& error) = 0;
};

/// wolfSSL behind values: what it says as result<>, what it cannot send queued, what it cannot use kept.
///
/// Output is never refused to wolfSSL (WANT_WRITE has traps): it is queued, and flush() sends what the transport takes.
/// Threads: one executor.
class engine {
 public:
  engine(const context& from, side which, expectation expected);
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Go on with the handshake. Errors: would_block (wait until readable), else why it failed.
  result<> handshake(octet_source_and_sink& below);

  /// Decrypt what has come, as far as there is room: some octets. Errors: would_block, eof (close_notify), truncated,
  /// refused_by_peer, why the other side cut (tls/goodbye.hpp), the transport's own.
  result<std::size_t> read(octet_source_and_sink& below, std::span<std::uint8_t> into);

  /// Encrypt octets, all of them, behind what is queued; flush() sends them. Errors: the transport's own,
  /// limit_reached.
  result<> queue(bytes_view from);
  /// The same, and flush().
  result<> write(octet_source_and_sink& below, bytes_view from);

  /// Say why this end cuts the connection: one attempt, which queues nothing. It is lost where the transport is full.
  void part(octet_source_and_sink& below, const std::error_code& why);

  /// Output has failed by `why`: what the other side has said of it, if it has, behind octets that read() still gives.
  std::error_code why_lost(octet_source_and_sink& below, const std::error_code& why);

  /// Queue or send our close_notify.
  result<> close_notify(octet_source_and_sink& below);

  /// Send what is queued, as far as the transport takes it. Errors: the transport's own.
  result<> flush(octet_source_and_sink& below);

  /// Would read() give octets, or an end, without a further octet from below?
  bool can_read() const noexcept;

  /// Has something come that nobody has read?
  bool holds_input() const noexcept;

  /// Octets that wait until the transport is writable.
  std::size_t pending_output() const noexcept { return output_.size() - output_sent_; }

  /// After the handshake: the key the other side proved, the protocol both want, the exporter of RFC 8446 section 7.5.
  const crypto::public_key& peer_key() const noexcept { return peer_key_; }
  const std::string& protocol() const noexcept { return protocol_; }
  const secret<32>& exporter() const noexcept { return exporter_; }

 private:
  // A queue of answers that the peer does not fetch ends the connection at this size.
  static constexpr std::size_t most_queued = 512 * 1024;
  static constexpr std::size_t most_early = 128 * 1024;  // read before anybody wants it, once nothing can be sent

  struct release {
    void operator()(::WOLFSSL* tls) const noexcept;
  };

  class use;

  result<std::size_t> decrypt(octet_source_and_sink& below, std::span<std::uint8_t> into);
  result<std::size_t> decrypt_record(std::span<std::uint8_t> into);
  void look_for_goodbye(bytes_view begin);
  result<> flush_queue();
  result<> check();
  std::error_code alert_error(std::error_code otherwise) const;
  std::error_code handshake_error(int done) const;
  std::error_code read_error(int count) const;

  // What wolfSSL calls.
  static int on_receive(::WOLFSSL*, char* into, int size, void* self);
  static int on_send(::WOLFSSL*, char* from, int size, void* self);
  static int on_certificate(int, ::WOLFSSL_X509_STORE_CTX* store);
  int receive(std::span<std::uint8_t> into);
  int send(bytes_view from);

  expectation expected_;
  side side_;
  bool key_seen_ = false;
  bool complete_ = false;  // the handshake
  octet_source_and_sink* below_ = nullptr;
  std::optional<errc> refused_;
  std::optional<std::error_code> broken_;
  std::optional<std::error_code> lost_;  // nothing can be sent any more
  std::optional<std::error_code> told_;  // why the other side has cut
  std::optional<std::error_code> over_;  // nothing can be read any more
  std::optional<std::uint8_t> first_octet_;
  std::span<std::uint8_t> fresh_;  // in the thread's buffer, only inside a call
  bytes kept_;
  std::size_t kept_used_ = 0;
  bytes early_;  // decrypted before anybody wanted it
  std::size_t early_used_ = 0;
  bytes output_;
  std::size_t output_sent_ = 0;
  crypto::public_key peer_key_{};
  std::string protocol_;
  secret<32> exporter_;
  std::unique_ptr<::WOLFSSL, release> tls_;  // last: freed first, it calls back
};

}  // namespace ajar::tls

#ifdef AJAR_HEADER_ONLY
#include <ajar/tls/impl/engine.ipp>
#endif
