// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/fetch_folder.hpp>

#include <ajar/core/task_group.hpp>

#include "sharing.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>

namespace fetch_folder_test {

using namespace ajar;
using namespace ajar::files;
using namespace std::chrono_literals;

namespace {

// Keeps what it is told, a line each.
struct told final : fetch_events {
  void file_done(const fetched_file& one) override {
    const char* how = one.how == file_came::fetched   ? "fetched "
                      : one.how == file_came::resumed ? "resumed "
                                                      : "present ";
    lines.push_back((one.foreseen ? "would be " : "") + (how + one.path));
  }
  void removed(const removed_stray& one) override {
    lines.push_back((one.foreseen ? "would remove " : "removed ") + one.path + (one.folder ? "/" : ""));
  }
  void left_out(const std::string& path, left_out_cause) override { lines.push_back("left out " + path); }
  void failed(const fetch_failure& one) override {
    lines.push_back("failed " + (one.at_server ? one.at_server->share + ":" + one.at_server->inside : one.path));
    why = one.trouble;
  }
  void progress(const fetch_counts& now) override { last = now; }
  void session_lost(const std::error_code&) override { lines.emplace_back("lost"); }
  void no_session(const std::error_code&) override { lines.emplace_back("no session"); }

  std::vector<std::string> sorted() const {
    auto all = lines;
    std::ranges::sort(all);
    return all;
  }
  auto count(const std::string& line) const { return std::ranges::count(lines, line); }

  std::vector<std::string> lines;
  fetch_trouble why;
  fetch_counts last;
};

// Further sessions: each is cut after so many octets; then there is none, by that cause.
struct further final : session_source {
  explicit further(sharing::home& home, std::deque<std::size_t> all = {}) : at(home), most(std::move(all)) {}

  awaitable<result<shared_streams>> another() override {
    ++asked;
    if (most.empty()) co_return fail(cause);
    const auto octets = most.front();
    most.pop_front();
    auto connecting = at.connect(octets);
    auto made = co_await std::move(connecting);
    co_return made;
  }
  bool may_mend(const std::error_code& why) const override { return why == errc::dial_timeout; }

  sharing::home& at;
  std::deque<std::size_t> most;
  errc cause = errc::dial_timeout;
  int asked = 0;
};

// A server, and a folder that things are fetched into.
struct fetched_home : sharing::home {
  awaitable<fetch_counts> fetching(shared_streams over, fetch_source what, fetch_options how = fetch_options()) {
    how.disk(context.get_executor());
    std::vector<fetch_source> all;
    all.push_back(std::move(what));
    auto into = dry ? destination::look(to.path + "/none", true) : destination::open(to.path, false);
    return fetch_folder(std::move(over), std::move(all), std::move(into.value()), said, how.dry(dry));
  }
  fetch_counts fetch(fetch_source what, fetch_options how = fetch_options(), std::size_t most = sharing::all_of_it) {
    said->lines.clear();
    return run(fetching(connected(most), std::move(what), std::move(how)));
  }
  fetch_counts fetch_all(fetch_options how = fetch_options(), std::size_t most = sharing::all_of_it) {
    return fetch({share_path{"files", "", true}, ""}, std::move(how), most);
  }

  // Folders below a path, with their times.
  static std::map<std::string, file_time> times_in(const std::string& path) {
    std::map<std::string, file_time> all;
    for (const auto& one : std::filesystem::recursive_directory_iterator(path)) {
      struct stat status{};
      REQUIRE(::stat(one.path().c_str(), &status) == 0);
      if (S_ISDIR(status.st_mode)) all[one.path().string().substr(path.size())] = facts_of(status).modified;
    }
    return all;
  }
  static void set_time(const std::string& path, std::int64_t seconds) {
    const timespec times[2] = {{0, UTIME_OMIT}, {seconds, 123'456'789}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }

  bool same(const std::string& name) const { return content(on.path + "/" + name) == content(to.path + "/" + name); }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }
  int halves() const {
    int count = 0;
    for (const auto& one : std::filesystem::recursive_directory_iterator(to.path)) {
      count += one.path().filename().string().starts_with(".ajar-") ? 1 : 0;
    }
    return count;
  }

  temporary_folder to;
  bool dry = false;  // to a folder that is not there
  std::shared_ptr<told> said = std::make_shared<told>();
};

awaitable<void> drop_counts(awaitable<fetch_counts> fetching) {
  auto all = co_await std::move(fetching);
  (void)all;
}

std::string pattern(std::size_t count) {
  std::string octets(count, '\0');
  for (std::size_t i = 0; i < count; ++i) octets[i] = static_cast<char>(i * 31 + (i >> 8));
  return octets;
}

}  // namespace

TEST_CASE("a folder comes as it is with all in it, and comes once") {
  fetched_home at;
  at.on.file("a", "1234567");
  at.on.folder("deep/empty");
  at.on.file("deep/large", pattern(300'000));
  at.on.link("deep/file", "large");
  at.on.link("folder", "deep");
  at.on.link("out", "/etc/passwd");
  const auto first = at.fetch_all();
  CHECK(at.said->sorted() == std::vector<std::string>{"fetched a", "fetched deep/file", "fetched deep/large",
                                                      "left out folder", "left out out"});
  CHECK(first.files == 3);
  CHECK(first.octets == 600'007);
  CHECK(first.total == 600'007);
  CHECK(first.left_out == 2);
  CHECK(first.failed == 0);
  CHECK(first.complete);
  CHECK((at.same("a") && at.same("deep/large") && at.same("deep/file")));
  CHECK(!std::filesystem::is_symlink(at.to.path + "/deep/file"));
  CHECK(std::filesystem::is_directory(at.to.path + "/deep/empty"));
  CHECK(std::filesystem::last_write_time(at.to.path + "/a") == std::filesystem::last_write_time(at.on.path + "/a"));
  const auto again = at.fetch_all();
  CHECK(at.said->count("present a") == 1);
  CHECK(again.present == 3);
  CHECK(again.octets == again.before);
  at.on.file("a", "new");
  CHECK(at.fetch_all().present == 2);
  CHECK(at.same("a"));
}

TEST_CASE("a folder goes into one of its name, a single file to the name that is wanted") {
  fetched_home at;
  at.on.folder("deep");
  at.on.file("deep/a", "content");
  CHECK(at.fetch({share_path{"files", "deep", false}, "copy"}).files == 1);
  CHECK(fetched_home::content(at.to.path + "/copy/a") == "content");
  CHECK(at.fetch({share_path{"files", "deep/a", false}, "b"}).files == 1);
  CHECK(fetched_home::content(at.to.path + "/b") == "content");
  CHECK(at.fetch({share_path{"files", "deep", true}, ""}).files == 1);
  CHECK(fetched_home::content(at.to.path + "/a") == "content");
  CHECK(at.fetch({share_path{"files", "none", false}, "c"}).failed == 1);
  CHECK(at.said->lines == std::vector<std::string>{"failed files:none"});
  CHECK(at.said->why == remote_trouble(errc::file_not_found));
}

TEST_CASE("a fetch goes on over other sessions where one went") {
  fetched_home at;
  at.on.file("large", pattern(3'000'000));
  for (int i = 0; i < 200; ++i) at.on.file("file " + std::to_string(i), "content");
  const auto source = std::make_shared<further>(at, std::deque<std::size_t>{1'000'000, sharing::all_of_it});
  const auto all = at.fetch_all(fetch_options().sessions(source), 1'000'000);
  CHECK(at.said->count("lost") == 2);
  CHECK(at.said->count("resumed large") == 1);
  CHECK(all.files == 201);
  CHECK(all.known == 201);
  CHECK(all.failed == 0);
  CHECK(all.octets == all.total);
  CHECK(source->asked == 2);
  CHECK(at.same("large"));
  CHECK(at.halves() == 0);
}

TEST_CASE("what came before its only session went is gone on with by the next fetch") {
  fetched_home at;
  at.on.file("large", pattern(3'000'000));
  const auto first = at.fetch_all(fetch_options(), 1'000'000);
  CHECK(at.said->lines == std::vector<std::string>{"failed large"});
  CHECK(at.said->why == remote_trouble(errc::truncated));
  CHECK(first.failed == 1);
  CHECK(first.octets == 0);
  CHECK(at.halves() == 1);
  CHECK(!std::filesystem::exists(at.to.path + "/large"));
  const auto second = at.fetch_all();
  CHECK(at.said->lines == std::vector<std::string>{"resumed large"});
  CHECK(second.resumed > 500'000);
  CHECK(second.resumed < 1'000'000);
  CHECK(at.same("large"));
  CHECK(at.halves() == 0);
}

TEST_CASE("a fetch gives up when other sessions bring nothing for too long, or there is none for good") {
  fetched_home at;
  at.on.file("large", pattern(3'000'000));
  const auto source = std::make_shared<further>(at);
  const auto begun = at.time.now();
  CHECK(at.fetch_all(fetch_options().sessions(source, 60s), 1'000'000).failed == 1);
  CHECK(at.said->lines == std::vector<std::string>{"lost", "failed large"});
  CHECK(source->asked > 5);
  CHECK(at.time.now() - begun >= 60s);
  CHECK(at.time.now() - begun < 75s);
  source->cause = errc::grant_revoked;
  source->asked = 0;
  CHECK(at.fetch_all(fetch_options().sessions(source, 60s), 1'000'000).failed == 1);
  CHECK(at.said->lines == std::vector<std::string>{"lost", "no session", "failed large"});
  CHECK(source->asked == 1);
}

TEST_CASE("one that cannot be put down fails alone") {
  fetched_home at;
  for (const char* name : {"a", "b", "c"}) at.on.file(name, name);
  std::filesystem::create_directory(at.to.path + "/a");
  REQUIRE(::mkfifo((at.to.path + "/b").c_str(), 0600) == 0);
  CHECK(at.fetch_all().failed == 2);
  CHECK(at.said->sorted() == std::vector<std::string>{"failed a", "failed b", "fetched c"});
  CHECK(std::filesystem::is_directory(at.to.path + "/a"));
  CHECK(std::filesystem::is_fifo(at.to.path + "/b"));
}

TEST_CASE("no link at the destination is followed") {
  fetched_home at;
  at.on.folder("deep");
  at.on.file("deep/a", "content");
  at.on.file("b", "content");
  temporary_folder elsewhere;
  at.to.link("deep", elsewhere.path);
  const auto all = at.fetch_all();
  CHECK(all.failed == 2);  // the folder, and the file in it
  CHECK(all.files == 1);
  CHECK(std::filesystem::is_empty(elsewhere.path));
}

TEST_CASE("what only looks the same is fetched anew where digests are compared") {
  fetched_home at;
  at.on.file("a", "content");
  REQUIRE(at.fetch_all().files == 1);
  const auto when = std::filesystem::last_write_time(at.to.path + "/a");
  at.to.file("a", "damaged");
  std::filesystem::last_write_time(at.to.path + "/a", when);
  CHECK(at.fetch_all().present == 1);
  CHECK(!at.same("a"));
  CHECK(at.fetch_all(fetch_options().verify(true)).present == 0);
  CHECK(at.said->lines == std::vector<std::string>{"fetched a"});
  CHECK(at.same("a"));
  CHECK(at.fetch_all(fetch_options().verify(true)).present == 1);
}

TEST_CASE("who stops a fetch waits for a slice of a digest, and for no more") {
  fetched_home at;
  for (const auto& path : {at.on.file("large", ""), at.to.file("large", "")}) {
    std::filesystem::resize_file(path, 40'000'000);
    fetched_home::set_time(path, 1'700'000'000);
  }
  asio::io_context disk;
  task_group work(at.context.get_executor());
  std::vector<fetch_source> all{{share_path{"files", "", true}, ""}};
  work.spawn(drop_counts(fetch_folder(at.connected(), all, destination::open(at.to.path, false).value(), at.said,
                                      fetch_options().verify(true).disk(disk.get_executor()))));
  const auto works = [&] {
    at.settle();
    disk.restart();
    return disk.poll() > 0;
  };
  CHECK(works());
  CHECK(works());  // the next slice
  at.settle();
  work.cancel();
  CHECK(works());  // the one that was under way
  CHECK(!works());
  CHECK(work.size() == 0);
  CHECK(at.said->lines.empty());
}

TEST_CASE("who stops a fetch hears no more of it, and half files stay") {
  fetched_home at;
  at.on.file("large", pattern(3'000'000));
  const auto over = at.connected(1'000'000);
  task_group work(at.context.get_executor());
  at.at_most = [&] { work.cancel(); };
  work.spawn(drop_counts(at.fetching(over, {share_path{"files", "", true}, ""})));
  at.settle();
  CHECK(work.size() == 0);
  CHECK(at.said->lines.empty());
  CHECK(at.halves() == 1);
  at.at_most = nullptr;
  CHECK(at.fetch_all().files == 1);
  CHECK(at.same("large"));
}

TEST_CASE("nobody has to be told") {
  fetched_home at;
  at.on.file("a", "content");
  at.on.link("out", "/etc");
  at.said = nullptr;
  const auto all = at.run(at.fetching(at.connected(), {share_path{"files", "", true}, ""}));
  CHECK(all.files == 1);
  CHECK(all.left_out == 1);
}

TEST_CASE("progress is told while nothing comes too") {
  fetched_home at;
  at.on.file("large", pattern(3'000'000));
  const auto source = std::make_shared<further>(at);
  const auto all = at.fetch_all(fetch_options().sessions(source, 60s).progress_every(10s), 1'000'000);
  CHECK(all.failed == 1);
  CHECK(at.said->last.known == 1);
  CHECK(at.said->last.total == 3'000'000);
  CHECK(at.said->last.octets == 0);
}

TEST_CASE("half a file that was damaged meanwhile is not made whole") {
  fetched_home at;
  at.on.file("large", pattern(3'000'000));
  REQUIRE(at.fetch_all(fetch_options(), 1'000'000).failed == 1);
  REQUIRE(at.halves() == 1);
  for (const auto& one : std::filesystem::directory_iterator(at.to.path)) {
    std::fstream half(one.path(), std::ios::binary | std::ios::in | std::ios::out);
    half.seekp(1000);
    half << "what a crash leaves";
  }
  const auto all = at.fetch_all();
  CHECK(all.failed == 0);
  CHECK(all.resumed == 0);
  CHECK(at.said->lines == std::vector<std::string>{"fetched large"});
  CHECK(at.same("large"));
  CHECK(at.halves() == 0);
}

TEST_CASE("other permissions and other names of a file do not make it begin anew") {
  fetched_home at;
  const auto path = at.on.file("large", pattern(3'000'000));
  REQUIRE(at.fetch_all(fetch_options(), 1'000'000).failed == 1);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  std::filesystem::create_hard_link(path, at.to.path + "/elsewhere");
  CHECK(at.fetch_all().resumed > 500'000);
  CHECK(at.same("large"));
}

TEST_CASE("a file that is chmodded while it comes is compared, not fetched anew") {
  fetched_home at;
  const auto path = at.on.file("large", pattern(3'000'000));
  const auto over = at.connected(1'000'000);
  at.at_most = [&, done = false]() mutable {
    if (!std::exchange(done, true)) ::chmod(path.c_str(), 0600);
  };
  const auto all = at.run(at.fetching(over, {share_path{"files", "", true}, ""}));
  CHECK(all.failed == 0);
  CHECK(all.resumed > 500'000);
  CHECK(at.same("large"));
}

TEST_CASE("a file that was changed here is left as it is, and the rest comes") {
  fetched_home at;
  for (const char* name : {"a", "b", "c"}) at.on.file(name, name);
  at.to.file("c", "never fetched");
  CHECK(at.fetch_all().failed == 1);
  CHECK(at.said->sorted() == std::vector<std::string>{"failed c", "fetched a", "fetched b"});
  CHECK(at.said->why == remote_trouble(errc::destination_changed));
  at.to.file("a", "own work");
  at.on.file("a", "new a");
  at.on.file("b", "new b");
  CHECK(at.fetch_all().failed == 2);
  CHECK(at.said->sorted() == std::vector<std::string>{"failed a", "failed c", "fetched b"});
  CHECK(fetched_home::content(at.to.path + "/a") == "own work");
  CHECK(fetched_home::content(at.to.path + "/c") == "never fetched");
  CHECK(at.fetch_all(fetch_options().force(true)).failed == 0);
  CHECK((at.same("a") && at.same("b") && at.same("c")));
  CHECK(at.halves() == 0);
}

TEST_CASE("who only wants to know what would happen changes nothing") {
  fetched_home at;
  at.on.folder("deep");
  at.on.file("deep/a", "1234567");
  at.dry = true;
  const auto all = at.fetch_all();
  CHECK(at.said->lines == std::vector<std::string>{"would be fetched deep/a"});
  CHECK(all.octets == 7);
  CHECK(std::filesystem::is_empty(at.to.path));
}

TEST_CASE("a time that cannot be told costs that file its time") {
  fetched_home at;
  at.on.file("a", "content");
  const auto path = at.on.file("b", "content");
  const timespec times[2] = {{0, UTIME_OMIT}, {10'000'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  CHECK(at.fetch_all().files == 2);
  CHECK((at.same("a") && at.same("b")));
  CHECK(at.fetch_all().present == 2);
}

TEST_CASE("folders have the times of those there, once all is in them") {
  fetched_home at;
  at.on.folder("top/deep/empty");
  for (int i = 0; i < 30; ++i) at.on.file("top/deep/" + std::to_string(i), "content");
  at.on.file("top/a", "content");
  for (const char* name : {"/top/deep/empty", "/top/deep", "/top"}) at.set_time(at.on.path + name, 1'400'000'000);
  const auto times = fetched_home::times_in(at.on.path);
  CHECK(at.fetch({share_path{"files", "top", false}, "top"}).failed == 0);
  CHECK(fetched_home::times_in(at.to.path) == times);
  CHECK(at.fetch({share_path{"files", "top", false}, "top"}).present == 31);
  CHECK(fetched_home::times_in(at.to.path) == times);
  at.on.file("top/deep/7", "new");
  at.set_time(at.on.path + "/top/deep", 1'300'000'000);
  CHECK(at.fetch({share_path{"files", "top", false}, "top"}).present == 30);
  CHECK(fetched_home::times_in(at.to.path) == fetched_home::times_in(at.on.path));
}

TEST_CASE("a folder that lacks something has its own time, as has the one that all goes to") {
  fetched_home at;
  at.on.file("a", "content");
  at.on.folder("deep");
  at.on.file("deep/b", "content");
  at.on.folder("other");
  at.to.folder("deep");
  at.to.file("deep/b", "own work");
  for (const char* name : {"", "/deep", "/other"}) at.set_time(at.on.path + name, 1'400'000'000);
  CHECK(at.fetch_all().failed == 1);
  const auto then = nearest_time(1'400'000'000, 123'456'789);
  const auto times = fetched_home::times_in(at.to.path);
  CHECK(times.at("/deep") != then);
  CHECK(times.at("/other") == then);
  struct stat status{};
  REQUIRE(::stat(at.to.path.c_str(), &status) == 0);
  CHECK(facts_of(status).modified != then);
}

TEST_CASE("a time of a folder that cannot be told costs only that") {
  fetched_home at;
  at.on.folder("late");
  at.on.file("late/a", "content");
  at.set_time(at.on.path + "/late", 10'000'000'000);
  CHECK(at.fetch_all().failed == 0);
  CHECK(at.same("late/a"));
}

TEST_CASE("a program stays one") {
  fetched_home at;
  const auto path = at.on.file("a", "content");
  REQUIRE(::chmod(path.c_str(), 0700) == 0);
  at.on.file("b", "content");
  CHECK(at.fetch_all().files == 2);
  struct stat status{};
  REQUIRE(::stat((at.to.path + "/a").c_str(), &status) == 0);
  CHECK((status.st_mode & S_IXUSR) != 0);
  REQUIRE(::stat((at.to.path + "/b").c_str(), &status) == 0);
  CHECK((status.st_mode & S_IXUSR) == 0);
}

TEST_CASE("half files whose sources are gone are dropped, where the fetch has made the folder") {
  fetched_home at;
  at.on.folder("deep/empty");
  at.on.file("deep/large", pattern(3'000'000));
  REQUIRE(at.fetch({share_path{"files", "deep", false}, "copy"}, fetch_options(), 1'000'000).failed == 1);
  REQUIRE(at.halves() == 1);
  std::filesystem::rename(at.on.path + "/deep/large", at.on.path + "/deep/another");
  at.to.file(".ajar-0123456789abcdef-0123456789abcdef.part", "of somebody's other fetch");
  at.to.folder("copy/empty");
  at.to.file("copy/empty/.ajar-0123456789abcdef-0123456789abcdef.part", "of what was there once");
  CHECK(at.fetch({share_path{"files", "deep", false}, "copy"}).failed == 0);
  CHECK(at.halves() == 1);
  CHECK(std::filesystem::exists(at.to.path + "/.ajar-0123456789abcdef-0123456789abcdef.part"));
}

TEST_CASE("a share that is fetched into itself comes once") {
  for (const bool content : {false, true}) {
    CAPTURE(content);
    fetched_home at;
    at.on.folder("deep");
    at.on.file("a", "content");
    at.on.file("deep/b", "content");
    const auto copy = at.on.folder("copy");
    const auto all = at.run(fetch_folder(at.connected(), {{share_path{"files", "", content}, "files"}},
                                         destination::open(copy, false).value(), at.said,
                                         fetch_options().disk(at.context.get_executor())));
    CHECK(all.failed == 0);
    CHECK(all.left_out >= 1);
    const auto into = copy + (content ? "" : "/files");
    CHECK(std::filesystem::exists(into + "/deep/b"));
    CHECK(!std::filesystem::exists(into + "/copy/files/deep"));
    CHECK(!std::filesystem::exists(into + "/copy/deep"));
    int marks = 0;
    for (const auto& one : std::filesystem::recursive_directory_iterator(copy)) {
      marks += one.path().filename().string().starts_with(".ajar-here-") ? 1 : 0;
    }
    CHECK(marks == 0);
  }
}

TEST_CASE("what its user does not want stays there, with all in it") {
  fetched_home at;
  at.on.folder("deep/cache/deeper");
  at.on.file("deep/cache/deeper/a", "content");
  at.on.file("deep/a.tmp", "content");
  at.on.file("deep/a", "content");
  at.on.file("b", "content");
  const auto all = at.fetch_all(fetch_options().exclude({"*.tmp", "cache/"}));
  CHECK(at.said->sorted() == std::vector<std::string>{"fetched b", "fetched deep/a"});
  CHECK(all.left_out == 0);
  CHECK(!std::filesystem::exists(at.to.path + "/deep/cache"));
}

TEST_CASE("what is not there any more goes, where that is wanted and it was fetched") {
  for (const bool alone : {false, true}) {
    CAPTURE(alone);
    fetched_home at;
    const auto fetch = [&](fetch_options how) {
      return at.fetch(alone ? fetch_source{share_path{"files", "deep", true}, ""}
                            : fetch_source{share_path{"files", "deep", false}, "copy"},
                      std::move(how).remove_strays(true));
    };
    at.on.folder("deep/gone/empty");
    at.on.folder("deep/stays");
    for (const char* name : {"a", "b", "gone/c", "stays/d"}) at.on.file("deep/" + std::string(name), "content");
    CHECK(fetch(fetch_options()).removed == 0);
    const std::string into = alone ? "" : "copy/";
    at.to.file(into + "mine", "never fetched");
    at.to.file("beside", "never fetched");
    at.to.file(into + "stays/d", "own work");
    for (const char* name : {"b", "gone", "stays/d"}) std::filesystem::remove_all(at.on.path + "/deep/" + name);
    at.set_time(at.on.path + "/deep/stays", 1'400'000'000);
    const auto all = fetch(fetch_options());
    CHECK(at.said->sorted() == std::vector<std::string>{"present " + into + "a", "removed " + into + "b",
                                                        "removed " + into + "gone/", "removed " + into + "gone/c",
                                                        "removed " + into + "gone/empty/"});
    CHECK(all.removed == 4);
    CHECK(all.kept == (alone ? 3 : 2));
    CHECK(all.failed == 0);
    const auto times = fetched_home::times_in(at.to.path);
    CHECK(times.at("/" + into + "stays") == nearest_time(1'400'000'000, 123'456'789));
    CHECK(fetch(fetch_options().force(true)).removed == (alone ? 3 : 2));
    CHECK(std::filesystem::exists(at.to.path + "/beside") != alone);
    CHECK(!std::filesystem::exists(at.to.path + "/" + into + "mine"));
  }
}

TEST_CASE("nothing goes where it is not wanted, excluded, or only to be told") {
  fetched_home at;
  at.on.folder("deep/cache");
  for (const char* name : {"deep/cache/a", "deep/b.tmp", "deep/c", "d"}) at.on.file(name, "content");
  REQUIRE(at.fetch_all().files == 4);
  std::filesystem::remove_all(at.on.path + "/deep");
  CHECK(at.fetch_all().removed == 0);
  CHECK(at.same("d"));
  const auto how = fetch_options().remove_strays(true).exclude({"/deep/cache/", "*.tmp"});
  at.said->lines.clear();
  const auto look = at.run(fetch_folder(at.connected(), {{share_path{"files", "", true}, ""}},
                                        destination::look(at.to.path, false).value(), at.said,
                                        fetch_options(how).dry(true).disk(at.context.get_executor())));
  CHECK(at.said->sorted() == std::vector<std::string>{"present d", "would remove deep/c"});
  CHECK(look.removed == 1);
  CHECK(std::filesystem::exists(at.to.path + "/deep/c"));
  CHECK(at.fetch_all(how).removed == 1);
  CHECK(!std::filesystem::exists(at.to.path + "/deep/c"));
  CHECK((std::filesystem::exists(at.to.path + "/deep/cache/a") && std::filesystem::exists(at.to.path + "/deep/b.tmp")));
}

TEST_CASE("nothing goes where not all was listed, or several sources go to one place") {
  fetched_home at;
  for (const char* name : {"one", "two"}) at.on.folder(name);
  for (const char* name : {"a", "one/b", "two/c"}) at.on.file(name, "content");
  const auto how = fetch_options().remove_strays(true);
  const auto fetch = [&](std::vector<fetch_source> what, std::size_t most = sharing::all_of_it) {
    return at.run(fetch_folder(at.connected(most), std::move(what), destination::open(at.to.path, false).value(),
                               at.said, fetch_options(how).disk(at.context.get_executor())));
  };
  const fetch_source one{share_path{"files", "one", true}, ""};
  const fetch_source two{share_path{"files", "two", true}, ""};
  const fetch_source none{share_path{"files", "none", false}, "none"};
  CHECK(fetch({one, two}).files == 2);
  CHECK(fetch({two, one}).removed == 0);
  REQUIRE(fetch({{share_path{"files", "one", false}, "one"}}).files == 1);
  std::filesystem::remove(at.on.path + "/one/b");
  CHECK(fetch({{share_path{"files", "one", false}, "one"}, none}).removed == 0);  // one place could not be looked at
  CHECK(at.said->count("failed files:none") == 1);
  for (int i = 0; i < 600; ++i) at.on.file("one/a rather long name of a file, number " + std::to_string(i), "");
  CHECK(fetch({{share_path{"files", "one", false}, "one"}}, 50'000).removed == 0);  // the session went
  CHECK(std::filesystem::exists(at.to.path + "/one/b"));
  CHECK(fetch({{share_path{"files", "one", false}, "one"}}).removed == 1);
  CHECK(!std::filesystem::exists(at.to.path + "/one/b"));
}

TEST_CASE("a listing that takes two sessions hides nothing from those who remove") {
  fetched_home at;
  for (int i = 0; i < 600; ++i) at.on.file("a rather long name of a file, number " + std::to_string(i), "");
  REQUIRE(at.fetch_all().files == 600);
  std::filesystem::remove(at.on.path + "/a rather long name of a file, number 7");
  const auto source = std::make_shared<further>(at, std::deque<std::size_t>{sharing::all_of_it});
  const auto all = at.fetch_all(fetch_options().sessions(source).remove_strays(true), 50'000);
  CHECK(source->asked == 1);
  CHECK(all.removed == 1);
  CHECK(all.present == 599);
  CHECK(!std::filesystem::exists(at.to.path + "/a rather long name of a file, number 7"));
}

TEST_CASE("a file that grows all the time comes as long as it was, where that is wanted") {
  for (const bool snapshot : {false, true}) {
    CAPTURE(snapshot);
    fetched_home at;
    const auto content = pattern(3'000'000);
    const auto path = at.on.file("log", content);
    const auto facts = shared_folder::open(at.on.path).value().facts("log").value();
    const auto over = at.connected(1'000'000);
    at.at_most = [&] { std::ofstream(path, std::ios::app) << "more"; };
    const auto all = at.run(
        at.fetching(over, {share_path{"files", "", true}, ""}, fetch_options().snapshot(snapshot).verify(snapshot)));
    at.at_most = nullptr;
    CHECK(all.failed == (snapshot ? 0 : 1));
    CHECK(at.halves() == 0);
    if (!snapshot) {
      CHECK(at.said->why == remote_trouble(errc::file_changed));
      continue;
    }
    CHECK(at.said->lines == std::vector<std::string>{"fetched log"});
    CHECK(fetched_home::content(at.to.path + "/log") == content);
    CHECK(destination::open(at.to.path, false).value().folder("").value()->has("log", facts));
    CHECK(at.fetch_all(fetch_options().snapshot(true)).files == 1);  // the next one has the rest
    CHECK(at.same("log"));
  }
}

namespace {

// A file grows before each of its sessions.
struct growing final : session_source {
  growing(sharing::home& home, std::string path) : from(home, {sharing::all_of_it}), grows(std::move(path)) {}

  awaitable<result<shared_streams>> another() override {
    std::ofstream(grows, std::ios::app) << "more";
    return from.another();
  }
  bool may_mend(const std::error_code& why) const override { return from.may_mend(why); }

  further from;
  std::string grows;
};

}  // namespace

TEST_CASE("a file that has grown is gone on with over another session, where it comes as it was") {
  fetched_home at;
  const auto content = pattern(3'000'000);
  const auto path = at.on.file("log", content);
  const auto source = std::make_shared<growing>(at, path);
  const auto all = at.fetch_all(fetch_options().sessions(source).snapshot(true), 1'000'000);
  CHECK(at.said->lines == std::vector<std::string>{"lost", "resumed log"});
  CHECK(all.resumed > 500'000);
  CHECK(fetched_home::content(at.to.path + "/log") == content);
}

TEST_CASE("files come no faster than their user wants") {
  fetched_home at;
  for (const char* name : {"a", "b", "c"}) at.on.file(name, pattern(1'000'000));
  const auto begun = at.time.now();
  CHECK(at.fetch_all(fetch_options().limit_rate(100'000)).files == 3);
  CHECK(at.time.now() - begun >= 29s);
  CHECK(at.time.now() - begun < 33s);
}

}  // namespace fetch_folder_test
