// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/central_notice.hpp>

#include <doctest/doctest.h>

namespace central_notice_test {

using namespace ajar;

namespace {

struct scene {
  trust::signed_notice notice(const identity::key& by) const {
    return trust::signed_notice::sign({client, to_string(there)}, by);
  }

  identity::key server = identity::key::generate();
  identity::peer_id client = identity::key::generate().id();
  identity::url there{{"new.example", 443}, identity::key::generate().id()};
};

}  // namespace

TEST_CASE("a client takes its server's word for where that is, and nobody else's") {
  const scene one;
  const auto said = trust::signed_notice::open(one.notice(one.server).octets());
  REQUIRE(said);
  CHECK(trust::where_it_is(*said, one.server.id(), one.client) == one.there);
  const auto other = identity::key::generate();
  CHECK(trust::where_it_is(one.notice(other), one.server.id(), one.client).error() == errc::answer_forged);
  CHECK(trust::where_it_is(*said, one.server.id(), other.id()).error() == errc::grant_of_another);
}

TEST_CASE("what names no central is no notice, whoever has signed it") {
  const scene one;
  for (const std::string& text : {std::string(), std::string("ajar://new.example:443/"), std::string(401, 'a')}) {
    const auto octets = trust::signed_notice::sign({one.client, text}, one.server).octets();
    CHECK(trust::signed_notice::open(octets).error() == errc::message_malformed);
  }
}

TEST_CASE("a notice that lost or changed an octet is none") {
  const scene one;
  const auto octets = one.notice(one.server).octets();
  for (std::size_t at = 0; at < octets.size(); ++at) {
    auto changed = octets;
    changed[at] ^= 1;
    CHECK_FALSE(trust::signed_notice::open(changed));
    CHECK_FALSE(trust::signed_notice::open(bytes_view(octets).first(at)));
  }
}

}  // namespace central_notice_test
