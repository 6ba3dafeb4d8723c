// SPDX-License-Identifier: BSL-1.0
#include <ajar/tls/certificate.hpp>

#include <doctest/doctest.h>

namespace certificate_test {

using namespace ajar;

TEST_CASE("a certificate carries its key, and nothing shorter does") {
  const auto key = crypto::signing_key::generate();
  const auto made = tls::make_credentials(key);
  CHECK(tls::key_in_certificate(made.certificate).value() == key.public_part());
  for (std::size_t n = 0; n < made.certificate.size(); ++n) {
    CHECK(tls::key_in_certificate(bytes_view(made.certificate).first(n)).error() == errc::certificate_malformed);
  }
}

TEST_CASE("a certificate with any octet changed gives a key or a refusal, never more") {
  const auto key = crypto::signing_key::generate();
  const auto made = tls::make_credentials(key);
  for (std::size_t i = 0; i < made.certificate.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      auto changed = made.certificate;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << bit));
      const auto found = tls::key_in_certificate(changed);
      if (!found) CHECK(found.error() == errc::certificate_malformed);
    }
  }
}

}  // namespace certificate_test
