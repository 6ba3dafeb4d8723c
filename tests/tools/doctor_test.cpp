// SPDX-License-Identifier: BSL-1.0
#include <tools/doctor.hpp>

#include <doctest/doctest.h>
#include <filesystem>

#include "../temporary_folder.hpp"

namespace doctor_test {

using namespace tools;
using namespace std::chrono_literals;

namespace {

ajar::wall_time day(int year, unsigned month, unsigned number) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(number));
}

}  // namespace

TEST_CASE("a clock is wrong by years, or nobody keeps it right") {
  CHECK(judge_clock(day(2026, 11, 27), true).how == grade::good);
  CHECK(judge_clock(day(2026, 11, 27), true).found == "2026-11-27, kept right");
  CHECK(judge_clock(day(2026, 11, 27), false).how == grade::note);
  CHECK(judge_clock(day(2026, 1, 1), true).how == grade::good);
  for (const auto wrong : {ajar::wall_time(0s), day(2026, 1, 1) - 1s, day(2126, 1, 1), day(2400, 1, 1)}) {
    CHECK(judge_clock(wrong, true).how == grade::bad);
    CHECK(!judge_clock(wrong, true).to_do.empty());
  }
}

TEST_CASE("an error is told with what to do about it") {
  const auto made = bad("state", ajar::errc::state_permissions);
  CHECK(made.how == grade::bad);
  CHECK(made.found == make_error_code(ajar::errc::state_permissions).message());
  CHECK(made.to_do == advice(make_error_code(ajar::errc::state_permissions)));
}

TEST_CASE("one bad finding makes the exit code, notes do not") {
  CHECK(tell_findings({good("a", "b"), note("a", "b", "c")}, true) == success);
  CHECK(tell_findings({good("a", "b"), bad("a", "\x1b[2J", "c"), good("d", "e")}, true) == local_trouble);
}

TEST_CASE("what is not there is not made, and a folder that others may read is bad") {
  const temporary_folder on;
  const auto& folder = on.path;
  CHECK(look_at_state("server", folder + "/gone").how == grade::note);
  CHECK(!std::filesystem::exists(folder + "/gone"));
  CHECK(look_at_state("server", folder).how == grade::note);  // no key yet
  CHECK(std::filesystem::is_empty(folder));
  REQUIRE(ajar::state::folder::open(folder)->load_key());
  CHECK(look_at_state("server", folder).how == grade::good);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  CHECK(look_at_state("server", folder).how == grade::bad);
}

TEST_CASE("a machine that runs these tests can hide its windows from strangers") {
  CHECK(look_at_cloak(ajar::windows::cloak::compare).how == grade::note);
  const auto best = look_at_cloak(ajar::windows::cloak::automatic);
  CHECK(best.what == "cloak");
  CHECK(look_at_versions().how == grade::good);
}

}  // namespace doctor_test
