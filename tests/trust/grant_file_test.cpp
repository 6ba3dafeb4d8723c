// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/grant_file.hpp>

#include <doctest/doctest.h>

namespace grant_file_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

grant_file sample() {
  const auto server = identity::key::generate();
  grant body;
  body.client = identity::key::generate().id();
  body.not_after = wall_time(std::chrono::seconds(2'000));
  body.methods = trust::method::outbound;
  body.services = {{"docs", true, false}};
  const identity::url central{net::endpoint("central.example", 7000), identity::key::generate().id()};
  return {central, "attic", signed_grant::sign(body, server)};
}

}  // namespace

TEST_CASE("a grant file is read back") {
  const auto made = sample();
  const auto read = parse_grant_file(to_text(made));
  REQUIRE(read.has_value());
  CHECK(read->central == made.central);
  CHECK(read->server_name == "attic");
  CHECK(read->grant.octets() == made.grant.octets());
}

TEST_CASE("a grant file with any bit changed, or cut anywhere, is refused") {
  const auto text = to_text(sample());
  for (std::size_t n = 0; n < text.size(); ++n) CHECK(!parse_grant_file(text.substr(0, n)).has_value());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      CHECK(!parse_grant_file(changed).has_value());
    }
  }
}

TEST_CASE("something else is no grant, a later kind of file is named as such") {
  CHECK(parse_grant_file("").error() == errc::grant_malformed);
  CHECK(parse_grant_file(std::string(100'000, 'a')).error() == errc::grant_malformed);
  CHECK(parse_grant_file("ajar-grant/2\nnew\n").error() == errc::unknown_version);
}

}  // namespace grant_file_test
