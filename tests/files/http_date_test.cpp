// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/http_date.hpp>

#include <doctest/doctest.h>

namespace http_date_test {

using namespace ajar;
using namespace ajar::files;

TEST_CASE("a date is written as RFC 9110 writes it, and read back") {
  const wall_time example(std::chrono::seconds(784111777));
  CHECK(to_http_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::int64_t seconds : {0LL, 784111777LL, 951782400LL, 1709210096LL, 4102444799LL, -1LL}) {
    const wall_time at{std::chrono::seconds(seconds)};
    CHECK(parse_http_date(to_http_date(at)) == at);
  }
}

TEST_CASE("what is no such date is nothing") {
  for (const char* wrong :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun. 06 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(wrong);
    CHECK(!parse_http_date(wrong).has_value());
  }
}

}  // namespace http_date_test
