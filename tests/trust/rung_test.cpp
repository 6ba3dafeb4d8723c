// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/rung.hpp>

#include <doctest/doctest.h>

namespace rung_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

rung sample() {
  rung made;
  made.kind = rung_kind::crossing;
  made.start_us = 0x0102030405060708;
  made.grid_ms = 63;
  made.server = {{asio::ip::make_address("192.0.2.1"), 443}, {asio::ip::make_address("192.0.2.1"), 444}};
  made.client = {{asio::ip::make_address("2001:db8::1"), 7}};
  return made;
}

std::optional<rung> back(bytes_view octets) {
  wire::reader in(octets);
  auto made = wire::take<rung>(in);
  return in.finish() ? std::optional(std::move(made)) : std::nullopt;
}

bytes octets_of(const rung& what) {
  bytes octets;
  wire::writer out(octets);
  wire::put(out, what);
  return octets;
}

}  // namespace

TEST_CASE("a rung comes back whole, and not a part of it") {
  const auto octets = octets_of(sample());
  CHECK(back(octets) == sample());
  for (std::size_t n = 0; n < octets.size(); ++n) CHECK(!back(bytes_view(octets).first(n)));
}

TEST_CASE("the octets of a rung are these") {
  CHECK(to_hex(octets_of(sample())) ==
        "01"
        "0102030405060708"
        "003f"
        "02"
        "04c000020101bb"
        "04c000020101bc"
        "01"
        "0620010db80000000000000000000000010007");
}

TEST_CASE("an unknown kind and a third pair are refused") {
  auto octets = octets_of(sample());
  octets[0] = 0;
  CHECK(!back(octets));
  octets[0] = 4;
  CHECK(!back(octets));
  auto three = sample();
  three.server.push_back(three.server[0]);
  CHECK(!back(octets_of(three)));
}

TEST_CASE("each kind has a bit, and all of them are every rung") {
  CHECK((bit_of(rung_kind::crossing) | bit_of(rung_kind::listener) | bit_of(rung_kind::listener_reverse)) ==
        every_rung);
}

}  // namespace rung_test
