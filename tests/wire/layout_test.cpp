// SPDX-License-Identifier: BSL-1.0
#include <ajar/wire/layout.hpp>

#include <doctest/doctest.h>
#include <optional>

namespace layout_test {

using namespace ajar;
using namespace ajar::wire;

namespace {

enum class colour : std::uint8_t { red = 1, blue = 3 };

struct part {
  std::uint16_t number = 0;

  static void layout(auto& self, auto& io) {
    io(self.number);
    io.require([&] { return self.number != 13; });
  }
  bool operator==(const part&) const = default;
};

struct whole {
  static constexpr std::size_t most = 2;
  std::uint8_t version = 1;
  bool flag = false;
  bool left = false;
  bool right = false;
  colour paint = colour::red;
  std::array<std::uint8_t, 2> pair{};
  bytes octets;
  std::string word;
  std::vector<part> parts;
  errc why = errc::canceled;

  static void layout(auto& self, auto& io) {
    io(self.version);
    if (self.version != 1) return io.rest();
    io(self.flag, bits(self.left, self.right), within(self.paint, colour::red, colour::blue), self.pair,
       at_most(self.octets, 3), at_most(self.word, 4), list<std::uint8_t>(self.parts, most), self.why);
  }
  bool operator==(const whole&) const = default;
};

whole sample() {
  whole made;
  made.flag = true;
  made.right = true;
  made.paint = colour::blue;
  made.pair = {7, 8};
  made.octets = {1, 2, 3};
  made.word = "word";
  made.parts = {{5}, {6}};
  made.why = errc::grant_expired;
  return made;
}

bytes octets_of(const whole& what) {
  bytes octets;
  writer out(octets);
  put(out, what);
  return octets;
}

std::optional<whole> back(bytes_view octets) {
  reader in(octets);
  auto made = take<whole>(in);
  return in.finish() ? std::optional(std::move(made)) : std::nullopt;
}

// The sample's octets, with another one at that place.
bytes with(std::size_t at, std::uint8_t octet) {
  auto octets = octets_of(sample());
  octets[at] = octet;
  return octets;
}

}  // namespace

TEST_CASE("what a layout says is put in its order") {
  CHECK(to_hex(octets_of(sample())) ==
        "01"
        "01"
        "02"
        "03"
        "0708"
        "0003010203"
        "0004776f7264"
        "0200050006"
        "0066");
}

TEST_CASE("it comes back whole, and no part of it does") {
  const auto octets = octets_of(sample());
  CHECK(back(octets) == sample());
  for (std::size_t n = 1; n < octets.size(); ++n) CHECK(!back(bytes_view(octets).first(n)));
}

TEST_CASE("what is out of its bounds is refused") {
  CHECK(back(with(1, 0)));
  CHECK(!back(with(1, 2)));  // a flag
  CHECK(!back(with(2, 4)));  // a third bit
  CHECK(!back(with(3, 0)));  // colours
  CHECK(!back(with(3, 4)));
  CHECK(!back(with(7, 4)));    // four octets of at most three
  CHECK(!back(with(12, 5)));   // five letters of at most four
  CHECK(!back(with(17, 3)));   // three parts of at most two
  CHECK(!back(with(19, 13)));  // what a part itself forbids
}

TEST_CASE("of another version nothing is read but that") {
  const bytes other{2, 99, 98};
  whole expected;
  expected.version = 2;
  CHECK(back(other) == expected);
  CHECK(octets_of(expected) == bytes{2});
}

TEST_CASE("what follows something refused is not read, and the first cause stays") {
  reader in(bytes_view{});
  (void)take<part>(in);
  const auto why = in.finish();
  REQUIRE(!why);
  CHECK(why.error() == errc::message_truncated);
}

}  // namespace layout_test
