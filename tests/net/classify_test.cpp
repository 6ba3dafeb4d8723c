// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/classify.hpp>

#include <doctest/doctest.h>

#include <array>

namespace classify_test {

using namespace ajar;
using namespace ajar::net;

namespace {

const auto inside = asio::ip::make_address("10.0.0.2");
const auto outside = asio::ip::make_address("192.0.2.7");
const auto central = asio::ip::make_address("198.51.100.1");

using ports = std::array<std::uint16_t, 4>;

// Ports 4000 and 4001 to two destinations each, in order, and how they were seen.
std::vector<sample> samples(const ports& seen, const address& at = outside) {
  std::vector<sample> made;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto local = static_cast<std::uint16_t>(4000 + i / 2);
    const auto to = static_cast<std::uint16_t>(i % 2 == 0 ? 443 : 8443);
    made.push_back({{inside, local}, {central, to}, {at, seen[i]}});
  }
  return made;
}

}  // namespace

TEST_CASE("each kind of mapping is told by four connections") {
  struct row {
    ports seen;
    mapping maps;
    std::int16_t step;
  };
  const row rows[] = {
      {{4000, 4000, 4001, 4001}, mapping::preserving, 0},
      {{31000, 31000, 31001, 31001}, mapping::stable, 0},
      {{31000, 31000, 9, 9}, mapping::stable, 0},
      {{31000, 31001, 31002, 31003}, mapping::step, 1},
      {{31003, 31001, 30999, 30997}, mapping::step, -2},
      {{49500, 49756, 30012, 30268}, mapping::step, 256},  // the end of its ports
      {{31000, 31001, 31004, 31005}, mapping::step, 1},    // two of somebody else
      {{31000, 31001, 31004, 31009}, mapping::random, 0},
      {{12405, 12661, 12917, 13173}, mapping::step, 256},  // 30000, 30001, ... with the octets exchanged
      {{31000, 31513, 32026, 32539}, mapping::random, 0},  // too far for a counter
      {{31000, 31001, 31002, 31004}, mapping::step, 1},    // somebody else's connection came between
      {{31000, 52222, 1044, 7777}, mapping::random, 0},
      {{4000, 4000, 31001, 9}, mapping::random, 0},  // preserved once, then not
      {{4000, 31000, 4001, 31001}, mapping::random, 0},
  };
  for (const auto& one : rows) {
    const auto all = samples(one.seen);
    const auto judged = classify(all);
    CHECK_MESSAGE(judged.maps == one.maps, one.seen[1]);
    CHECK_MESSAGE(judged.step == one.step, one.seen[1]);
  }
}

TEST_CASE("a connection that took a second SYN came later than its turn, and tells nothing of a step") {
  struct row {
    ports seen;
    std::array<bool, 4> again;
    mapping maps;
  };
  const row rows[] = {
      {{31000, 31001, 31002, 31004}, {false, false, false, true}, mapping::step},
      {{31000, 31004, 31002, 31003}, {false, true, false, false}, mapping::step},
      {{31004, 31001, 31002, 31003}, {true, false, false, false}, mapping::step},
      {{31000, 31004, 31002, 31003}, {false, false, false, false}, mapping::random},
      {{31000, 31004, 31002, 31005}, {false, true, false, false}, mapping::random},  // nor may another one differ then
      {{31000, 31004, 31002, 31005}, {false, true, false, true}, mapping::random},
      {{31000, 31004, 31003, 31004}, {false, true, false, false}, mapping::random},  // one and a half a step
      {{31000, 31000, 31001, 31001}, {false, true, true, false}, mapping::stable},
  };
  for (const auto& one : rows) {
    auto all = samples(one.seen);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].again = one.again[i];
    const auto judged = classify(all);
    CHECK_MESSAGE(judged.maps == one.maps, (&one - rows));
    CHECK_MESSAGE(judged.step == (one.maps == mapping::step ? 1 : 0), (&one - rows));
  }
}

TEST_CASE("without a NAT address and port are the same, IPv4-mapped or not") {
  const auto all = samples({4000, 4000, 4001, 4001}, inside);
  CHECK(classify(all).maps == mapping::none);
  const auto mapped = samples({4000, 4000, 4001, 4001}, asio::ip::make_address("::ffff:10.0.0.2"));
  CHECK(classify(mapped).maps == mapping::none);
}

TEST_CASE("a pool of outside addresses is foretold by nobody") {
  auto all = samples({4000, 4000, 4001, 4001});
  all[2].seen.address(asio::ip::make_address("192.0.2.8"));
  CHECK(classify(all).maps == mapping::random);
}

TEST_CASE("too few connections tell nothing, or what they can") {
  const auto all = samples({31000, 31000, 31001, 31001});
  CHECK(classify({}).maps == mapping::unknown);
  CHECK(classify(std::span(all).first(1)).maps == mapping::unknown);
  CHECK(classify(std::span(all).first(2)).maps == mapping::stable);
  const std::vector<sample> one_destination{all[0], all[2]};
  CHECK(classify(one_destination).maps == mapping::unknown);
  const auto steps = samples({31000, 31001, 31002, 31003});
  CHECK(classify(std::span(steps).first(3)).maps == mapping::random);
}

TEST_CASE("a step is foretold, around the end of the ports too") {
  CHECK(predict(31000, 1, 1) == 31001);
  CHECK(predict(31000, -2, 2) == 30996);
  CHECK(predict(65535, 1, 1) == 1024);
  CHECK(predict(1024, -1, 1) == 65535);
  CHECK(predict(65535, 32767, 4) >= 1024);
}

TEST_CASE("what is let in is told by what arrived") {
  CHECK(filtered(std::nullopt, std::nullopt) == filtering::unknown);
  CHECK(filtered(true, true) == filtering::endpoint_independent);
  CHECK(filtered(true, false) == filtering::endpoint_independent);
  CHECK(filtered(false, true) == filtering::address_dependent);
  CHECK(filtered(std::nullopt, true) == filtering::address_dependent);
  CHECK(filtered(false, false) == filtering::port_dependent);
  CHECK(filtered(std::nullopt, false) == filtering::port_dependent);
  CHECK(filtered(false, std::nullopt) == filtering::unknown);
}

}  // namespace classify_test
