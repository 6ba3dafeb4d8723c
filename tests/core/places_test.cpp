// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/places.hpp>

#include <doctest/doctest.h>
#include <optional>
#include <string>

namespace places_test {

using ajar::place;
using ajar::places;

TEST_CASE("a place counts from when it is taken until its last copy goes") {
  places<std::string> all;
  CHECK(all.taken() == 0);
  place one = all.take("one");
  place same = one;
  const place other = all.take("other");
  CHECK(all.taken("one") == 1);
  CHECK(all.taken() == 2);
  one.reset();
  CHECK(all.taken("one") == 1);
  same.reset();
  CHECK(all.taken("one") == 0);
  CHECK(all.taken("other") == 1);
  CHECK(all.taken() == 1);
}

TEST_CASE("each place counts, and an empty one counts nowhere") {
  places<int> all;
  const place first = all.take(7);
  {
    const place second = all.take(7);
    const place none;
    CHECK(all.taken(7) == 2);
  }
  CHECK(all.taken(7) == 1);
  CHECK(all.taken(8) == 0);
}

TEST_CASE("a place may outlive what counts it") {
  place left;
  {
    places<int> all;
    left = all.take(1);
  }
  left.reset();
  CHECK(!left);
}

}  // namespace places_test
