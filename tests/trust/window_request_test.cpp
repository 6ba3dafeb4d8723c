// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/window_request.hpp>

#include <doctest/doctest.h>

namespace window_request_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

const identity::key signer = identity::key::generate();

window_request request() {
  window_request made;
  made.id = crypto::random_octets<16>();
  made.server = identity::key::generate().id();
  made.nonce = crypto::random_octets<32>();
  made.grant = crypto::random_octets<16>();
  made.rungs = bit_of(rung_kind::crossing);
  made.roam = true;
  made.explain = true;
  made.budget_ms = 999;
  made.sent_us = 123'456'789'012;
  made.central_us = 50'000;
  made.network.v4 =
      net::reflected{asio::ip::make_address("192.0.2.1"), net::mapping::step, net::filtering::port_dependent, -2, true};
  made.network.v6 = net::reflected{asio::ip::make_address("2001:db8::1"), net::mapping::none,
                                   net::filtering::endpoint_independent, 0, false};
  made.outside = {{asio::ip::make_address("192.0.2.1"), 7}, {asio::ip::make_address("2001:db8::1"), 8}};
  made.local = {{asio::ip::make_address("10.0.0.1"), 7}};
  return made;
}

window_answer answer() {
  window_answer made;
  made.id = crypto::random_octets<16>();
  made.client = signer.id();
  made.budget_ms = 800;
  made.received_us = 1;
  made.sent_us = 2;
  made.round_trip_us = 90'000;
  made.reason = "both ports are predictable";
  made.rungs.resize(2);
  made.rungs[1].server = {{asio::ip::make_address("192.0.2.1"), 7}};
  return made;
}

template <class Body>
std::error_code code_of(const Body& body) {
  const auto opened = statement<Body>::open(statement<Body>::sign(body, signer).octets());
  return opened ? std::error_code() : opened.error();
}

}  // namespace

TEST_CASE("a request travels whole") {
  const auto sent = request();
  const auto got = signed_request::open(signed_request::sign(sent, signer).octets());
  REQUIRE(got.has_value());
  const auto& body = got->body();
  CHECK(body.id == sent.id);
  CHECK(body.rungs == sent.rungs);
  CHECK(body.roam);
  CHECK(!body.binds_443);
  CHECK(body.explain);
  CHECK(body.budget_ms == 999);
  CHECK(body.sent_us == sent.sent_us);
  CHECK(body.central_us == sent.central_us);
  CHECK(body.network == sent.network);
  CHECK(body.outside == sent.outside);
  CHECK(body.local == sent.local);
}

TEST_CASE("an answer travels whole") {
  const auto sent = answer();
  const auto got = signed_answer::open(signed_answer::sign(sent, signer).octets());
  REQUIRE(got.has_value());
  CHECK(got->body().rungs == sent.rungs);
  CHECK(got->body().reason == sent.reason);
  CHECK(got->body().received_us == 1);
  CHECK(got->body().sent_us == 2);
  CHECK(got->body().round_trip_us == 90'000);
}

TEST_CASE("a request with fields that cannot be is refused") {
  auto asked = request();
  asked.rungs = 0;
  CHECK(code_of(asked) == errc::request_malformed);
  asked.rungs = 8;
  CHECK(code_of(asked) == errc::request_malformed);
  asked = request();
  asked.outside.resize(5, asked.outside[0]);
  CHECK(code_of(asked) == errc::request_malformed);
  asked = request();
  asked.network.v4->outside = asio::ip::make_address("2001:db8::1");  // the same family twice
  CHECK(code_of(asked) == errc::request_malformed);
}

TEST_CASE("an answer says a way or a refusal, and nothing a terminal would obey") {
  auto said = answer();
  said.rungs.clear();
  CHECK(code_of(said) == errc::message_malformed);
  said.code = static_cast<std::uint16_t>(errc::no_direct_path);
  CHECK(!code_of(said));
  said.rungs.resize(1);
  CHECK(code_of(said) == errc::message_malformed);
  said = answer();
  said.rungs.resize(5);
  CHECK(code_of(said) == errc::message_malformed);
  said = answer();
  said.attempt = 0;
  CHECK(code_of(said) == errc::message_malformed);
  said = answer();
  said.reason = "\x1b[2J";
  CHECK(code_of(said) == errc::message_malformed);
  said.reason.assign(241, 'x');
  CHECK(code_of(said) == errc::message_malformed);
}

}  // namespace window_request_test
