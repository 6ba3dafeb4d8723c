// SPDX-License-Identifier: BSL-1.0
#include <ajar/streams/http2_engine.hpp>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>

#include "forge.hpp"

namespace http2_engine_test {

using namespace ajar;
using namespace std::chrono_literals;
using namespace ajar::streams;
using forge::operator+=;

namespace {

class counted_source final : public body_source {
 public:
  explicit counted_source(std::size_t size, std::size_t fail_at = std::size_t(-1)) : left_(size), fail_at_(fail_at) {}
  result<std::size_t> read(std::span<std::uint8_t> into) override {
    if (given_ >= fail_at_) return fail(errc::share_cut_short);
    const auto count = std::min({into.size(), left_, fail_at_ - given_});
    for (std::size_t i = 0; i < count; ++i) into[i] = static_cast<std::uint8_t>(given_ + i);
    given_ += count;
    left_ -= count;
    return count;
  }

 private:
  std::size_t left_;
  std::size_t fail_at_;
  std::size_t given_ = 0;
};

bool is_counted(bytes_view octets) {
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if (octets[i] != static_cast<std::uint8_t>(i)) return false;
  }
  return true;
}

const time_point now(1h);

struct engines {
  asio::io_context context;
  http2_engine client{http_role::client, context.get_executor()};
  http2_engine server{http_role::server, context.get_executor()};
  std::size_t longest = 0;  // of what is sent at once

  // Carry octets until nobody has any.
  void carry() {
    for (bool any = true; any;) {
      any = move(client, server);
      any = move(server, client) || any;
    }
  }
  bool move(http2_engine& from, http2_engine& to) {
    bool any = false;
    for (;;) {
      const auto octets = from.produce();
      REQUIRE(octets.has_value());
      if (octets->empty()) return any;
      any = true;
      longest = std::max(longest, octets->size());
      REQUIRE(to.receive(*octets, now));
    }
  }
  std::shared_ptr<http2_stream> ask(request what, bool body = false) {
    auto opened = client.open(std::move(what), body);
    REQUIRE(opened.has_value());
    carry();
    return *opened;
  }
  // Answer the next request from a source.
  std::shared_ptr<http2_stream> answer(std::unique_ptr<body_source> body, response head = response()) {
    auto asked = server.next_request();
    REQUIRE(asked);
    asked->finishing = true;
    asked->source = std::move(body);
    REQUIRE(server.respond(*asked, head));
    return asked;
  }
  // Read all there is, and give the room back.
  bytes read(http2_engine& at, http2_stream& stream) {
    bytes all;
    bytes piece(100'000);
    carry();
    for (;;) {
      const auto count = stream.take(piece);
      if (!count) return all;
      all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
      at.credit(stream, *count);
      carry();
    }
  }
};

// One engine that serves, against frames made by hand.
struct besieged {
  asio::io_context context;
  http2_engine server{http_role::server, context.get_executor()};
  std::optional<std::error_code> ended;
  std::size_t replies = 0;

  explicit besieged(const bytes& settings = {}) { send(forge::preface(settings)); }

  bool send(const bytes& octets) {
    if (ended) return false;
    const auto done = server.receive(octets, now);
    if (!done) ended = done.error();
    drain();
    return !ended;
  }
  bytes drain() {
    bytes all;
    for (;;) {
      const auto octets = server.produce();
      REQUIRE(octets.has_value());
      if (octets->empty()) break;
      replies += octets->size();
      all.insert(all.end(), octets->begin(), octets->end());
    }
    if (!ended && server.failed()) ended = *server.failed();
    return all;
  }
  // So many times, or until the engine has had enough: how often it took it.
  int repeat(const bytes& octets, int most) {
    int count = 0;
    while (count < most && send(octets)) ++count;
    return count;
  }
};

}  // namespace

TEST_CASE("a request has an answer, and both say what they are") {
  engines two;
  auto asked = two.ask(request("GET", "/docs/a%20b").with("range", "bytes=0-9"));
  const auto arrived = two.server.next_request();
  REQUIRE(arrived);
  CHECK(arrived->asked.method() == "GET");
  CHECK(arrived->asked.path() == "/docs/a%20b");
  CHECK(arrived->asked.fields().find("range") == "bytes=0-9");
  CHECK(arrived->end_received);
  arrived->finishing = true;
  REQUIRE(two.server.respond(*arrived, response(404).with("ajar-error", "231")));
  two.carry();
  REQUIRE(asked->answered);
  CHECK(asked->answered->status() == 404);
  CHECK(asked->answered->fields().find("ajar-error") == "231");
  CHECK(asked->closed);
  CHECK(asked->why == errc::eof);
  CHECK(arrived->closed);
  CHECK(two.client.streams() == 0);
  CHECK(two.server.streams() == 0);
}

TEST_CASE("a pulled body arrives whole, in frames of one TLS record") {
  engines two;
  auto asked = two.ask(request("GET", "/"));
  two.answer(std::make_unique<counted_source>(5'000'000));
  two.carry();
  CHECK(asked->inbox.size() <= window_tuner::stream_start);  // what is not read stays with the sender
  const auto got = two.read(two.client, *asked);
  CHECK(got.size() == 5'000'000);
  CHECK(is_counted(got));
  CHECK(asked->end_received);
  CHECK(two.longest == 16384);
}

TEST_CASE("an answer given whole is sent, though nobody holds it any more") {
  engines two;
  auto asked = two.ask(request("GET", "/"));
  auto serving = two.answer(std::make_unique<counted_source>(100'000));
  two.server.abandon(*serving);
  serving.reset();
  const auto got = two.read(two.client, *asked);
  two.carry();
  CHECK((got.size() + two.read(two.client, *asked).size()) == 100'000);
  CHECK(asked->why == errc::eof);
}

TEST_CASE("an upload that nobody reads is ended behind the answer") {
  engines two;
  auto asked = two.ask(request("POST", "/"), true);
  auto serving = two.answer(nullptr, response(403));
  two.server.abandon(*serving);
  two.carry();
  REQUIRE(asked->answered);
  CHECK(asked->answered->status() == 403);
  CHECK(asked->closed);
  CHECK(two.server.streams() == 0);
}

TEST_CASE("a stream that is let go before its answer is whole is reset") {
  engines two;
  auto asked = two.ask(request("GET", "/"));
  auto serving = two.server.next_request();
  two.server.abandon(*serving);
  two.carry();
  CHECK(asked->closed);
  CHECK(asked->why == errc::stream_reset);
  auto second = two.ask(request("GET", "/"));
  auto answering = two.answer(std::make_unique<counted_source>(1'000'000));
  two.carry();
  two.client.abandon(*second);
  two.carry();
  CHECK(answering->closed);
  CHECK(answering->why == errc::stream_reset);
}

TEST_CASE("a source that fails resets the stream: part of a body is not the whole") {
  engines two;
  auto asked = two.ask(request("GET", "/"));
  auto serving = two.answer(std::make_unique<counted_source>(100'000, 30'000));
  two.carry();
  CHECK(asked->closed);
  CHECK(asked->why == errc::stream_reset);
  CHECK(!asked->end_received);
  CHECK(serving->why == errc::share_cut_short);
}

TEST_CASE("octets of streams that were let go leave the session's window as it was") {
  engines two;
  for (int i = 0; i < 100; ++i) {
    auto asked = two.ask(request("GET", "/"));
    two.answer(std::make_unique<counted_source>(200'000));
    if (i % 2 == 0) {
      two.client.abandon(*asked);  // its octets are on their way
    }
    two.carry();
    if (i % 2 == 1) two.client.abandon(*asked);  // its octets have come and were not read
    two.carry();
  }
  auto last = two.ask(request("GET", "/"));
  two.answer(std::make_unique<counted_source>(3'000'000));
  CHECK(two.read(two.client, *last).size() == 3'000'000);
}

TEST_CASE("a reader that stops holds up its own stream alone") {
  engines two;
  std::vector<std::shared_ptr<http2_stream>> stopped;
  for (int i = 0; i < 20; ++i) {
    stopped.push_back(two.ask(request("GET", "/")));
    two.answer(std::make_unique<counted_source>(50'000'000));
    two.carry();
  }
  for (const auto& one : stopped) CHECK(one->inbox.size() <= window_tuner::stream_start);
  auto lively = two.ask(request("GET", "/"));
  two.answer(std::make_unique<counted_source>(2'000'000));
  CHECK(two.read(two.client, *lively).size() == 2'000'000);
}

TEST_CASE("small frames are gathered, and a large one does not overtake them") {
  engines two;
  std::vector<std::shared_ptr<http2_stream>> all;
  for (int i = 0; i < 100; ++i) {
    auto opened = two.client.open(request("GET", "/"), false);
    REQUIRE(opened);
    all.push_back(*opened);
  }
  int records = 0;
  for (;;) {
    const auto octets = two.client.produce();
    REQUIRE(octets);
    if (octets->empty()) break;
    ++records;
    REQUIRE(two.server.receive(*octets, now));
  }
  CHECK(records <= 2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    two.answer(std::make_unique<counted_source>(i % 3 == 0 ? 16'000 : i % 3 == 1 ? 9'000 : 10));
  }
  two.carry();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto got = two.read(two.client, *all[i]);
    CHECK(got.size() == (i % 3 == 0 ? 16'000 : i % 3 == 1 ? 9'000 : 10));
    CHECK(is_counted(got));
  }
  CHECK(two.longest <= 16384);
}

TEST_CASE("a drained session takes no further stream, and those there go on") {
  engines two;
  auto asked = two.ask(request("GET", "/"));
  two.server.drain();
  two.carry();
  CHECK(two.client.draining());
  CHECK(two.client.open(request("GET", "/"), false).error() == errc::session_draining);
  two.answer(std::make_unique<counted_source>(500'000));
  CHECK(two.read(two.client, *asked).size() == 500'000);
}

TEST_CASE("a request that crosses the goodbye was refused, not begun") {
  engines two;
  two.carry();
  two.server.drain();
  auto opened = two.client.open(request("GET", "/"), false);
  REQUIRE(opened);
  two.carry();
  CHECK((*opened)->closed);
  CHECK((*opened)->why == errc::stream_refused);
  CHECK(!two.server.next_request());
}

TEST_CASE("fields that HTTP does not permit, and heads that are too long, never leave") {
  engines two;
  CHECK(two.client.open(request("GET", "/").with("a", "b\r\nc: d"), false).error() == errc::message_malformed);
  CHECK(two.client.open(request("GET", "/").with("a b", "c"), false).error() == errc::message_malformed);
  CHECK(two.client.open(request("GET", "/").with("a", std::string(20'000, 'x')), false).error() == errc::head_too_long);
  CHECK(two.client.streams() == 0);
  two.ask(request("GET", "/"));
  auto serving = two.server.next_request();
  serving->finishing = true;
  CHECK(two.server.respond(*serving, response().with("location", "a\nb")).error() == errc::message_malformed);
}

TEST_CASE("a client opens no more streams than the other side takes") {
  engines two;
  two.carry();
  int count = 0;
  while (two.client.room() != 0 && count < 10'000) {
    REQUIRE(two.client.open(request("GET", "/"), false));
    ++count;
  }
  CHECK(count == most_streams);
  two.carry();
  CHECK(two.server.streams() == most_streams);
}

TEST_CASE("all streams end with the session's cause") {
  engines two;
  auto asked = two.ask(request("GET", "/"));
  two.client.end_all(errc::grant_revoked);
  CHECK(asked->closed);
  CHECK(asked->why == errc::grant_revoked);
}

TEST_CASE("a PING comes back with its token") {
  engines two;
  std::uint64_t back = 0;
  two.client.on_pong = [&](std::uint64_t token) { back = token; };
  two.client.ping(0x1122334455667788);
  two.carry();
  CHECK(back == 0x1122334455667788);
}

// --- hostile peers

TEST_CASE("windows of one octet: what is asked for arrives, octet by octet") {
  besieged one(forge::setting(forge::initial_window_size, 1));
  REQUIRE(one.send(forge::ask(1, forge::get("/"))));
  auto asked = one.server.next_request();
  REQUIRE(asked);
  asked->finishing = true;
  asked->source = std::make_unique<counted_source>(300);
  REQUIRE(one.server.respond(*asked, response()));
  auto sent = one.drain();
  for (int i = 0; i < 300; ++i) {
    REQUIRE(one.server.receive(forge::frame(forge::window_update, 0, 1, forge::number(1)), now));
    sent += one.drain();
  }
  bytes body;
  for (std::size_t at = 0; at + 9 <= sent.size();) {
    const auto size = static_cast<std::size_t>(sent[at] << 16 | sent[at + 1] << 8 | sent[at + 2]);
    if (sent[at + 3] == forge::data) {
      CHECK(size <= 1);
      body.insert(body.end(), sent.begin() + static_cast<std::ptrdiff_t>(at + 9),
                  sent.begin() + static_cast<std::ptrdiff_t>(at + 9 + size));
    }
    at += 9 + size;
  }
  CHECK(body.size() == 300);
  CHECK(is_counted(body));
  CHECK(asked->end_sent);
}

TEST_CASE("frames without content are a flood, whatever their kind") {
  const auto ask = forge::ask(1, forge::get("/"), forge::end_headers);
  auto ended = ask;
  ended += forge::frame(forge::rst_stream, 0, 1, forge::number(8));
  struct flood {
    std::string name;
    bytes first;
    bytes octets;
  };
  const flood floods[] = {
      {"empty DATA", ask, forge::frame(forge::data, 0, 1)},
      {"PING", {}, forge::frame(forge::ping, 0, 0, bytes(8))},
      {"SETTINGS", {}, forge::frame(forge::settings, 0, 0)},
      {"WINDOW_UPDATE of the session", {}, forge::frame(forge::window_update, 0, 0, forge::number(1))},
      {"WINDOW_UPDATE of a stream", ask, forge::frame(forge::window_update, 0, 1, forge::number(1))},
      {"empty DATA of a stream that has ended", ended, forge::frame(forge::data, 0, 1)},
      {"unknown", {}, forge::frame(0xbe, 0, 0, bytes(5))},
      {"PRIORITY", {}, forge::frame(forge::priority, 0, 3, bytes{0, 0, 0, 0, 16})},
  };
  for (const auto& one : floods) {
    CAPTURE(one.name);
    besieged fort;
    if (!one.first.empty()) REQUIRE(fort.send(one.first));
    const auto taken = fort.repeat(one.octets, 1'000'000);
    CHECK(taken <= frame_budget::burst);
    CHECK(taken > 1000);
    CHECK(fort.ended == errc::http2_flood);
    CHECK(fort.replies < 500'000);
  }
}

TEST_CASE("answers to PINGs that nobody fetches are bounded") {
  asio::io_context context;
  http2_engine server(http_role::server, context.get_executor());
  REQUIRE(server.receive(forge::preface(), now));
  int taken = 0;
  while (taken < 100'000 && server.receive(forge::frame(forge::ping, 0, 0, bytes(8)), now)) ++taken;
  CHECK(taken <= 200);
}

TEST_CASE("a head that is too long ends its stream, and the others go on") {
  besieged one;
  bytes head = forge::block(forge::get("/"));
  const std::string value(120, 'x');
  for (int i = 0; i < 100; ++i) head += forge::field("x-padding", value);
  REQUIRE(head.size() < 16384);
  for (int i = 0; i < 50; ++i) head += forge::field("x-padding", value);
  const auto first = bytes(head.begin(), head.begin() + 16000);
  const auto rest = bytes(head.begin() + 16000, head.end());
  REQUIRE(one.send(forge::frame(forge::headers, forge::end_stream, 1, first)));
  REQUIRE(one.send(forge::frame(forge::continuation, forge::end_headers, 1, rest)));
  CHECK(!one.server.next_request());
  CHECK(one.server.streams() == 0);
  REQUIRE(one.send(forge::ask(3, forge::get("/"))));
  CHECK(one.server.next_request());
}

TEST_CASE("a small block that unfolds to a huge head ends its stream") {
  besieged one;
  // one field of 4000 octets in the dynamic table, then named over and over by one octet each (RFC 7541 section 6.1)
  bytes head = forge::block(forge::get("/"));
  head += bytes{0x40, 1, 'x', 0x7f, 0xa1, 0x1e};  // with indexing; 127 + 33 + 30 * 128 = 4000
  head += bytes(4000, 'y');
  head += bytes(12'000, 0xbe);
  REQUIRE(one.send(forge::frame(forge::headers, forge::end_stream | forge::end_headers, 1, head)));
  CHECK(!one.server.next_request());
  CHECK(one.server.streams() == 0);
}

TEST_CASE("a head without end is cut off") {
  besieged one;
  REQUIRE(one.send(forge::frame(forge::headers, 0, 1, forge::block(forge::get("/")))));
  const auto taken = one.repeat(forge::frame(forge::continuation, 0, 1, forge::field("a", "b")), 100'000);
  CHECK(taken < 20);
  CHECK(one.ended);
}

TEST_CASE("requests that are reset at once are a flood") {
  besieged one;
  int taken = 0;
  for (std::uint32_t id = 1; taken < 100'000; id += 2, ++taken) {
    auto both = forge::ask(id, forge::get("/"));
    both += forge::frame(forge::rst_stream, 0, id, forge::number(8));
    if (!one.send(both)) break;
  }
  CHECK(taken < 2000);
  CHECK(one.ended);
  CHECK(one.server.streams() == 0);
  CHECK(!one.server.next_request());  // nothing is left of what was reset
}

TEST_CASE("ten thousand streams at once: no more are taken than were announced") {
  besieged one;
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    if (!one.send(forge::ask(2 * i + 1, forge::get("/")))) break;
    most = std::max(most, one.server.streams());
  }
  CHECK(most == most_streams);
}

TEST_CASE("a body that is not as long as was said is told apart") {
  for (const bool longer : {false, true}) {
    CAPTURE(longer);
    engines two;
    auto asked = two.ask(request("GET", "/"));
    two.answer(std::make_unique<counted_source>(longer ? 101 : 99), response().with("content-length", "100"));
    for (;;) {
      const auto octets = two.server.produce();
      REQUIRE(octets);
      if (octets->empty()) break;
      (void)two.client.receive(*octets, now);
    }
    (void)two.client.produce();
    CHECK(asked->closed);
    CHECK(asked->why == errc::body_length_wrong);
    CHECK(!asked->end_received);
  }
}

TEST_CASE("what is no HTTP/2 ends the session") {
  asio::io_context context;
  http2_engine server(http_role::server, context.get_executor());
  CHECK(server.receive(as_bytes("GET / HTTP/1.1\r\nhost: ajar\r\n\r\n"), now).error() == errc::http2_violated);
  besieged one;
  one.send(forge::frame(forge::data, 0, 7, bytes(10)));  // DATA of a stream that never was
  CHECK(one.ended == errc::http2_violated);
}

TEST_CASE("any garbage is an error, and nothing else") {
  std::uint32_t seed = 1;
  for (int round = 0; round < 300; ++round) {
    besieged one;
    bytes garbage(400);
    for (auto& octet : garbage) octet = static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
    auto frame = forge::frame(static_cast<std::uint8_t>(round % 10), garbage[0], garbage[1] % 5,
                              bytes_view(garbage).first(garbage[2]));
    for (int i = 0; i < 3 && one.send(frame); ++i) {
    }
    while (one.server.next_request()) {
    }
  }
  CHECK(seed != 1);
}

}  // namespace http2_engine_test
