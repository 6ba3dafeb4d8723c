// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/fetch.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/files/file_service.hpp>
#include <ajar/testing/run.hpp>

#include "../lifetimes.hpp"
#include "../temporary_folder.hpp"

#include <doctest/doctest.h>
#include "../streams/joined.hpp"

namespace fetch_test {

using namespace ajar;
using namespace ajar::files;
using namespace ajar::streams;

namespace {

// What a server says to one request: a head, pieces of a body, and how it ends.
struct script {
  response head;
  std::vector<std::string> pieces;
  std::error_code end =
      errc::eof;             // stream_reset: after the other side has the pieces; stream_timeout: it says no more
  clock::duration pause{0};  // before each piece
};

// A server that says it, at one end of a session in memory.
struct scripted_server {
  explicit scripted_server(script one) : said(std::move(one)), work(both.context.get_executor()) {
    work.spawn(serve(*this));
  }
  ~scripted_server() {
    both.client.close();
    both.server.close();
    work.cancel();
    both.settle();
  }

  static awaitable<void> serve(scripted_server& at) {
    auto next = co_await at.both.server.accept();
    if (!next) co_return;
    at.asked = next->asked();
    auto begun = next->respond(at.said.head);
    for (const auto& piece : at.said.pieces) {
      if (!begun) co_return;
      auto slept = co_await sleep_until(clock::now() + at.said.pause);
      if (!slept) co_return;
      begun = co_await next->write(as_bytes(piece));
    }
    if (at.said.end == errc::eof) {
      begun = next->finish();
    } else if (at.said.end == errc::stream_reset) {
      auto passed = co_await at.both.server.ping(never);
      (void)passed;
      next->reset();
    }
    auto ended = co_await next->ended(never);
    (void)ended;
  }

  script said;
  joined::pair both;
  request asked;
  task_group work;
};

response file_of(std::size_t length) {
  return response(200).with("etag", "\"x\"").with("content-length", std::to_string(length));
}

awaitable<result<std::string>> fetch_all(scripted_server& server) {
  file_request asked(share_path{"files", "a", false});
  auto file = co_await open_file(server.both.client, std::move(asked));
  if (!file) co_return fail(file.error());
  std::string all;
  bytes piece(7);
  for (;;) {
    auto count = co_await file->read_some(piece);
    if (!count) co_return fail(count.error());
    if (*count == 0) co_return all;
    all += as_text(bytes_view(piece).first(*count));
  }
}

awaitable<result<std::vector<std::string>>> list_all(scripted_server& server) {
  share_path place{"files", "deep", false};
  auto folder = co_await open_folder(server.both.client, std::move(place));
  if (!folder) co_return fail(folder.error());
  std::vector<std::string> names;
  for (;;) {
    auto entry = co_await folder->next();
    if (!entry) co_return fail(entry.error());
    if (!*entry) co_return names;
    names.push_back((*entry)->name);
  }
}

result<std::string> fetched(script said) {
  scripted_server server(std::move(said));
  return server.both.run(fetch_all(server));
}
result<std::vector<std::string>> listed(script said) {
  scripted_server server(std::move(said));
  return server.both.run(list_all(server));
}

response listing() { return response(200).with("content-type", std::string(listing_type)); }
const std::string one = "{\"name\":\"one\",\"type\":\"folder\"}\n";
const std::string two = "{\"name\":\"two\",\"type\":\"folder\"}\n";

}  // namespace

TEST_CASE("a file is fetched, and whole only at its confirmed end") {
  CHECK(fetched({file_of(12), {"hello ", "world!"}, errc::eof}).value() == "hello world!");
  CHECK(fetched({file_of(0), {}, errc::eof}).value().empty());
  CHECK(fetched({file_of(12), {"hello "}, errc::eof}).error() == errc::share_cut_short);
  CHECK(fetched({file_of(12), {"hello "}, errc::stream_reset}).error() == errc::share_cut_short);
  CHECK(fetched({file_of(12), {"hello world!"}, errc::stream_reset}).error() == errc::file_changed);
  CHECK(fetched({file_of(11), {"hello world!"}, errc::eof}).error() == errc::share_cut_short);  // HTTP/2 sees that
  CHECK(fetched({file_of(12), {"hello "}, errc::stream_timeout}).error() == errc::stream_timeout);
  CHECK(fetched({response(404), {}, errc::eof}).error() == errc::file_not_found);
}

TEST_CASE("a folder has a time where its server tells one") {
  const auto time_of = [](response head) -> result<std::optional<file_time>> {
    scripted_server server({std::move(head), {end_line(0)}, errc::eof});
    const auto folder = server.both.run(open_folder(server.both.client, share_path{"files", "deep", false}));
    if (!folder) return fail(folder.error());
    return folder->modified();
  };
  CHECK(time_of(listing()).value() == std::nullopt);  // it is older than that field
  CHECK(time_of(listing().with("ajar-mtime-ns", "-7")).value() == file_time(std::chrono::nanoseconds(-7)));
  CHECK(time_of(listing().with("ajar-mtime-ns", "99999999999999999999")).value() ==
        file_time(std::chrono::seconds(9'000'000'000)));
  CHECK(time_of(listing().with("ajar-mtime-ns", "noon")).error() == errc::answer_unexpected);
}

TEST_CASE("a folder is listed, and whole only with its last line") {
  CHECK(listed({listing(), {one + two + end_line(2)}, errc::eof}).value() == std::vector<std::string>{"one", "two"});
  CHECK(listed({listing(), {one.substr(0, 5), one.substr(5) + two, end_line(2)}, errc::eof}).value().size() == 2);
  CHECK(listed({listing(), {one + two}, errc::eof}).error() == errc::share_cut_short);
  CHECK(listed({listing(), {one + two + end_line(2)}, errc::stream_reset}).error() == errc::share_cut_short);
  CHECK(listed({listing(), {one + end_line(2)}, errc::eof}).error() == errc::listing_malformed);
  CHECK(listed({listing(), {"{\"name\":\"..\",\"type\":\"folder\"}\n"}, errc::eof}).error() == errc::name_escapes);
  CHECK(listed({response(200).with("content-type", "text/html"), {one}, errc::eof}).error() == errc::answer_unexpected);
  CHECK(listed({response(404).with("ajar-error", "234"), {}, errc::eof}).error() == errc::not_a_folder);
}

TEST_CASE("a look says whether a file or a folder is there, by a request without a body") {
  const share_path place{"files", "a", false};
  const auto looked = [&](script said, file_request asked) {
    scripted_server server(std::move(said));
    auto head = server.both.run(look_at(server.both.client, std::move(asked)));
    return std::pair(std::move(head), server.asked);
  };
  const auto [file, asked] = looked({file_of(12), {}, errc::eof}, file_request(place).digest());
  REQUIRE(file);
  CHECK(file->facts.kind == entry_kind::file);
  CHECK(file->facts.size == 12);
  CHECK(asked.method() == "HEAD");
  CHECK(asked.fields().find("want-repr-digest").has_value());
  const script moved{response(308).with("location", "/files/a/"), {}, errc::eof};
  CHECK(looked(moved, file_request(place)).first.value().facts.kind == entry_kind::folder);
  const script missing{response(404).with("ajar-error", "231"), {}, errc::eof};
  CHECK(looked(missing, file_request(place)).first.error() == errc::file_not_found);
}

namespace {

// A file service at one end of a session in memory, this test at the other.
struct shared_over_session {
  shared_over_session() : files(both.context.get_executor()), work(both.context.get_executor()) {
    files.share("files", shared_folder::open(on.path).value());
    work.spawn(serve(*this));
  }
  ~shared_over_session() {
    both.client.close();
    both.server.close();
    work.cancel();
    both.settle();
  }

  static awaitable<void> serve(shared_over_session& at) {
    for (;;) {
      auto next = co_await at.both.server.accept();
      if (!next) co_return;
      at.work.spawn(answer(at, std::move(*next)));
    }
  }
  static awaitable<void> answer(shared_over_session& at, stream one) {
    const read_permission may_read = [](std::string_view) { return result<>(); };
    auto answering = at.files.answer(one, may_read, "client");
    auto answered = co_await unless(one.ended(), std::move(answering));
    (void)answered;
  }

  temporary_folder on;
  joined::pair both;
  file_service files;
  task_group work;
};

// Everything of a file; `meanwhile` is called once, when some octets have come.
awaitable<result<std::string>> fetch_over(shared_over_session& at, file_request asked,
                                          std::function<void()> meanwhile) {
  auto file = co_await open_file(at.both.client, std::move(asked));
  if (!file) co_return fail(file.error());
  std::string all;
  bytes piece(10'000);
  for (;;) {
    auto count = co_await file->read_some(piece);
    if (!count) co_return fail(count.error());
    if (*count == 0) co_return all;
    all += as_text(bytes_view(piece).first(*count));
    if (meanwhile) meanwhile();
    meanwhile = nullptr;
  }
}

awaitable<result<std::size_t>> count_over(shared_over_session& at, std::string inside) {
  share_path place{"files", std::move(inside), true};
  auto folder = co_await open_folder(at.both.client, std::move(place));
  if (!folder) co_return fail(folder.error());
  for (std::size_t count = 0;; ++count) {
    auto entry = co_await folder->next();
    if (!entry) co_return fail(entry.error());
    if (!*entry) co_return count;
  }
}

file_request of(const std::string& inside) { return file_request(share_path{"files", inside, false}); }

}  // namespace

TEST_CASE("files and folders come over a session as they are") {
  shared_over_session at;
  const auto octets = joined::pattern(1'000'000);
  const std::string content(as_text(octets));
  at.on.file("large", content);
  at.on.file("odd \xff", "odd");
  at.on.folder("many");
  for (int i = 0; i < 1000; ++i) at.on.file("many/a rather long name of a file, number " + std::to_string(i), "");
  CHECK(at.both.run(fetch_over(at, of("large"), nullptr)).value() == content);
  CHECK(at.both.run(fetch_over(at, of("odd \xff"), nullptr)).value() == "odd");
  CHECK(at.both.run(count_over(at, "many")).value() == 1000);
  const auto etag = shared_folder::open(at.on.path).value().facts("large").value().etag;
  CHECK(at.both.run(fetch_over(at, of("large").from(999'000, etag), nullptr)).value() == content.substr(999'000));
  CHECK(at.both.run(fetch_over(at, of("large").only("\"x\""), nullptr)).error() == errc::file_changed);
  CHECK(at.both.run(fetch_over(at, of("none"), nullptr)).error() == errc::file_not_found);
  CHECK(at.both.run(fetch_over(at, of("many"), nullptr)).error() == errc::not_a_file);
  CHECK(at.both.run(count_over(at, "large")).error() == errc::not_a_folder);
}

TEST_CASE("a file that changes on its way over a session is no file that arrived") {
  shared_over_session at;
  const std::string content(3'000'000, 'a');
  const auto path = at.on.file("a", content);
  const auto shrink = [&] { std::filesystem::resize_file(path, 5000); };
  CHECK(at.both.run(fetch_over(at, of("a"), shrink)).error() == errc::share_cut_short);
  at.on.file("a", content);
  const auto grow = [&] { std::filesystem::resize_file(path, 4'000'000); };
  CHECK(at.both.run(fetch_over(at, of("a"), grow)).error() == errc::file_changed);
  at.on.file("a", content);
  CHECK(at.both.run(fetch_over(at, of("a"), nullptr)).value() == content);  // and the session goes on
}

TEST_CASE("hundreds of refusals are no flood of resets") {
  shared_over_session at;
  for (int i = 0; i < 400; ++i) {
    CHECK(at.both.run(fetch_over(at, of("none"), nullptr)).error() == errc::file_not_found);
    CHECK(at.both.run(count_over(at, "none")).error() == errc::file_not_found);
  }
}

namespace {

awaitable<void> ask(shared_over_session& at, request what, std::vector<stream>& into) {
  auto asked = co_await at.both.client.open(std::move(what));
  REQUIRE(asked);
  into.push_back(std::move(*asked));
}

std::vector<stream> ask_often(shared_over_session& at, const request& what, int count) {
  std::vector<stream> all;
  for (int i = 0; i < count; ++i) at.both.run(ask(at, what, all));
  at.both.settle();
  return all;
}

}  // namespace

TEST_CASE("who asks for many files and reads none has few open, and none when it goes") {
  shared_over_session at;
  at.on.file("large", std::string(5'000'000, 'a'));
  at.files.limit({4, 8});
  {
    const auto all = ask_often(at, request("GET", "/files/large"), 40);
    CHECK(at.files.open().count("client") == 4);
  }
  at.both.settle();
  CHECK(at.files.open().count() == 0);
  CHECK(at.both.run(fetch_over(at, of("large"), nullptr)).value().size() == 5'000'000);
}

TEST_CASE("what is done for a stream ends with it") {
  shared_over_session at;
  at.on.file("large", std::string(20'000'000, 'a'));
  const auto wanted = request("HEAD", "/files/large").with("want-repr-digest", "sha-256=10");
  for (int i = 0; i < 20; ++i) {
    std::vector<stream> all;
    for (int j = 0; j < 5; ++j) at.both.run(ask(at, wanted, all));
  }
  at.both.settle();
  CHECK(at.files.open().count() == 0);
}

namespace {

using namespace std::chrono_literals;

// What goes while it is read: an incoming_file, or an incoming_folder.
template <class What>
struct going {
  going(script said, What (*open)(scripted_server&))
      : server(std::move(said)), what(open(server)), one(server.both.time, server.both.context, read(*this), drop()) {}
  going(const going&) = delete;
  going& operator=(const going&) = delete;
  ~going() {
    what.reset();
    CHECK(why == (gone_before_end ? make_error_code(errc::canceled) : std::error_code()));
  }

  std::function<void()> drop() {
    return [this] {
      gone_before_end = !ended;
      what.reset();
    };
  }
  static awaitable<void> read(going& of) {
    bytes room(7);
    bool more = true;
    while (more && of.what) {
      auto some = read_some(*of.what, room);
      auto got = co_await std::move(some);
      if (!got) of.why = got.error();
      more = got && *got;
    }
    if (!of.what && !of.why) of.why = errc::canceled;
    of.ended = true;
  }
  static awaitable<result<bool>> read_some(incoming_file& from, bytes& room) { return more_of(from.read_some(room)); }
  static awaitable<result<bool>> read_some(incoming_folder& from, bytes&) { return more_of(from.next()); }
  template <class T>
  static awaitable<result<bool>> more_of(awaitable<result<T>> reading) {
    auto got = co_await std::move(reading);
    if (!got) co_return fail(got.error());
    co_return static_cast<bool>(*got);
  }

  scripted_server server;
  std::optional<What> what;
  bool ended = false;
  bool gone_before_end = false;
  std::error_code why;
  lifetimes::trial one;
};

awaitable<result<incoming_file>> open_a(scripted_server& of) {
  file_request asked(share_path{"files", "a", false});
  return open_file(of.both.client, std::move(asked));
}
incoming_file opened_file(scripted_server& of) { return of.both.run(open_a(of)).value(); }
incoming_folder opened_folder(scripted_server& of) {
  return of.both.run(open_folder(of.both.client, share_path{"files", "deep", false})).value();
}

script slow_file() { return {file_of(12), {"hello ", "world!"}, errc::eof, 300ms}; }
script slow_folder() { return {listing(), {one, two, end_line(2)}, errc::eof, 300ms}; }

}  // namespace

TEST_CASE("a file or a folder may go at every suspension of what reads it, which then is canceled") {
  const auto of_file = [] { return std::make_unique<going<incoming_file>>(slow_file(), opened_file); };
  CHECK(lifetimes::drop_at_each(of_file, 60) > 6);
  const auto of_folder = [] { return std::make_unique<going<incoming_folder>>(slow_folder(), opened_folder); };
  CHECK(lifetimes::drop_at_each(of_folder, 60) > 6);
}

TEST_CASE("a file that was moved from answers with an error; to assign to one ends the old one") {
  bytes room(7);
  scripted_server server(slow_file());
  auto file = opened_file(server);
  auto reading = file.read_some(room);
  auto taken = std::move(file);
  CHECK(server.both.run(file.read_some(room)).error() == errc::moved_from);
  CHECK(server.both.run(std::move(reading)).value() == 6);
  auto more = taken.read_some(room);
  taken = std::move(file);
  CHECK(server.both.run(std::move(more)).error() == errc::canceled);
}

TEST_CASE("a folder that was moved from answers with an error; to assign to one ends the old one") {
  scripted_server other(slow_folder());
  auto folder = opened_folder(other);
  auto next = folder.next();
  auto rest = std::move(folder);
  CHECK(other.both.run(folder.next()).error() == errc::moved_from);
  CHECK(other.both.run(std::move(next)).value()->name == "one");
  auto last = rest.next();
  rest = std::move(folder);
  CHECK(other.both.run(std::move(last)).error() == errc::canceled);
}

}  // namespace fetch_test
