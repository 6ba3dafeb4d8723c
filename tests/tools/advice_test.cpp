// SPDX-License-Identifier: BSL-1.0
#include <tools/advice.hpp>

#include <doctest/doctest.h>
#include <ios>

namespace advice_test {

using namespace tools;

TEST_CASE("where a command or an option helps it is named, else the library's advice holds") {
  const std::error_code here = ajar::errc::not_running;
  CHECK(advice(here).find("--state") != std::string_view::npos);
  CHECK(explain(here) == here.message() + ": " + std::string(advice(here)));
  const std::error_code any = ajar::errc::eof;
  CHECK(advice(any) == ajar::advice(any));
}

TEST_CASE("of a code of the system only a shortage has an advice, whatever its number is elsewhere") {
  CHECK(advice(std::make_error_code(std::errc::too_many_files_open)).find("ulimit") != std::string_view::npos);
  for (const auto code : ajar::all_causes()) {
    const std::error_code foreign(static_cast<int>(code), std::iostream_category());
    CHECK(advice(foreign).empty());
    CHECK(explain(foreign) == foreign.message());
  }
}

}  // namespace advice_test
