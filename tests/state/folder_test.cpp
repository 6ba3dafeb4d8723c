// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/folder.hpp>

#include <doctest/doctest.h>

#include <sys/file.h>
#include <sys/syscall.h>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../temporary_folder.hpp"

namespace folder_test {

using namespace ajar;
using namespace ajar::identity;
using namespace ajar::state;

namespace {

std::atomic<std::set<ino_t>*> synced = nullptr;  // whatever is, while somebody asks

// Each in a thread of its own, and all at once.
template <class What>
void all_at_once(int count, const What& one) {
  std::atomic<int> ready = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < count; ++i) {
    all.emplace_back([&, i] {
      for (++ready; ready < count;) std::this_thread::yield();
      one(i);
    });
  }
  for (auto& each : all) each.join();
}

void damage(const std::string& file, const std::string& content) { std::ofstream(file) << content; }

}  // namespace

// In the libc's place: which folders are durable is seen nowhere else.
extern "C" int fsync(int file) {
  struct stat status{};
  if (auto* const all = synced.load(); all && ::fstat(file, &status) == 0) all->insert(status.st_ino);
  return static_cast<int>(::syscall(SYS_fsync, file));
}

TEST_CASE("a key is made once, kept for its owner alone, and found again") {
  temporary_folder temporary;
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

TEST_CASE("a node goes over to another key: both are there until that one is used, then that one is") {
  const temporary_folder at;
  const auto state = folder::open(at.path).value();
  const auto before = state.load_key().value().id();
  CHECK_FALSE(state.successor().value());
  const auto next = state.load_successor().value().id();
  CHECK(next != before);
  CHECK(state.load_successor().value().id() == next);
  CHECK(state.successor().value()->id() == next);
  CHECK(state.load_key().value().id() == before);
  REQUIRE(state.use_successor());
  CHECK(state.load_key().value().id() == next);
  CHECK_FALSE(state.successor().value());
  CHECK(state.use_successor().error() == std::errc::no_such_file_or_directory);
  CHECK(state.load_key().value().id() == next);
}

TEST_CASE("a node that has gone over keeps the key of before until it forgets it") {
  const temporary_folder at;
  const auto state = folder::open(at.path).value();
  CHECK(state.go_over().error() == errc::state_damaged);  // from no key
  const auto before = state.load_key().value().id();
  CHECK(state.go_over().error() == errc::state_damaged);  // to none
  const auto next = state.load_successor().value().id();
  REQUIRE(state.go_over());
  CHECK(state.load_key().value().id() == next);
  CHECK(state.former().value()->id() == before);
  CHECK_FALSE(state.successor().value());
  REQUIRE(state.forget_former());
  CHECK_FALSE(state.former().value());
  CHECK(state.forget_former());
  CHECK(state.load_key().value().id() == next);
}

TEST_CASE("a node that was stopped while it went over goes on, and has its key meanwhile") {
  const temporary_folder at;
  const auto state = folder::open(at.path).value();
  const auto before = state.load_key().value().id();
  const auto next = state.load_successor().value().id();
  std::filesystem::copy_file(at.path + "/key", at.path + "/key.former");  // so far it came
  CHECK_FALSE(state.former().value());
  CHECK(state.load_key().value().id() == before);
  CHECK(state.load_successor().value().id() == next);
  REQUIRE(state.go_over());
  CHECK(state.former().value()->id() == before);
  CHECK(state.load_key().value().id() == next);
}

TEST_CASE("wider permissions are refused") {
  temporary_folder temporary;
  auto state = folder::open(temporary.path).value();
  REQUIRE(state.load_key().has_value());
  ::chmod((temporary.path + "/key").c_str(), 0640);
  CHECK(state.load_key().error() == errc::state_permissions);
  ::chmod(temporary.path.c_str(), 0750);
  CHECK(folder::open(temporary.path).error() == errc::state_permissions);
  ::chmod(temporary.path.c_str(), 0700);
}

TEST_CASE("a damaged key is refused and stays as it is") {
  temporary_folder temporary;
  auto state = folder::open(temporary.path).value();
  REQUIRE(state.load_key().has_value());
  for (const char* content : {"", "ajar-key/1 \n", "ajar-key/2 aaaa\n", "rubbish", "ajar-key/1 aaaaaaaa\n"}) {
    damage(temporary.path + "/key", content);
    CHECK(state.load_key().error() == errc::key_malformed);
    CHECK(as_text(state.read("key").value().value()) == content);
  }
}

TEST_CASE("logins count up, also over a restart, and damage is told") {
  temporary_folder temporary;
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
  temporary_folder temporary;
  auto state = folder::open(temporary.path).value();
  {
    auto held = state.try_lock();
    REQUIRE(held.has_value());
    CHECK(state.try_lock().error() == errc::would_block);
  }
  CHECK(state.try_lock().has_value());
}

TEST_CASE("a folder that cannot be is unusable") {
  temporary_folder temporary;
  damage(temporary.path + "/file", "x");
  CHECK(folder::open(temporary.path + "/file").error() == errc::state_unusable);
  CHECK(folder::open(temporary.path + "/file/below").error() == errc::state_unusable);
}

TEST_CASE("a file is forgotten, and forgetting it again is harmless") {
  temporary_folder temporary;
  const auto state = folder::open(temporary.path).value();
  REQUIRE(state.write("one", as_bytes("1")));
  CHECK(state.remove("one"));
  CHECK(!state.read("one").value());
  CHECK(state.remove("one"));
  std::filesystem::create_directory(temporary.path + "/folder");
  CHECK(!state.remove("folder"));
}

TEST_CASE("links are not followed and files are listed by their ending") {
  temporary_folder temporary;
  auto state = folder::open(temporary.path).value();
  REQUIRE(state.write("b.grant", as_bytes("2")).has_value());
  REQUIRE(state.write("a.grant", as_bytes("1")).has_value());
  REQUIRE(state.write("c.other", as_bytes("3")).has_value());
  CHECK(state.list(".grant").value() == std::vector<std::string>{"a.grant", "b.grant"});
  std::filesystem::create_symlink("a.grant", temporary.path + "/link");
  CHECK(!state.read("link").has_value());
}

TEST_CASE("of those who make a key at the same moment one does, and all have it") {
  for (int round = 0; round < 20; ++round) {
    temporary_folder temporary;
    std::vector<std::string> found(8);
    all_at_once(8, [&](int i) {
      const auto key = folder::open(temporary.path + "/new/state").value().load_key();
      if (key) found[static_cast<std::size_t>(i)] = to_string(key->id());
    });
    CHECK(!found[0].empty());
    CHECK(std::ranges::count(found, found[0]) == 8);
  }
}

TEST_CASE("a file is made where there is none, and stays where there is one") {
  temporary_folder temporary;
  const auto state = folder::open(temporary.path).value();
  CHECK(state.create("one", as_bytes("first")).value());
  CHECK(!state.create("one", as_bytes("second")).value());
  CHECK(as_text(state.read("one").value().value()) == "first");
  CHECK(std::distance(std::filesystem::directory_iterator(temporary.path), {}) == 1);
}

TEST_CASE("who looks and then writes is alone meanwhile") {
  temporary_folder temporary;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  all_at_once(4, [&](int) {
    const auto state = folder::open(temporary.path).value();
    for (int i = 0; i < 50; ++i) {
      const auto alone = state.alone();
      most = std::max(most.load(), ++inside);
      --inside;
    }
  });
  CHECK(most == 1);
}

TEST_CASE("whoever waits for his turn gets it, or is told at once where he has no patience") {
  const temporary_folder at;
  const auto state = folder::open(at.path).value();
  auto held = std::make_optional(state.alone().value());
  auto other = folder::open(at.path).value();
  other.wait_at_most(std::chrono::milliseconds(0));
  CHECK(other.alone().error() == errc::server_busy);
  std::atomic<bool> waits = false;
  std::atomic<bool> got = false;
  std::thread waiter([&] {
    const auto patient = folder::open(at.path).value();
    waits = true;
    got = patient.alone().has_value();
  });
  while (!waits) std::this_thread::yield();
  held.reset();
  waiter.join();
  CHECK(got);
  CHECK(other.alone());
}

TEST_CASE("what a process that was killed had begun to write is gone at the next start") {
  temporary_folder temporary;
  const auto left = temporary.path + "/.key.0123456789abcdef";
  const auto other = temporary.path + "/.key.0123456789abcdeg";
  const auto written = temporary.path + "/.login.00112233445566aa";
  for (const auto& one : {left, other, written}) damage(one, "half");
  const descriptor writing(::open(written.c_str(), O_RDONLY));
  REQUIRE(::flock(writing.get(), LOCK_EX) == 0);  // somebody is still at it
  REQUIRE(folder::open(temporary.path));
  CHECK(!std::filesystem::exists(left));
  CHECK(std::filesystem::exists(other));
  CHECK(std::filesystem::exists(written));
}

TEST_CASE("writing goes on while others start") {
  temporary_folder temporary;
  std::atomic<int> failed = 0;
  all_at_once(4, [&](int i) {
    for (int n = 0; n < 50; ++n) {
      const auto state = folder::open(temporary.path);
      if (!state || !state->write(std::to_string(i), as_bytes("x"))) ++failed;
    }
  });
  CHECK(failed == 0);
}

TEST_CASE("a folder that was made lasts, with those above it") {
  temporary_folder temporary;
  const auto inode = [](const std::string& path) {
    struct stat status{};
    ::stat(path.c_str(), &status);
    return status.st_ino;
  };
  std::set<ino_t> seen;
  synced = &seen;
  const auto made = folder::open(temporary.path + "/above/state/");
  synced = nullptr;
  REQUIRE(made);
  CHECK(seen == std::set<ino_t>{inode(temporary.path), inode(temporary.path + "/above")});
}

}  // namespace folder_test
