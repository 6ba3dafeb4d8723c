// SPDX-License-Identifier: BSL-1.0
#include <tools/console.hpp>

#include <doctest/doctest.h>
#include <tools/advice.hpp>

namespace console_test {

using namespace tools;

TEST_CASE("a complaint says what was tried, what happened, what else is known, and what to do") {
  const std::error_code why = ajar::errc::no_direct_path;
  const auto plain = complaint("ajar-client", "home", why, {});
  CHECK(plain == "ajar-client: home: " + explain(why));
  const auto more = complaint("ajar-client", "home", why, "the server lets nobody in");
  CHECK(more == "ajar-client: home: " + why.message() + " (the server lets nobody in): " + std::string(advice(why)));
  const auto lie = complaint("ajar-client", "home", why, "\x1b[2J\n");
  CHECK(lie.find("(\\x1b[2J\\x0a)") != std::string::npos);
}

}  // namespace console_test
