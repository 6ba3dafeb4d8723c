// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/folder_watch.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/run.hpp>

#include "../temporary_folder.hpp"

using namespace ajar;
using namespace ajar::state;
using namespace std::chrono_literals;

namespace {

constexpr const char* ending = ".issued";

bytes event(std::uint32_t mask, std::string_view name) {
  inotify_event head{};
  head.mask = mask;
  head.len = static_cast<std::uint32_t>((name.size() + 16) / 16 * 16);  // as the kernel pads it
  bytes made(sizeof head + head.len);
  std::memcpy(made.data(), &head, sizeof head);
  std::copy(name.begin(), name.end(), made.begin() + sizeof head);
  return made;
}

bytes both(bytes first, const bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

struct watched {
  watched() : watch(folder_watch::open(context.get_executor(), at.path, ending).value()) {}

  bool changed(std::chrono::seconds within) {
    auto looking = look(within);
    return testing::run(context, std::move(looking));
  }
  awaitable<bool> look(std::chrono::seconds within) {
    auto changing = watch.changed();
    auto came = co_await before(clock::now() + within, errc::would_block, std::move(changing));
    co_return came.has_value();
  }

  temporary_folder at;
  asio::io_context context;
  folder_watch watch;
};

}  // namespace

TEST_CASE("a file counts that comes or goes under such a name, and nothing else") {
  CHECK(folder_watch::concerns(event(IN_DELETE, "a.issued"), ending));
  CHECK(folder_watch::concerns(event(IN_MOVED_FROM, "0123456789abcdef.issued"), ending));
  CHECK(folder_watch::concerns(both(event(IN_CREATE, "login"), event(IN_MOVED_TO, "a.issued")), ending));
  CHECK(folder_watch::concerns(both(event(IN_CREATE, ""), event(IN_Q_OVERFLOW, "")), ending));
  CHECK(!folder_watch::concerns(both(event(IN_DELETE, "login"), event(IN_MOVED_TO, "a.issued.bak")), ending));
  CHECK(!folder_watch::concerns({}, ending));
}

TEST_CASE("what is cut short is passed over") {
  const auto whole = both(event(IN_CREATE, "login"), event(IN_DELETE, "a.issued"));
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK(!folder_watch::concerns(bytes_view(whole).first(n), ending));
}

TEST_CASE("a file that is added, moved or removed is told, also where nobody has waited yet") {
  watched all;
  all.at.file("a.issued", "x");
  CHECK(all.changed(60s));
  std::filesystem::rename(all.at.path + "/a.issued", all.at.path + "/a.revoked");
  CHECK(all.changed(60s));
  std::filesystem::rename(all.at.path + "/a.revoked", all.at.path + "/a.issued");
  CHECK(all.changed(60s));
  std::filesystem::remove(all.at.path + "/a.issued");
  CHECK(all.changed(60s));
  all.at.file("login", "1");
  CHECK(!all.changed(0s));
}

TEST_CASE("a folder that is not there cannot be watched") {
  asio::io_context context;
  CHECK(folder_watch::open(context.get_executor(), "/nonexistent", ending).error() ==
        std::errc::no_such_file_or_directory);
}
