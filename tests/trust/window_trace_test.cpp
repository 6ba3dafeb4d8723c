// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/window_trace.hpp>

#include <doctest/doctest.h>

namespace window_trace_test {

using namespace ajar;
using namespace ajar::trust;
using namespace std::chrono_literals;

namespace {

const identity::key signer = identity::key::generate();

window_trace trace() {
  window_trace made{{7}, signer.id(), {1'000, 2'000, {}}};
  made.of_server.add({1'500, 'D', false, "opened a port", "192.0.2.1:7"});
  made.of_server.add({1'900, 0, true, "this rung failed", ""});
  return made;
}

std::error_code code_of(const window_trace& body) {
  const auto opened = signed_trace::open(signed_trace::sign(body, signer).octets());
  return opened ? std::error_code() : opened.error();
}

}  // namespace

TEST_CASE("a trace travels whole") {
  const auto sent = trace();
  const auto got = signed_trace::open(signed_trace::sign(sent, signer).octets());
  REQUIRE(got.has_value());
  CHECK(got->body().id == sent.id);
  CHECK(got->body().client == sent.client);
  CHECK(got->body().of_server.received_us == 1'000);
  CHECK(got->body().of_server.sent_us == 2'000);
  CHECK(got->body().of_server.steps == sent.of_server.steps);
}

TEST_CASE("a step becomes what a terminal may show, and no longer than a message has room for") {
  const telling::step one{time_point(1h), "D", "opened a port", "\x1b[2J" + std::string(1000, 'x'),
                          telling::log_level::warning};
  const auto made = traced_step::of(one);
  CHECK(made.at_us == stamp_of(time_point(1h)));
  CHECK(made.letter == 'D');
  CHECK(made.trouble);
  CHECK(made.what == "opened a port");
  CHECK(made.detail.substr(0, 5) == "?[2Jx");
  CHECK(made.detail.size() == traced_step::longest_detail);
  CHECK(traced_step::of({time_point(1h), "", "done", "", telling::log_level::info}).letter == 0);
}

TEST_CASE("a trace keeps so many steps, and what is too much is left out") {
  auto full = trace();
  for (int i = 0; i < 100; ++i) full.of_server.add({1, 0, false, std::string(64, 'w'), std::string(240, 'd')});
  CHECK(full.of_server.steps.size() == traced_steps::most);
  CHECK(!code_of(full));
  CHECK(signed_trace::sign(full, signer).octets().size() < largest_statement);
}

TEST_CASE("a trace with what no honest server says is refused") {
  auto bad = trace();
  bad.of_server.steps.resize(traced_steps::most + 1);
  CHECK(code_of(bad) == errc::message_malformed);
  for (const std::string text : {"\x1b[2J", "\n", "\x7f", "\xc3\xa9"}) {
    bad = trace();
    bad.of_server.steps[0].what = text;
    CHECK(code_of(bad) == errc::message_malformed);
    bad = trace();
    bad.of_server.steps[0].detail = text;
    CHECK(code_of(bad) == errc::message_malformed);
  }
  bad = trace();
  bad.of_server.steps[0].letter = 'H';
  CHECK(code_of(bad) == errc::message_malformed);
  bad = trace();
  bad.of_server.steps[0].what.assign(65, 'x');
  CHECK(code_of(bad) == errc::message_malformed);
}

}  // namespace window_trace_test
