// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/version.hpp>

#include <doctest/doctest.h>
#include <algorithm>

namespace version_test {

TEST_CASE("a version has three numbers") {
  CHECK(std::ranges::count(ajar::version, '.') == 2);
  CHECK(ajar::version.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace version_test
