// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/half_file.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

#include <iterator>

using namespace ajar::files;

namespace {

file_facts of_size(std::uint64_t size, const std::string& tag = "\"x\"") {
  file_facts made;
  made.kind = entry_kind::file;
  made.size = size;
  made.modified = file_time(std::chrono::nanoseconds(1'500'000'000'123'456'789));
  made.etag = tag;
  return made;
}

struct place {
  place() : top(destination::open(on.path, false).value()) {}
  // A folder is opened once in a run; what is left over was left before.
  destination_folder_ptr folder() const { return top.folder("").value(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(on.path), {}));
  }
  std::string content(const std::string& name) const {
    std::ifstream file(on.path + "/" + name, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }

  temporary_folder on;
  destination top;
};

}  // namespace

TEST_CASE("a file has its name only when it is whole, with its time") {
  place at;
  auto half = half_file::open(at.folder(), "a", of_size(6)).value();
  REQUIRE(half.append(ajar::as_bytes("abc")).has_value());
  CHECK(!std::filesystem::exists(at.on.path + "/a"));
  REQUIRE(half.append(ajar::as_bytes("def")).has_value());
  REQUIRE(half.finish(of_size(6).modified).has_value());
  CHECK(at.content("a") == "abcdef");
  CHECK(at.entries() == 1);
  CHECK(at.folder()->has("a", of_size(6)));
}

TEST_CASE("half a file is gone on with, if the file is still the same") {
  place at;
  {
    auto half = half_file::open(at.folder(), "a", of_size(6)).value();
    REQUIRE(half.append(ajar::as_bytes("abc")).has_value());
  }
  {
    auto again = half_file::open(at.folder(), "a", of_size(6)).value();
    CHECK(again.size() == 3);
    REQUIRE(again.append(ajar::as_bytes("def")).has_value());
    CHECK(again.size() == 6);
  }
  {
    auto changed = half_file::open(at.folder(), "a", of_size(6, "\"y\"")).value();
    CHECK(changed.size() == 0);
    CHECK(at.entries() == 1);  // the half of the former one is gone
  }
  {
    auto shorter = half_file::open(at.folder(), "a", of_size(6, "\"y\"")).value();
    REQUIRE(shorter.append(ajar::as_bytes("abcdef")).has_value());
  }
  CHECK(half_file::open(at.folder(), "a", of_size(5, "\"y\"")).value().size() == 0);
}

TEST_CASE("halves of other files stay") {
  place at;
  {
    REQUIRE(half_file::open(at.folder(), "a", of_size(6)).value().append(ajar::as_bytes("abc")).has_value());
  }
  CHECK(half_file::open(at.folder(), "b", of_size(6)).value().size() == 0);
  CHECK(half_file::open(at.folder(), "a", of_size(6)).value().size() == 3);
}

TEST_CASE("two processes do not write one file") {
  place at;
  auto half = half_file::open(at.folder(), "a", of_size(6)).value();
  CHECK(half_file::open(at.folder(), "a", of_size(6)).error() == std::errc::device_or_resource_busy);
  CHECK(half_file::open(at.folder(), "a", of_size(6, "\"y\"")).has_value());  // and what is in use is not removed
  REQUIRE(half.append(ajar::as_bytes("abcdef")).has_value());
  CHECK(half.finish({}).has_value());
}

TEST_CASE("what somebody planted under the name of a half file is not written to") {
  place at;
  std::string called;
  {
    called = half_file::open(at.folder(), "a", of_size(6)).value().temporary();
  }
  const auto path = at.on.path + "/" + called;
  const auto victim = at.on.file("victim", "precious");
  const auto good = [&] {
    auto half = half_file::open(at.folder(), "a", of_size(6)).value();
    CHECK(half.size() == 0);
    REQUIRE(half.append(ajar::as_bytes("abc")).has_value());
    CHECK(at.content("victim") == "precious");
  };
  std::filesystem::remove(path);
  std::filesystem::create_symlink("victim", path);
  good();
  std::filesystem::remove(path);
  std::filesystem::create_hard_link(victim, path);
  good();
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  good();
}

TEST_CASE("a link in the place of the file is replaced, and a folder is not") {
  place at;
  at.on.file("victim", "precious");
  at.on.link("a", "victim");
  at.on.folder("b");
  auto half = half_file::open(at.folder(), "a", of_size(1)).value();
  REQUIRE(half.append(ajar::as_bytes("x")).has_value());
  CHECK(half.finish({}).has_value());
  CHECK(at.content("a") == "x");
  CHECK(at.content("victim") == "precious");
  auto other = half_file::open(at.folder(), "b", of_size(1)).value();
  CHECK(other.finish({}).error() == std::errc::is_a_directory);
  CHECK(std::filesystem::is_directory(at.on.path + "/b"));
}
