// SPDX-License-Identifier: BSL-1.0
#include <tools/shown.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>

namespace shown_test {

using namespace tools;

TEST_CASE("names are shown as they are, where they can do nothing to a terminal") {
  for (const std::string_view good : {"plain name.txt",
                                      "Gr\xc3\xbc\xc3\x9f"
                                      "e",
                                      "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "\xc2\xa0"}) {
    CHECK(shown(good) == good);
  }
  CHECK(shown("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(shown("line\nbreak") == "line\\x0abreak");
  CHECK(shown("back\\slash") == "back\\x5cslash");
  CHECK(shown("del\x7f") == "del\\x7f");
  CHECK(shown("c1\xc2\x9b") == "c1\\xc2\\x9b");
  CHECK(shown("rtl\xe2\x80\xae") == "rtl\\xe2\\x80\\xae");
  CHECK(shown("iso\xe2\x81\xa6") == "iso\\xe2\\x81\\xa6");
  CHECK(shown("zero\xe2\x80\x8b") == "zero\\xe2\\x80\\x8b");
  CHECK(shown("bom\xef\xbb\xbf") == "bom\\xef\\xbb\\xbf");
  CHECK(shown("no utf \xff") == "no utf \\xff");
}

TEST_CASE("sizes and times are short") {
  CHECK(shown_size(0) == "0 B");
  CHECK(shown_size(999) == "999 B");
  CHECK(shown_size(1500) == "1.5 kB");
  CHECK(shown_size(999'600) == "1.0 MB");
  CHECK(shown_size(23'400'000) == "23 MB");
  CHECK(shown_size(1.8e19) == "18 EB");
  CHECK(shown_duration(std::chrono::seconds(7)) == "0:07");
  CHECK(shown_duration(std::chrono::seconds(754)) == "12:34");
  CHECK(shown_duration(std::chrono::seconds(11045)) == "3:04:05");
}

TEST_CASE("times are those of the time zone") {
  const char* const before = std::getenv("TZ");
  const auto kept = before ? std::optional<std::string>(before) : std::nullopt;
  const auto in = [](const char* zone, std::int64_t seconds) {
    REQUIRE(::setenv("TZ", zone, 1) == 0);
    ::tzset();
    return shown_time(ajar::files::file_time(std::chrono::seconds(seconds)));
  };
  CHECK(in("UTC0", 784111777) == "1994-11-06 08:49");
  CHECK(in("UTC0", -1) == "1969-12-31 23:59");
  CHECK(in("CET-1", 784111777) == "1994-11-06 09:49");
  CHECK(in("EST5", 0) == "1969-12-31 19:00");
  CHECK(in("UTC0", 9'000'000'000) == "2255-03-14 16:00");
  REQUIRE((kept ? ::setenv("TZ", kept->c_str(), 1) : ::unsetenv("TZ")) == 0);
  ::tzset();
}

TEST_CASE("progress counts what came now for its rate, and says no percentage before all is known") {
  ajar::files::fetch_counts now;
  now.octets = 500'000'000;
  now.total = 1'000'000'000;
  now.before = 400'000'000;
  now.files = 3;
  now.known = 10;
  CHECK(shown_progress(now, 10) == "500 MB of 1.0 GB+  10 MB/s  3 of 10+ files");
  now.complete = true;
  CHECK(shown_progress(now, 10) == " 50 %  500 MB of 1.0 GB  10 MB/s  0:50 left  3 of 10 files");
  now.octets = now.total;
  CHECK(shown_progress(now, 10) == "100 %  1.0 GB of 1.0 GB  60 MB/s  3 of 10 files");
  CHECK(shown_progress(ajar::files::fetch_counts(), 0) == "0 B of 0 B+  0 B/s  0 of 0+ files");
}

}  // namespace shown_test
