// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/file_client.hpp>

#include <doctest/doctest.h>

namespace file_client_test {

using namespace ajar;
using namespace ajar::files;
using namespace ajar::streams;

namespace {

const share_path place{"files", "a b", false};

file_request from(std::uint64_t first) { return file_request(place).from(first, "\"x\""); }

response whole() {
  return response(200).with("etag", "\"x\"").with("content-length", "10").with("ajar-mtime-ns", "1700000000000000007");
}
response part(const std::string& range, const std::string& length = "6") {
  return response(206).with("etag", "\"x\"").with("content-length", length).with("content-range", range);
}
response refusal_with(unsigned status, const std::string& number) {
  return response(status).with("ajar-error", number);
}

}  // namespace

TEST_CASE("a request says what is wanted of a file") {
  const auto plain = file_request(place).made();
  CHECK(plain.method() == "GET");
  CHECK(plain.path() == "/files/a%20b");
  CHECK(plain.fields().size() == 0);
  const auto rest = from(4).made();
  CHECK(rest.fields().find("range") == "bytes=4-");
  CHECK(rest.fields().find("if-range") == "\"x\"");
  CHECK(file_request(place).only("\"x\"").snapshot().made().fields().find("ajar-snapshot") == "\"x\"");
  CHECK(!file_request(place).snapshot().made().fields().find("ajar-snapshot"));  // of which file?
  const auto same = file_request(place).only("\"x\"").head().digest().made();
  CHECK(same.method() == "HEAD");
  CHECK(same.fields().find("if-match") == "\"x\"");
  CHECK(same.fields().find("want-repr-digest") == "sha-256=10");
}

TEST_CASE("a head says how long the file is, and when it was changed") {
  const auto head = parse_file_head(file_request(place), whole()).value();
  CHECK(head.facts.size == 10);
  CHECK(head.facts.etag == "\"x\"");
  CHECK(head.facts.modified.time_since_epoch().count() == 1700000000000000007);
  CHECK(head.first == 0);
  CHECK(head.count == 10);
  CHECK(!head.digest.has_value());
  const auto dated = response(200)
                         .with("etag", "\"x\"")
                         .with("content-length", "0")
                         .with("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_file_head(file_request(place), dated).value().facts.modified ==
        file_time(std::chrono::seconds(784111777)));
}

TEST_CASE("the rest of a file is taken only where it is the rest of that file") {
  const auto rest = parse_file_head(from(4), part("bytes 4-9/10")).value();
  CHECK(rest.first == 4);
  CHECK(rest.count == 6);
  CHECK(rest.facts.size == 10);
  for (const char* wrong : {"bytes 3-9/10", "bytes 4-8/10", "bytes 4-9/11", "bytes 4-9/*", "bytes 4-9", "4-9/10",
                            "bytes 9-4/10", "bytes 4-9/9", "bytes -9/10", "bytes 4-18446744073709551615/10", ""}) {
    CAPTURE(wrong);
    CHECK(parse_file_head(from(4), part(wrong)).error() == errc::answer_unexpected);
  }
  CHECK(parse_file_head(from(4), part("bytes 4-9/10", "7")).error() == errc::answer_unexpected);
  CHECK(parse_file_head(file_request(place), part("bytes 4-9/10")).error() == errc::answer_unexpected);
  CHECK(parse_file_head(file_request(place).from(4, "\"y\""), part("bytes 4-9/10")).error() == errc::answer_unexpected);
  CHECK(parse_file_head(file_request(place).from(4, "\"y\""), whole()).value().first == 0);  // it changed: the whole
  CHECK(parse_file_head(from(4), whole()).error() == errc::answer_unexpected);
}

TEST_CASE("a head that lies or leaves out is refused") {
  const file_request asked(place);
  for (const char* length : {"-1", "+1", "ten", "", "1e3", "99999999999999999999", "1 0"}) {
    CAPTURE(length);
    CHECK(parse_file_head(asked, response(200).with("etag", "\"x\"").with("content-length", length)).error() ==
          errc::answer_unexpected);
  }
  CHECK(parse_file_head(asked, response(200).with("etag", "\"x\"")).error() == errc::answer_unexpected);
  CHECK(parse_file_head(asked, response(200).with("content-length", "1")).error() == errc::answer_unexpected);
  CHECK(parse_file_head(asked, response(200).with("content-length", "1").with("etag", "W/\"x\"")).error() ==
        errc::answer_unexpected);
  CHECK(parse_file_head(asked, whole().with("ajar-mtime-ns", "1")).value().facts.size == 10);  // the first counts
  for (const char* time : {"now", "", "-", "1.5", "--1"}) {
    CHECK(parse_file_head(asked,
                          response(200).with("etag", "\"x\"").with("content-length", "1").with("ajar-mtime-ns", time))
              .error() == errc::answer_unexpected);
  }
  const auto late = response(200).with("etag", "\"x\"").with("content-length", "1");
  CHECK(parse_file_head(asked, response(late).with("ajar-mtime-ns", "99999999999999999999")).value().facts.modified ==
        nearest_time(9'000'000'000, 0));
  CHECK(!parse_file_head(asked, response(late)).value().facts.executable);
  CHECK(parse_file_head(asked, response(late).with("ajar-executable", "1")).value().facts.executable);
}

TEST_CASE("refusals keep the server's cause, if it is one") {
  const file_request asked(place);
  CHECK(parse_file_head(asked, refusal_with(403, "108")).error() == errc::service_not_granted);
  CHECK(parse_file_head(asked, refusal_with(404, "231")).error() == errc::file_not_found);
  CHECK(parse_file_head(asked, refusal_with(412, "235")).error() == errc::file_changed);
  CHECK(parse_file_head(asked, response(308).with("location", "/x/")).error() == errc::not_a_file);
  CHECK(parse_file_head(asked, response(404)).error() == errc::file_not_found);
  for (const char* number : {"0", "9999", "-3", "99999999", "x", ""}) {
    CHECK(parse_file_head(asked, refusal_with(500, number)).error() == errc::answer_unexpected);
  }
  for (const unsigned status : {100U, 201U, 204U, 304U, 500U}) {
    CHECK(parse_file_head(asked, response(status)).error() == errc::answer_unexpected);
  }
}

TEST_CASE("a digest is read where it is one") {
  const file_request asked(place);
  const auto value = crypto::hash(as_bytes("x"));
  const auto with = [&](const std::string& text) {
    return parse_file_head(asked, whole().with("repr-digest", text)).value().digest;
  };
  CHECK(with("sha-256=:" + to_base64(value) + ":") == value);
  for (const std::string& wrong :
       {std::string(""), std::string("sha-256=::"), std::string("sha-256=:"), std::string("sha-256=:YQ==:"),
        "sha-512=:" + to_base64(value) + ":", "sha-256=" + to_base64(value)}) {
    CHECK(!with(wrong).has_value());
  }
}

TEST_CASE("the end of a body means something only in its place") {
  body_length some(10);
  CHECK(some.ended(errc::eof).error() == errc::truncated);
  CHECK(some.took(4).has_value());
  CHECK(some.took(7).error() == errc::body_length_wrong);
  CHECK(some.left() == 6);
  CHECK(some.ended(errc::eof).error() == errc::truncated);
  CHECK(some.ended(errc::truncated).error() == errc::truncated);
  CHECK(some.ended(errc::read_timeout).error() == errc::read_timeout);
  CHECK(some.ended(errc::stream_reset).error() == errc::share_cut_short);
  CHECK(some.ended(errc::body_length_wrong).error() == errc::share_cut_short);
  CHECK(some.ended(errc::stream_timeout).error() == errc::stream_timeout);
  CHECK(some.ended(errc::grant_expired).error() == errc::grant_expired);
  CHECK(some.took(6).has_value());
  CHECK(some.ended(errc::eof).has_value());
  CHECK(some.ended(errc::stream_reset).error() == errc::file_changed);
  CHECK(some.ended(errc::truncated).error() == errc::truncated);
  CHECK(some.ended(errc::canceled).error() == errc::canceled);
}

}  // namespace file_client_test
