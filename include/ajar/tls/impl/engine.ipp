// SPDX-License-Identifier: BSL-1.0
// ajar/tls/impl/engine.ipp - what ajar/tls/engine.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/tls/engine.hpp>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <algorithm>
#include <array>
#include <asio/error.hpp>
#include <new>
#include <string_view>
#include <utility>

namespace ajar::tls {

namespace detail {

inline constexpr std::size_t longest_record = 16 * 1024 + 22;  // with its head, its type and the tag of AES-GCM

// Octets arrive in large pieces in one buffer a thread: whole records, where they are full ones. What a connection
// cannot use yet is kept with it.
inline std::span<std::uint8_t> scratch() {
  static thread_local const auto octets = std::make_unique<std::array<std::uint8_t, 4 * longest_record>>();
  return *octets;
}

// The memory of a queue that has become empty, for the next one of the thread that does not stay so.
inline bytes& spare_queue() {
  static thread_local bytes memory;
  return memory;
}

inline int clamped(std::size_t count) {
  constexpr std::size_t most = 1 << 30;
  return static_cast<int>(count < most ? count : most);
}

// A reset, told by a read or by a write, is an end without a goodbye.
inline std::error_code for_us(const std::error_code& error) {
  const bool gone = error == asio::error::connection_reset || error == asio::error::broken_pipe;
  return gone ? make_error_code(errc::truncated) : error;
}

}  // namespace detail

class engine::use {
 public:
  use(engine& owner, octet_source_and_sink& below) : owner_(owner) { owner_.below_ = &below; }
  use(const use&) = delete;
  use& operator=(const use&) = delete;
  ~use() {
    owner_.below_ = nullptr;
    if (owner_.fresh_.empty()) return;
    owner_.kept_.insert(owner_.kept_.end(), owner_.fresh_.begin(), owner_.fresh_.end());
    owner_.fresh_ = {};
  }

 private:
  engine& owner_;
};

AJAR_DECL engine::engine(const context& from, side which, expectation expected)
    : expected_(std::move(expected)), side_(which), tls_(wolfSSL_new(from.native(which))) {
  if (!tls_) throw std::bad_alloc();
  auto* tls = tls_.get();
  wolfSSL_SSLSetIORecv(tls, &engine::on_receive);
  wolfSSL_SSLSetIOSend(tls, &engine::on_send);
  wolfSSL_SetIOReadCtx(tls, this);
  wolfSSL_SetIOWriteCtx(tls, this);
  wolfSSL_set_verify(tls, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, &engine::on_certificate);
  wolfSSL_SetCertCbCtx(tls, this);
  wolfSSL_KeepArrays(tls);  // for the exporter; freed after the handshake
  std::string names;
  for (const auto& one : expected_.alpns()) names += (names.empty() ? "" : ",") + one;
  wolfSSL_UseALPN(tls, names.data(), static_cast<unsigned>(names.size()), WOLFSSL_ALPN_FAILED_ON_MISMATCH);
  if (which == side::client) wolfSSL_UseKeyShare(tls, WOLFSSL_ECC_X25519);
}

AJAR_DECL result<> engine::handshake(octet_source_and_sink& below) {
  use through(*this, below);
  const int done = side_ == side::client ? wolfSSL_connect(tls_.get()) : wolfSSL_accept(tls_.get());
  auto flushed = flush_queue();  // one send a flight
  if (done != WOLFSSL_SUCCESS) return fail(handshake_error(done));
  if (!flushed) return fail(flushed.error());
  return check();
}

AJAR_DECL result<std::size_t> engine::read(octet_source_and_sink& below, std::span<std::uint8_t> into) {
  if (into.empty()) return 0;
  const auto early = bytes_view(early_).subspan(early_used_);
  if (early.empty()) return decrypt(below, into);
  const auto count = std::min(into.size(), early.size());
  std::ranges::copy(early.first(count), into.begin());
  early_used_ += count;
  return count;
}

AJAR_DECL result<> engine::queue(bytes_view from) {
  if (lost_) return fail(*lost_);
  while (!from.empty()) {
    const int count = wolfSSL_write(tls_.get(), from.data(), detail::clamped(from.size()));
    if (count <= 0) return fail(broken_ ? *broken_ : make_error_code(errc::truncated));
    from = from.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

AJAR_DECL result<> engine::write(octet_source_and_sink& below, bytes_view from) {
  auto queued = queue(from);
  if (!queued) return queued;
  return flush(below);
}

AJAR_DECL void engine::part(octet_source_and_sink& below, const std::error_code& why) {
  if (!complete_ || !may_be_told(why)) return;
  use through(*this, below);
  if (!flush_queue() || pending_output() != 0) return;
  const auto said = make_goodbye(exporter_, side_, static_cast<errc>(why.value()));
  (void)wolfSSL_write(tls_.get(), said.data(), static_cast<int>(said.size()));
  (void)flush_queue();
}

AJAR_DECL std::error_code engine::why_lost(octet_source_and_sink& below, const std::error_code& why) {
  if (why != errc::truncated) return why;
  std::array<std::uint8_t, 1024> room;
  while (!told_ && early_.size() < most_early) {
    const auto count = decrypt(below, room);
    if (!count) break;
    early_.insert(early_.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  return told_ ? *told_ : why;
}

AJAR_DECL result<> engine::close_notify(octet_source_and_sink& below) {
  use through(*this, below);
  wolfSSL_shutdown(tls_.get());
  return flush_queue();
}

AJAR_DECL result<> engine::flush(octet_source_and_sink& below) {
  use through(*this, below);
  return flush_queue();
}

AJAR_DECL bool engine::can_read() const noexcept {
  constexpr std::size_t head = 5;  // kind, version, length: RFC 8446 section 5.1
  if (over_ || early_used_ < early_.size() || wolfSSL_pending(tls_.get()) > 0) return true;
  const auto there = kept_used_ < kept_.size() ? bytes_view(kept_).subspan(kept_used_) : bytes_view(fresh_);
  return there.size() >= head && there.size() - head >= static_cast<std::size_t>(there[3] << 8 | there[4]);
}

AJAR_DECL bool engine::holds_input() const noexcept {
  return early_used_ < early_.size() || kept_used_ < kept_.size() || wolfSSL_pending(tls_.get()) > 0;
}

AJAR_DECL void engine::release::operator()(::WOLFSSL* tls) const noexcept { wolfSSL_free(tls); }

AJAR_DECL result<std::size_t> engine::decrypt(octet_source_and_sink& below, std::span<std::uint8_t> into) {
  constexpr std::size_t worth_another = 1024;  // one of a single octet costs as much: the caller counts it, and goes on
  if (over_) return fail(*over_);
  use through(*this, below);
  auto count = decrypt_record(into);
  for (auto last = count; last && *last >= worth_another && *count < into.size() && can_read();) {
    last = decrypt_record(into.subspan(*count));
    if (last) *count += *last;  // else the next call says it
  }
  // a reader also moves answers to key updates on; that output cannot leave is told after all that the peer has said
  const auto flushed = flush_queue();
  if (!count && count.error() == errc::would_block && !flushed) return fail(flushed.error());
  return count;
}

AJAR_DECL result<std::size_t> engine::decrypt_record(std::span<std::uint8_t> into) {
  const bool fresh = wolfSSL_pending(tls_.get()) == 0;
  const int count = wolfSSL_read(tls_.get(), into.data(), detail::clamped(into.size()));
  if (count > 0) {
    if (fresh) look_for_goodbye(into.first(static_cast<std::size_t>(count)));
    if (!told_) return static_cast<std::size_t>(count);
  }
  const auto why = told_ ? *told_ : read_error(count);
  if (why != errc::would_block) over_ = why;
  return fail(why);
}

// A record has begun with these octets; what they leave of it is still there.
AJAR_DECL void engine::look_for_goodbye(bytes_view begin) {
  goodbye whole{};
  const auto rest = static_cast<std::size_t>(wolfSSL_pending(tls_.get()));
  if (begin.size() + rest != whole.size()) return;
  std::ranges::copy(begin, whole.begin());
  if (rest > 0) (void)wolfSSL_peek(tls_.get(), whole.data() + begin.size(), static_cast<int>(rest));
  const auto why = open_goodbye(exporter_, side_ == side::client ? side::server : side::client, whole);
  if (why) told_ = make_error_code(*why);
}

AJAR_DECL int engine::on_receive(::WOLFSSL*, char* into, int size, void* self) {
  return static_cast<engine*>(self)->receive({reinterpret_cast<std::uint8_t*>(into), static_cast<std::size_t>(size)});
}

AJAR_DECL int engine::receive(std::span<std::uint8_t> into) {
  if (kept_used_ < kept_.size()) {
    const auto count = std::min(into.size(), kept_.size() - kept_used_);
    std::copy_n(kept_.begin() + static_cast<std::ptrdiff_t>(kept_used_), count, into.begin());
    kept_used_ += count;
    if (kept_used_ == kept_.size()) {
      kept_ = bytes();
      kept_used_ = 0;
    }
    return static_cast<int>(count);
  }
  if (fresh_.empty()) {
    std::error_code error;
    const auto space = detail::scratch();
    const auto count = below_->receive(space, error);
    if (error == asio::error::would_block || error == asio::error::try_again) return WOLFSSL_CBIO_ERR_WANT_READ;
    if (error == asio::error::eof || (!error && count == 0)) {
      broken_ = make_error_code(errc::truncated);
      return WOLFSSL_CBIO_ERR_CONN_CLOSE;
    }
    if (error) {
      broken_ = detail::for_us(error);
      return WOLFSSL_CBIO_ERR_CONN_RST;
    }
    fresh_ = space.first(count);
    if (!first_octet_) first_octet_ = fresh_[0];
  }
  const auto count = std::min(into.size(), fresh_.size());
  std::copy_n(fresh_.begin(), count, into.begin());
  fresh_ = fresh_.subspan(count);
  return static_cast<int>(count);
}

AJAR_DECL int engine::on_send(::WOLFSSL*, char* from, int size, void* self) {
  return static_cast<engine*>(self)->send(
      {reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)});
}

// wolfSSL's output is always taken, so that it reads on where nothing can be sent any more.
AJAR_DECL int engine::send(bytes_view from) {
  const int all = static_cast<int>(from.size());
  if (lost_) return all;
  if (pending_output() + from.size() > most_queued) {
    broken_ = make_error_code(errc::limit_reached);
    return WOLFSSL_CBIO_ERR_GENERAL;
  }
  if (output_.empty()) output_ = std::exchange(detail::spare_queue(), {});
  if (output_sent_ > pending_output()) {  // it may never be empty
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(output_sent_));
    output_sent_ = 0;
  }
  output_.insert(output_.end(), from.begin(), from.end());
  return all;
}

AJAR_DECL result<> engine::flush_queue() {
  constexpr std::size_t most_spare = 8 * detail::longest_record;
  if (lost_) return fail(*lost_);
  if (output_.empty()) return {};
  while (pending_output() != 0) {
    std::error_code error;
    const auto count = below_->send(bytes_view(output_).subspan(output_sent_), error);
    if (error == asio::error::would_block || error == asio::error::try_again) return {};
    if (error) {
      lost_ = broken_ = detail::for_us(error);
      return fail(*lost_);
    }
    output_sent_ += count;
  }
  output_.clear();
  output_sent_ = 0;
  auto& spare = detail::spare_queue();
  if (output_.capacity() > spare.capacity() && output_.capacity() <= most_spare) spare.swap(output_);
  output_ = bytes();
  return {};
}

// Only the key counts: exactly one certificate, an Ed25519 key in it, and that key expected. Possession of the key is
// proved by the handshake itself (RFC 8446 section 4.4.3). What wolfSSL thinks of names, dates and issuers is ignored.
AJAR_DECL int engine::on_certificate(int, ::WOLFSSL_X509_STORE_CTX* store) {
  auto* self = static_cast<engine*>(store->userCtx);
  if (!self) return 0;
  if (store->totalCerts != 1 || !store->certs || !store->certs[0].buffer) {
    self->refused_ = errc::certificate_malformed;
    return 0;
  }
  const auto key = key_in_certificate({store->certs[0].buffer, store->certs[0].length});
  if (!key) {
    self->refused_ = errc::certificate_malformed;
    return 0;
  }
  self->peer_key_ = *key;
  if (!self->expected_.accepts(*key)) {
    self->refused_ = errc::wrong_key;
    return 0;
  }
  self->key_seen_ = true;
  return 1;
}

AJAR_DECL result<> engine::check() {
  auto* tls = tls_.get();
  // each of these is settled inside the handshake; wolfSSL has had bypasses, so none of them is taken on trust
  if (wolfSSL_version(tls) != TLS1_3_VERSION) return fail(errc::tls_version);
  if (!key_seen_) return fail(errc::certificate_missing);
  char* name = nullptr;
  unsigned short size = 0;
  if (wolfSSL_ALPN_GetProtocol(tls, &name, &size) != WOLFSSL_SUCCESS || !name) return fail(errc::alpn_missing);
  protocol_.assign(name, size);
  if (std::ranges::find(expected_.alpns(), protocol_) == expected_.alpns().end()) return fail(errc::alpn_mismatch);
  constexpr std::string_view label = "EXPORTER-ajar-auth/1";
  const auto room = exporter_.reveal();
  if (wolfSSL_export_keying_material(tls, room.data(), room.size(), label.data(), label.size(), nullptr, 0, 0) !=
      WOLFSSL_SUCCESS) {
    return fail(errc::handshake_failed);
  }
  wolfSSL_FreeArrays(tls);
  complete_ = true;
  return {};
}

// What the peer's alert says about our side of the handshake (RFC 8446 section 6.2).
AJAR_DECL std::error_code engine::alert_error(std::error_code otherwise) const {
  constexpr int handshake_failure = 40, bad_certificate = 42, unsupported_certificate = 43;
  constexpr int certificate_revoked = 44, certificate_expired = 45, certificate_unknown = 46, unknown_ca = 48;
  constexpr int access_denied = 49, protocol_version = 70, certificate_required = 116, no_application_protocol = 120;
  WOLFSSL_ALERT_HISTORY history{};
  wolfSSL_get_alert_history(tls_.get(), &history);
  switch (history.last_rx.level == alert_fatal ? history.last_rx.code : -1) {
    case bad_certificate:
    case unsupported_certificate:
    case certificate_revoked:
    case certificate_expired:
    case certificate_unknown:
    case unknown_ca:
    case access_denied:
    case certificate_required:
      return errc::refused_by_peer;
    case protocol_version:
      return errc::tls_version;
    case no_application_protocol:
      return errc::alpn_mismatch;
    case handshake_failure:
      return errc::handshake_failed;
    default:
      return otherwise;
  }
}

AJAR_DECL std::error_code engine::handshake_error(int done) const {
  constexpr std::uint8_t alert_record = 21, handshake_record = 22;
  const int cause = wolfSSL_get_error(tls_.get(), done);
  if (cause == WOLFSSL_ERROR_WANT_READ) return errc::would_block;
  if (refused_) return *refused_;
  if (first_octet_ && *first_octet_ != handshake_record && *first_octet_ != alert_record) return errc::not_tls;
  switch (cause) {
    case NO_PEER_CERT:
      return errc::certificate_missing;
    case UNKNOWN_ALPN_PROTOCOL_NAME_E:
      return errc::alpn_mismatch;
    case VERSION_ERROR:
      return errc::tls_version;
    default:
      break;
  }
  return alert_error(broken_ ? *broken_ : make_error_code(errc::handshake_failed));
}

AJAR_DECL std::error_code engine::read_error(int count) const {
  const int cause = wolfSSL_get_error(tls_.get(), count);
  if (cause == WOLFSSL_ERROR_WANT_READ) return errc::would_block;
  if (cause == WOLFSSL_ERROR_ZERO_RETURN) return errc::eof;
  return alert_error(broken_ ? *broken_ : make_error_code(errc::truncated));
}

}  // namespace ajar::tls
