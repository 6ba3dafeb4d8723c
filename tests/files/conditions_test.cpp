// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/conditions.hpp>

#include <doctest/doctest.h>

namespace conditions_test {

using namespace ajar;
using namespace ajar::files;
using namespace ajar::streams;

namespace {

const std::string tag = "\"a-3e8-1.2-3.4\"";
const std::string date = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string earlier = "Sun, 06 Nov 1994 08:49:36 GMT";

file_facts thousand() {
  file_facts made;
  made.kind = entry_kind::file;
  made.size = 1000;
  made.modified = file_time(std::chrono::seconds(784111777) + std::chrono::nanoseconds(5));
  made.etag = tag;
  return made;
}

using fields = std::vector<std::pair<std::string, std::string>>;

file_part get(const fields& conditions, const std::string& method = "GET") {
  request asked(method, "/a/b");
  for (const auto& [name, value] : conditions) asked.with(name, value);
  return decide(asked, thousand());
}
file_part range(const std::string& text) { return get({{"range", text}}); }

}  // namespace

TEST_CASE("without conditions the whole file is answered") { CHECK(get({}) == file_part{200, 0, 1000}); }

TEST_CASE("a single range of octets is answered alone") {
  CHECK(range("bytes=0-0") == file_part{206, 0, 1});
  CHECK(range("bytes=10-19") == file_part{206, 10, 10});
  CHECK(range("bytes=999-") == file_part{206, 999, 1});
  CHECK(range("bytes=500-4000") == file_part{206, 500, 500});
  CHECK(range("bytes=-10") == file_part{206, 990, 10});
  CHECK(range("bytes=-4000") == file_part{206, 0, 1000});
  CHECK(range("bytes=1-99999999999999999999999") == file_part{206, 1, 999});
}

TEST_CASE("a range behind the end is refused, and what is no single range is as if it were not there") {
  CHECK(range("bytes=1000-") == file_part{416, 0, 0});
  CHECK(range("bytes=99999999999999999999999-") == file_part{416, 0, 0});
  CHECK(range("bytes=-0") == file_part{416, 0, 0});
  for (const char* none : {"bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes 0-1",
                           "bytes=0x1-2", "bytes=+1-2", "bytes=--1", ""}) {
    CAPTURE(none);
    CHECK(range(none) == file_part{200, 0, 1000});
  }
  file_facts empty = thousand();
  empty.size = 0;
  CHECK(decide(request("GET", "/a").with("range", "bytes=0-"), empty) == file_part{416, 0, 0});
  CHECK(decide(request("GET", "/a"), empty) == file_part{200, 0, 0});
}

TEST_CASE("HEAD has no range") { CHECK(get({{"range", "bytes=0-9"}}, "HEAD") == file_part{200, 0, 1000}); }

TEST_CASE("If-Range gives the range of what is known and the whole of what changed") {
  CHECK(get({{"range", "bytes=10-"}, {"if-range", tag}}) == file_part{206, 10, 990});
  CHECK(get({{"range", "bytes=10-"}, {"if-range", "\"other\""}}) == file_part{200, 0, 1000});
  CHECK(get({{"range", "bytes=10-"}, {"if-range", "W/" + tag}}) == file_part{200, 0, 1000});
  CHECK(get({{"range", "bytes=10-"}, {"if-range", date}}) == file_part{200, 0, 1000});
  CHECK(get({{"range", "bytes=2000-"}, {"if-range", "\"other\""}}) == file_part{200, 0, 1000});
}

TEST_CASE("If-Match compares strongly, If-None-Match weakly") {
  CHECK(get({{"if-match", tag}}).status == 200);
  CHECK(get({{"if-match", "\"x\" , " + tag}}).status == 200);
  CHECK(get({{"if-match", "*"}}).status == 200);
  CHECK(get({{"if-match", "\"x\""}}).status == 412);
  CHECK(get({{"if-match", "W/" + tag}}).status == 412);
  CHECK(get({{"if-none-match", tag}}).status == 304);
  CHECK(get({{"if-none-match", "W/" + tag}}).status == 304);
  CHECK(get({{"if-none-match", "*"}}).status == 304);
  CHECK(get({{"if-none-match", "\"x\""}}).status == 200);
  CHECK(get({{"if-match", "\"x\""}, {"if-none-match", tag}}).status == 412);
}

TEST_CASE("dates decide where there are no tags") {
  CHECK(get({{"if-modified-since", date}}).status == 304);
  CHECK(get({{"if-modified-since", earlier}}).status == 200);
  CHECK(get({{"if-modified-since", "yesterday"}}).status == 200);
  CHECK(get({{"if-modified-since", date}, {"if-none-match", "\"x\""}}).status == 200);
  CHECK(get({{"if-unmodified-since", date}}).status == 200);
  CHECK(get({{"if-unmodified-since", earlier}}).status == 412);
  CHECK(get({{"if-unmodified-since", earlier}, {"if-match", tag}}).status == 200);
}

}  // namespace conditions_test
