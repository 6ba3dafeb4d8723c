// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/folder.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace ajar;
using namespace ajar::identity;
using namespace ajar::state;

namespace {

struct temporary_place {
  temporary_place() {
    char name[] = "/tmp/ajar-state-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~temporary_place() { std::filesystem::remove_all(path); }
  std::string path;
};

void damage(const std::string& file, const std::string& content) { std::ofstream(file) << content; }

}  // namespace

TEST_CASE("a key is made once, kept for its owner alone, and found again") {
  temporary_place temporary;
  const auto where = temporary.path + "/deep/state";
  const auto first = folder::open(where).value().load_key().value();
  const auto second = folder::open(where).value().load_key().value();
  CHECK(first.id() == second.id());
  struct stat status{};
  REQUIRE(::stat((where + "/key").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat(where.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("wider permissions are refused") {
  temporary_place temporary;
  auto state = folder::open(temporary.path).value();
  REQUIRE(state.load_key().has_value());
  ::chmod((temporary.path + "/key").c_str(), 0640);
  CHECK(state.load_key().error() == errc::state_permissions);
  ::chmod(temporary.path.c_str(), 0750);
  CHECK(folder::open(temporary.path).error() == errc::state_permissions);
  ::chmod(temporary.path.c_str(), 0700);
}

TEST_CASE("a damaged key is refused and stays as it is") {
  temporary_place temporary;
  auto state = folder::open(temporary.path).value();
  REQUIRE(state.load_key().has_value());
  for (const char* content : {"", "ajar-key/1 \n", "ajar-key/2 aaaa\n", "rubbish", "ajar-key/1 aaaaaaaa\n"}) {
    damage(temporary.path + "/key", content);
    CHECK(state.load_key().error() == errc::key_malformed);
    CHECK(as_text(state.read("key").value().value()) == content);
  }
}

TEST_CASE("logins count up, also over a restart, and damage is told") {
  temporary_place temporary;
  CHECK(folder::open(temporary.path).value().next_login().value() == 1);
  auto state = folder::open(temporary.path).value();
  CHECK(state.next_login().value() == 2);
  CHECK(state.next_login().value() == 3);
  for (const char* content : {"", "x\n", "12", "99999999999999999999999\n"}) {
    damage(temporary.path + "/login", content);
    CHECK(state.next_login().error() == errc::state_damaged);
  }
}

TEST_CASE("one process at a time holds the lock") {
  temporary_place temporary;
  auto state = folder::open(temporary.path).value();
  {
    auto held = state.try_lock();
    REQUIRE(held.has_value());
    CHECK(state.try_lock().error() == errc::would_block);
  }
  CHECK(state.try_lock().has_value());
}

TEST_CASE("a folder that cannot be is unusable") {
  temporary_place temporary;
  damage(temporary.path + "/file", "x");
  CHECK(folder::open(temporary.path + "/file").error() == errc::state_unusable);
  CHECK(folder::open(temporary.path + "/file/below").error() == errc::state_unusable);
}

TEST_CASE("a file is forgotten, and forgetting it again is harmless") {
  temporary_place temporary;
  const auto state = folder::open(temporary.path).value();
  REQUIRE(state.write("one", as_bytes("1")));
  CHECK(state.remove("one"));
  CHECK(!state.read("one").value());
  CHECK(state.remove("one"));
  std::filesystem::create_directory(temporary.path + "/folder");
  CHECK(!state.remove("folder"));
}

TEST_CASE("links are not followed and files are listed by their ending") {
  temporary_place temporary;
  auto state = folder::open(temporary.path).value();
  REQUIRE(state.write("b.grant", as_bytes("2")).has_value());
  REQUIRE(state.write("a.grant", as_bytes("1")).has_value());
  REQUIRE(state.write("c.other", as_bytes("3")).has_value());
  CHECK(state.list(".grant").value() == std::vector<std::string>{"a.grant", "b.grant"});
  std::filesystem::create_symlink("a.grant", temporary.path + "/link");
  CHECK(!state.read("link").has_value());
}
