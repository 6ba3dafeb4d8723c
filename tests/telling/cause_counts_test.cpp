// SPDX-License-Identifier: BSL-1.0
#include <ajar/telling/cause_counts.hpp>

#include <doctest/doctest.h>

namespace cause_counts_test {

using namespace ajar;
using namespace ajar::telling;

TEST_CASE("causes are counted, each under its name") {
  cause_counts counts;
  CHECK(counts.total() == 0);
  CHECK(counts.by_name().empty());
  counts.add(errc::grant_expired);
  counts.add(errc::grant_expired);
  counts.add(std::error_code(EMFILE, std::system_category()), 5);
  CHECK(counts.total() == 7);
  CHECK(counts.of(errc::grant_expired) == 2);
  CHECK(counts.of(errc::eof) == 0);
  CHECK(counts.by_name() == std::map<std::string, std::uint64_t>{{"EMFILE", 5}, {"grant_expired", 2}});
}

TEST_CASE("what two threads counted is added") {
  cause_counts one;
  cause_counts other;
  one.add(errc::eof);
  other.add(errc::eof, 2);
  other.add(errc::wrong_key);
  one.add(other);
  CHECK(one.total() == 4);
  CHECK(one.of(errc::eof) == 3);
  CHECK(one.of(errc::wrong_key) == 1);
}

}  // namespace cause_counts_test
