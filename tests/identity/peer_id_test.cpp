// SPDX-License-Identifier: BSL-1.0
#include <ajar/identity/peer_id.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace peer_id_test {

using namespace ajar;
using namespace ajar::identity;

TEST_CASE("a peer id is written in four groups and read back, dashes and case aside") {
  const auto id = peer_id::of(crypto::signing_key::generate().public_part());
  auto text = to_string(id);
  CHECK(text.size() == 55);
  CHECK(parse_peer_id(text).value() == id);
  std::erase(text, '-');
  CHECK(parse_peer_id(text).value() == id);
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  CHECK(parse_peer_id(text).value() == id);
}

TEST_CASE("what is no peer id is refused") {
  const auto text = to_string(peer_id::of(crypto::signing_key::generate().public_part()));
  CHECK(parse_peer_id("").error() == errc::peer_id_malformed);
  CHECK(parse_peer_id(text.substr(1)).error() == errc::peer_id_malformed);
  CHECK(parse_peer_id(text + "aa").error() == errc::peer_id_malformed);
  auto no_base32 = text;
  no_base32[0] = '1';
  CHECK(parse_peer_id(no_base32).error() == errc::peer_id_malformed);
  CHECK(parse_peer_id(std::string(100'000, 'a')).error() == errc::peer_id_malformed);
}

TEST_CASE("an id names its own key alone") {
  const auto key = crypto::signing_key::generate();
  CHECK(names(peer_id::of(key.public_part()), key.public_part()));
  CHECK(!names(peer_id::of(key.public_part()), crypto::signing_key::generate().public_part()));
}

}  // namespace peer_id_test
