// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/descriptor.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>

namespace descriptor_test {

using namespace ajar;

TEST_CASE("a descriptor is closed by its last owner, once") {
  int number = -1;
  {
    descriptor first(::open("/dev/null", O_WRONLY));
    REQUIRE(first);
    number = first.get();
    descriptor second(std::move(first));
    CHECK(!first);
    CHECK(::fcntl(number, F_GETFD) >= 0);
    descriptor third;
    third = std::move(second);
    CHECK(third.get() == number);
  }
  CHECK(::fcntl(number, F_GETFD) < 0);
}

TEST_CASE("a descriptor that was given away stays open") {
  descriptor one(::open("/dev/null", O_WRONLY));
  const int number = one.release();
  one = descriptor();
  CHECK(::fcntl(number, F_GETFD) >= 0);
  ::close(number);
}

TEST_CASE("what cannot be written is said") {
  descriptor full(::open("/dev/full", O_WRONLY));
  REQUIRE(full);
  const auto written = write_all(full.get(), as_bytes("octets"));
  CHECK(written.error() == std::errc::no_space_on_device);
  descriptor null(::open("/dev/null", O_WRONLY));
  CHECK(write_all(null.get(), as_bytes("octets")).has_value());
}

}  // namespace descriptor_test
