// SPDX-License-Identifier: BSL-1.0
// ajar/tls/impl/certificate.ipp - what ajar/tls/certificate.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/tls/certificate.hpp>

#include <ajar/crypto/compare.hpp>

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/random.h>
#include <cstdlib>
#include <stdexcept>

namespace ajar::tls {

namespace detail {

// A bounded walk over DER: definite lengths of at most 16 bits, nothing else is needed for a certificate of ours.
class der_walk {
 public:
  explicit der_walk(bytes_view octets) : rest_(octets) {}

  /// The content of the next element of this tag; empty and failed where another or none stands there.
  bytes_view enter(std::uint8_t tag) { return element(tag, false); }
  /// The next element of this tag with its header.
  bytes_view whole(std::uint8_t tag) { return element(tag, true); }
  bool at(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
  bool failed() const { return failed_; }

 private:
  bytes_view element(std::uint8_t tag, bool with_header) {
    if (failed_ || rest_.size() < 2 || rest_[0] != tag) return none();
    std::size_t header = 2;
    std::size_t length = rest_[1];
    if (length == 0x81 && rest_.size() >= 3) {
      length = rest_[2];
      header = 3;
    } else if (length == 0x82 && rest_.size() >= 4) {
      length = static_cast<std::size_t>(rest_[2]) << 8 | rest_[3];
      header = 4;
    } else if (length >= 0x80) {
      return none();
    }
    if (length > rest_.size() - header) return none();
    const auto found = with_header ? rest_.first(header + length) : rest_.subspan(header, length);
    rest_ = rest_.subspan(header + length);
    return found;
  }
  bytes_view none() {
    failed_ = true;
    return {};
  }

  bytes_view rest_;
  bool failed_ = false;
};

}  // namespace detail

AJAR_DECL result<crypto::public_key> key_in_certificate(bytes_view der) {
  constexpr std::uint8_t sequence = 0x30;
  constexpr std::uint8_t integer = 0x02;
  constexpr std::uint8_t version = 0xa0;
  detail::der_walk outer(der);
  detail::der_walk certificate(outer.enter(sequence));
  detail::der_walk body(certificate.enter(sequence));
  if (body.at(version)) body.enter(version);
  body.enter(integer);  // serial number
  const auto algorithm = body.enter(sequence);
  const auto issuer = body.enter(sequence);
  body.enter(sequence);  // validity
  const auto subject = body.enter(sequence);
  const auto spki = body.whole(sequence);
  if (body.failed() || !std::ranges::equal(algorithm, ed25519_name) || !std::ranges::equal(issuer, subject) ||
      spki.size() != spki_prefix.size() + 32 || !crypto::equal(spki.first<spki_prefix.size()>(), spki_prefix)) {
    return fail(errc::certificate_malformed);
  }
  crypto::public_key key{};
  std::copy(spki.end() - 32, spki.end(), key.begin());
  return key;
}

AJAR_DECL credentials make_credentials(const crypto::signing_key& key) {
  constexpr word32 room = 1024;
  ed25519_key pair{};
  WC_RNG random{};
  Cert certificate{};
  credentials made;
  made.certificate.resize(room);
  wc_ed25519_init(&pair);
  const auto seed = key.seed().reveal();
  const auto& open = key.public_part();
  bool ok = wc_InitRng(&random) == 0 && wc_InitCert(&certificate) == 0 &&
            wc_ed25519_import_private_key(seed.data(), static_cast<word32>(seed.size()), open.data(),
                                          static_cast<word32>(open.size()), &pair) == 0;
  int size = 0;
  if (ok) {
    certificate.sigType = CTC_ED25519;
    certificate.isCA = 0;
    certificate.selfSigned = 1;
    certificate.daysValid = 36500;  // an identity does not expire
    constexpr std::string_view name = "ajar";
    name.copy(certificate.subject.commonName, sizeof certificate.subject.commonName - 1);
    size = wc_MakeCert_ex(&certificate, made.certificate.data(), room, ED25519_TYPE, &pair, &random);
    if (size > 0) {
      size = wc_SignCert_ex(certificate.bodySz, certificate.sigType, made.certificate.data(), room, ED25519_TYPE, &pair,
                            &random);
    }
    ok = size > 0;
  }
  if (ok) {
    made.certificate.resize(static_cast<std::size_t>(size));
    made.private_key.resize(128);
    size = wc_Ed25519PrivateKeyToDer(&pair, made.private_key.data(), static_cast<word32>(made.private_key.size()));
    ok = size > 0;
  }
  if (ok) made.private_key.resize(static_cast<std::size_t>(size));
  wc_ed25519_free(&pair);
  wc_FreeRng(&random);
  if (!ok) throw std::runtime_error("wolfCrypt cannot make a certificate");
  return made;
}

}  // namespace ajar::tls
