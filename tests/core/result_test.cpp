// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/result.hpp>

#include <doctest/doctest.h>
#include <string>

namespace result_test {

using namespace ajar;

namespace {

result<std::string> name_of(bool known) {
  if (!known) return fail(errc::name_not_found);
  return "ajar";
}

result<> foreign() { return fail(std::make_error_code(std::errc::timed_out)); }

}  // namespace

TEST_CASE("a result is a value or the reason why there is none") {
  CHECK(name_of(true).value() == "ajar");
  CHECK(name_of(false).error() == errc::name_not_found);
  CHECK(name_of(false).error().message() == "the name has no address");
  CHECK(result<>().has_value());
}

TEST_CASE("a code of another category keeps it") {
  CHECK(foreign().error() == std::errc::timed_out);
  CHECK(foreign().error().category() == std::generic_category());
  CHECK(foreign().error() != errc::canceled);
}

}  // namespace result_test
