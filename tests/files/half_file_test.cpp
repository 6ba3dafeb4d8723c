// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/half_file.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <iterator>

namespace half_file_test {

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

// A whole file, fetched.
ajar::result<> fetch(place& at, const std::string& name, const std::string& content, file_facts facts,
                     replaces which = replaces::fetched) {
  facts.size = content.size();
  auto half = half_file::open(at.folder(), name, facts, which);
  if (!half) return ajar::fail(half.error());
  REQUIRE(half->append(ajar::as_bytes(content)).has_value());
  return half->finish(facts.modified);
}

unsigned bits(const std::string& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

struct with_umask {
  explicit with_umask(mode_t mask) : former(::umask(mask)) {}
  with_umask(const with_umask&) = delete;
  with_umask& operator=(const with_umask&) = delete;
  ~with_umask() { ::umask(former); }
  mode_t former;
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
  CHECK(half_file::open(at.folder(), "a", of_size(6)).error() == ajar::errc::destination_busy);
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
  CHECK(half_file::open(at.folder(), "b", of_size(1)).error() == std::errc::is_a_directory);
  std::filesystem::remove(at.on.path + "/b");
  auto other = half_file::open(at.folder(), "b", of_size(1)).value();
  at.on.folder("b");
  CHECK(other.finish({}).error() == std::errc::is_a_directory);
  CHECK(std::filesystem::is_directory(at.on.path + "/b"));
}

TEST_CASE("what was fetched is replaced, and what its owner changed or never fetched is not") {
  place at;
  REQUIRE(fetch(at, "a", "first", of_size(0)).has_value());
  REQUIRE(fetch(at, "a", "second", of_size(0, "\"y\"")).has_value());
  CHECK(at.content("a") == "second");
  at.on.file("a", "own work");
  CHECK(fetch(at, "a", "third", of_size(0)).error() == ajar::errc::destination_changed);
  CHECK(at.content("a") == "own work");
  CHECK(at.entries() == 1);  // nothing was begun
  CHECK(fetch(at, "a", "third", of_size(0), replaces::any).has_value());
  CHECK(at.content("a") == "third");
  at.on.file("b", "never fetched");
  CHECK(fetch(at, "b", "x", of_size(0)).error() == ajar::errc::destination_changed);
  at.on.file("c", "saved by an editor");
  std::filesystem::rename(at.on.path + "/c", at.on.path + "/a");
  CHECK(fetch(at, "a", "fourth", of_size(0)).error() == ajar::errc::destination_changed);
}

TEST_CASE("what is changed while its successor arrives is not replaced either") {
  place at;
  REQUIRE(fetch(at, "a", "first", of_size(0)).has_value());
  auto half = half_file::open(at.folder(), "a", of_size(1)).value();
  REQUIRE(half.append(ajar::as_bytes("x")).has_value());
  at.on.file("a", "own work");
  CHECK(half.finish({}).error() == ajar::errc::destination_changed);
  CHECK(at.content("a") == "own work");
}

TEST_CASE("a file that is replaced keeps its permission bits, and its successor was never open to others") {
  place at;
  const with_umask usual(022);
  REQUIRE(fetch(at, "a", "first", of_size(0)).has_value());
  CHECK(bits(at.on.path + "/a") == 0644);
  for (const unsigned mode : {0600U, 0640U, 0444U, 0664U}) {
    CAPTURE(mode);
    REQUIRE(::chmod((at.on.path + "/a").c_str(), mode) == 0);
    auto half = half_file::open(at.folder(), "a", of_size(1)).value();
    CHECK((bits(at.on.path + "/" + half.temporary()) & 077U & ~mode) == 0);
    REQUIRE(half.append(ajar::as_bytes("x")).has_value());
    REQUIRE(half.finish({}).has_value());
    CHECK(bits(at.on.path + "/a") == mode);
  }
}

TEST_CASE("half a file becomes no wider than the file that it has to replace by now") {
  place at;
  const with_umask usual(022);
  {
    REQUIRE(half_file::open(at.folder(), "a", of_size(6)).value().append(ajar::as_bytes("abc")).has_value());
  }
  at.on.file("a", "own");
  REQUIRE(::chmod((at.on.path + "/a").c_str(), 0600) == 0);
  auto half = half_file::open(at.folder(), "a", of_size(6), replaces::any).value();
  CHECK(half.size() == 3);
  CHECK(bits(at.on.path + "/" + half.temporary()) == 0600);
}

TEST_CASE("a program can be run, by whom the umask lets") {
  place at;
  auto program = of_size(0);
  program.executable = true;
  {
    const with_umask usual(022);
    REQUIRE(fetch(at, "a", "1", program).has_value());
    CHECK(bits(at.on.path + "/a") == 0755);
    REQUIRE(fetch(at, "a", "22", of_size(0)).has_value());
    CHECK(bits(at.on.path + "/a") == 0644);
    REQUIRE(::chmod((at.on.path + "/a").c_str(), 0600) == 0);
    REQUIRE(fetch(at, "a", "333", program).has_value());
    CHECK(bits(at.on.path + "/a") == 0700);
  }
  const with_umask strict(077);
  REQUIRE(fetch(at, "b", "1", program).has_value());
  CHECK(bits(at.on.path + "/b") == 0700);
}

TEST_CASE("a file that arrives is put on the disk now and then") {
  place at;
  auto half = half_file::open(at.folder(), "a", of_size(1 << 30)).value();
  const ajar::bytes piece(8 * 1024 * 1024, 0);
  for (int i = 0; i < 7; ++i) REQUIRE(half.append(piece).has_value());
  CHECK(!half.wants_sync());
  REQUIRE(half.append(piece).has_value());
  CHECK(half.wants_sync());
  REQUIRE(half.sync().has_value());
  CHECK(!half.wants_sync());
  REQUIRE(half.truncate().has_value());
  CHECK(!half.wants_sync());
}

TEST_CASE("a time that the file system does not keep is known again") {
  place at;
  auto facts = of_size(3);
  facts.modified = nearest_time(-8'999'999'999, 5);  // most file systems begin at 1901 or 1970
  REQUIRE(fetch(at, "a", "abc", facts).has_value());
  CHECK(at.folder()->has("a", facts));
  facts.modified += std::chrono::seconds(1);
  CHECK(!at.folder()->has("a", facts));
}

TEST_CASE("zeros are told from others by blocks of the file, or what there is of one") {
  ajar::bytes octets(10'000, 0);
  CHECK(next_run(0, octets) == octet_run{10'000, true});
  octets[5000] = 1;
  CHECK(next_run(0, octets) == octet_run{4096, true});
  CHECK(next_run(4096, ajar::bytes_view(octets).subspan(4096)) == octet_run{4096, false});
  CHECK(next_run(8192, ajar::bytes_view(octets).subspan(8192)) == octet_run{1808, true});
  CHECK(next_run(4000, octets) == octet_run{96 + 4096, true});
  octets[0] = 1;
  CHECK(next_run(1, octets) == octet_run{4095 + 4096, false});
  CHECK(next_run(7, ajar::bytes_view(octets).first(1)) == octet_run{1, false});
  CHECK(next_run(0, {}) == octet_run{0, false});
}

TEST_CASE("a sparse file stays one, in whatever pieces it comes") {
  place at;
  std::string content(3'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); i += 1'000'000) content.replace(i, 5, "octet");
  auto half = half_file::open(at.folder(), "a", of_size(content.size())).value();
  for (std::size_t i = 0; i < content.size(); i += 16'383) {
    REQUIRE(half.append(ajar::as_bytes(std::string_view(content).substr(i, 16'383))).has_value());
    CHECK(half.size() == std::filesystem::file_size(at.on.path + "/" + half.temporary()));
  }
  REQUIRE(half.finish({}).has_value());
  CHECK(at.content("a") == content);
  const auto zeros = at.on.file("zeros", "");
  std::filesystem::resize_file(zeros, 3'000'000);
  struct stat status{};
  REQUIRE(::stat(zeros.c_str(), &status) == 0);
  if (status.st_blocks > 100) {
    MESSAGE("skipped: no holes here");
    return;
  }
  REQUIRE(::stat((at.on.path + "/a").c_str(), &status) == 0);
  CHECK(status.st_blocks < 200);  // three blocks, by 512 octets each
}

}  // namespace half_file_test
