// SPDX-License-Identifier: BSL-1.0
#include <ajar/crypto/sign.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace sign_test {

using namespace ajar;

namespace {

bytes unhex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  bytes octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    octets.push_back(static_cast<std::uint8_t>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return octets;
}

crypto::signing_key key_of(std::string_view seed_text) {
  const auto seed = unhex(seed_text);
  return crypto::signing_key(secret<32>(std::span<const std::uint8_t, 32>(seed)));
}

}  // namespace

TEST_CASE("Ed25519 gives the second vector of RFC 8032 section 7.1") {
  const auto key = key_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  CHECK(to_hex(key.public_part()) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  CHECK(to_hex(key.sign(bytes{0x72})) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST_CASE("a signature fits its message and its key alone") {
  const auto key = crypto::signing_key::generate();
  const auto other = crypto::signing_key::generate();
  const auto message = as_bytes("a window, please");
  auto signature = key.sign(message);
  CHECK(crypto::verify(key.public_part(), message, signature).has_value());
  CHECK(crypto::verify(other.public_part(), message, signature).error() == errc::signature_invalid);
  CHECK(crypto::verify(key.public_part(), as_bytes("a window, pleasE"), signature).error() == errc::signature_invalid);
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    signature[i] ^= 1;
    CHECK(crypto::verify(key.public_part(), message, signature).error() == errc::signature_invalid);
    signature[i] ^= 1;
  }
}

}  // namespace sign_test
