// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/admission.hpp>

#include <doctest/doctest.h>
#include <algorithm>

namespace admission_test {

using namespace ajar;
using ajar::identity::peer_id;
using ajar::switchboard::admission;

namespace {

peer_id peer(std::uint8_t number) {
  peer_id::octets_type octets{};
  octets.fill(number);
  return peer_id(octets);
}

}  // namespace

TEST_CASE("an open central admits every server") {
  const auto all = admission::open();
  CHECK(all.is_open());
  CHECK(all.admits(peer(1)));
  CHECK(all.admits(peer(2)));
  CHECK(all.size() == 0);
}

TEST_CASE("a central with a list admits the servers on it and no others") {
  const auto some = admission::of({peer(1), peer(2)});
  CHECK(!some.is_open());
  CHECK(some.admits(peer(1)));
  CHECK(some.admits(peer(2)));
  CHECK(!some.admits(peer(3)));
  CHECK(some.size() == 2);
  CHECK(!admission().admits(peer(1)));
}

TEST_CASE("an empty list admits nobody, and is not an open central") {
  for (const char* text : {"", "\n", "# none yet\n\n  \t\r\n", "#"}) {
    const auto none = admission::parse(text);
    REQUIRE(none.has_value());
    CHECK(none->size() == 0);
    CHECK(!none->is_open());
    CHECK(!none->admits(peer(1)));
  }
}

TEST_CASE("a list has an id a line, with comments, blanks and the line ends of any system") {
  auto upper = to_string(peer(3));
  std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
  const auto text = "# the servers\r\n\r\n" + to_string(peer(1)) + "\r\n  " + to_string(peer(2)) + "\t# the photos\n" +
                    upper + "#again\n" + to_string(peer(1)) + "\n" + to_string(peer(4));  // and no end of the line
  const auto some = admission::parse(text);
  REQUIRE(some.has_value());
  CHECK(some->size() == 4);
  for (std::uint8_t number = 1; number <= 4; ++number) CHECK(some->admits(peer(number)));
  CHECK(!some->admits(peer(5)));
  const auto marked = admission::parse("\xef\xbb\xbf" + text);  // as editors of other systems begin a text
  REQUIRE(marked.has_value());
  CHECK(marked->size() == 4);
  CHECK(admission::parse("\xef\xbb\xbf" + to_string(peer(1))).value().admits(peer(1)));
  CHECK(!admission::parse(to_string(peer(1)) + "\n\xef\xbb\xbf" + to_string(peer(2))).has_value());
}

TEST_CASE("a mistake in a list is told with its line, and nothing of the list counts") {
  const auto mistake = [](const std::string& text) { return admission::parse(text).error(); };
  const auto good = to_string(peer(1));
  CHECK(mistake("nonsense").line == 1);
  CHECK(mistake("nonsense").why == errc::peer_id_malformed);
  CHECK(mistake("# one\n\n" + good + "\n" + good + "x\n").line == 4);
  CHECK(mistake(good + " " + good).line == 1);
  CHECK(mistake(good + "\n" + good.substr(1)).line == 2);
  CHECK(mistake(std::string(100'000, 'a')).line == 1);
}

}  // namespace admission_test
