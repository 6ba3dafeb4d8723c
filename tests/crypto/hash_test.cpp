// SPDX-License-Identifier: BSL-1.0
#include <ajar/crypto/hash.hpp>

#include <doctest/doctest.h>

namespace hash_test {

using namespace ajar;

TEST_CASE("SHA-256 gives the vectors of FIPS 180-4, whole and in parts") {
  constexpr std::string_view abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(to_hex(crypto::hash(as_bytes("abc"))) == abc);
  CHECK(to_hex(crypto::sha256().add(as_bytes("a")).add(as_bytes("bc")).finish()) == abc);
  CHECK(to_hex(crypto::hash({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace hash_test
