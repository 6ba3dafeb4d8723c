// SPDX-License-Identifier: BSL-1.0
#include <ajar/streams/frame_budget.hpp>

#include <doctest/doctest.h>

namespace frame_budget_test {

using namespace ajar;
using namespace std::chrono_literals;
using streams::frame_budget;

namespace {

int spent_at(frame_budget& budget, time_point now, int most) {
  int count = 0;
  while (count < most && budget.spend(now)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a burst of frames without content is taken, and no more") {
  frame_budget budget;
  CHECK(spent_at(budget, time_point(1h), 1'000'000) == frame_budget::burst);
}

TEST_CASE("time earns frames, up to the burst") {
  frame_budget budget;
  spent_at(budget, time_point(1h), 1'000'000);
  CHECK(spent_at(budget, time_point(1h + 1s), 1'000'000) == doctest::Approx(frame_budget::per_second).epsilon(0.01));
  CHECK(spent_at(budget, time_point(200h), 1'000'000) <= frame_budget::burst);
}

TEST_CASE("bodies earn frames, up to the burst") {
  frame_budget budget;
  const time_point now(1h);
  spent_at(budget, now, 1'000'000);
  budget.earn(100 * 4096);
  CHECK(spent_at(budget, now, 1'000'000) == doctest::Approx(100).epsilon(0.02));
  budget.earn(std::size_t{1} << 40);
  CHECK(spent_at(budget, now, 1'000'000) <= frame_budget::burst);
}

TEST_CASE("frames are read from octets that are cut anywhere") {
  bytes octets;
  const auto frame = [&](std::size_t size, std::uint8_t kind, std::uint8_t flags) {
    const bytes head{static_cast<std::uint8_t>(size >> 16),
                     static_cast<std::uint8_t>(size >> 8),
                     static_cast<std::uint8_t>(size),
                     kind,
                     flags,
                     0,
                     0,
                     0,
                     1};
    octets.insert(octets.end(), head.begin(), head.end());
    octets.insert(octets.end(), size, 0);
  };
  for (int i = 0; i < 10; ++i) {
    frame(300, 0, 0);  // DATA
    frame(0, 0, 1);    // its end
    frame(20, 1, 4);   // HEADERS
    frame(8, 6, 1);    // an answer to a PING
    frame(0, 4, 1);    // and to SETTINGS
    frame(0, 0, 0);    // these two cost
    frame(4, 8, 0);
  }
  for (const std::size_t piece : std::initializer_list<std::size_t>{1, 2, 7, 100, 100'000}) {
    CAPTURE(piece);
    frame_budget budget;
    const time_point now(1h);
    budget.skip(5);
    CHECK(budget.read(bytes(5), now));
    for (bytes_view left = octets; !left.empty(); left = left.subspan(std::min(piece, left.size()))) {
      CHECK(budget.read(left.first(std::min(piece, left.size())), now));
    }
    CHECK(spent_at(budget, now, 1'000'000) == frame_budget::burst - 20);
  }
}

}  // namespace frame_budget_test
