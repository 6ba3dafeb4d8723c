// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/destination.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

using namespace ajar::files;

TEST_CASE("folders are made below the destination") {
  temporary_folder on;
  const auto top = destination::open(on.path + "/dest", true).value();
  const auto folder = top.folder("a/b/c").value();
  CHECK(std::filesystem::is_directory(on.path + "/dest/a/b/c"));
  CHECK(folder->inside() == "a/b/c");
  CHECK(top.folder("a/b").has_value());
  CHECK(top.folder("").value()->inside().empty());
}

TEST_CASE("a destination whose parent is not there, or that is a file, is refused") {
  temporary_folder on;
  on.file("file", "");
  CHECK(destination::open(on.path + "/none/dest", true).error() == std::errc::no_such_file_or_directory);
  CHECK(destination::open(on.path + "/none", false).error() == std::errc::no_such_file_or_directory);
  CHECK(destination::open(on.path + "/file", true).error() == std::errc::not_a_directory);
}

TEST_CASE("no link below the destination is followed, wherever it leads") {
  temporary_folder on;
  on.folder("elsewhere");
  on.folder("dest/real");
  on.link("dest/out", on.path + "/elsewhere");
  on.link("dest/in", "real");
  on.link("dest/real/up", "../../elsewhere");
  on.file("dest/file", "");
  const auto top = destination::open(on.path + "/dest", false).value();
  for (const char* way : {"out", "out/deeper", "in", "in/deeper", "real/up", "real/up/deeper", "file", "file/deeper"}) {
    CAPTURE(way);
    CHECK(!top.folder(way).has_value());
  }
  CHECK(std::filesystem::is_empty(on.path + "/elsewhere"));
}

TEST_CASE("names that are none are refused at the last moment too") {
  temporary_folder on;
  const auto top = destination::open(on.path, false).value();
  for (const char* way : {"..", "a/..", ".", "a//b", "/etc"}) {
    CHECK(top.folder(way).error() == ajar::errc::name_escapes);
  }
}

TEST_CASE("a file that has size and time of the one there is the one there") {
  temporary_folder on;
  on.file("a", "12345");
  on.link("link", "a");
  const auto folder = destination::open(on.path, false).value().folder("").value();
  struct stat status{};
  REQUIRE(::stat((on.path + "/a").c_str(), &status) == 0);
  auto facts = facts_of(status);
  CHECK(folder->has("a", facts));
  CHECK(!folder->has("link", facts));
  CHECK(!folder->has("b", facts));
  facts.size = 6;
  CHECK(!folder->has("a", facts));
  facts.size = 5;
  facts.modified += std::chrono::nanoseconds(1);
  CHECK(!folder->has("a", facts));
}
