// SPDX-License-Identifier: BSL-1.0
#include <ajar/control/message.hpp>

#include <doctest/doctest.h>
#include <ostream>
#include <random>

#include "../seeds.hpp"

namespace message_test {

using namespace ajar;
using namespace ajar::control;
using namespace std::string_literals;

TEST_CASE("a request comes back as it was asked") {
  const std::vector<request> all = {{"status", {}}, {"revoke", {"a", "", "\x01\xff\n"}}, {"a-b", {""}}};
  for (const auto& asked : all) {
    const auto octets = to_datagram(asked);
    REQUIRE(octets);
    const auto back = parse_request(*octets);
    REQUIRE(back);
    CHECK(back->verb == asked.verb);
    CHECK(back->arguments == asked.arguments);
  }
}

TEST_CASE("what cannot be asked is refused before it is sent") {
  const auto why = [](request what) { return to_datagram(what).error(); };
  CHECK(why({"", {}}) == errc::message_malformed);
  CHECK(why({"Status", {}}) == errc::message_malformed);
  CHECK(why({std::string(33, 'a'), {}}) == errc::message_malformed);
  CHECK(why({"status", {"a\0b"s}}) == errc::message_malformed);
  CHECK(why({"status", std::vector<std::string>(65)}) == errc::limit_reached);
  CHECK(why({"status", {std::string(4096, 'a')}}) == errc::message_too_long);
}

TEST_CASE("a request that is none has its cause") {
  const auto why = [](std::string_view octets) { return parse_request(octets).error(); };
  CHECK(why("") == errc::message_malformed);
  CHECK(why("status") == errc::message_malformed);
  CHECK(why("ajar-control/1\0"s) == errc::message_malformed);
  CHECK(why("ajar-control/1\0status"s) == errc::message_malformed);
  CHECK(why("ajar-control/1\0sta tus\0"s) == errc::message_malformed);
  CHECK(why("ajar-control/1\0status\0argument"s) == errc::message_malformed);
  CHECK(why("ajar-control/2\0status\0"s) == errc::unknown_version);
  CHECK(why("ajar-control/1\0status\0"s + std::string(65, '\0')) == errc::limit_reached);
  CHECK(why(std::string(4097, 'a')) == errc::message_too_long);
}

TEST_CASE("a reply comes back: a text, a file's length, a cause of ours or of the system") {
  const auto back = [](const reply& what) { return parse_reply(to_datagram(what)); };
  CHECK(back({{}, "a\0b\n"s, {}})->text == "a\0b\n"s);
  CHECK(back({{}, "", {}})->text.empty());
  CHECK(back({{}, "", 123456})->passed == 123456);
  CHECK(back({errc::grant_unknown, "", {}})->why == errc::grant_unknown);
  CHECK(back({{ENOSPC, std::system_category()}, "", {}})->why == std::errc::no_space_on_device);
  CHECK(back({{1, std::iostream_category()}, "", {}})->why == errc::message_malformed);
}

TEST_CASE("a reply that is none is malformed") {
  const auto why = [](std::string_view octets) { return parse_reply("ajar-control/1\0"s.append(octets)).error(); };
  for (const auto& octets :
       {""s, "text"s, "file\0"s, "file\0001\0"s, "passed\0"s, "passed\0-1\0"s, "passed\0001\0x"s,
        "passed\00099999999999\0"s, "ajar\0000\0"s, "ajar\0001\0x"s, "ajar\00099999\0"s, "system\0"s}) {
    CHECK(why(octets) == errc::message_malformed);
  }
  CHECK(parse_reply("ajar-control/9\0text\0"s).error() == errc::unknown_version);
}

TEST_CASE("no octets make the parsers fail otherwise than by value, and what is taken has one encoding") {
  const auto seed = seed_or(7);
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string whole = *to_datagram(request{"status", {"one", "two"}});
  for (int i = 0; i < 20'000; ++i) {
    auto octets = whole;
    for (int changes = 0; changes < 1 + i % 3; ++changes)
      octets[random() % octets.size()] = static_cast<char>(random());
    octets.resize(random() % (octets.size() + 1));
    const auto taken = parse_request(octets);
    if (taken) CHECK(*to_datagram(*taken) == octets);
    (void)parse_reply(octets);
  }
}

}  // namespace message_test
