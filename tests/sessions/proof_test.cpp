// SPDX-License-Identifier: BSL-1.0
#include <ajar/sessions/proof.hpp>

#include <doctest/doctest.h>
#include <set>

namespace proof_test {

using namespace ajar;
using namespace ajar::sessions;

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> filled(std::uint8_t with) {
  std::array<std::uint8_t, N> octets{};
  octets.fill(with);
  return octets;
}

std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

proof_terms terms() {
  return {path::window, filled<16>(0x11), filled<16>(0x22), identity::peer_id(filled<32>(0x33)),
          identity::peer_id(filled<32>(0x44))};
}

claim sample() { return {path::window_reverse, filled<16>(0x11), filled<16>(0x22), filled<64>(0x55)}; }

}  // namespace

// A change of these octets is a change of the protocol: proof_version counts up with it.
TEST_CASE("the octets that are signed are these") {
  const auto exporter = filled<32>(0x99);
  const auto octets = to_be_proved(terms(), proof_role::server, exporter);
  CHECK(to_hex(octets) ==
        "616a617220617574682f31"
        "00"
        "0001"
        "000e"
        "616a61722d73657373696f6e2f31"
        "02"
        "02" +
            times(16, "11") + times(16, "22") + times(32, "99") + times(32, "33") + times(32, "44"));
}

TEST_CASE("every term, the role and the connection change what is signed") {
  const auto exporter = filled<32>(0x99);
  std::set<bytes> all;
  const auto add = [&](const proof_terms& some) { all.insert(to_be_proved(some, proof_role::client, exporter)); };
  add(terms());
  all.insert(to_be_proved(terms(), proof_role::server, exporter));
  all.insert(to_be_proved(terms(), proof_role::client, filled<32>(0x98)));
  for (const auto way : {path::outbound, path::window_reverse}) {
    auto other = terms();
    other.path = way;
    add(other);
  }
  auto nonce = terms();
  nonce.nonce[15] ^= 1;
  add(nonce);
  auto grant = terms();
  grant.grant[0] ^= 1;
  add(grant);
  auto swapped = terms();
  std::swap(swapped.client, swapped.server);
  add(swapped);
  CHECK(all.size() == 8);
}

TEST_CASE("a claim comes back with all its fields, in these octets") {
  const auto octets = sample().encode();
  CHECK(octets.size() == claim::size);
  CHECK(to_hex(octets) ==
        "0001"
        "03" +
            times(16, "11") + times(16, "22") + times(64, "55"));
  const auto got = claim::decode(octets);
  REQUIRE(got.has_value());
  CHECK(got->path == path::window_reverse);
  CHECK(got->nonce == sample().nonce);
  CHECK(got->grant == sample().grant);
  CHECK(got->signature == sample().signature);
}

TEST_CASE("a claim that is cut, too long, of no path or of another version is refused") {
  const auto octets = sample().encode();
  for (std::size_t n = 0; n < octets.size(); ++n) {
    CHECK(claim::decode(bytes_view(octets).first(n)).error() == errc::message_truncated);
  }
  auto longer = octets;
  longer.push_back(0);
  CHECK(claim::decode(longer).error() == errc::message_malformed);
  for (const std::uint8_t way : bytes{0, 5, 255}) {
    auto other = octets;
    other[2] = way;
    CHECK(claim::decode(other).error() == errc::message_malformed);
  }
  auto later = octets;
  later[1] = 2;
  CHECK(claim::decode(later).error() == errc::unknown_version);
}

TEST_CASE("each path has a name, and a method that a grant must permit") {
  CHECK(to_string(path::outbound) == "outbound");
  CHECK(to_string(path::window) == "window");
  CHECK(to_string(path::window_reverse) == "window-reverse");
  CHECK(method_of(path::outbound) == trust::method::outbound);
  CHECK(method_of(path::window) == trust::method::window);
  CHECK(method_of(path::window_reverse) == trust::method::window);
}

}  // namespace proof_test
