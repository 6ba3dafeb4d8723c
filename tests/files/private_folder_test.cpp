// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/private_folder.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

namespace private_folder_test {

using namespace ajar;
using namespace ajar::files;

namespace {

descriptor opened(const std::string& path) {
  descriptor made(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(made);
  return made;
}

}  // namespace

TEST_CASE("a folder is private that holds a key, and all below it") {
  temporary_folder on;
  on.folder("state/deep/er");
  on.folder("other");
  CHECK(!is_private(opened(on.path + "/state/deep/er").get()));
  on.file("state/key", "ajar-key/1 x");
  CHECK(is_private(opened(on.path + "/state").get()));
  CHECK(is_private(opened(on.path + "/state/deep/er").get()));
  CHECK(!is_private(opened(on.path + "/other").get()));
  CHECK(!is_private(opened(on.path).get()));
}

TEST_CASE("a file called key that is none makes nothing private") {
  temporary_folder on;
  on.file("key", "of the piano");
  CHECK(!is_private(opened(on.path).get()));
  on.file("key", "ajar");
  CHECK(!is_private(opened(on.path).get()));
}

TEST_CASE("the way up ends at the top, and a folder that left it is private") {
  temporary_folder on;
  on.folder("state/share/deep");
  on.folder("elsewhere");
  on.file("state/key", "ajar-key/1 x");
  const auto share = opened(on.path + "/state/share");
  const auto top = file_identity::of(share.get());
  CHECK(!is_private(opened(on.path + "/state/share/deep").get(), top));  // what is above was looked at before
  CHECK(!is_private(share.get(), top));
  CHECK(is_private(opened(on.path + "/elsewhere").get(), top));
}

TEST_CASE("one folder lies in another") {
  temporary_folder on;
  on.folder("a/b");
  on.folder("c");
  const auto a = *file_identity::of(opened(on.path + "/a").get());
  CHECK(lies_in(opened(on.path + "/a/b").get(), a));
  CHECK(lies_in(opened(on.path + "/a").get(), a));
  CHECK(!lies_in(opened(on.path + "/c").get(), a));
}

TEST_CASE("a file is private by the folder that it really lies in") {
  temporary_folder on;
  on.folder("state");
  on.file("state/key", "ajar-key/1 x");
  on.file("state/other", "x");
  on.file("free", "x");
  on.link("link", "state/other");
  CHECK(lies_in_private(on.path + "/state/other"));
  CHECK(lies_in_private(on.path + "/link"));
  CHECK(!lies_in_private(on.path + "/free"));
  CHECK(!lies_in_private(on.path + "/nothing"));
}

}  // namespace private_folder_test
