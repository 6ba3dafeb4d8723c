// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/succession.hpp>

#include <doctest/doctest.h>

namespace succession_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

struct scene {
  identity::key before = identity::key::generate();
  identity::key after = identity::key::generate();
  wall_time now = wall_now();
  wall_time end = now + std::chrono::hours(1);
};

}  // namespace

TEST_CASE("a key goes over to another one by the word of both, and for so long") {
  const scene at;
  const auto said = signed_succession::open(go_over(at.before, at.after, at.end).octets());
  REQUIRE(said);
  CHECK(successor_of(*said, at.before.id(), at.now) == at.after.id());
  CHECK(successor_of(*said, at.before.id(), at.end - std::chrono::seconds(1)) == at.after.id());
  CHECK(successor_of(*said, at.before.id(), at.end).error() == errc::succession_expired);
  CHECK(successor_of(*said, at.after.id(), at.now).error() == errc::answer_forged);
}

TEST_CASE("nobody is made a successor who has not signed that he is this key's, until then") {
  const scene at;
  const auto stranger = identity::key::generate();
  const auto good = go_over(at.before, at.after, at.end).body();
  const auto error_of = [&](const succession& body, const identity::key& by) {
    return successor_of(signed_succession::sign(body, by), by.id(), at.now).error();
  };
  CHECK(error_of(good, stranger) == errc::signature_invalid);  // of another key
  auto other = good;
  other.successor = stranger.public_part();
  CHECK(error_of(other, at.before) == errc::signature_invalid);
  auto longer = good;
  longer.not_after += std::chrono::hours(24);
  CHECK(error_of(longer, at.before) == errc::signature_invalid);
  auto damaged = good;
  damaged.consent[17] ^= 1;
  CHECK(error_of(damaged, at.before) == errc::signature_invalid);
}

TEST_CASE("a succession that lost or changed an octet is none") {
  const scene at;
  const auto octets = go_over(at.before, at.after, at.end).octets();
  for (std::size_t place = 0; place < octets.size(); ++place) {
    auto changed = octets;
    changed[place] ^= 1;
    CHECK_FALSE(signed_succession::open(changed));
    CHECK_FALSE(signed_succession::open(bytes_view(octets).first(place)));
  }
}

}  // namespace succession_test
