// SPDX-License-Identifier: BSL-1.0
// ajar/tls/context.hpp - what all TLS connections of one identity share.
#pragma once

#include <wolfssl/options.h>

#include <ajar/tls/certificate.hpp>

#include <wolfssl/ssl.h>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ajar::tls {

/// The application protocols of ajar (RFC 7301): one per purpose, so that a door of one kind is none of another.
namespace alpn {
inline constexpr std::string_view link = "ajar-link/1";
inline constexpr std::string_view session = "ajar-session/1";
inline constexpr std::string_view probe = "ajar-probe/1";
}  // namespace alpn

/// Whom a handshake accepts, and for which purpose.
class expectation {
 public:
  using key_check = std::function<bool(const crypto::public_key&)>;

  /// @param accept  asked inside the handshake, with the key that the other side showed
  /// @param alpn    one of ajar::tls::alpn
  expectation(key_check accept, std::string_view alpn) : accept_(std::move(accept)), alpn_{std::string(alpn)} {}

  /// A door for a second purpose too (a TLS server only); which one it was, the stream says afterwards.
  expectation& or_alpn(std::string_view other) {
    alpn_.emplace_back(other);
    return *this;
  }

  /// The key must be this one.
  static expectation key(const crypto::public_key& expected, std::string_view alpn) {
    return expectation([expected](const crypto::public_key& shown) { return crypto::equal(shown, expected); }, alpn);
  }
  /// Any key; the stream says which it was.
  static expectation any_key(std::string_view alpn) {
    return expectation([](const crypto::public_key&) { return true; }, alpn);
  }

  bool accepts(const crypto::public_key& shown) const { return accept_(shown); }
  const std::vector<std::string>& alpns() const noexcept { return alpn_; }

 private:
  key_check accept_;
  std::vector<std::string> alpn_;
};

/// Which side of the TLS handshake: who accepted the connection is the server.
enum class side { client, server };

/// TLS 1.3 only, mutual, X25519, no tickets, no early data; the pin is checked per connection.
///
/// Threads: any, once made.
class context {
 public:
  explicit context(const credentials& from)
      : client_(make(wolfTLSv1_3_client_method(), from)), server_(make(wolfTLSv1_3_server_method(), from)) {}

  WOLFSSL_CTX* native(side which) const noexcept { return which == side::client ? client_.get() : server_.get(); }

 private:
  struct release {
    void operator()(WOLFSSL_CTX* context) const noexcept { wolfSSL_CTX_free(context); }
  };
  using handle = std::unique_ptr<WOLFSSL_CTX, release>;

  static handle make(WOLFSSL_METHOD* method, const credentials& from) {
    handle made(wolfSSL_CTX_new(method));
    if (!made) throw std::runtime_error("wolfSSL cannot make a context");
    auto* context = made.get();
    int curve[] = {WOLFSSL_ECC_X25519};
    const bool ok =
        wolfSSL_CTX_use_certificate_buffer(context, from.certificate.data(), static_cast<long>(from.certificate.size()),
                                           WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS &&
        wolfSSL_CTX_use_PrivateKey_buffer(context, from.private_key.data(), static_cast<long>(from.private_key.size()),
                                          WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS &&
        wolfSSL_CTX_set_cipher_list(context, suites()) == WOLFSSL_SUCCESS &&
        wolfSSL_CTX_set_groups(context, curve, 1) == WOLFSSL_SUCCESS;
    if (!ok) throw std::runtime_error("wolfSSL refuses the key or the suites");
    // a resumed session does not show the peer's certificate
    wolfSSL_CTX_no_ticket_TLSv13(context);
    wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
    return made;
  }

  static const char* suites() {
#if defined(__x86_64__) && defined(WOLFSSL_AESNI)
    if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul")) {
      return "TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256";
    }
#endif
    return "TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES128-GCM-SHA256";
  }

  handle client_;
  handle server_;
};

}  // namespace ajar::tls
