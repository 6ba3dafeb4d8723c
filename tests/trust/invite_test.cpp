// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/invite.hpp>

#include <doctest/doctest.h>

#include <set>

namespace invite_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

identity::peer_id peer_of(std::uint8_t octet) {
  identity::peer_id::octets_type octets;
  octets.fill(octet);
  return identity::peer_id(octets);
}

invite made_for(const std::string& host, std::uint8_t token = 7) {
  std::array<std::uint8_t, 16> octets{};
  octets.fill(token);
  return {
      {net::endpoint(host, 8443), peer_of(1)}, peer_of(2), secret<16>(octets), wall_time(std::chrono::hours(500'000))};
}

std::error_code why(std::string_view text) {
  const auto read = parse_invite(text);
  return read ? std::error_code() : read.error();
}

// The octets of an invite, changed, with a sum that fits them.
std::string summed(bytes octets) {
  const auto digest = crypto::hash(octets);
  octets.insert(octets.end(), digest.begin(), digest.begin() + 5);
  return "ajar1" + to_base32(octets);
}
bytes content_of(const invite& one) {
  auto octets = from_base32(to_text(one).substr(5)).value();
  octets.resize(octets.size() - 5);
  return octets;
}

}  // namespace

TEST_CASE("an invite is one word, and comes back whole") {
  for (const std::string host : {"central.example", "192.0.2.7", "2001:db8::7"}) {
    const auto sent = made_for(host);
    const auto text = to_text(sent);
    CHECK(text.starts_with("ajar1"));
    CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567", 5) == std::string::npos);
    const auto got = parse_invite(text);
    REQUIRE(got);
    CHECK(got->central == sent.central);
    CHECK(got->server == sent.server);
    CHECK(std::ranges::equal(got->token.reveal(), sent.token.reveal()));
    CHECK(got->not_after == sent.not_after);
    CHECK(to_text(*got) == text);
  }
}

TEST_CASE("spaces, line ends, dashes and case do not matter") {
  auto text = to_text(made_for("central.example"));
  for (auto& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  text.insert(90, "\r\n  ");
  text.insert(40, "-");
  CHECK(!why("  " + text + "\n"));
}

TEST_CASE("any other character, and any that lacks or is too many, is a typing error") {
  const auto text = to_text(made_for("central.example"));
  for (std::size_t at = 5; at < text.size(); ++at) {
    for (const char c : {'a', 'q', '2', '7', '0', '1', '8', '!', '\0', '\x80'}) {
      auto changed = text;
      if (changed[at] == c) continue;
      changed[at] = c;
      CHECK_MESSAGE(why(changed) == errc::invite_mistyped, at);
    }
    auto shorter = text;
    shorter.erase(at, 1);
    CHECK_MESSAGE(why(shorter) == errc::invite_mistyped, at);
    CHECK_MESSAGE(why(text.substr(0, at)) == errc::invite_mistyped, at);
    auto longer = text;
    longer.insert(at, "k");
    CHECK_MESSAGE(why(longer) == errc::invite_mistyped, at);
  }
}

TEST_CASE("every flipped bit is found") {
  const auto text = to_text(made_for("central.example"));
  const auto octets = from_base32(text.substr(5)).value();
  for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
    auto changed = octets;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    CHECK_MESSAGE(why("ajar1" + to_base32(changed)) == errc::invite_mistyped, bit);
  }
}

TEST_CASE("what is no invite is told as such") {
  for (const std::string_view text : {"", "ajar", "ajar2abcd", "ajar://central.example:8443/abc", "hello", "bjar1aa"}) {
    CHECK(why(text) == errc::invite_malformed);
  }
  CHECK(why("ajar1") == errc::invite_mistyped);
  CHECK(why(std::string(5000, 'a')) == errc::invite_malformed);
}

TEST_CASE("octets whose sum fits, and that are none: another version, no host, no port, too few, too many") {
  const auto whole = content_of(made_for("central.example"));
  CHECK(!why(summed(whole)));
  auto other = whole;
  other[0] = 2;
  CHECK(why(summed(other)) == errc::unknown_version);
  for (std::size_t count = 1; count < whole.size(); ++count) {
    CHECK(why(summed(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count)))) ==
          errc::invite_malformed);
  }
  auto longer = whole;
  longer.push_back(0);
  CHECK(why(summed(longer)) == errc::invite_malformed);
  auto no_port = whole;
  no_port[3 + 15] = no_port[3 + 16] = 0;
  CHECK(why(summed(no_port)) == errc::invite_malformed);
  CHECK(why(summed(content_of(made_for("a/b")))) == errc::invite_malformed);
  CHECK(why(summed(content_of(made_for("")))) == errc::invite_malformed);
}

// A change of these octets makes every invite that was given out unusable.
TEST_CASE("the keys of an invite are these, and tell nothing of each other") {
  const auto one = made_for("central.example");
  const auto keys = invite_keys::of(one.token, one.server);
  CHECK(to_hex(keys.id) == "40d586912ce3c1c57a5b214819cbee72");
  CHECK(to_hex(keys.to_server.reveal()) == "05a92c3ac74f00b00e9b57581e78fdd3dae92981d5d6f98be9381c10f3c84343");
  CHECK(to_hex(keys.to_client.reveal()) == "39002c8fb58afa88f3ecebfb0032db11aad9a9a2b2ef439a74718b637f9c3a6f");
  const auto other = invite_keys::of(made_for("central.example", 8).token, one.server);
  CHECK(other.id != keys.id);
  const auto elsewhere = invite_keys::of(one.token, peer_of(3));
  CHECK(elsewhere.id != keys.id);
  CHECK(to_hex(elsewhere.to_server.reveal()) != to_hex(keys.to_server.reveal()));
}

}  // namespace invite_test
