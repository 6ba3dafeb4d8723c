// SPDX-License-Identifier: BSL-1.0
#include <tools/option_table.hpp>

#include <doctest/doctest.h>

namespace option_table_test {

using namespace tools;

TEST_CASE("letters that differ are counted, a swapped pair as one") {
  CHECK(letters_between("", "") == 0);
  CHECK(letters_between("mode", "mode") == 0);
  CHECK(letters_between("moed", "mode") == 1);
  CHECK(letters_between("modee", "mode") == 1);
  CHECK(letters_between("lisetn", "listen") == 1);
  CHECK(letters_between("", "mode") == 4);
}

TEST_CASE("the nearest key is one that was probably meant, or none") {
  option_table all("ajar-x", "x");
  all.add("listen", "");
  all.add("on-stranger", "");
  all.add("out", "").command_line_only();
  all.add_usual();
  REQUIRE(all.nearest("lisetn"));
  CHECK(all.nearest("lisetn")->name() == "listen");
  CHECK(all.nearest("on_strangers")->name() == "on-stranger");
  CHECK(all.nearest("outt") == nullptr);  // has no place in a file
  CHECK(all.nearest("frobnicate") == nullptr);
  CHECK(all.nearest(std::string(100'000, 'x')) == nullptr);
  CHECK(all.find("listen")->name() == "listen");
  CHECK(all.find("listening") == nullptr);
}

TEST_CASE("the nearest of names is one that was probably meant, or none") {
  const std::vector<std::string> names{"docs", "photos"};
  REQUIRE(nearest_name(names, "photoz"));
  CHECK(*nearest_name(names, "photoz") == "photos");
  CHECK(nearest_name(names, "music") == nullptr);
  CHECK(nearest_name({}, "music") == nullptr);
}

TEST_CASE("on the command line every option and every command counts") {
  option_table all("ajar-x", "x");
  all.command_named("get", "");
  all.add("out", "").command_line_only();
  all.add_usual();
  REQUIRE(all.nearest_said("outt"));
  CHECK(all.nearest_said("outt")->name() == "out");
  CHECK(all.nearest_said("frobnicate") == nullptr);
  REQUIRE(all.nearest_command("gett"));
  CHECK(all.nearest_command("gett")->name == "get");
  CHECK(all.nearest_command("frobnicate") == nullptr);
  REQUIRE(all.find_command("config"));
  CHECK(all.find_command("confi") == nullptr);
}

TEST_CASE("a value is held against its words") {
  const auto one = option("by", "").takes("WAY").one_of({"auto", "outbound", "window"});
  CHECK(one.complaint("auto").empty());
  CHECK(one.complaint("auto,window") == " is auto, outbound, or window");
  CHECK(one.complaint("") == " is auto, outbound, or window");
  const auto some = option("mode", "").takes("WAYS").some_of({"outbound", "window"});
  CHECK(some.complaint("window,outbound").empty());
  CHECK(some.complaint("window,") == " is outbound, window, or outbound,window");
  const auto two = option("on-stranger", "").takes("WHAT").one_of({"close", "open"});
  CHECK(two.complaint("x") == " is close or open");
}

TEST_CASE("a number is held against its bounds") {
  const auto one = option("count", "").takes_number(1, 1000);
  CHECK(one.complaint("1").empty());
  CHECK(one.complaint("1000").empty());
  for (const char* wrong : {"0", "1001", "", "-1", "+1", "1.0", "0x10", "1 ", "99999999999999999999999"}) {
    CHECK_MESSAGE(one.complaint(wrong) == " is a number from 1 to 1000", wrong);
  }
}

TEST_CASE("an option without commands is for all of them") {
  CHECK(option("state", "").is_for("run"));
  const auto one = option("for", "").of({"grant"});
  CHECK(one.is_for("grant"));
  CHECK(!one.is_for("run"));
  CHECK(one.is_for("config"));  // which shows what would be in effect
  CHECK(!option("qr", "").of({"invite"}).command_line_only().is_for("config"));
}

TEST_CASE("words are listed as people do") {
  CHECK(listed({"a"}) == "a");
  CHECK(listed({"a", "b"}) == "a or b");
  CHECK(listed({"a", "b", "c"}, "and") == "a, b, and c");
}

}  // namespace option_table_test
