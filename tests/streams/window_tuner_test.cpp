// SPDX-License-Identifier: BSL-1.0
#include <ajar/streams/window_tuner.hpp>

#include <doctest/doctest.h>

namespace window_tuner_test {

using namespace ajar;
using namespace std::chrono_literals;
using streams::window_tuner;

namespace {

// A path, and a reader that takes what the window and the path's rate permit in each round trip.
std::int32_t window_after(int rounds, clock::duration round_trip, double octets_a_second, double reader = 1e12) {
  window_tuner tuner;
  window_tuner::meter meter(window_tuner::stream_start);
  time_point now(1h);
  const double seconds = std::chrono::duration<double>(round_trip).count();
  for (int i = 0; i < rounds; ++i) {
    if (tuner.wants_probe(now)) {
      tuner.probe_sent(now);
      window_tuner::begin(meter);
    }
    now += round_trip;
    meter.took(static_cast<std::size_t>(
        std::min({static_cast<double>(meter.window()), octets_a_second * seconds, reader * seconds})));
    if (tuner.probe_answered(now)) tuner.grow(meter);
  }
  return meter.window();
}

}  // namespace

TEST_CASE("a window grows to twice what the path holds") {
  // 1 Gbit/s at 100 ms: 12.5 MB are under way
  CHECK(window_after(40, 100ms, 125e6) == doctest::Approx(25e6).epsilon(0.02));
  CHECK(window_after(40, 20ms, 125e6) == doctest::Approx(5e6).epsilon(0.02));
}

TEST_CASE("a window near by stays small") { CHECK(window_after(1000, 50us, 1.3e9) == window_tuner::stream_start); }

TEST_CASE("a window has a bound") { CHECK(window_after(60, 1s, 1e12) == window_tuner::most); }

TEST_CASE("a slow reader keeps its small window") {
  CHECK(window_after(40, 100ms, 125e6, 1e6) == window_tuner::stream_start);
}

TEST_CASE("round trips under load do not make the window grow") {
  window_tuner tuner;
  window_tuner::meter meter(window_tuner::session_start);
  time_point now(1h);
  tuner.probe_sent(now);
  now += 100us;
  CHECK(tuner.probe_answered(now));
  CHECK(tuner.least_round_trip() == 100us);
  now += 20ms;
  REQUIRE(tuner.wants_probe(now));
  tuner.probe_sent(now);
  window_tuner::begin(meter);
  now += 2ms;  // behind a full queue
  meter.took(2'000'000);
  CHECK(tuner.probe_answered(now));
  CHECK(!tuner.grow(meter));
}

TEST_CASE("one probe at a time, and not too often") {
  window_tuner tuner;
  const time_point now(1h);
  CHECK(!tuner.probe_answered(now));
  CHECK(tuner.wants_probe(now));
  tuner.probe_sent(now);
  CHECK(!tuner.wants_probe(now + 1s));
  CHECK(tuner.probe_answered(now + 1ms));
  CHECK(!tuner.wants_probe(now + 2ms));
  CHECK(tuner.wants_probe(now + 12ms));
}

}  // namespace window_tuner_test
