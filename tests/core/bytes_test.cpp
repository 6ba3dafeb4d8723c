// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/bytes.hpp>

#include <doctest/doctest.h>

namespace bytes_test {

using namespace ajar;

TEST_CASE("base32 gives the vectors of RFC 4648 section 10, without padding") {
  CHECK(to_base32(as_bytes("")) == "");
  CHECK(to_base32(as_bytes("f")) == "my");
  CHECK(to_base32(as_bytes("fo")) == "mzxq");
  CHECK(to_base32(as_bytes("foo")) == "mzxw6");
  CHECK(to_base32(as_bytes("foob")) == "mzxw6yq");
  CHECK(to_base32(as_bytes("fooba")) == "mzxw6ytb");
  CHECK(to_base32(as_bytes("foobar")) == "mzxw6ytboi");
}

TEST_CASE("base32 comes back, whatever the case and the dashes") {
  bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  for (std::size_t n = 0; n <= all.size(); ++n) {
    const bytes_view part = bytes_view(all).first(n);
    const auto back = from_base32(to_base32(part));
    REQUIRE(back.has_value());
    CHECK(*back == bytes(part.begin(), part.end()));
  }
  CHECK(from_base32("MZXW-6YTB-OI") == from_base32("mzxw6ytboi"));
}

TEST_CASE("one value has one base32 text") {
  CHECK(!from_base32("mz").has_value());      // the last bits are not zero
  CHECK(!from_base32("mzxw6y").has_value());  // no such length
  CHECK(!from_base32("m1").has_value());
  CHECK(!from_base32("m=").has_value());
}

TEST_CASE("text from elsewhere stays on one line") {
  CHECK(escaped("plain") == "plain");
  CHECK(escaped("a\nb\x1b[0m\\") == "a\\x0ab\\x1b[0m\\x5c");
  CHECK(escaped(std::string(300, 'x')).size() == 259);
}

TEST_CASE("hexadecimal") { CHECK(to_hex(bytes{0, 15, 255}) == "000fff"); }

TEST_CASE("base64 is that of RFC 4648, and one value has one encoding") {
  const std::pair<const char*, const char*> samples[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                         {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : samples) {
    CHECK(to_base64(as_bytes(plain)) == coded);
    const auto back = from_base64(coded);
    REQUIRE(back.has_value());
    CHECK(as_text(*back) == plain);
  }
  bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
  CHECK(from_base64(to_base64(all)) == all);
  for (const char* wrong : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "Zm-v", "=Zm9", "Zg==Zg=="}) {
    CHECK(!from_base64(wrong).has_value());
  }
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  for (const std::string_view good :
       {"", "plain", "Gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(good));
  }
  for (const std::string_view wrong : {"\xff", "\x80", "\xc0\xaf", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xe0\x80\xaf",
                                       "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xe9z"}) {
    CHECK(!is_utf8(wrong));
  }
}

}  // namespace bytes_test
