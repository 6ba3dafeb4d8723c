// SPDX-License-Identifier: BSL-1.0
// ajar/tls/impl/context.ipp - what ajar/tls/context.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/tls/context.hpp>

#include <wolfssl/ssl.h>
#include <stdexcept>

namespace ajar::tls {

namespace detail {

inline const char* suites() {
#if defined(__x86_64__) && defined(WOLFSSL_AESNI)
  if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul")) {
    return "TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256";
  }
#endif
  return "TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES128-GCM-SHA256";
}

}  // namespace detail

AJAR_DECL void context::release::operator()(::WOLFSSL_CTX* context) const noexcept { wolfSSL_CTX_free(context); }

AJAR_DECL context::context(const credentials& from)
    : client_(make(wolfTLSv1_3_client_method(), from)), server_(make(wolfTLSv1_3_server_method(), from)) {}

AJAR_DECL context::handle context::make(::WOLFSSL_METHOD* method, const credentials& from) {
  handle made(wolfSSL_CTX_new(method), release());
  if (!made) throw std::runtime_error("wolfSSL cannot make a context");
  auto* context = made.get();
  int curve[] = {WOLFSSL_ECC_X25519};
  const bool ok =
      wolfSSL_CTX_use_certificate_buffer(context, from.certificate.data(), static_cast<long>(from.certificate.size()),
                                         WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS &&
      wolfSSL_CTX_use_PrivateKey_buffer(context, from.private_key.data(), static_cast<long>(from.private_key.size()),
                                        WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS &&
      wolfSSL_CTX_set_cipher_list(context, detail::suites()) == WOLFSSL_SUCCESS &&
      wolfSSL_CTX_set_groups(context, curve, 1) == WOLFSSL_SUCCESS;
  if (!ok) throw std::runtime_error("wolfSSL refuses the key or the suites");
  // a resumed session does not show the peer's certificate
#ifdef HAVE_SESSION_TICKET
  wolfSSL_CTX_no_ticket_TLSv13(context);
#endif
  wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
  return made;
}

}  // namespace ajar::tls
