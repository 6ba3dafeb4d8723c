// SPDX-License-Identifier: BSL-1.0
#include <ajar/signalling/message.hpp>

#include <doctest/doctest.h>
#include <ajar/crypto/random.hpp>

#include <random>
#include <set>
#include <tuple>

#include "../seeds.hpp"

namespace message_test {

using namespace ajar;
using namespace ajar::signalling;
using namespace std::chrono_literals;

namespace {

// ---- what a message says, to compare

auto fields(const hello& m) { return std::tie(m.version, m.who, m.methods, m.login, m.nonce); }
auto fields(const welcome& m) { return std::tie(m.heartbeat, m.seen, m.reflect_port, m.ticket); }
auto fields(const goodbye& m) { return std::tie(m.why); }
auto fields(const ping& m) { return std::tie(m.token); }
auto fields(const pong& m) { return std::tie(m.token); }
auto fields(const present_grant& m) { return std::tie(m.grant); }
auto fields(const grant_result& m) { return std::tie(m.grant, m.code); }
auto fields(const present_revocations& m) { return std::tie(m.list); }
auto fields(const revocations_result& m) { return std::tie(m.serial, m.code, m.later); }
auto fields(const presence& m) { return std::tie(m.server, m.state, m.methods, m.nonce, m.interval, m.seen); }
auto fields(const door& m) { return std::tie(m.record); }
auto fields(const door_result& m) { return std::tie(m.code); }
auto fields(const roster_request& m) { return std::tie(m.since, m.interval); }
auto fields(const request& m) { return std::tie(m.signed_request); }
auto fields(const command& m) { return std::tie(m.seen, m.signed_request); }
auto fields(const answer& m) { return std::tie(m.id, m.last, m.signed_answer); }
auto fields(const failure& m) { return std::tie(m.id, m.why); }
auto fields(const renewed_nonce& m) { return std::tie(m.nonce); }
auto fields(const reflected& m) { return std::tie(m.ticket, m.number, m.seen); }
auto fields(const dial_back& m) { return std::tie(m.at); }
auto fields(const trace& m) {
  return std::tie(m.id, m.signed_trace, m.of_central.received_us, m.of_central.sent_us, m.of_central.steps);
}
auto fields(const exposure_report& m) { return std::tie(m.open, m.listeners, m.strangers); }
auto fields(const announce_invites& m) { return std::tie(m.ids); }
auto fields(const redeem& m) { return std::tie(m.server, m.invite, m.sealed); }
auto fields(const redemption& m) { return std::tie(m.ticket, m.invite, m.sealed); }
auto fields(const redeemed& m) { return std::tie(m.ticket, m.code, m.sealed); }
auto fields(const follow_up&) { return std::tuple(); }
auto fields(const succeed& m) { return std::tie(m.said); }
auto fields(const roster_update& m) {
  std::vector<std::tuple<identity::peer_id, bool, trust::grant_id, bytes>> entries;
  for (const auto& one : m.entries) entries.emplace_back(one.client, one.present, one.grant, one.record);
  return std::tuple(m.snapshot, m.more, m.version.epoch, m.version.number, std::move(entries));
}

bool same(const message& a, const message& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&](const auto& one) { return fields(one) == fields(std::get<std::decay_t<decltype(one)>>(b)); },
                    a);
}

// ---- messages of all kinds with any content

class chance {
 public:
  explicit chance(unsigned seed) : source_(seed) {}

  std::uint64_t number() { return source_(); }
  std::uint64_t below(std::uint64_t most) { return source_() % most; }
  std::uint8_t octet() { return static_cast<std::uint8_t>(source_()); }
  std::uint16_t code() { return static_cast<std::uint16_t>(source_()); }
  bool flag() { return below(2) == 1; }
  std::chrono::milliseconds time() { return std::chrono::milliseconds(1 + below(0xffff'ffff)); }
  template <std::size_t N>
  std::array<std::uint8_t, N> octets() {
    std::array<std::uint8_t, N> made{};
    for (auto& one : made) one = octet();
    return made;
  }
  bytes some(std::size_t most) {
    bytes made(below(most + 1));
    for (auto& one : made) one = octet();
    return made;
  }
  identity::peer_id peer() { return identity::peer_id(octets<32>()); }
  net::tcp::endpoint place() {
    const auto port = code();
    if (flag()) return {asio::ip::address_v4(octets<4>()), port};
    return {asio::ip::address_v6(octets<16>()), port};
  }
  errc cause() {
    const auto& all = ajar::all_causes();
    return all[below(all.size())];
  }

  void fill(hello& m) {
    m = {signalling::protocol_version, static_cast<role>(1 + below(3)), static_cast<trust::method>(octet()), number(),
         octets<32>()};
  }
  void fill(welcome& m) { m = {time(), place(), code(), octets<28>()}; }
  void fill(goodbye& m) { m = {cause()}; }
  void fill(ping& m) { m = {number()}; }
  void fill(pong& m) { m = {number()}; }
  void fill(present_grant& m) { m = {some(600)}; }
  void fill(grant_result& m) { m = {octets<16>(), code()}; }
  void fill(present_revocations& m) { m = {some(600)}; }
  void fill(revocations_result& m) { m = {number(), code(), some(600)}; }
  void fill(presence& m) {
    m = {peer(), static_cast<presence_state>(below(3)), static_cast<trust::method>(octet()), octets<32>(), time(),
         place()};
  }
  void fill(door& m) { m = {some(150)}; }
  void fill(door_result& m) { m = {code()}; }
  void fill(roster_request& m) { m = {{number(), number()}, time()}; }
  void fill(roster_update& m) {
    m = {flag(), flag(), {number(), number()}, {}};
    for (auto count = below(4); count > 0; --count) {
      roster_entry one{peer(), flag(), {}, {}};
      if (one.present) {
        one.grant = octets<16>();
        one.record = some(160);
      }
      m.entries.push_back(one);
    }
  }
  void fill(request& m) { m = {some(600)}; }
  void fill(command& m) {
    m = {{place()}, some(600)};
    if (flag()) m.seen.push_back(place());
  }
  void fill(reflected& m) { m = {octets<28>(), number(), place()}; }
  void fill(dial_back& m) { m = {place()}; }
  void fill(answer& m) { m = {octets<16>(), true, some(600)}; }
  void fill(failure& m) { m = {octets<16>(), cause()}; }
  void fill(renewed_nonce& m) { m = {octets<32>()}; }
  void fill(trace& m) {
    m = {octets<16>(), some(600), {number(), number(), {}}};
    for (auto count = below(4); count > 0; --count) m.of_central.add({number(), 'E', flag(), "a step", "its detail"});
  }
  void fill(announce_invites& m) {
    m = {};
    for (auto count = below(4); count > 0; --count) m.ids.push_back(octets<16>());
  }
  void fill(signalling::redeem& m) { m = {peer(), octets<16>(), some(trust::longest_redemption)}; }
  void fill(signalling::redemption& m) { m = {octets<28>(), octets<16>(), some(trust::longest_redemption)}; }
  void fill(signalling::redeemed& m) { m = {octets<28>(), code(), some(600)}; }
  void fill(follow_up&) {}
  void fill(succeed& m) { m = {some(succeed::longest)}; }
  void fill(exposure_report& m) { m = {std::chrono::nanoseconds(below(86'400'000'000'001)), code(), code()}; }

 private:
  std::mt19937_64 source_;
};

template <std::size_t... Index>
std::vector<message> one_of_each(chance& with, std::index_sequence<Index...>) {
  std::vector<message> all;
  const auto add = [&]<class Kind>(std::type_identity<Kind>) {
    Kind made;
    with.fill(made);
    all.emplace_back(std::move(made));
  };
  (add(std::type_identity<std::variant_alternative_t<Index, message_kinds>>()), ...);
  return all;
}
std::vector<message> one_of_each(chance& with) {
  return one_of_each(with, std::make_index_sequence<std::variant_size_v<message_kinds>>());
}

wire::frame frame_of(bytes_view octets) {
  wire::frame_decoder decoder;
  decoder.feed(octets);
  auto frame = decoder.next();
  REQUIRE(frame.has_value());
  REQUIRE(frame->has_value());
  CHECK(decoder.at_boundary());
  return std::move(**frame);
}
wire::frame frame_of(const message& what) { return frame_of(to_frame(what)); }

result<message> parse_payload(std::uint8_t kind, bytes payload) { return parse(wire::frame{kind, std::move(payload)}); }

// A message of this kind with one octet of its payload changed.
std::error_code with_octet(const message& what, std::size_t at, std::uint8_t value) {
  auto frame = frame_of(what);
  frame.payload.at(at) = value;
  const auto parsed = parse(frame);
  return parsed ? std::error_code() : parsed.error();
}

identity::peer_id peer_of(std::uint8_t octet) {
  identity::peer_id::octets_type octets;
  octets.fill(octet);
  return identity::peer_id(octets);
}

}  // namespace

TEST_CASE("nobody reports more than a day of exposure at once") {
  const auto day = exposure_report::longest;
  const auto parsed = [](std::chrono::nanoseconds open) {
    const auto octets = to_frame(exposure_report{open, 1, 0});
    wire::frame frame;
    frame.kind = exposure_report::kind;
    frame.payload.assign(octets.begin() + wire::frame_header_size, octets.end());
    return parse(frame);
  };
  CHECK(parsed(day));
  CHECK(parsed(day + 1ns).error() == errc::message_malformed);
  CHECK(parsed(std::chrono::nanoseconds(-1)).error() == errc::message_malformed);
}

TEST_CASE("every message comes back with all its fields") {
  const auto seed = seed_or(1);
  CAPTURE(seed);
  chance with(seed);
  for (int round = 0; round < 200; ++round) {
    for (const auto& sent : one_of_each(with)) {
      const auto octets = to_frame(sent);
      const auto got = parse(frame_of(octets));
      REQUIRE_MESSAGE(got.has_value(), sent.index());
      CHECK_MESSAGE(same(sent, *got), sent.index());
      CHECK((to_frame(*got) == octets));
    }
  }
}

TEST_CASE("every kind has a number of its own, from 1 on without a gap") {
  const auto seed = seed_or(2);
  CAPTURE(seed);
  chance with(seed);
  std::set<std::uint8_t> kinds;
  for (const auto& one : one_of_each(with)) kinds.insert(frame_of(one).kind);
  CHECK(kinds.size() == std::variant_size_v<message_kinds>);
  CHECK(*kinds.begin() == 1);
  CHECK(*kinds.rbegin() == std::variant_size_v<message_kinds>);
}

TEST_CASE("a message that ends too early is refused, wherever it ends") {
  const auto seed = seed_or(3);
  CAPTURE(seed);
  chance with(seed);
  for (int round = 0; round < 5; ++round) {
    for (const auto& sent : one_of_each(with)) {
      const auto whole = frame_of(sent);
      for (std::size_t n = 0; n < whole.payload.size(); ++n) {
        const auto begin = whole.payload.begin();
        const auto got = parse_payload(whole.kind, bytes(begin, begin + static_cast<std::ptrdiff_t>(n)));
        REQUIRE_MESSAGE(!got.has_value(), sent.index());
        CHECK_MESSAGE(got.error() == errc::message_truncated, sent.index());
      }
    }
  }
}

TEST_CASE("a message with an octet too many is refused") {
  const auto seed = seed_or(4);
  CAPTURE(seed);
  chance with(seed);
  for (const auto& sent : one_of_each(with)) {
    auto longer = frame_of(sent);
    longer.payload.push_back(0);
    const auto got = parse(longer);
    REQUIRE_MESSAGE(!got.has_value(), sent.index());
    CHECK_MESSAGE(got.error() == errc::message_malformed, sent.index());
  }
}

TEST_CASE("an unknown kind is told as such") {
  for (const std::uint8_t kind : bytes{0, 30, 128, 255}) {
    CHECK(parse_payload(kind, bytes()).error() == errc::unknown_message);
    CHECK(parse_payload(kind, bytes(40, 1)).error() == errc::unknown_message);
  }
}

TEST_CASE("a hello of another version tells its version, whatever follows") {
  for (const bytes& payload : {bytes{0, 3}, bytes{0, 5, 99, 98, 97}, bytes(300, 7), bytes{0, 0}}) {
    const auto got = parse_payload(hello::kind, payload);
    REQUIRE(got.has_value());
    CHECK(std::get<hello>(*got).version == (payload[0] << 8 | payload[1]));
  }
}

TEST_CASE("a cause that is none is a malformed message, never a success") {
  for (const bytes& code : {bytes{0, 0}, bytes{0xff, 0xff}, bytes{0, 19}}) {
    const auto parted = parse_payload(goodbye::kind, code);
    REQUIRE(parted.has_value());
    CHECK(std::get<goodbye>(*parted).why == errc::message_malformed);
    bytes payload(16, 1);
    payload.insert(payload.end(), code.begin(), code.end());
    const auto failed = parse_payload(failure::kind, payload);
    REQUIRE(failed.has_value());
    CHECK(std::get<failure>(*failed).why == errc::message_malformed);
  }
}

TEST_CASE("fields out of their range are refused") {
  hello greeting;
  CHECK(with_octet(greeting, 2, 0) == errc::message_malformed);
  CHECK(with_octet(greeting, 2, 4) == errc::message_malformed);
  CHECK(!with_octet(greeting, 2, 1));
  CHECK(!with_octet(greeting, 2, 3));
  presence there;
  CHECK(with_octet(there, 32, 3) == errc::message_malformed);
  CHECK(!with_octet(there, 32, 2));
  welcome silent;
  CHECK(parse(frame_of(silent)).error() == errc::message_malformed);  // a heartbeat of 0
  silent.heartbeat = 1ms;
  CHECK(parse(frame_of(silent)).has_value());
  CHECK(with_octet(silent, 4, 5) == errc::message_malformed);  // the family of an address
  roster_update update;
  CHECK(with_octet(update, 0, 2) == errc::message_malformed);
  CHECK(with_octet(update, 1, 255) == errc::message_malformed);
  update.entries.push_back({peer_of(1), false, {}, {}});
  CHECK(with_octet(update, 19 + 32, 2) == errc::message_malformed);
}

TEST_CASE("an IPv4 address has one encoding") {
  command one;
  one.seen.emplace_back(asio::ip::make_address("::ffff:192.0.2.1"), 443);
  const auto got = parse(frame_of(one));
  REQUIRE(got.has_value());
  CHECK(std::get<command>(*got).seen[0].address() == asio::ip::make_address("192.0.2.1"));
  bytes mapped{1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1, 1, 187, 0, 0};
  CHECK(parse_payload(command::kind, mapped).error() == errc::message_malformed);
}

TEST_CASE("the longest statement fits into a frame, and one octet more is refused") {
  command longest;
  longest.seen.assign(command::most_seen, {asio::ip::make_address("2001:db8::1"), 1});
  longest.signed_request.assign(trust::largest_statement, 1);
  CHECK(frame_of(longest).payload.size() <= wire::max_payload);
  CHECK(parse(frame_of(longest)).has_value());
  const bytes too_long(trust::largest_statement + 1, 1);
  const message refused[] = {present_grant{too_long}, present_revocations{too_long}, door{too_long},
                             request{too_long},       command{{{}}, too_long},       answer{{}, false, too_long}};
  for (const auto& one : refused) {
    CHECK_MESSAGE(parse(frame_of(one)).error() == errc::message_malformed, one.index());
  }
}

TEST_CASE("all invites fit into a frame, and one more is refused; so is a redemption that is too long") {
  announce_invites all{std::vector<trust::invite_id>(announce_invites::most)};
  CHECK(parse(frame_of(all)).has_value());
  all.ids.emplace_back();
  CHECK(parse(frame_of(all)).error() == errc::message_malformed);
  const bytes too_long(trust::longest_redemption + 1, 1);
  CHECK(parse(frame_of(signalling::redeem{{}, {}, too_long})).error() == errc::message_malformed);
  CHECK(parse(frame_of(signalling::redemption{{}, {}, too_long})).error() == errc::message_malformed);
  CHECK(parse(frame_of(succeed{bytes(succeed::longest, 1)})).has_value());
  CHECK(parse(frame_of(succeed{bytes(succeed::longest + 1, 1)})).error() == errc::message_malformed);
  signalling::redeemed answer{{}, 0, bytes(trust::longest_redemption_answer, 1)};
  CHECK(frame_of(answer).payload.size() <= wire::max_payload);
  CHECK(parse(frame_of(answer)).has_value());
  answer.sealed.push_back(1);
  CHECK(parse(frame_of(answer)).error() == errc::message_malformed);
}

TEST_CASE("the longest roster update fits into a frame, and more entries or a longer record are refused") {
  roster_update longest;
  for (std::size_t i = 0; i < roster_update::most_entries; ++i) {
    longest.entries.push_back({peer_of(static_cast<std::uint8_t>(i)), true, {}, bytes(160, 1)});
  }
  CHECK(frame_of(longest).payload.size() <= wire::max_payload);
  CHECK(parse(frame_of(longest)).has_value());
  auto one_more = longest;
  for (auto& each : one_more.entries) each = {each.client, false, {}, {}};
  one_more.entries.push_back(one_more.entries[0]);
  CHECK(parse(frame_of(one_more)).error() == errc::message_malformed);
  roster_update record;
  record.entries.push_back({peer_of(1), true, {}, bytes(161, 1)});
  CHECK(parse(frame_of(record)).error() == errc::message_malformed);
}

// A change of these octets is a change of the protocol: protocol_version counts up with it.
TEST_CASE("the octets of messages are these") {
  const auto hex = [](const message& what) { return to_hex(to_frame(what)); };
  const auto times = [](int count, const std::string& text) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  trust::link_nonce nonce;
  nonce.fill(0xaa);
  CHECK(hex(hello{4, role::server, trust::method::outbound | trust::method::window, 0x0102030405060708, nonce}) ==
        "00002c01"
        "0004"
        "01"
        "03"
        "0102030405060708" +
            times(32, "aa"));
  CHECK(hex(renewed_nonce{nonce}) == "00002013" + times(32, "aa"));
  link_ticket ticket;
  ticket.fill(0xbb);
  CHECK(hex(welcome{20'000ms, {asio::ip::make_address("2001:db8::5"), 443}, 8443, ticket}) ==
        "00003502"
        "00004e20"
        "06"
        "20010db8000000000000000000000005"
        "01bb"
        "20fb" +
            times(28, "bb"));
  CHECK(hex(reflected{ticket, 258, {asio::ip::make_address("192.0.2.7"), 8443}}) == "00002b15" + times(28, "bb") +
                                                                                        "0000000000000102"
                                                                                        "04"
                                                                                        "c0000207"
                                                                                        "20fb");
  CHECK(hex(dial_back{{asio::ip::make_address("192.0.2.7"), 8443}}) ==
        "00000716"
        "04"
        "c0000207"
        "20fb");
  const auto told = "00003317" + times(16, "cc") +
                    "0001"
                    "ee"
                    "0000000000000102"
                    "0000000000000103"
                    "01"
                    "0000000000000104"
                    "45"
                    "01"
                    "0001"
                    "61"
                    "0000";
  trust::request_id request;
  request.fill(0xcc);
  CHECK(hex(trace{request, {0xee}, {258, 259, {{260, 'E', true, "a", ""}}}}) == told);
  CHECK(hex(command{{{asio::ip::make_address("192.0.2.7"), 8443}}, {1, 2}}) ==
        "00000c10"
        "01"
        "04"
        "c0000207"
        "20fb"
        "0002"
        "0102");
  CHECK(hex(announce_invites{{request}}) ==
        "00001218"
        "0001" +
            times(16, "cc"));
  CHECK(hex(signalling::redeem{peer_of(0x51), request, {1, 2}}) == "00003419" + times(32, "51") + times(16, "cc") +
                                                                       "0002"
                                                                       "0102");
  CHECK(hex(signalling::redemption{ticket, request, {1, 2}}) == "0000301a" + times(28, "bb") + times(16, "cc") +
                                                                    "0002"
                                                                    "0102");
  CHECK(hex(signalling::redeemed{ticket, 258, {1, 2}}) == "0000221b" + times(28, "bb") +
                                                              "0102"
                                                              "0002"
                                                              "0102");
  CHECK(hex(follow_up{}) == "0000001c");
  CHECK(hex(succeed{{1, 2}}) ==
        "0000041d"
        "0002"
        "0102");
  CHECK(hex(goodbye{errc::evicted}) ==
        "00000203"
        "0085");
  CHECK(hex(ping{258}) ==
        "00000804"
        "0000000000000102");
  CHECK(hex(pong{258}) ==
        "00000805"
        "0000000000000102");
  CHECK(hex(exposure_report{258ns, 1, 2}) ==
        "00000c14"
        "0000000000000102"
        "0001"
        "0002");
  CHECK(hex(present_grant{{1, 2, 3}}) ==
        "00000506"
        "0003"
        "010203");
  CHECK(hex(presence{peer_of(0x51),
                     presence_state::polling,
                     trust::method::outbound | trust::method::window | trust::method::relay,
                     nonce,
                     60'000ms,
                     {asio::ip::make_address("192.0.2.7"), 8443}}) == "00004d0a" + times(32, "51") +
                                                                          "02"
                                                                          "07" +
                                                                          times(32, "aa") +
                                                                          "0000ea60"
                                                                          "04"
                                                                          "c0000207"
                                                                          "20fb");
  CHECK(hex(roster_request{{1, 2}, 5ms}) ==
        "0000140d"
        "0000000000000001"
        "0000000000000002"
        "00000005");
  trust::grant_id grant;
  grant.fill(0x67);
  roster_update update;
  update.snapshot = true;
  update.version = {0x1122334455667788, 9};
  update.entries.push_back({peer_of(0xc1), true, grant, {0xde, 0xad}});
  update.entries.push_back({peer_of(0xc2), false, {}, {}});
  CHECK(hex(update) ==
        "0000690e"
        "01"
        "00"
        "1122334455667788"
        "0000000000000009"
        "02" +
            times(32, "c1") + "01" + times(16, "67") +
            "0002"
            "dead" +
            times(32, "c2") + "00");
  CHECK(hex(failure{grant, errc::server_offline}) == "00001212" + times(16, "67") + "0097");
}

TEST_CASE("a probe for reflecting is 37 octets, and begins as no TLS record does") {
  chance some(7);
  const reflect_probe sent{some.octets<28>(), 0x0102030405060708};
  auto octets = sent.encode();
  CHECK(octets[0] == 'R');
  CHECK(to_hex(std::span(octets).last(8)) == "0102030405060708");
  const auto got = reflect_probe::decode(octets);
  REQUIRE(got.has_value());
  CHECK(got->ticket == sent.ticket);
  CHECK(got->number == sent.number);
  octets[0] = 22;
  CHECK(!reflect_probe::decode(octets));
}

}  // namespace message_test
