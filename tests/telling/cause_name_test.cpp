// SPDX-License-Identifier: BSL-1.0
#include <ajar/telling/cause_name.hpp>

#include <doctest/doctest.h>
#include <asio/error.hpp>
#include <set>

namespace cause_name_test {

using namespace ajar;
using namespace ajar::telling;

TEST_CASE("a cause has the name of its enumerator") {
  CHECK(cause_name(errc::canceled) == "canceled");
  CHECK(cause_name(errc::grant_expired) == "grant_expired");
  CHECK(cause_name(make_error_code(errc::http2_flood)) == "http2_flood");
  CHECK(cause_name(static_cast<errc>(0)).empty());
  CHECK(cause_name(static_cast<errc>(19)).empty());
  CHECK(cause_name(static_cast<errc>(65535)).empty());
}

TEST_CASE("every cause has a name, and no two have the same") {
  std::set<std::string_view> names;
  for (const auto cause : ajar::all_causes()) names.insert(cause_name(cause));
  CHECK(names.size() == ajar::all_causes().size());
  CHECK_FALSE(names.contains(""));
}

TEST_CASE("codes of others have one word, too") {
  CHECK(cause_name(std::error_code()) == "none");
  CHECK(cause_name(std::error_code(ECONNRESET, std::system_category())) == "ECONNRESET");
  CHECK(cause_name(std::error_code(asio::error::eof)) == "asio_misc_2");
  CHECK(cause_name(std::error_code(9999, std::system_category())) == "system_9999");
  CHECK(cause_name(std::error_code(999, category())) == "ajar_999");
}

}  // namespace cause_name_test
