// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/grant.hpp>

#include <doctest/doctest.h>
#include <algorithm>

namespace grant_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

grant sample(const identity::peer_id& client) {
  grant made;
  made.id = crypto::random_octets<16>();
  made.client = client;
  made.not_before = wall_time(std::chrono::seconds(1'000));
  made.not_after = wall_time(std::chrono::seconds(2'000));
  made.methods = trust::method::outbound | trust::method::window;
  made.lan = true;
  made.sessions = 4;
  made.windows_a_minute = 60;
  made.windows_a_day = 100'000;
  made.windows_at_a_time = 3;
  made.listening = std::chrono::milliseconds(70'000);
  made.services = {{"docs", true, false}, {"inbox", true, true}};
  return made;
}

// A grant of which one octet is another, signed as it is.
bytes crooked(const grant& body, const identity::key& by, std::size_t at, std::uint8_t value) {
  constexpr std::size_t signature = 64;
  auto octets = signed_grant::sign(body, by).octets();
  octets.at(at) = value;
  octets.resize(octets.size() - signature);
  const auto made = by.sign(trust::detail::to_be_signed<grant>(octets));
  octets.insert(octets.end(), made.begin(), made.end());
  return octets;
}

}  // namespace

TEST_CASE("a set of methods has what was put into it, and nothing else") {
  const trust::method_set none;
  CHECK(none.empty());
  for (const auto one : {trust::method::outbound, trust::method::window, trust::method::relay}) {
    const trust::method_set alone = one;
    CHECK(!none.contains(one));
    CHECK(!alone.empty());
    for (const auto other : {trust::method::outbound, trust::method::window, trust::method::relay}) {
      CHECK(alone.contains(other) == (one == other));
      CHECK((one | other).contains(other));
      CHECK(((one | other) == alone) == (one == other));
    }
  }
  CHECK((trust::method::outbound | trust::method::window | trust::method::relay).is_known());
}

TEST_CASE("a grant comes back with all its fields, and says who signed it") {
  const auto server = identity::key::generate();
  const auto client = identity::key::generate();
  const auto made = signed_grant::sign(sample(client.id()), server);
  const auto opened = signed_grant::open(made.octets());
  REQUIRE(opened.has_value());
  CHECK(opened->signer() == server.id());
  CHECK(opened->body().client == client.id());
  CHECK(opened->body().id == made.body().id);
  CHECK(opened->body().services == made.body().services);
  CHECK(opened->body().permits(method::outbound));
  CHECK(!opened->body().permits(method::relay));
  CHECK(opened->body().windows_a_minute == 60);
  CHECK(opened->body().windows_a_day == 100'000);
  CHECK(opened->body().windows_at_a_time == 3);
  CHECK(opened->body().listening == std::chrono::seconds(70));
  CHECK(opened->body().lan);
  CHECK(!opened->body().roam);
  CHECK(opened->body().find("inbox")->write);
  CHECK(opened->body().find("other") == nullptr);
}

TEST_CASE("a grant with any bit changed or any octet lost is refused") {
  const auto made = signed_grant::sign(sample(identity::key::generate().id()), identity::key::generate());
  const auto& octets = made.octets();
  for (std::size_t n = 0; n < octets.size(); ++n) CHECK(!signed_grant::open(bytes_view(octets).first(n)).has_value());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    auto changed = octets;
    changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << (i % 8)));
    CHECK(!signed_grant::open(changed).has_value());
  }
  auto longer = octets;
  longer.push_back(0);
  CHECK(!signed_grant::open(longer).has_value());
}

TEST_CASE("what a grant says can be read before its signature is checked") {
  const auto server = identity::key::generate();
  const auto made = signed_grant::sign(sample(identity::key::generate().id()), server);
  auto forged = made.octets();
  forged.back() ^= 1;
  const auto said = signed_grant::read(forged);
  REQUIRE(said.has_value());
  CHECK(said->signer() == server.id());
  CHECK(said->body.id == made.body().id);
  CHECK(signed_grant::open(forged).error() == errc::signature_invalid);
  CHECK(signed_grant::read(bytes_view(forged).first(40)).error() == errc::grant_malformed);
}

TEST_CASE("a signature is for grants alone: it covers their domain, a zero octet, and all before it") {
  const auto made = signed_grant::sign(sample(identity::key::generate().id()), identity::key::generate());
  const auto content = bytes_view(made.octets()).first(made.octets().size() - 64);
  crypto::signature signature{};
  std::copy(made.octets().end() - 64, made.octets().end(), signature.begin());
  const auto fits = [&](const std::string& before) {
    bytes message(before.begin(), before.end());
    message.insert(message.end(), content.begin(), content.end());
    return crypto::verify(made.signer_key(), message, signature).has_value();
  };
  CHECK(fits(std::string("ajar grant/3\0", 13)));
  CHECK(!fits(std::string("ajar window request/2\0", 22)));
  CHECK(!fits(""));
}

TEST_CASE("a grant of another version is told apart from a damaged one") {
  auto octets = signed_grant::sign(sample(identity::key::generate().id()), identity::key::generate()).octets();
  for (const auto other : {std::uint8_t{2}, std::uint8_t{4}}) {
    octets[0] = other;
    CHECK(signed_grant::open(octets).error() == errc::unknown_version);
  }
}

TEST_CASE("fields that cannot be are refused though the signature fits") {
  const auto server = identity::key::generate();
  const auto refused = [&](const grant& body) {
    return signed_grant::open(signed_grant::sign(body, server).octets()).error() == errc::grant_malformed;
  };
  auto twice = sample(server.id());
  twice.services.push_back(twice.services[0]);
  CHECK(refused(twice));
  auto nameless = sample(server.id());
  nameless.services[0].name = "../etc";
  CHECK(refused(nameless));
  auto no_way = sample(server.id());
  no_way.methods = {};
  CHECK(refused(no_way));
  auto rightless = sample(server.id());
  rightless.services[0].read = false;
  CHECK(refused(rightless));
}

TEST_CASE("flags that nobody knows are refused though the signature fits") {
  const auto server = identity::key::generate();
  const auto body = sample(server.id());
  const auto opened = [&](std::size_t at, std::uint8_t value) {
    const auto got = signed_grant::open(crooked(body, server, at, value));
    return got ? std::error_code() : got.error();
  };
  const auto octets = signed_grant::sign(body, server).octets();
  const auto name = std::ranges::search(octets, as_bytes("docs"));
  const auto rights = static_cast<std::size_t>(name.end() - octets.begin());      // behind the first service's name
  constexpr std::size_t begin = 1 + 32;                                           // version and signer
  constexpr std::size_t methods = begin + 64, lan = methods + 1, roam = lan + 1;  // behind id, client and times
  CHECK(!opened(methods, 2));
  CHECK(!opened(lan, 0));
  CHECK(!opened(roam, 1));
  CHECK(!opened(rights, 3));
  for (unsigned bit = 3; bit < 8; ++bit) {
    CHECK(opened(methods, static_cast<std::uint8_t>(3U | 1U << bit)) == errc::grant_malformed);
  }
  for (unsigned bit = 1; bit < 8; ++bit) {
    CHECK(opened(lan, static_cast<std::uint8_t>(1U << bit)) == errc::grant_malformed);
    CHECK(opened(roam, static_cast<std::uint8_t>(1U << bit)) == errc::grant_malformed);
    if (bit > 1) CHECK(opened(rights, static_cast<std::uint8_t>(1U | 1U << bit)) == errc::grant_malformed);
  }
}

TEST_CASE("a grant without services is one, and permits none") {
  const auto server = identity::key::generate();
  auto body = sample(server.id());
  body.services.clear();
  const auto opened = signed_grant::open(signed_grant::sign(body, server).octets());
  REQUIRE(opened);
  CHECK(opened->body().services.empty());
  CHECK(!opened->body().find("docs"));
  CHECK(!opened->body().find(""));
}

TEST_CASE("names are plain") {
  for (const char* good : {"a", "docs", "my-files_2.old"}) CHECK(is_name(good));
  for (const char* bad : {"", ".", "..", "-x", "a/b", "a b", "\xc3\xa9", "a\n"}) CHECK(!is_name(bad));
  CHECK(!is_name(std::string(65, 'a')));
}

}  // namespace grant_test
