// SPDX-License-Identifier: BSL-1.0
#include "server/budgets.hpp"

#include <ajar/telling/step.hpp>

#include <doctest/doctest.h>
#include <limits>

namespace budgets_test {

using tools::budgets_within;

TEST_CASE("sessions and files leave a quarter of the descriptors to all else") {
  for (const std::size_t descriptors : {64U, 256U, 1024U, 20'000U, 1'048'576U}) {
    CAPTURE(descriptors);
    const auto made = budgets_within(descriptors);
    CHECK(made.sessions + made.files.all <= descriptors - descriptors / 4);
    CHECK(made.files.each <= made.files.all / 2);
    CHECK(made.sessions >= 4);
    CHECK(made.files.each >= 4);
  }
}

TEST_CASE("with enough descriptors more of them change nothing") {
  const auto usual = budgets_within(20'000);
  const auto endless = budgets_within(std::numeric_limits<std::size_t>::max());
  CHECK(usual.sessions == endless.sessions);
  CHECK(usual.files.all == endless.files.all);
  CHECK(usual.files.each == endless.files.each);
  CHECK(!usual.less);
  CHECK(budgets_within(1024).less);
}

TEST_CASE("a server that permits less says so once, and how to change it") {
  std::vector<ajar::telling::step> told;
  const ajar::telling::step_sink sink = [&told](const ajar::telling::step& one) { told.push_back(one); };
  tools::tell_of_budgets(budgets_within(20'000), sink);
  CHECK(told.empty());
  tools::tell_of_budgets(budgets_within(256), sink);
  REQUIRE(told.size() == 1);
  CHECK(told.front().detail.find("64 sessions, 128 files open, 16 of a client") == 0);
  CHECK(told.front().detail.find("LimitNOFILE=") != std::string::npos);
}

}  // namespace budgets_test
