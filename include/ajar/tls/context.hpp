// SPDX-License-Identifier: BSL-1.0
// ajar/tls/context.hpp - what all TLS connections of one identity share.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/crypto/compare.hpp>
#include <ajar/tls/certificate.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct WOLFSSL_CTX;
struct WOLFSSL_METHOD;

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
/// Copies share. Threads: any, once made.
class context {
 public:
  explicit context(const credentials& from);

  ::WOLFSSL_CTX* native(side which) const noexcept { return which == side::client ? client_.get() : server_.get(); }

 private:
  struct release {
    void operator()(::WOLFSSL_CTX* context) const noexcept;
  };
  using handle = std::shared_ptr<::WOLFSSL_CTX>;

  static handle make(::WOLFSSL_METHOD* method, const credentials& from);

  handle client_;
  handle server_;
};

}  // namespace ajar::tls

#ifdef AJAR_HEADER_ONLY
#include <ajar/tls/impl/context.ipp>
#endif
