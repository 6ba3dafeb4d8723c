// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/shared_folder.hpp>

#include "../temporary_folder.hpp"

#include <ajar/state/folder.hpp>

#include <doctest/doctest.h>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <array>
#include <map>

namespace shared_folder_test {

using namespace ajar;
using namespace ajar::files;

namespace {

std::string content_of(const shared_file& file) {
  std::string text(file.facts().size + 10, '\0');
  const auto count = file.read_at(0, std::span(reinterpret_cast<std::uint8_t*>(text.data()), text.size()));
  text.resize(count.value());
  return text;
}

std::map<std::string, folder_entry> entries_of(const shared_folder& share, const std::string& inside) {
  auto reader = share.folder(inside).value();
  std::map<std::string, folder_entry> all;
  for (;;) {
    auto one = reader.next().value();
    if (!one) return all;
    const auto name = one->name;
    all.emplace(name, std::move(*one));
  }
}

}  // namespace

TEST_CASE("files and folders of a share are found, with what changes about them") {
  temporary_folder on;
  on.folder("deep/er");
  on.file("deep/er/a", "content");
  const auto share = shared_folder::open(on.path).value();
  CHECK(!share.is_file());
  CHECK(share.facts("").value().kind == entry_kind::folder);
  CHECK(share.facts("deep/er").value().kind == entry_kind::folder);
  auto file = share.file("deep/er/a").value();
  CHECK(content_of(file) == "content");
  CHECK(file.facts().size == 7);
  CHECK(share.facts("deep/er/a").value() == file.facts());
  CHECK(file.unchanged().has_value());
}

TEST_CASE("what is not there, not a file or not a folder is told apart") {
  temporary_folder on;
  on.folder("deep");
  on.file("a", "content");
  const auto share = shared_folder::open(on.path).value();
  CHECK(share.file("b").error() == errc::file_not_found);
  CHECK(share.file("deep/b").error() == errc::file_not_found);
  CHECK(share.file("a/b").error() == errc::not_a_folder);
  CHECK(share.file("deep").error() == errc::not_a_file);
  CHECK(share.folder("a").error() == errc::not_a_folder);
  CHECK(share.folder("b").error() == errc::file_not_found);
  CHECK(share.file(std::string(300, 'x')).error() == errc::file_not_found);
}

TEST_CASE("nothing leads out of a share") {
  temporary_folder on;
  const auto secret = on.file("secret", "secret");
  on.folder("share/deep");
  on.file("share/inside", "inside");
  on.link("share/out-absolute", secret);
  on.link("share/out-relative", "../secret");
  on.link("share/deep/out", "../../secret");
  on.link("share/out-folder", on.path);
  on.link("share/to-etc", "/etc");
  const auto share = shared_folder::open(on.path + "/share").value();
  for (const char* way : {"../secret", "deep/../../secret", "out-absolute", "out-relative", "deep/out",
                          "out-folder/secret", "to-etc/passwd", "..", "/etc/passwd"}) {
    CAPTURE(way);
    CHECK(share.file(way).error() == errc::file_not_permitted);
    CHECK(share.facts(way).error() == errc::file_not_permitted);
    CHECK(share.folder(way).error() == errc::file_not_permitted);
  }
  CHECK(share.file("deep/../inside").has_value());  // the kernel's own word; url_path takes no such path
}

TEST_CASE("links that stay inside are followed, loops and dangling ones are not") {
  temporary_folder on;
  on.folder("deep");
  on.file("inside", "inside");
  on.link("deep/back", "../inside");
  on.link("folder", "deep");
  on.link("loop", "loop");
  on.link("ping", "pong");
  on.link("pong", "ping");
  on.link("dangling", "nowhere");
  const auto share = shared_folder::open(on.path).value();
  CHECK(content_of(share.file("deep/back").value()) == "inside");
  CHECK(content_of(share.file("folder/back").value()) == "inside");
  CHECK(share.folder("folder").has_value());
  CHECK(share.file("loop").error() == errc::file_not_permitted);
  CHECK(share.file("ping").error() == errc::file_not_permitted);
  CHECK(share.file("dangling").error() == errc::file_not_found);
  const auto all = entries_of(share, "");
  CHECK(all.at("inside").kind == entry_kind::file);
  CHECK(all.at("inside").facts == share.file("inside").value().facts());
  CHECK(all.at("deep").kind == entry_kind::folder);
  CHECK(all.at("folder").kind == entry_kind::link);
  CHECK(all.at("folder").facts.value().kind == entry_kind::folder);
  CHECK(all.at("loop").kind == entry_kind::link);
  CHECK(!all.at("loop").facts.has_value());
  CHECK(!all.at("dangling").facts.has_value());
  CHECK(entries_of(share, "folder").at("back").facts == share.file("inside").value().facts());
}

TEST_CASE("the magic links of /proc are not followed, even where /proc itself is shared") {
  temporary_folder on;
  const auto secret = on.file("secret", "secret");
  descriptor held(::open(secret.c_str(), O_RDONLY));
  const auto share = shared_folder::open("/proc/self").value();
  CHECK(share.file("fd/" + std::to_string(held.get())).error() == errc::file_not_permitted);
  CHECK(share.file("root/etc/passwd").error() == errc::file_not_permitted);
  CHECK(share.file("cwd").error() == errc::file_not_permitted);
  CHECK(share.file("exe").error() == errc::file_not_permitted);
}

TEST_CASE("FIFOs, sockets and devices are never opened") {
  temporary_folder on;
  REQUIRE(::mkfifo((on.path + "/fifo").c_str(), 0600) == 0);
  descriptor sock(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  const auto path = on.path + "/socket";
  std::copy(path.begin(), path.end(), at.sun_path);
  REQUIRE(::bind(sock.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  const auto share = shared_folder::open(on.path).value();
  CHECK(share.file("fifo").error() == errc::not_a_file);
  CHECK(share.file("socket").error() == errc::not_a_file);
  CHECK(share.folder("fifo").error() == errc::not_a_folder);
  CHECK(entries_of(share, "").at("fifo").kind == entry_kind::other);
  CHECK(entries_of(share, "").at("socket").kind == entry_kind::other);
  const auto devices = shared_folder::open("/dev").value();
  CHECK(devices.file("null").error() == errc::not_a_file);
  CHECK(devices.file("zero").error() == errc::not_a_file);
}

TEST_CASE("names that are no UTF-8 are names") {
  temporary_folder on;
  on.file("\xff\xfe", "odd");
  const auto share = shared_folder::open(on.path).value();
  CHECK(content_of(share.file("\xff\xfe").value()) == "odd");
  CHECK(entries_of(share, "").contains("\xff\xfe"));
}

TEST_CASE("a single file is a share, and stays one when an editor replaces it") {
  temporary_folder on;
  const auto path = on.file("a", "old");
  const auto share = shared_folder::open(path).value();
  CHECK(share.is_file());
  CHECK(content_of(share.file("").value()) == "old");
  CHECK(share.file("b").error() == errc::not_a_folder);
  CHECK(share.folder("").error() == errc::not_a_folder);
  std::filesystem::rename(on.file("b", "new one"), path);
  CHECK(content_of(share.file("").value()) == "new one");
  std::filesystem::remove(path);
  CHECK(share.file("").error() == errc::file_not_found);
}

TEST_CASE("what can be no share is refused") {
  temporary_folder on;
  CHECK(shared_folder::open(on.path + "/none").error() == errc::share_unreadable);
  REQUIRE(::mkfifo((on.path + "/fifo").c_str(), 0600) == 0);
  CHECK(shared_folder::open(on.path + "/fifo").error() == errc::share_unreadable);
  CHECK(shared_folder::open("/dev/zero").error() == errc::share_unreadable);
}

TEST_CASE("a folder is served from where its owner said, and nothing while it is gone") {
  temporary_folder on;
  on.folder("old");
  on.file("old/a", "content");
  auto share = shared_folder::open(on.path + "/old").value();
  std::vector<std::error_code> told;
  share.on_loss([&](const std::error_code& why) { told.push_back(why); });
  CHECK(content_of(share.file("a").value()) == "content");
  CHECK(told.empty());
  std::filesystem::rename(on.path + "/old", on.path + "/new");
  CHECK(share.file("a").error() == errc::share_unreadable);
  CHECK(share.folder("").error() == errc::share_unreadable);
  CHECK(share.facts("").error() == errc::share_unreadable);
  CHECK(told == std::vector<std::error_code>{errc::share_unreadable});
  on.file("old", "no folder");
  CHECK(share.folder("").error() == errc::share_unreadable);
  std::filesystem::remove(on.path + "/old");
  std::filesystem::rename(on.path + "/new", on.path + "/old");
  CHECK(content_of(share.file("a").value()) == "content");
  CHECK(told == std::vector<std::error_code>{errc::share_unreadable, std::error_code()});
  // another one in its place
  std::filesystem::rename(on.path + "/old", on.path + "/new");
  on.folder("old");
  on.file("old/a", "another");
  CHECK(content_of(share.file("a").value()) == "another");
  CHECK(told.size() == 2);
}

TEST_CASE("a disk over a share, or one that is away, is never taken for the share") {
  temporary_folder on;
  on.folder("disk");
  on.file("disk/below", "content");
  const auto disk = on.path + "/disk";
  const auto below = shared_folder::open(disk).value();
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0) {
    MESSAGE("skipped: nothing may be mounted here");
    return;
  }
  CHECK(below.file("below").error() == errc::share_unreadable);
  on.file("disk/above", "content");
  const auto above = shared_folder::open(disk).value();
  CHECK(content_of(above.file("above").value()) == "content");
  CHECK(::umount(disk.c_str()) == 0);  // it is shared, and not busy
  CHECK(above.folder("").error() == errc::share_unreadable);
  CHECK(content_of(below.file("below").value()) == "content");
}

TEST_CASE("a file that shrinks, grows or changes is noticed by its tag") {
  temporary_folder on;
  const auto path = on.file("a", "0123456789");
  const auto share = shared_folder::open(on.path).value();
  const auto file = share.file("a").value();
  const auto before = file.facts().etag;
  std::filesystem::resize_file(path, 4);
  CHECK(file.unchanged().error() == errc::share_cut_short);
  std::filesystem::resize_file(path, 20);
  CHECK(file.unchanged().error() == errc::file_changed);
  std::filesystem::resize_file(path, 10);
  CHECK(share.facts("a").value().etag != before);  // the same size: the times tell
  CHECK(file.unchanged().error() == errc::file_changed);
}

TEST_CASE("a file that only grows is what it was, where it is kept to its tag") {
  temporary_folder on;
  const auto path = on.file("a", "0123456789");
  const auto share = shared_folder::open(on.path).value();
  const auto then = share.facts("a").value();
  auto file = share.file("a").value();
  CHECK(file.keep_to(then.etag));
  const auto append = [&] { std::ofstream(path, std::ios::app) << "abc"; };
  append();
  CHECK(file.unchanged().has_value());
  CHECK(content_of(file) == "0123456789");
  auto grown = share.file("a").value();  // before it was asked for
  CHECK(grown.facts().size == 13);
  CHECK(grown.keep_to(then.etag));
  CHECK(grown.facts() == then);
  CHECK(content_of(grown) == "0123456789");
  std::array<std::uint8_t, 4> piece{};
  CHECK(grown.read_at(8, piece).value() == 2);
  CHECK(grown.read_at(10, piece).value() == 0);
  CHECK(grown.read_at(11, piece).value() == 0);
  CHECK(grown.unchanged().has_value());
  append();
  CHECK(grown.unchanged().has_value());
  std::filesystem::resize_file(path, 4);
  CHECK(grown.unchanged().error() == errc::share_cut_short);
}

TEST_CASE("a file that did not only grow is kept to no tag") {
  temporary_folder on;
  const auto path = on.file("a", "0123456789");
  const auto share = shared_folder::open(on.path).value();
  const auto then = share.facts("a").value();
  auto file = share.file("a").value();
  REQUIRE(file.keep_to(then.etag));
  const timespec times[2] = {{0, UTIME_OMIT}, {1'500'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  CHECK(file.unchanged().error() == errc::file_changed);  // it was written to, and has not grown
  CHECK(!share.file("a").value().keep_to(then.etag));
  std::filesystem::resize_file(path, 4);
  CHECK(!share.file("a").value().keep_to(then.etag));
  on.file("b", "a longer one of another name");
  for (const auto& tag : {share.facts("b").value().etag, std::string("\"x\""), std::string("*"), std::string(),
                          std::string("\""), then.etag.substr(0, then.etag.size() - 1), then.etag + "\"",
                          std::string("\"1-2-3.4\""), std::string("\"1--2-3.4\""), std::string("\"1-2-3.-4\"")}) {
    CAPTURE(tag);
    auto other = share.file("a").value();
    CHECK(!other.keep_to(tag));
    CHECK(other.facts() == share.facts("a").value());
  }
}

TEST_CASE("a tag of ours says what it was made of") {
  struct stat status{};
  status.st_ino = 0xfedcba9876543210;
  status.st_size = 12;
  status.st_mtim = {-5, 7};
  const auto read = files::detail::status_of(files::detail::etag_of(status));
  REQUIRE(read.has_value());
  CHECK(read->st_ino == status.st_ino);
  CHECK(read->st_size == 12);
  CHECK(read->st_mtim.tv_sec == -5);
  CHECK(read->st_mtim.tv_nsec == 7);
}

TEST_CASE("other permissions and names leave the tag, though not whoever is reading") {
  temporary_folder on;
  const auto path = on.file("a", "0123456789");
  const auto share = shared_folder::open(on.path).value();
  const auto file = share.file("a").value();
  const auto former = file.stamp();
  for (int i = 0; share.file("a").value().stamp() == former && i < 10'000'000; ++i)
    ::chmod(path.c_str(), i % 2 == 0 ? 0640 : 0600);
  CHECK(share.facts("a").value().etag == file.facts().etag);
  CHECK(file.unchanged().error() == errc::file_changed);
}

// ---- state folders --------------------------------------------------------------------------------------------------

namespace {

// A node's state folder with its key, as the tools make it.
void make_state(const std::string& path) {
  const auto state = state::folder::open(path).value();
  REQUIRE(state.load_key().has_value());
  REQUIRE(state.write("phone.issued", as_bytes("who may enter")).has_value());
}

}  // namespace

TEST_CASE("a state folder in a share is not served, by whatever way it is reached") {
  temporary_folder on;
  on.folder("home/.local/state/ajar");
  on.folder("home/docs");
  on.file("home/docs/note", "note");
  make_state(on.path + "/home/.local/state/ajar/server");
  on.folder("home/.local/state/ajar/server/deep");
  on.file("home/.local/state/ajar/server/deep/file", "x");
  on.link("home/to-state", ".local/state/ajar/server");
  on.link("home/docs/to-key", "../.local/state/ajar/server/key");
  on.link("home/docs/twice", "../to-state/key");
  on.link("home/docs/round", "../.local/state/ajar/server/../server");
  on.link("home/docs/in-and-out", "../.local/state/ajar/server/../../../../docs/note");
  const auto share = shared_folder::open(on.path + "/home").value();
  const std::string state = ".local/state/ajar/server";
  for (const auto& way : {state + "/key", state + "/phone.issued", state + "/deep/file", std::string("to-state/key"),
                          std::string("docs/to-key"), std::string("docs/twice")}) {
    CAPTURE(way);
    CHECK(share.file(way).error() == errc::file_not_permitted);
    CHECK(share.facts(way).error() == errc::file_not_permitted);
  }
  for (const auto& way :
       {state, state + "/deep", std::string("to-state"), std::string("to-state/deep"), std::string("docs/round")}) {
    CAPTURE(way);
    CHECK(share.folder(way).error() == errc::file_not_permitted);
    CHECK(share.facts(way).error() == errc::file_not_permitted);
  }
  // what lies beside it is there, and the folder itself is in no listing
  CHECK(content_of(share.file("docs/note").value()) == "note");
  CHECK(content_of(share.file("docs/in-and-out").value()) == "note");
  CHECK(entries_of(share, ".local/state/ajar").empty());
  const auto docs = entries_of(share, "docs");
  CHECK(!docs.at("to-key").facts);
  CHECK(docs.at("note").facts);
}

TEST_CASE("a folder is a state folder from the moment on when it has a key") {
  temporary_folder on;
  on.folder("home/later");
  on.file("home/later/file", "x");
  const auto share = shared_folder::open(on.path + "/home").value();
  CHECK(share.file("later/file").has_value());
  std::filesystem::permissions(on.path + "/home/later", std::filesystem::perms::owner_all);
  make_state(on.path + "/home/later");
  CHECK(share.file("later/file").error() == errc::file_not_permitted);
}

TEST_CASE("a key is not served wherever it lies") {
  temporary_folder on;
  make_state(on.path + "/state");
  on.folder("share");
  std::filesystem::create_hard_link(on.path + "/state/key", on.path + "/share/innocent");
  std::filesystem::copy_file(on.path + "/state/key", on.path + "/share/copy");
  const auto share = shared_folder::open(on.path + "/share").value();
  CHECK(share.file("innocent").error() == errc::file_not_permitted);
  CHECK(share.file("copy").error() == errc::file_not_permitted);
}

TEST_CASE("what is, or lies in, a state folder is no share") {
  temporary_folder on;
  make_state(on.path + "/state");
  on.folder("state/deep/er");
  on.link("by-a-link", "state/deep");
  on.link("key-by-a-link", "state/phone.issued");
  for (const char* path :
       {"/state", "/state/deep/er", "/by-a-link", "/state/key", "/state/phone.issued", "/key-by-a-link"}) {
    CAPTURE(path);
    CHECK(shared_folder::open(on.path + path).error() == errc::file_not_permitted);
  }
}

TEST_CASE("a state folder is known through a bind mount") {
  temporary_folder on;
  make_state(on.path + "/state");
  on.folder("state/deep");
  on.file("state/deep/file", "x");
  on.folder("share/mounted");
  on.folder("share/below");
  if (::mount((on.path + "/state").c_str(), (on.path + "/share/mounted").c_str(), nullptr, MS_BIND, nullptr) != 0) {
    MESSAGE("skipped: nothing may be mounted here");
    return;
  }
  const auto share = shared_folder::open(on.path + "/share").value();
  CHECK(share.file("mounted/key").error() == errc::file_not_permitted);
  CHECK(share.file("mounted/deep/file").error() == errc::file_not_permitted);
  CHECK(entries_of(share, "").size() == 1);
  CHECK(::umount((on.path + "/share/mounted").c_str()) == 0);
}

TEST_CASE("where no file can be opened nobody says that there is none, nor that the share cannot be read") {
  temporary_folder on;
  on.file("a", "content");
  const auto share = shared_folder::open(on.path).value();
  rlimit before_it{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_it) == 0);
  const rlimit none{0, before_it.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto there = share.file("a");
  const auto missing = share.file("b");
  const auto facts = share.facts("a");
  const auto entries = share.folder("");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before_it) == 0);
  CHECK(there.error() == errc::server_busy);
  CHECK(missing.error() == errc::server_busy);
  CHECK(facts.error() == errc::server_busy);
  CHECK(entries.error() == errc::server_busy);
  CHECK(content_of(share.file("a").value()) == "content");
  CHECK(share.file("b").error() == errc::file_not_found);
}

}  // namespace shared_folder_test
