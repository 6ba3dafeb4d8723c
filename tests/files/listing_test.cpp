// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/listing.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace listing_test {

using namespace ajar;
using namespace ajar::files;

namespace {

folder_entry a_file(const std::string& name) {
  file_facts facts;
  facts.kind = entry_kind::file;
  facts.size = 12;
  facts.modified = file_time(std::chrono::nanoseconds(1'700'000'000'000'000'007));
  facts.etag = "\"1-2-3.4-5.6\"";
  return {name, entry_kind::file, facts};
}

std::vector<folder_entry> all_of(listing_reader& reader) {
  std::vector<folder_entry> all;
  while (auto one = reader.next()) all.push_back(std::move(*one));
  return all;
}

std::error_code why(const std::string& text) {
  listing_reader reader;
  const auto taken = reader.add(as_bytes(text));
  if (!taken) return taken.error();
  const auto ended = reader.finish();
  return ended ? std::error_code() : ended.error();
}

const std::string good = R"({"name":"a","type":"folder"})";

}  // namespace

TEST_CASE("entries come through lines as they were, whatever their names") {
  folder_entry inward{"to-file", entry_kind::link, a_file("x").facts};
  folder_entry to_folder{"to-folder", entry_kind::link, file_facts()};
  to_folder.facts->kind = entry_kind::folder;
  const folder_entry outward{"out", entry_kind::link, std::nullopt};
  const std::vector<folder_entry> all = {a_file("plain.txt"),
                                         a_file("Gr\xc3\xbc\xc3\x9f"),
                                         a_file("not \xff utf-8 \xc3"),
                                         a_file("line\nbreak \"quoted\" \\ \x1b[31m"),
                                         a_file(std::string(255, '\x01')),
                                         inward,
                                         to_folder,
                                         outward,
                                         {"fifo", entry_kind::other, file_facts()}};
  std::string text;
  for (const auto& one : all) text += to_line(one);
  text += end_line(all.size());
  for (const std::size_t piece : {std::size_t(1), std::size_t(7), text.size()}) {
    listing_reader reader;
    std::vector<folder_entry> read;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      REQUIRE(reader.add(as_bytes(std::string_view(text).substr(at, piece))).has_value());
      for (auto& one : all_of(reader)) read.push_back(std::move(one));
    }
    CHECK(reader.finish().has_value());
    REQUIRE(read.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(i);
      CHECK(read[i].name == all[i].name);
      CHECK(read[i].kind == all[i].kind);
      CHECK(read[i].facts.has_value() == (all[i].facts.has_value()));
      if (read[i].facts && all[i].facts) CHECK(*read[i].facts == *all[i].facts);
    }
  }
}

TEST_CASE("a line says base64 only of names that are no UTF-8") {
  CHECK(to_line(a_file("a")) ==
        "{\"etag\":\"\\\"1-2-3.4-5.6\\\"\",\"mtime\":1700000000,\"mtime_ns\":7,\"name\":\"a\",\"size\":12,"
        "\"type\":\"file\"}\n");
  CHECK(to_line({"\xff", entry_kind::other, std::nullopt}) == "{\"name_base64\":\"/w==\",\"type\":\"other\"}\n");
  CHECK(end_line(3) == "{\"end\":true,\"entries\":3}\n");
}

TEST_CASE("a listing that was cut off is never taken for the whole") {
  const auto text = to_line(a_file("a")) + to_line(a_file("b")) + end_line(2);
  for (std::size_t cut = 0; cut < text.size(); ++cut) CHECK(why(text.substr(0, cut)) == errc::share_cut_short);
  CHECK(!why(text));
}

TEST_CASE("names that would escape are refused") {
  for (const char* name : {"", ".", "..", "../x", "/etc/passwd", "a/b", "a\\u0000b"}) {
    CHECK(why(std::string(R"({"name":")") + name + R"(","type":"folder"})" + "\n") == errc::name_escapes);
  }
  for (const std::string& octets : {std::string(".."), std::string("a/b"), std::string("a\0b", 3)}) {
    CHECK(why(R"({"name_base64":")" + to_base64(as_bytes(octets)) + R"(","type":"folder"})" + "\n") ==
          errc::name_escapes);
  }
  CHECK(why(R"({"name":")" + std::string(256, 'a') + R"(","type":"folder"})" + "\n") == errc::name_escapes);
}

TEST_CASE("a time beyond what is told costs only itself") {
  for (const char* seconds : {"9000000000", "9999999999999", "9223372036854775807"}) {
    listing_reader reader;
    const std::string line = std::string(R"({"name":"a","type":"file","size":1,"mtime":)") + seconds +
                             R"(,"mtime_ns":3,"etag":"\"x\"","executable":true})" + "\n";
    REQUIRE(reader.add(ajar::as_bytes(line)).has_value());
    const auto entry = reader.next().value();
    CHECK(entry.facts->modified == file_time(std::chrono::seconds(9'000'000'000)));
    CHECK(entry.facts->executable);
  }
  CHECK(nearest_time(-9'000'000'001, 5) == file_time(std::chrono::seconds(-9'000'000'000)));
  CHECK(nearest_time(-9'000'000'000, 5) ==
        file_time(std::chrono::seconds(-9'000'000'000) + std::chrono::nanoseconds(5)));
  CHECK(nearest_time(std::numeric_limits<std::int64_t>::min(), 5) == nearest_time(-9'000'000'001, 0));
}

TEST_CASE("what is no listing is refused") {
  const std::string facts = R"("size":1,"mtime":2,"mtime_ns":3,"etag":"\"x\"")";
  for (const std::string& line :
       {std::string(""),
        std::string("nonsense"),
        std::string("[]"),
        std::string("{"),
        std::string("{}"),
        std::string("7"),
        std::string(R"({"name":"a"})"),
        std::string(R"({"name":7,"type":"file"})"),
        std::string(R"({"name":"a","type":"pipe"})"),
        std::string(R"({"name":"a","type":7})"),
        std::string(R"({"name":"a","name_base64":"YQ==","type":"folder"})"),
        std::string(R"({"name_base64":"Y","type":"folder"})"),
        std::string(R"({"name":"a","type":"file"})"),
        R"({"name":"a","type":"file",)" + facts.substr(9) + "}",
        std::string(R"({"name":"a","type":"file","size":-1,"mtime":2,"mtime_ns":3,"etag":"\"x\""})"),
        std::string(R"({"name":"a","type":"file","size":1.5,"mtime":2,"mtime_ns":3,"etag":"\"x\""})"),
        std::string(R"({"name":"a","type":"file","size":18446744073709551615,"mtime":2,"mtime_ns":3,"etag":"\"x\""})"),
        std::string(R"({"name":"a","type":"file","size":1,"mtime":1e99,"mtime_ns":3,"etag":"\"x\""})"),
        std::string(R"({"name":"a","type":"file","size":1,"mtime":2,"mtime_ns":-3,"etag":"\"x\""})"),
        std::string(R"({"name":"a","type":"file","size":1,"mtime":2,"mtime_ns":3,"etag":"x"})"),
        std::string(R"({"name":"a","type":"file","size":1,"mtime":2,"mtime_ns":3,"etag":"\"x\r\n\""})"),
        std::string(R"({"name":"a","type":"link","to":"file"})"),
        std::string("{\"name\":\"\xff\",\"type\":\"folder\"}"),
        std::string(R"({"end":true})"),
        std::string(R"({"end":false,"entries":0,"x":1})"),
        std::string(R"({"end":true,"entries":1})"),
        std::string(R"({"end":true,"entries":"0"})"),
        std::string(2000, '['),
        good + good}) {
    CAPTURE(line);
    CHECK(why(line + "\n") == errc::listing_malformed);
  }
  CHECK(why(end_line(0) + end_line(0)) == errc::listing_malformed);
  CHECK(why(end_line(0) + good + "\n") == errc::listing_malformed);
  CHECK(why(good + "\n" + end_line(2)) == errc::listing_malformed);
}

TEST_CASE("a line without end is refused, before it is long") {
  listing_reader reader;
  const std::string piece(1000, ' ');
  result<> taken;
  int pieces = 0;
  while (taken && pieces < 100) {
    taken = reader.add(as_bytes(piece));
    ++pieces;
  }
  CHECK(taken.error() == errc::listing_malformed);
  CHECK(pieces == 5);
}

TEST_CASE("a tag that may be sent back has nothing that could end its field") {
  CHECK(is_etag("\"1-2\""));
  for (const std::string& wrong :
       {std::string(""), std::string("\""), std::string("\"\""), std::string("x"), std::string("\"a\"b\""),
        std::string("\"a b\""), std::string("\"a\n\""), std::string("W/\"a\""), "\"" + std::string(200, 'a') + "\""}) {
    CHECK(!is_etag(wrong));
  }
}

}  // namespace listing_test
