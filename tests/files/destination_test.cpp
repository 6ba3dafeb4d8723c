// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/destination.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <iterator>

namespace destination_test {

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

TEST_CASE("a folder gets its time, and nothing is made or reached through a link for it") {
  temporary_folder on;
  on.folder("elsewhere");
  on.folder("dest/a/b");
  on.link("dest/out", on.path + "/elsewhere");
  const auto modified = [](const std::string& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return facts_of(status).modified;
  };
  const auto top = destination::open(on.path + "/dest", false).value();
  const auto before = modified(on.path + "/elsewhere");
  const file_time then(std::chrono::nanoseconds(1'500'000'000'123'456'789));
  for (const char* inside : {"a/b", "out", "none", "none/none", "../elsewhere"}) top.set_time(inside, then);
  CHECK(modified(on.path + "/dest/a/b") == then);
  CHECK(modified(on.path + "/elsewhere") == before);
  CHECK(!std::filesystem::exists(on.path + "/dest/none"));
  destination::look(on.path + "/none", true).value().set_time("a", then);
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

TEST_CASE("times are cut to what a file system keeps") {
  using namespace std::chrono_literals;
  const auto at = [](std::chrono::nanoseconds since) { return file_time(since); };
  CHECK(cut_to(1ns, at(5s + 123456789ns)) == at(5s + 123456789ns));
  CHECK(cut_to(100ns, at(5s + 123456789ns)) == at(5s + 123456700ns));
  CHECK(cut_to(10ms, at(5s + 123456789ns)) == at(5s + 120ms));
  CHECK(cut_to(1s, at(5s + 123456789ns)) == at(5s));
  CHECK(cut_to(2s, at(5s + 123456789ns)) == at(4s));
  CHECK(cut_to(1s, at(-5s - 1ns)) == at(-6s));
}

TEST_CASE("what only looks like a time that was cut is another file, where none is cut") {
  temporary_folder on;
  const auto path = on.file("a", "12345");
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  struct stat status{};
  timespec times[2] = {{0, UTIME_OMIT}, {1'500'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  REQUIRE(::stat(path.c_str(), &status) == 0);
  auto facts = facts_of(status);
  const auto folder = destination::open(on.path, false).value().folder("").value();
  CHECK(folder->has("a", facts));
  facts.modified += std::chrono::nanoseconds(123'456'789);
  CHECK(!folder->has("a", facts));
  CHECK(std::distance(std::filesystem::directory_iterator(on.path), {}) == 1);  // what it asked by is gone
}

TEST_CASE("nothing is made where one only looks") {
  temporary_folder on;
  on.folder("there");
  on.file("there/a", "x");
  const auto top = destination::look(on.path + "/none", true).value();
  CHECK(top.folder("a/b").value()->admits("c", replaces::fetched).has_value());
  CHECK(destination::look(on.path + "/none", false).error() == std::errc::no_such_file_or_directory);
  CHECK(destination::look(on.path + "/none/none", true).error() == std::errc::no_such_file_or_directory);
  const auto other = destination::look(on.path, true).value();
  CHECK(other.folder("none").has_value());
  CHECK(other.folder("there").value()->admits("a", replaces::fetched).error() == ajar::errc::destination_changed);
  CHECK(std::distance(std::filesystem::directory_iterator(on.path), {}) == 1);
}

}  // namespace destination_test
