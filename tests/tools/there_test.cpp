// SPDX-License-Identifier: BSL-1.0
#include <client/there.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <cstring>

namespace there_test {

using namespace tools;

TEST_CASE("what stands at a destination is known by what it is") {
  temporary_folder on;
  on.folder("folder");
  on.file("file", "x");
  on.link("to-file", "file");
  on.link("to-nothing", "nowhere");
  on.link("to-null", "/dev/null");
  REQUIRE(::mkfifo((on.path + "/pipe").c_str(), 0600) == 0);
  CHECK(what_is_at(on.path + "/nothing") == there::nothing);
  CHECK(what_is_at(on.path + "/folder") == there::folder);
  CHECK(what_is_at(on.path + "/file") == there::file);
  CHECK(what_is_at(on.path + "/to-file") == there::file);
  CHECK(what_is_at(on.path + "/to-nothing") == there::other);
  CHECK(what_is_at(on.path + "/to-null") == there::stream);
  CHECK(what_is_at(on.path + "/pipe") == there::stream);
  CHECK(what_is_at("/dev/null") == there::stream);
}

TEST_CASE("a socket takes no file") {
  temporary_folder on;
  const ajar::descriptor one(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, (on.path + "/socket").c_str(), sizeof at.sun_path - 1);
  REQUIRE(::bind(one.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  CHECK(what_is_at(on.path + "/socket") == there::other);
}

TEST_CASE("a link to what a process has open is written to as it is, also where that is a file") {
  temporary_folder on;
  const auto path = on.file("file", "x");
  const ajar::descriptor open_file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto link = "/proc/self/fd/" + std::to_string(open_file.get());
  CHECK(what_is_at(link) == there::stream);
  on.link("stdout", link);  // as /dev/stdout is
  CHECK(what_is_at(on.path + "/stdout") == there::stream);
  CHECK(followed(on.path + "/stdout") == on.path + "/stdout");
}

TEST_CASE("a link to a file stands for the file") {
  temporary_folder on;
  on.file("file", "x");
  on.link("one", "two");
  on.link("two", "file");
  on.folder("folder");
  on.link("to-folder", "folder");
  CHECK(followed(on.path + "/one") == on.path + "/file");
  CHECK(followed(on.path + "/file") == on.path + "/file");
  CHECK(followed(on.path + "/to-folder") == on.path + "/to-folder");
}

}  // namespace there_test
