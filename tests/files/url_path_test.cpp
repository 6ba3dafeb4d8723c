// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/url_path.hpp>

#include <doctest/doctest.h>

namespace url_path_test {

using namespace ajar;
using namespace ajar::files;

TEST_CASE("a path names a share and what is inside") {
  CHECK(parse_url_path("/").value() == share_path{"", "", true});
  CHECK(parse_url_path("/photos").value() == share_path{"photos", "", false});
  CHECK(parse_url_path("/photos/").value() == share_path{"photos", "", true});
  CHECK(parse_url_path("/photos/2004/a%20b.jpg").value() == share_path{"photos", "2004/a b.jpg", false});
  CHECK(parse_url_path("/photos/2004/").value() == share_path{"photos", "2004", true});
  CHECK(parse_url_path("/a/...").value().inside == "...");
  CHECK(parse_url_path("/a/b:c@d!$&'()*+,;=~").value().inside == "b:c@d!$&'()*+,;=~");
}

TEST_CASE("every name but those that cannot be one comes through as it is") {
  std::string name;
  for (int octet = 1; octet < 256; ++octet) {
    if (octet != '/') name += static_cast<char>(octet);
  }
  const share_path place{"photos", name + "/" + "\xff\xfe", true};
  const auto text = to_url_path(place);
  for (const char c : text) CHECK((c > 0x20 && c < 0x7f));
  CHECK(parse_url_path(text).value() == place);
  CHECK(to_url_path({"", "", true}) == "/");
  CHECK(to_url_path({"a", "", false}) == "/a");
}

TEST_CASE("what would leave a share, or is no path, is refused") {
  const std::string nul("/a/b\0c", 6);
  for (const std::string& wrong : {std::string(""),
                                   std::string("a"),
                                   std::string("//"),
                                   std::string("//etc/passwd"),
                                   std::string("/a//b"),
                                   std::string("/a/../b"),
                                   std::string("/.."),
                                   std::string("/a/.."),
                                   std::string("/a/."),
                                   std::string("/./a"),
                                   std::string("/a/%2e%2e/b"),
                                   std::string("/a/%2E%2e"),
                                   std::string("/a/.%2e"),
                                   std::string("/a/%2e"),
                                   std::string("/a/b%2fc"),
                                   std::string("/a/%2Fetc"),
                                   std::string("/a/b%00c"),
                                   nul,
                                   std::string("/a/%"),
                                   std::string("/a/%4"),
                                   std::string("/a/%zz"),
                                   std::string("/a/%+1"),
                                   std::string("/a b"),
                                   std::string("/a/b?c"),
                                   std::string("/a/b#c"),
                                   std::string("/a/\xc3\xbc"),
                                   std::string("/a/b\\c"),
                                   std::string("/a/b\nc"),
                                   std::string("http://host/a"),
                                   std::string("*"),
                                   "/a/" + std::string(256, 'x')}) {
    CAPTURE(wrong);
    CHECK(parse_url_path(wrong).error() == errc::path_malformed);
  }
  std::string deep = "/a";
  while (deep.size() < 5000) deep += "/" + std::string(200, 'x');
  CHECK(parse_url_path(deep).error() == errc::path_malformed);
}

TEST_CASE("a name is one that a folder can have") {
  CHECK(is_entry_name("a"));
  CHECK(is_entry_name("..."));
  CHECK(is_entry_name(std::string(255, 'a')));
  CHECK(!is_entry_name(std::string(256, 'a')));
  for (const std::string_view wrong : {std::string_view(""), std::string_view("."), std::string_view(".."),
                                       std::string_view("a/b"), std::string_view("/"), std::string_view("a\0b", 3)}) {
    CHECK(!is_entry_name(wrong));
  }
}

}  // namespace url_path_test
