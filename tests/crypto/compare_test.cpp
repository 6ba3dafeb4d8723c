// SPDX-License-Identifier: BSL-1.0
#include <ajar/crypto/compare.hpp>

#include <doctest/doctest.h>

namespace compare_test {

using namespace ajar;

TEST_CASE("equal octets are equal, and others in any place are not") {
  const bytes a(32, 7);
  CHECK(crypto::equal(a, a));
  CHECK(crypto::equal({}, {}));
  CHECK(!crypto::equal(a, bytes(31, 7)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto b = a;
    b[i] ^= 0x80;
    CHECK(!crypto::equal(a, b));
  }
}

}  // namespace compare_test
