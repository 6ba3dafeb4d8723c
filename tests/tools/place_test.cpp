// SPDX-License-Identifier: BSL-1.0
#include <client/place.hpp>

#include <doctest/doctest.h>

namespace place_test {

using namespace tools;
using ajar::files::share_path;

TEST_CASE("a place is a server, a share and what is in it") {
  CHECK(parse_place("home").value() == remote_place{"home", share_path{"", "", true}});
  CHECK(parse_place("home:").value() == remote_place{"home", share_path{"", "", true}});
  CHECK(parse_place("home:notes").value() == remote_place{"home", share_path{"notes", "", false}});
  CHECK(parse_place("home:notes/").value() == remote_place{"home", share_path{"notes", "", true}});
  CHECK(parse_place("home:photos/2004/a b%20.jpg").value() ==
        remote_place{"home", share_path{"photos", "2004/a b%20.jpg", false}});
  CHECK(parse_place("home:photos/2004/").value() == remote_place{"home", share_path{"photos", "2004", true}});
  CHECK(parse_place("home:photos/a:b").value().at.inside == "a:b");
  CHECK(parse_place("home:photos/\xff").value().at.inside == "\xff");
}

TEST_CASE("what is no place is refused before anybody is dialled") {
  for (const std::string& words :
       {std::string(""), std::string(":a"), std::string("home:/etc/passwd"), std::string("home:../a"),
        std::string("home:-a"), std::string("home:a b"), std::string("home:a//b"), std::string("home:a//"),
        std::string("home:a/../b"), std::string("home:a/.."), std::string("home:a/./b"),
        "home:a/" + std::string(256, 'x'), std::string("home:a/b\0c", 10)}) {
    CAPTURE(words);
    CHECK(!parse_place(words).has_value());
  }
}

TEST_CASE("a place has the name of its last part") {
  CHECK(name_of(parse_place("home:notes").value()) == "notes");
  CHECK(name_of(parse_place("home:photos/2004/").value()) == "2004");
  CHECK(name_of(parse_place("home:photos/2004/a").value()) == "a");
}

TEST_CASE("a single file goes into a folder, or to a name") {
  CHECK(decide_destination("dest", there::folder, 1, false).value() == chosen_destination{"dest", false, std::nullopt});
  CHECK(decide_destination("dest/", there::folder, 1, false).value() ==
        chosen_destination{"dest", false, std::nullopt});
  CHECK(decide_destination("dest/", there::nothing, 1, false).value() ==
        chosen_destination{"dest", true, std::nullopt});
  CHECK(decide_destination("dest", there::nothing, 1, false).value() == chosen_destination{".", false, "dest"});
  CHECK(decide_destination("dest", there::file, 1, false).value() == chosen_destination{".", false, "dest"});
  CHECK(decide_destination("a/b/c", there::nothing, 1, false).value() == chosen_destination{"a/b", false, "c"});
  CHECK(decide_destination("/c", there::nothing, 1, false).value() == chosen_destination{"/", false, "c"});
  CHECK(decide_destination(".", there::folder, 1, false).value() == chosen_destination{".", false, std::nullopt});
  CHECK(decide_destination("/", there::folder, 1, false).value() == chosen_destination{"/", false, std::nullopt});
}

TEST_CASE("a folder, or several, go into a folder that is made where it is not there") {
  CHECK(decide_destination("dest", there::nothing, 1, true).value() == chosen_destination{"dest", true, std::nullopt});
  CHECK(decide_destination("dest", there::folder, 1, true).value() == chosen_destination{"dest", false, std::nullopt});
  CHECK(decide_destination("a/dest//", there::nothing, 2, false).value() ==
        chosen_destination{"a/dest", true, std::nullopt});
  CHECK(!decide_destination("dest", there::file, 1, true).has_value());
  CHECK(!decide_destination("dest", there::file, 2, false).has_value());
  CHECK(!decide_destination("dest/", there::file, 1, false).has_value());
  for (const auto what : {there::stream, there::other}) {
    CHECK(!decide_destination("dest", what, 1, true).has_value());
    CHECK(!decide_destination("dest", what, 2, false).has_value());
    CHECK(!decide_destination("dest", what, 1, false).has_value());  // never replaced
  }
}

TEST_CASE("what can be no destination is refused") {
  CHECK(!decide_destination("", there::nothing, 1, false).has_value());
  CHECK(!decide_destination("a/..", there::nothing, 1, false).has_value());
  CHECK(!decide_destination("a/" + std::string(256, 'x'), there::nothing, 1, false).has_value());
}

TEST_CASE("two sources with one name are told") {
  const auto of = [](const std::vector<std::string>& words) {
    std::vector<remote_place> all;
    for (const auto& one : words) all.push_back(parse_place(one).value());
    return name_twice(all);
  };
  CHECK(of({"home:a/x", "home:b/x"}) == "x");
  CHECK(of({"home:a", "home:b/a"}) == "a");
  CHECK(!of({"home:a/x", "home:a/y", "home:b/x/"}).has_value());
}

}  // namespace place_test
