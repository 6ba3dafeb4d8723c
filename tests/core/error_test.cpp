// SPDX-License-Identifier: BSL-1.0
#include <ajar/core/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace error_test {

using namespace ajar;

TEST_CASE("every cause has one number, a text and an advice") {
  std::set<int> values;
  for (const std::error_code code : all_causes()) {
    CHECK(values.insert(code.value()).second);
    CHECK(!code.message().empty());
    CHECK(!advice(code).empty());
    CHECK(code.value() > 0);
  }
  CHECK(std::ranges::is_sorted(all_causes()));
}

TEST_CASE("a cause explains itself and foreign codes keep their category") {
  const std::error_code ours = errc::grant_expired;
  CHECK(explain(ours) == ours.message() + ": " + std::string(advice(ours)));
  CHECK(ours.message() == "the grant has ended");
  CHECK(ours.category() == category());
  const auto foreign = std::make_error_code(std::errc::connection_reset);
  CHECK(advice(foreign).empty());
  CHECK(explain(foreign) == foreign.message());
}

TEST_CASE("an advice holds for any program: it names no tool, none of its commands and none of its options") {
  for (const std::error_code code : all_causes()) {
    for (const auto* word : {"ajar-client", "ajar-server", "ajar-central", "--"}) {
      CHECK_MESSAGE(advice(code).find(word) == std::string_view::npos, advice(code));
    }
  }
}

TEST_CASE("a cause says whose matter it is") {
  CHECK(kind_of(errc::bind_failed) == cause_kind::here);
  CHECK(kind_of(errc::name_not_found) == cause_kind::central);
  CHECK(kind_of(errc::clocks_differ) == cause_kind::permission);
  CHECK(kind_of(errc::server_offline) == cause_kind::way);
  CHECK(kind_of(errc::file_changed) == cause_kind::transfer);
  CHECK(kind_of(errc(9999)) == cause_kind::transfer);
}

TEST_CASE("a number from a message that names no cause is malformed") {
  CHECK(errc_from_wire(static_cast<std::uint16_t>(errc::no_grant)) == errc::no_grant);
  CHECK(errc_from_wire(9999) == errc::message_malformed);
  CHECK(errc_from_wire(0) == errc::message_malformed);
}

}  // namespace error_test
