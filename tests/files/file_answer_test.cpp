// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/file_answer.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace file_answer_test {

using namespace ajar;
using namespace ajar::files;
using namespace ajar::streams;

namespace {

struct world {
  world() {
    on.folder("photos/2004/empty");
    on.file("photos/a.txt", "0123456789");
    on.file("photos/none", "");
    on.file("photos/odd \xff name", "odd");
    on.file("single", "single file");
    on.link("photos/out", "/etc/passwd");
    on.link("photos/loop", "loop");
    ::mkfifo((on.path + "/photos/fifo").c_str(), 0600);
    shares["photos"] = std::make_shared<const shared_folder>(shared_folder::open(on.path + "/photos").value());
    shares["notes"] = std::make_shared<const shared_folder>(shared_folder::open(on.path + "/single").value());
    shares["secret"] = std::make_shared<const shared_folder>(shared_folder::open(on.path).value());
  }
  file_answer ask(const request& asked) const {
    return answer_files(asked, shares, [](std::string_view share) -> result<> {
      if (share == "secret" || share == "unknown") return fail(errc::service_not_granted);
      return {};
    });
  }
  file_answer get(const std::string& path) const { return ask(request("GET", path)); }

  temporary_folder on;
  share_set shares;
};

std::string field(const file_answer& answer, std::string_view name) {
  return std::string(answer.head.fields().find(name).value_or("(none)"));
}

// The body, pulled in pieces of some size; an error in its place.
std::string body_of(file_answer& answer, std::size_t piece = 4096, std::error_code* why = nullptr) {
  if (!answer.source) return answer.body;
  std::string all;
  bytes into(piece);
  for (;;) {
    const auto count = answer.source->read(into);
    if (!count && why) *why = count.error();
    if (!count || *count == 0) return all;
    all += as_text(bytes_view(into).first(*count));
  }
}

void refused(const file_answer& answer, unsigned status, errc why) {
  CHECK(answer.head.status() == status);
  CHECK(field(answer, "ajar-error") == std::to_string(static_cast<int>(why)));
  CHECK(!answer.source);
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  CHECK(body["error"] == static_cast<int>(why));
  CHECK(body["text"].get<std::string>().starts_with(make_error_code(why).message()));
  CHECK(field(answer, "content-length") == std::to_string(answer.body.size()));
}

}  // namespace

TEST_CASE("a file is answered with its length, its tag and its time") {
  world w;
  auto answer = w.get("/photos/a.txt");
  const auto facts = w.shares["photos"]->facts("a.txt").value();
  CHECK(answer.head.status() == 200);
  CHECK(field(answer, "content-length") == "10");
  CHECK(field(answer, "etag") == facts.etag);
  CHECK(field(answer, "accept-ranges") == "bytes");
  CHECK(parse_http_date(field(answer, "last-modified")) == std::chrono::floor<std::chrono::seconds>(facts.modified));
  CHECK(field(answer, "ajar-mtime-ns") == std::to_string(facts.modified.time_since_epoch().count()));
  CHECK(field(answer, "ajar-executable") == "(none)");
  CHECK(body_of(answer, 3) == "0123456789");
  auto empty = w.get("/photos/none");
  CHECK(field(empty, "content-length") == "0");
  CHECK(body_of(empty).empty());
}

TEST_CASE("HEAD has the fields of GET and no body") {
  world w;
  for (const char* path : {"/photos/a.txt", "/photos/", "/", "/photos/nowhere", "/photos"}) {
    const auto got = w.get(path);
    const auto head = w.ask(request("HEAD", path));
    CHECK(head.head.status() == got.head.status());
    for (const char* name : {"content-length", "content-type", "etag", "ajar-error", "location"}) {
      CHECK(field(head, name) == field(got, name));
    }
    CHECK(head.body.empty());
    CHECK(!head.source);
  }
}

TEST_CASE("a range is answered with its octets and its place") {
  world w;
  auto answer = w.ask(request("GET", "/photos/a.txt").with("range", "bytes=4-"));
  CHECK(answer.head.status() == 206);
  CHECK(field(answer, "content-range") == "bytes 4-9/10");
  CHECK(field(answer, "content-length") == "6");
  CHECK(body_of(answer, 4) == "456789");
  const auto beyond = w.ask(request("GET", "/photos/a.txt").with("range", "bytes=10-"));
  refused(beyond, 416, errc::range_beyond_end);
  CHECK(field(beyond, "content-range") == "bytes */10");
}

TEST_CASE("a file that has grown is answered as it was, where that is asked for") {
  world w;
  const auto then = w.shares["photos"]->facts("a.txt").value();
  std::ofstream(w.on.path + "/photos/a.txt", std::ios::app) << "abc";
  const auto with = [&](const std::string& tag, const char* method = "GET") {
    return request(method, "/photos/a.txt").with("ajar-snapshot", tag).with("if-match", then.etag);
  };
  auto whole = w.ask(with(then.etag));
  CHECK(whole.head.status() == 200);
  CHECK(field(whole, "etag") == then.etag);
  CHECK(field(whole, "content-length") == "10");
  CHECK(field(whole, "ajar-mtime-ns") == std::to_string(then.modified.time_since_epoch().count()));
  CHECK(body_of(whole) == "0123456789");
  auto rest = w.ask(with(then.etag).with("range", "bytes=4-").with("if-range", then.etag));
  CHECK(rest.head.status() == 206);
  CHECK(field(rest, "content-range") == "bytes 4-9/10");
  std::ofstream(w.on.path + "/photos/a.txt", std::ios::app) << "abc";
  std::error_code why;
  CHECK(body_of(rest, 4, &why) == "456789");
  CHECK(!why);
  refused(w.ask(with("\"x\"")), 412, errc::file_changed);
  refused(w.ask(with(then.etag).with("range", "bytes=10-")), 416, errc::range_beyond_end);
}

TEST_CASE("conditions that fail are said with the tag of the file") {
  world w;
  const auto tag = w.shares["photos"]->facts("a.txt").value().etag;
  const auto changed = w.ask(request("GET", "/photos/a.txt").with("if-match", "\"x\""));
  refused(changed, 412, errc::file_changed);
  CHECK(field(changed, "etag") == tag);
  const auto same = w.ask(request("GET", "/photos/a.txt").with("if-none-match", tag));
  CHECK(same.head.status() == 304);
  CHECK(field(same, "etag") == tag);
  CHECK(same.body.empty());
  CHECK(!same.source);
}

TEST_CASE("a folder is a listing, and found without its slash") {
  world w;
  const auto without = w.get("/photos");
  CHECK(without.head.status() == 308);
  CHECK(field(without, "location") == "/photos/");
  CHECK(field(w.get("/photos/2004"), "location") == "/photos/2004/");
  auto answer = w.get("/photos/");
  CHECK(answer.head.status() == 200);
  CHECK(field(answer, "content-type") == "application/x-ndjson");
  const auto modified = w.shares["photos"]->facts("").value().modified;
  CHECK(field(answer, "ajar-mtime-ns") == std::to_string(modified.time_since_epoch().count()));
  for (const std::size_t piece : {std::size_t(1), std::size_t(5000)}) {
    auto again = w.get("/photos/");
    listing_reader reader;
    REQUIRE(reader.add(as_bytes(body_of(again, piece))).has_value());
    REQUIRE(reader.finish().has_value());
    std::map<std::string, folder_entry> all;
    while (auto one = reader.next()) all.emplace(one->name, *one);
    CHECK(all.size() == 7);
    CHECK(all.at("a.txt").facts == w.shares["photos"]->facts("a.txt").value());
    CHECK(all.at("odd \xff name").kind == entry_kind::file);
    CHECK(all.at("2004").kind == entry_kind::folder);
    CHECK(all.at("out").kind == entry_kind::link);
    CHECK(!all.at("out").facts.has_value());
    CHECK(all.at("fifo").kind == entry_kind::other);
  }
  auto empty = w.get("/photos/2004/empty/");
  CHECK(body_of(empty) == end_line(0));
}

TEST_CASE("names that are no UTF-8 are asked for by their octets") {
  world w;
  auto answer = w.get("/photos/odd%20%FF%20name");
  CHECK(body_of(answer) == "odd");
}

TEST_CASE("a single file is a share") {
  world w;
  auto answer = w.get("/notes");
  CHECK(body_of(answer) == "single file");
  refused(w.get("/notes/"), 404, errc::not_a_folder);
  refused(w.get("/notes/x"), 404, errc::not_a_folder);
}

TEST_CASE("the root lists what the one who asks may read") {
  world w;
  auto answer = w.get("/");
  listing_reader reader;
  REQUIRE(reader.add(as_bytes(body_of(answer))).has_value());
  REQUIRE(reader.finish().has_value());
  const auto first = reader.next().value();
  CHECK(first.name == "notes");
  CHECK(first.kind == entry_kind::file);
  const auto second = reader.next().value();
  CHECK(second.name == "photos");
  CHECK(second.kind == entry_kind::folder);
  CHECK(!reader.next().has_value());
}

TEST_CASE("each wrong request has its cause") {
  world w;
  refused(w.get("/photos/../single"), 400, errc::path_malformed);
  refused(w.get("/photos/%2e%2e/single"), 400, errc::path_malformed);
  refused(w.get("//etc/passwd"), 400, errc::path_malformed);
  refused(w.get("/photos/a%00"), 400, errc::path_malformed);
  refused(w.get("/photos/nowhere"), 404, errc::file_not_found);
  refused(w.get("/photos/nowhere/"), 404, errc::file_not_found);
  refused(w.get("/photos/a.txt/"), 404, errc::not_a_folder);
  refused(w.get("/photos/out"), 403, errc::file_not_permitted);
  refused(w.get("/photos/loop"), 403, errc::file_not_permitted);
  refused(w.get("/photos/fifo"), 403, errc::not_a_file);
  refused(w.get("/secret/"), 403, errc::service_not_granted);
  refused(w.get("/unknown/"), 403, errc::service_not_granted);
  refused(w.get("/absent/"), 404, errc::share_not_found);
  refused(w.get("/.session"), 404, errc::share_not_found);
  refused(w.ask(request("PUT", "/photos/a.txt")), 405, errc::method_unknown);
  refused(w.ask(request("CONNECT", "")), 405, errc::method_unknown);
  CHECK(field(w.ask(request("POST", "/")), "allow") == "GET, HEAD");
}

TEST_CASE(
    "a file that becomes shorter, longer or another while it is sent ends in an error, never as if it were whole") {
  for (const std::size_t size : {std::size_t(2), std::size_t(40'000), std::size_t(30'000)}) {
    world w;
    const auto path = w.on.file("photos/b", std::string(30'000, 'b'));
    auto answer = w.get("/photos/b");
    bytes first(1000);
    REQUIRE(answer.source->read(first).value() == 1000);
    if (size == 30'000) w.on.file("photos/b", std::string(size, 'c'));
    if (size != 30'000) std::filesystem::resize_file(path, size);
    std::error_code why;
    (void)body_of(answer, 4096, &why);
    CHECK(why == (size == 2 ? errc::share_cut_short : errc::file_changed));
  }
}

TEST_CASE("a digest is asked for by its name") {
  world w;
  const auto asks = [&](const char* want) {
    return w.ask(request("HEAD", "/photos/a.txt").with("want-repr-digest", want)).digest_of != nullptr;
  };
  CHECK(asks("sha-256=10"));
  CHECK(asks("sha-512=3, sha-256=1"));
  for (const char* other : {"", "sha-256", "sha-256=0", "sha-512=10", "xsha-256=10", "sha-256=x"}) CHECK(!asks(other));
  CHECK(!w.get("/photos/a.txt").digest_of);
}

}  // namespace file_answer_test
