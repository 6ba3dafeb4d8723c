// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/secret.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <type_traits>

namespace secret_test {

using namespace ajar;

static_assert(!std::is_copy_constructible_v<secret<32>>);

TEST_CASE("a secret that moved left zeroes behind") {
  std::array<std::uint8_t, 4> octets{1, 2, 3, 4};
  secret<4> first{std::span<const std::uint8_t, 4>(octets)};
  secret<4> second(std::move(first));
  CHECK(std::ranges::equal(second.reveal(), octets));
  CHECK(std::ranges::all_of(first.reveal(), [](auto octet) { return octet == 0; }));
}

TEST_CASE("a secret is wiped when it goes") {
  alignas(secret<8>) std::array<unsigned char, sizeof(secret<8>)> room{};
  std::array<std::uint8_t, 8> octets{9, 9, 9, 9, 9, 9, 9, 9};
  auto* held = new (room.data()) secret<8>(std::span<const std::uint8_t, 8>(octets));
  held->~secret();
  CHECK(std::ranges::all_of(room, [](auto octet) { return octet == 0; }));
}

}  // namespace secret_test
