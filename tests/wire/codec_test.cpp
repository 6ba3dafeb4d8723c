// SPDX-License-Identifier: BSL-1.0
#include <ajar/wire/codec.hpp>

#include <doctest/doctest.h>

namespace codec_test {

using namespace ajar;
using namespace ajar::wire;

namespace {

bytes sample() {
  bytes octets;
  writer(octets).number<std::uint8_t>(1).number<std::uint16_t>(0x0203).number<std::uint64_t>(0x0405060708090a0bU);
  writer(octets).text("hello").fixed(bytes{7, 7, 7});
  return octets;
}

result<> read_sample(bytes_view octets) {
  reader in(octets);
  CHECK((in.number<std::uint8_t>() == 1 || in.failed()));
  CHECK((in.number<std::uint16_t>() == 0x0203 || in.failed()));
  CHECK((in.number<std::uint64_t>() == 0x0405060708090a0bU || in.failed()));
  CHECK((in.text(16) == "hello" || in.failed()));
  CHECK((in.fixed<3>() == std::array<std::uint8_t, 3>{7, 7, 7} || in.failed()));
  return in.finish();
}

}  // namespace

TEST_CASE("fields come back in their order, big-endian") {
  const auto octets = sample();
  CHECK(read_sample(octets).has_value());
  CHECK(octets[1] == 2);
  CHECK(octets[2] == 3);
}

TEST_CASE("every truncation is told, and so is a rest") {
  auto octets = sample();
  for (std::size_t n = 0; n < octets.size(); ++n) {
    CHECK(read_sample(bytes_view(octets).first(n)).error() == errc::message_truncated);
  }
  octets.push_back(0);
  CHECK(read_sample(octets).error() == errc::message_malformed);
}

TEST_CASE("a counted field over its limit is refused before it is read") {
  bytes octets;
  writer(octets).text("hello");
  reader in(octets);
  CHECK(in.text(4).empty());
  CHECK(in.finish().error() == errc::message_malformed);
}

}  // namespace codec_test
