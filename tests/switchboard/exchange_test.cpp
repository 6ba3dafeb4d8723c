// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/exchange.hpp>

#include <doctest/doctest.h>

namespace exchange_test {

using namespace ajar;
using ajar::switchboard::exchange;
using namespace std::chrono_literals;

namespace {
const time_point start{1000h};
}  // namespace

TEST_CASE("central waits for a moment longer than the client does") {
  CHECK(exchange(start, 1s).deadline() == start + 1s + exchange::grace);
  CHECK(exchange(start, 0ms).deadline() == start + exchange::grace);
}

TEST_CASE("no client makes central wait for longer than the longest budget") {
  CHECK(exchange(start, exchange::longest_budget).deadline() == start + exchange::longest_budget + exchange::grace);
  CHECK(exchange(start, 24h).deadline() == start + exchange::longest_budget + exchange::grace);
}

TEST_CASE("as many answers are relayed as there may be listeners, and one refusal") {
  exchange one(start, 1s);
  for (int i = 0; i < exchange::most_answers; ++i) CHECK(one.answered(start + 10ms, false));
  CHECK(!one.answered(start + 10ms, false));
  CHECK(!one.failure());
}

TEST_CASE("nothing follows what the server calls its last answer") {
  exchange one(start, 1s);
  CHECK(!one.is_answered());
  CHECK(one.answered(start + 10ms, true));
  CHECK(one.is_answered());
  CHECK(one.is_over());
  CHECK(!one.answered(start + 20ms, false));
  CHECK(!one.failure());
}

TEST_CASE("an answer at the deadline comes too late") {
  exchange one(start, 1s);
  CHECK(!one.answered(one.deadline(), false));
  CHECK(one.failure() == errc::exchange_timeout);
  CHECK(one.answered(one.deadline() - 1ns, false));
  CHECK(!one.failure());
}

}  // namespace exchange_test
