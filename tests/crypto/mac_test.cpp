// SPDX-License-Identifier: BSL-1.0
#include <ajar/crypto/mac.hpp>

#include <doctest/doctest.h>

namespace mac_test {

using namespace ajar;

TEST_CASE("HMAC-SHA256: RFC 4231, test cases 1, 2 and 6") {
  CHECK(to_hex(crypto::mac(bytes(20, 0x0b), as_bytes("Hi There"))) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(crypto::mac(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(crypto::mac(bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("HKDF-SHA256: RFC 5869, test case 1") {
  bytes salt(13);
  for (std::size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<std::uint8_t>(i);
  const std::string info = "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9";
  const auto made = crypto::derive<42>(bytes(22, 0x0b), salt, info);
  CHECK(to_hex(made.reveal()) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

}  // namespace mac_test
