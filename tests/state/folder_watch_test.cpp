// SPDX-License-Identifier: BSL-1.0
#include <ajar/state/folder_watch.hpp>

#include <doctest/doctest.h>
#include <sys/inotify.h>
#include <ajar/testing/run.hpp>

#include "../lifetimes.hpp"
#include "../temporary_folder.hpp"

#include <asio/post.hpp>

namespace folder_watch_test {

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

namespace {

// A watch that goes while it waits for two files.
struct watch_going {
  watch_going()
      : watch(folder_watch::open(context.get_executor(), at.path, ending).value()),
        one(time, context, wait(*this), drop()) {}
  watch_going(const watch_going&) = delete;
  watch_going& operator=(const watch_going&) = delete;
  ~watch_going() { CHECK(why == (gone_before_end ? make_error_code(errc::canceled) : std::error_code())); }

  std::function<void()> drop() {
    return [this] {
      gone_before_end = !ended;
      watch.reset();
    };
  }
  static awaitable<void> wait(watch_going& of) {
    const std::vector<std::string> files{"a.issued", "b.issued"};
    for (const auto& file : files) {
      if (!of.watch) break;
      asio::post(of.context, [&of, file] { of.at.file(file, "x"); });
      auto waiting = of.watch->changed();
      auto changed = co_await std::move(waiting);
      if (!changed) of.why = changed.error();
    }
    if (!of.watch && !of.why) of.why = errc::canceled;
    of.ended = true;
  }

  temporary_folder at;
  testing::manual_clock time;
  asio::io_context context;
  std::optional<folder_watch> watch;
  bool ended = false;
  bool gone_before_end = false;
  std::error_code why;
  lifetimes::trial one;
};

}  // namespace

TEST_CASE("a watch may go at every suspension of what waits for it, which then is canceled") {
  CHECK(lifetimes::drop_at_each([] { return std::make_unique<watch_going>(); }) > 3);
}

TEST_CASE("a watch that was moved from answers with an error; to assign to one ends the old one") {
  watched all;
  auto waiting = all.watch.changed();
  auto taken = std::move(all.watch);
  CHECK(testing::run(all.context, all.watch.changed()).error() == errc::moved_from);
  all.at.file("a.issued", "x");
  CHECK(testing::run(all.context, std::move(waiting)).has_value());
  auto more = taken.changed();
  taken = std::move(all.watch);
  CHECK(testing::run(all.context, std::move(more)).error() == errc::canceled);
}

}  // namespace folder_watch_test
