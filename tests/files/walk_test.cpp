// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/walk.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>

#include "../lifetimes.hpp"
#include "../streams/joined.hpp"
#include "sharing.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace walk_test {

using namespace ajar;
using namespace ajar::files;
using namespace ajar::streams;

namespace {

// All entries; those of further sessions where one goes.
awaitable<std::vector<std::string>> paths_of(sharing::home& at, walk& all, int& sessions) {
  std::vector<std::string> paths;
  for (;;) {
    auto next = co_await all.next();
    if (!next) {
      ++sessions;
      auto connecting = at.connect();
      auto over = co_await std::move(connecting);
      all.go_on(over.value());
      continue;
    }
    if (!*next) co_return paths;
    paths.push_back((*next)->path);
  }
}

std::vector<std::string> sorted(std::vector<std::string> all) {
  std::ranges::sort(all);
  return all;
}

}  // namespace

TEST_CASE("a walk gives all entries with their ways, and goes through no link") {
  sharing::home at;
  at.on.file("a", "");
  at.on.folder("deep/deeper");
  at.on.file("deep/b", "");
  at.on.file("deep/deeper/c", "");
  at.on.link("link", "deep");
  int lost = 0;
  walk all(at.connected(), share_path{"files", "", true}, true);
  CHECK(sorted(at.run(paths_of(at, all, lost))) ==
        std::vector<std::string>{"a", "deep", "deep/b", "deep/deeper", "deep/deeper/c", "link"});
  walk flat(at.connected(), share_path{"files", "deep", true}, false);
  CHECK(sorted(at.run(paths_of(at, flat, lost))) == std::vector<std::string>{"b", "deeper"});
  CHECK(lost == 0);
}

TEST_CASE("a walk tells when each folder was changed, while it is the one that is read") {
  sharing::home at;
  at.on.folder("deep");
  for (const char* name : {"", "/deep"}) {
    const timespec times[2] = {{0, UTIME_OMIT}, {*name ? 1'000'000'000 : 2'000'000'000, 5}};
    REQUIRE(::utimensat(AT_FDCWD, (at.on.path + name).c_str(), times, 0) == 0);
  }
  walk all(at.connected(), share_path{"files", "", true}, true);
  std::vector<std::pair<std::string, std::optional<file_time>>> told;
  all.on_whole([&](const std::string& path) { told.emplace_back(path, all.modified()); });
  int lost = 0;
  CHECK(at.run(paths_of(at, all, lost)).size() == 1);
  const auto time = [](std::int64_t seconds) { return nearest_time(seconds, 5); };
  REQUIRE(told.size() == 2);
  CHECK(told[0] == std::pair(std::string(), std::optional(time(2'000'000'000))));
  CHECK(told[1] == std::pair(std::string("deep"), std::optional(time(1'000'000'000))));
}

TEST_CASE("a place below the list of shares has a share, and what is in it") {
  sharing::home at;
  const walk shares(at.connected(), share_path{"", "", true}, true);
  CHECK(shares.below("files") == share_path{"files", "", false});
  CHECK(shares.below("files/deep/a") == share_path{"files", "deep/a", false});
  const walk in(at.connected(), share_path{"files", "deep", true}, true);
  CHECK(in.below("") == share_path{"files", "deep", false});
  CHECK(in.below("a/b") == share_path{"files", "deep/a/b", false});
}

TEST_CASE("a walk over two sessions gives each entry once") {
  sharing::home at;
  std::vector<std::string> names;
  for (int i = 0; i < 2000; ++i) {
    names.push_back("a rather long name of a file, number " + std::to_string(i));
    at.on.file(names.back(), "");
  }
  int lost = 0;
  walk all(at.connected(100'000), share_path{"files", "", true}, true);
  CHECK(sorted(at.run(paths_of(at, all, lost))) == sorted(names));
  CHECK(lost == 1);
}

namespace {

// A server that says what is written here, to one request after the other.
struct scripted {
  struct said {
    std::string listing;
    bool whole = true;
    clock::duration pause{0};  // before it answers, and before the listing
  };

  explicit scripted(std::vector<said> all) : script(std::move(all)), work(both.context.get_executor()) {
    work.spawn(serve(*this));
  }
  ~scripted() {
    both.client.close();
    both.server.close();
    work.cancel();
    both.settle();
  }

  static awaitable<void> serve(scripted& at) {
    for (const auto& one : at.script) {
      auto next = co_await at.both.server.accept();
      if (!next) co_return;
      auto slept = co_await sleep_until(clock::now() + one.pause);
      if (!slept) co_return;
      auto begun = next->respond(response(200).with("content-type", std::string(listing_type)));
      if (!begun) co_return;
      slept = co_await sleep_until(clock::now() + one.pause);
      if (!slept) co_return;
      auto written = co_await next->write(as_bytes(one.listing));
      if (!written) co_return;
      if (one.whole) {
        (void)next->finish();
      } else {
        auto passed = co_await at.both.server.ping(never);
        (void)passed;
        next->reset();
      }
      auto ended = co_await next->ended(never);
      (void)ended;
    }
  }

  std::vector<said> script;
  joined::pair both;
  task_group work;
};

std::string folder_named(const std::string& name) { return "{\"name\":\"" + name + "\",\"type\":\"folder\"}\n"; }
std::string other_named(const std::string& name) { return "{\"name\":\"" + name + "\",\"type\":\"other\"}\n"; }

}  // namespace

TEST_CASE("what a folder gave that was cut short hides nothing of the next one") {
  scripted server({{folder_named("a") + folder_named("b") + end_line(2), true},
                   {other_named("x"), false},
                   {other_named("y"), false},
                   {other_named("x") + other_named("y") + end_line(2), true}});
  const shared_streams over(std::shared_ptr<void>(), &server.both.client);
  walk all(over, share_path{"files", "", true}, true);
  const auto next = [&] { return server.both.run(all.next()); };
  CHECK(next().value()->path == "a");
  CHECK(next().value()->path == "b");
  CHECK(next().value()->path == "b/x");
  CHECK(next().error() == errc::share_cut_short);
  CHECK(next().value()->path == "a/y");
  CHECK(!next().has_value());
  all.go_on(over);
  CHECK(next().value()->path == "a/x");
  CHECK(!next().value().has_value());
}

namespace {

using namespace std::chrono_literals;

// A walk over two slow folders that goes meanwhile.
struct walk_going {
  walk_going()
      : server({{folder_named("a") + end_line(1), true, 300ms}, {other_named("x") + end_line(1), true, 300ms}}),
        all(std::make_unique<walk>(shared_streams(std::shared_ptr<void>(), &server.both.client),
                                   share_path{"files", "", true}, true)),
        one(server.both.time, server.both.context, go(*this), drop()) {
    all->on_whole([this](const std::string&) { CHECK(!gone_before_end); });
  }
  walk_going(const walk_going&) = delete;
  walk_going& operator=(const walk_going&) = delete;
  ~walk_going() {
    all.reset();
    CHECK(why == (gone_before_end ? make_error_code(errc::canceled) : std::error_code()));
  }

  std::function<void()> drop() {
    return [this] {
      gone_before_end = !ended;
      dropped = server.both.time.now();
      all.reset();
    };
  }
  static awaitable<void> go(walk_going& of) {
    bool more = true;
    while (more && of.all) {
      auto next = of.all->next();
      auto came = co_await std::move(next);
      if (!came) of.why = came.error();
      more = came && *came;
    }
    if (!of.all && !of.why) of.why = errc::canceled;
    of.ended = true;
    // at once, though the session goes on and the server says nothing: it is not waited for
    if (of.gone_before_end) CHECK(clock::now() - of.dropped < 150ms);
  }

  scripted server;
  std::unique_ptr<walk> all;
  bool ended = false;
  bool gone_before_end = false;
  time_point dropped{};
  std::error_code why;
  lifetimes::trial one;
};

}  // namespace

TEST_CASE("a walk may go at every suspension of what it does, which then is canceled at once") {
  CHECK(lifetimes::drop_at_each([] { return std::make_unique<walk_going>(); }, 60) > 12);
}

}  // namespace walk_test
