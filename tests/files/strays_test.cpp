// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/strays.hpp>

#include "../temporary_folder.hpp"

#include <ajar/state/folder.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <algorithm>

namespace strays_test {

using namespace ajar;
using namespace ajar::files;

namespace {

struct place {
  place() : top(destination::open(on.path, false).value()) {}

  // A file that was fetched.
  void fetched(const std::string& name) const {
    const auto path = on.file(name, "content");
    const descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    remember_fetched(file.get(), file_time(std::chrono::seconds(1'500'000'000)));
  }
  void fetched_folder(const std::string& name) const {
    on.folder(name);
    top.set_time(name, file_time(std::chrono::seconds(1'500'000'000)));
  }
  destination_folder_ptr folder(const std::string& inside = "") const { return top.folder(inside).value(); }
  bool there(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(on.path + "/" + name));
  }

  temporary_folder on;
  destination top;
};

// What went, in the order in which it did.
std::vector<std::string> removed(const strays_outcome& of) {
  std::vector<std::string> all;
  for (const auto& one : of.removed) all.push_back(one.path + (one.folder ? "/" : ""));
  return all;
}

std::vector<std::string> sorted(std::vector<std::string> all) {
  std::ranges::sort(all);
  return all;
}

}  // namespace

TEST_CASE("a stray is here and not there, and no half file") {
  place at;
  for (const char* name : {"a", "b", "c"}) at.on.file(name, name);
  at.on.folder("deep");
  at.on.file(".ajar-0123456789abcdef-0123456789abcdef.part", "");
  at.on.file(".ajar-notes", "");
  CHECK(sorted(strays_in(*at.folder(), {"a", "deep", "elsewhere"})) ==
        std::vector<std::string>{".ajar-notes", "b", "c"});
  CHECK(strays_in(*at.folder(), {"a", "b", "c", "deep", ".ajar-notes"}).empty());
  CHECK(strays_in(*destination::look(at.on.path + "/none", true).value().folder("").value(), {}).empty());
}

TEST_CASE("another name of what is there is no stray") {
  place at;
  at.on.file("a", "content");
  std::filesystem::create_hard_link(at.on.path + "/a", at.on.path + "/A");  // as if the file system knew it by both
  CHECK(strays_in(*at.folder(), {"a"}).empty());
  CHECK(strays_in(*at.folder(), {"b"}).size() == 2);
}

TEST_CASE("what was fetched and is unchanged goes, with folders that are empty then") {
  place at;
  at.on.folder("deep/er");
  at.on.folder("own");
  for (const char* name : {"a", "deep/er/b", "deep/er/c", "own/d"}) at.fetched(name);
  at.on.file("own/mine", "never fetched");
  at.on.file("mine", "never fetched");
  at.fetched("changed");
  at.on.file("changed", "since it was fetched");
  const auto done = remove_strays(*at.folder(), at.folder()->names(), {});
  CHECK(sorted(removed(done)) == std::vector<std::string>{"a", "deep/", "deep/er/", "deep/er/b", "deep/er/c", "own/d"});
  CHECK(done.kept == 3);
  CHECK(done.failed.empty());
  CHECK(sorted(at.folder()->names()) == std::vector<std::string>{"changed", "mine", "own"});
  CHECK(at.there("own/mine"));
}

TEST_CASE("an empty folder goes where it was fetched, and stays where its owner made it") {
  place at;
  at.fetched_folder("fetched/deep");
  at.top.set_time("fetched", file_time(std::chrono::seconds(1'500'000'000)));
  at.on.folder("made");
  at.on.file("fetched/deep/.ajar-0123456789abcdef-0123456789abcdef.part", "of what was there once");
  const auto done = remove_strays(*at.folder(), {"fetched", "made", "none"}, {});
  CHECK(removed(done) == std::vector<std::string>{"fetched/deep/", "fetched/"});
  CHECK(done.kept == 1);
  CHECK(at.there("made"));
  CHECK(!at.there("fetched"));
}

TEST_CASE("what is its owner's goes too where that is wanted, but for what no file replaces") {
  place at;
  at.on.folder("made/deep");
  at.on.file("made/deep/mine", "never fetched");
  at.on.folder("odd");
  REQUIRE(::mkfifo((at.on.path + "/odd/fifo").c_str(), 0600) == 0);
  at.on.folder("state");
  REQUIRE(::chmod((at.on.path + "/state").c_str(), 0700) == 0);
  REQUIRE(state::folder::open(at.on.path + "/state").value().load_key().has_value());
  const auto done = remove_strays(*at.folder(), at.folder()->names(), {replaces::any});
  CHECK(removed(done) == std::vector<std::string>{"made/deep/mine", "made/deep/", "made/"});
  CHECK(done.kept == 2);
  CHECK(at.there("odd/fifo"));
  CHECK(at.there("state"));
}

TEST_CASE("no link is followed, and links are their owner's") {
  place at;
  temporary_folder elsewhere;
  elsewhere.file("a", "content");
  const descriptor file(::open((elsewhere.path + "/a").c_str(), O_RDWR | O_CLOEXEC));
  remember_fetched(file.get(), file_time(std::chrono::seconds(1'500'000'000)));
  at.on.link("folder", elsewhere.path);
  at.on.link("file", elsewhere.path + "/a");
  const auto none = remove_strays(*at.folder(), at.folder()->names(), {});
  CHECK(none.removed.empty());
  CHECK(none.kept == 2);
  const auto links = remove_strays(*at.folder(), at.folder()->names(), {replaces::any});
  CHECK(sorted(removed(links)) == std::vector<std::string>{"file", "folder"});
  CHECK(std::filesystem::exists(elsewhere.path + "/a"));
}

TEST_CASE("what is to stay stays with its folders, and is told nowhere") {
  place at;
  at.on.folder("deep/cache");
  for (const char* name : {"deep/a", "deep/cache/b", "deep/c.tmp"}) at.fetched(name);
  stray_rules how;
  how.keeps = [](const std::string& path, bool folder) {
    return (folder && path == "deep/cache") || path.ends_with(".tmp");
  };
  const auto done = remove_strays(*at.folder(), {"deep"}, how);
  CHECK(removed(done) == std::vector<std::string>{"deep/a"});
  CHECK(done.kept == 0);
  CHECK((at.there("deep/cache/b") && at.there("deep/c.tmp")));
}

TEST_CASE("who only wants to know what would go loses nothing") {
  place at;
  at.on.folder("deep");
  at.fetched("deep/a");
  stray_rules how;
  how.dry = true;
  const auto done = remove_strays(*at.folder(), {"deep"}, how);
  CHECK(removed(done) == std::vector<std::string>{"deep/a", "deep/"});
  CHECK(done.removed.front().foreseen);
  CHECK(at.there("deep/a"));
}

TEST_CASE("a folder below what it is told of has its whole path") {
  place at;
  at.on.folder("copy/deep");
  at.fetched("copy/deep/a");
  CHECK(removed(remove_strays(*at.folder("copy"), {"deep"}, {})) ==
        std::vector<std::string>{"copy/deep/a", "copy/deep/"});
}

}  // namespace strays_test
