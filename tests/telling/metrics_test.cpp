// SPDX-License-Identifier: BSL-1.0
#include <ajar/telling/metrics.hpp>

#include <doctest/doctest.h>

namespace metrics_test {

using namespace ajar;
using namespace ajar::telling;

TEST_CASE("metrics are written as the exposition format wants them") {
  metrics out;
  out.gauge("ajar_server_sessions", "Sessions that are alive.").sample(3);
  out.counter("ajar_server_refusals_total", "By cause.")
      .sample(1, {{"cause", "grant_expired"}})
      .sample(18446744073709551615U, {{"cause", "eof"}, {"way", "window"}});
  CHECK(out.text() ==
        "# HELP ajar_server_sessions Sessions that are alive.\n"
        "# TYPE ajar_server_sessions gauge\n"
        "ajar_server_sessions 3\n"
        "# HELP ajar_server_refusals_total By cause.\n"
        "# TYPE ajar_server_refusals_total counter\n"
        "ajar_server_refusals_total{cause=\"grant_expired\"} 1\n"
        "ajar_server_refusals_total{cause=\"eof\",way=\"window\"} 18446744073709551615\n");
}

TEST_CASE("times are told in seconds, to the nanosecond") {
  const std::pair<std::int64_t, std::string_view> times[] = {{0, "0"},
                                                             {1, "0.000000001"},
                                                             {1'500'000'000, "1.5"},
                                                             {7'000'000'000, "7"},
                                                             {86'400'000'000'010, "86400.00000001"}};
  for (const auto& [count, expected] : times) {
    metrics out;
    out.gauge("ajar_x_seconds", "A time.").sample(std::chrono::nanoseconds(count));
    CHECK(out.text() ==
          "# HELP ajar_x_seconds A time.\n# TYPE ajar_x_seconds gauge\najar_x_seconds " + std::string(expected) + "\n");
  }
}

TEST_CASE("a label's value ends no label and no line") {
  metrics out;
  out.gauge("x", "a \\ and a \"quote\"\nsecond").sample(1, {{"name", "a\"b\\c\nd\x1b[2J\xff"}});
  CHECK(out.text() ==
        "# HELP x a \\\\ and a \"quote\"\\nsecond\n"
        "# TYPE x gauge\n"
        "x{name=\"a\\\"b\\\\c\\nd\\\\x1b[2J\\\\xff\"} 1\n");
}

}  // namespace metrics_test
