// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/timeline.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <ajar/signalling/message.hpp>

namespace timeline_test {

using namespace ajar;
using namespace ajar::rendezvous;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t ahead = 7'000'000'000;  // of their clocks

const identity::key server = identity::key::generate();
const identity::key client = identity::key::generate();

struct scene {
  time_point asked{1h};
  own_record own;
  trust::window_trace of_server;
  signalling::trace told;

  scene() {
    own.sent_us = stamp_of(asked);
    own.heard = asked + 60ms;
    own.steps = {{stamp_of(asked), 'B', false, "ask", ""}, {stamp_of(asked + 61ms), 'F', false, "told", ""}};
    // central is 10 ms away, the server 10 ms behind it: both ways take as long
    told.id = {7};
    told.of_central = {
        far(10ms), far(50ms), {{far(10ms), 'B', false, "asked", ""}, {far(50ms), 'F', false, "tell", ""}}};
    of_server = {{7}, client.id(), {far(20ms), far(40ms), {{far(30ms), 'D', false, "opened", ""}}}};
  }
  std::uint64_t far(std::chrono::milliseconds after) const { return stamp_of(asked + after) + ahead; }

  std::string seen(const identity::key& by = server) {
    told.signed_trace = trust::signed_trace::sign(of_server, by).octets();
    std::string made;
    for (const auto& one : merge(own, told, server.id(), client.id())) {
      made += fmt::format("{}{}:{} ", to_string(one.who).substr(0, 1), static_cast<char>(one.said.letter),
                          std::chrono::round<std::chrono::milliseconds>(one.at - asked).count());
    }
    return made;
  }
};

}  // namespace

TEST_CASE("the steps of all three parties, in the order of the client's time") {
  scene all;
  CHECK(all.seen() == "cB:0 cB:10 sD:30 cF:50 cF:61 ");
}

TEST_CASE("what nobody told is left out") {
  scene all;
  CHECK(merge(all.own, std::nullopt, server.id(), client.id()).size() == 2);
  all.own.heard.reset();
  CHECK(all.seen() == "cB:0 cF:61 ");
}

TEST_CASE("a trace that is another's, or of another window, is not believed") {
  scene all;
  CHECK(all.seen(client) == "cB:0 cB:10 cF:50 cF:61 ");
  all.of_server.id = {8};
  CHECK(all.seen() == "cB:0 cB:10 cF:50 cF:61 ");
  all = scene();
  all.of_server.client = server.id();
  CHECK(all.seen() == "cB:0 cB:10 cF:50 cF:61 ");
}

TEST_CASE("stamps that cannot be explain nothing") {
  scene all;
  all.told.of_central.sent_us = all.told.of_central.received_us + 61'000;  // longer than all of it took
  CHECK(all.seen() == "cB:0 sD:30 cF:61 ");
  all = scene();
  all.of_server.of_server.steps[0].at_us += 1ULL << 60U;
  CHECK(all.seen() == "cB:0 cB:10 cF:50 cF:61 ");
  all = scene();
  all.of_server.of_server.received_us -= 1ULL << 63U;
  CHECK(all.seen() == "cB:0 cB:10 cF:50 cF:61 ");
}

TEST_CASE("a recording keeps the steps that go on to a sink") {
  const auto record = std::make_shared<own_record>();
  int seen = 0;
  const auto sink = recording(record, [&](const telling::step&) { ++seen; });
  for (int i = 0; i < 100; ++i) telling::report_step(sink, "B", "ask");
  CHECK(seen == 100);
  CHECK(record->steps.size() == trust::traced_steps::most);
  CHECK(record->steps[0].what == "ask");
}

}  // namespace timeline_test
