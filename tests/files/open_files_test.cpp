// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/open_files.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/manual_clock.hpp>

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace open_files_test {

using namespace ajar;
using namespace ajar::files;

namespace {

struct asked {
  explicit asked(std::string who) : reader(std::move(who)) {}
  std::string reader;
  std::optional<result<place>> got;
};

awaitable<void> take(open_files& of, asked& into) {
  auto given = co_await of.take(into.reader);
  into.got.emplace(std::move(given));
}

struct scene {
  asio::io_context context;
  open_files files{context.get_executor(), {2, 3, std::chrono::seconds(10)}};
  task_group work{context.get_executor()};

  void ask(asked& one) {
    work.spawn(take(files, one));
    turn();
  }
  void turn() {
    context.restart();
    context.poll();
  }
};

}  // namespace

TEST_CASE("who has enough open waits for itself, and nobody else does") {
  scene s;
  asked first("one"), second("one"), third("one"), other("two");
  s.ask(first);
  s.ask(second);
  s.ask(third);
  CHECK(first.got.has_value());
  CHECK(second.got.has_value());
  CHECK(!third.got.has_value());
  s.ask(other);
  REQUIRE(other.got.has_value());
  CHECK(other.got->has_value());
  CHECK(s.files.count() == 3);
  first.got.reset();
  s.turn();
  REQUIRE(third.got.has_value());
  CHECK(third.got->has_value());
  CHECK(s.files.count("one") == 2);
}

TEST_CASE("there are so many for all together") {
  scene s;
  asked one("one"), two("two"), three("three"), four("four");
  for (auto* each : {&one, &two, &three, &four}) s.ask(*each);
  CHECK(three.got.has_value());
  CHECK(!four.got.has_value());
  two.got.reset();
  s.turn();
  CHECK(four.got.has_value());
}

TEST_CASE("who waited too long is told to come again, and who is cancelled leaves nothing") {
  testing::manual_clock time;
  scene s;
  asked first("one"), second("one"), third("one");
  for (auto* each : {&first, &second, &third}) s.ask(*each);
  time.advance(s.context, std::chrono::milliseconds(9'999));
  CHECK(!third.got.has_value());
  time.advance(s.context, std::chrono::milliseconds(2));
  REQUIRE(third.got.has_value());
  CHECK(third.got->error() == errc::server_busy);

  asked fourth("one");
  s.ask(fourth);
  s.work.cancel();
  s.turn();
  REQUIRE(fourth.got.has_value());
  CHECK(is_canceled(fourth.got->error()));
  first.got.reset();
  second.got.reset();
  CHECK(s.files.count() == 0);
}

TEST_CASE("higher limits let those who wait go on; places outlive their budget") {
  asked first("one"), second("one"), third("one");
  {
    scene s;
    for (auto* each : {&first, &second, &third}) s.ask(*each);
    CHECK(!third.got.has_value());
    s.files.limit({3, 3});
    s.turn();
    CHECK(third.got.has_value());
  }
  for (auto* each : {&first, &second, &third}) CHECK(each->got.value().has_value());
}

}  // namespace open_files_test
