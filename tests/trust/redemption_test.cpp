// SPDX-License-Identifier: BSL-1.0
#include <ajar/trust/redemption.hpp>

#include <doctest/doctest.h>

#include <functional>

namespace redemption_test {

using namespace ajar;
using namespace ajar::trust;

namespace {

// A client with an invite, and what the server could say.
struct scene {
  identity::key client = identity::key::generate();
  identity::key server = identity::key::generate();
  invite with{{net::endpoint("central.example", 8443), identity::key::generate().id()},
              server.id(),
              secret<16>(crypto::random_octets<16>()),
              wall_now() + std::chrono::hours(1)};
  invite_keys keys = invite_keys::of(with.token, with.server);
  redeemer asking{with, client};

  signed_grant grant_for(const identity::peer_id& whom, const identity::key& by) const {
    grant body;
    body.client = whom;
    body.methods = trust::method::outbound | trust::method::window;
    body.begin(wall_now(), std::chrono::hours(1));
    return signed_grant::sign(body, by);
  }
  redemption_answer good() const {
    return {crypto::hash(asking.octets()), 0, {}, "home", grant_for(client.id(), server).octets()};
  }
  result<redeemed> hear(const redemption_answer& said) const { return hear(said, server, keys.to_client); }
  result<redeemed> hear(const redemption_answer& said, const identity::key& by, const secret<32>& under) const {
    return asking.open(seal(signed_redemption_answer::sign(said, by).octets(), under));
  }
};

}  // namespace

TEST_CASE("a redemption is signed by the client's key, and sealed by the invite's") {
  const scene all;
  const auto octets = unseal(all.asking.octets(), all.keys.to_server);
  REQUIRE(octets);
  const auto asked = signed_redemption::open(*octets);
  REQUIRE(asked);
  CHECK(asked->signer() == all.client.id());
  CHECK(asked->body().invite == all.keys.id);
  CHECK(asked->body().server == all.server.id());
  CHECK(all.asking.octets().size() <= longest_redemption);
  CHECK(redeemer(all.with, all.client).octets() != all.asking.octets());  // each has its own nonce
}

TEST_CASE("a seal is broken by any flipped bit, by another key, and by less") {
  const auto keys = invite_keys::of(secret<16>(crypto::random_octets<16>()), {});
  const auto sealed = seal(as_bytes("hello"), keys.to_server);
  CHECK(as_text(unseal(sealed, keys.to_server).value()) == "hello");
  CHECK(unseal(sealed, keys.to_client).error() == errc::signature_invalid);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    auto changed = sealed;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    CHECK(unseal(changed, keys.to_server).error() == errc::signature_invalid);
  }
  for (std::size_t count = 0; count < sealed.size(); ++count) {
    CHECK(unseal(bytes_view(sealed).first(count), keys.to_server).error() == errc::signature_invalid);
  }
}

TEST_CASE("who gave an invite out knows by which key it is redeemed, and tells what came of it") {
  const scene all;
  const auto who = open_redemption(all.asking.octets(), all.keys, all.server.id());
  REQUIRE(who);
  CHECK(*who == all.client.id());
  CHECK(open_redemption(all.asking.octets(), all.keys, all.client.id()).error() == errc::message_malformed);
  const auto other = invite_keys::of(secret<16>(crypto::random_octets<16>()), all.server.id());
  CHECK(open_redemption(all.asking.octets(), other, all.server.id()).error() == errc::signature_invalid);
  CHECK(open_redemption(bytes(longest_redemption + 1), all.keys, all.server.id()).error() == errc::message_malformed);
  auto good = all.good();
  good.to = {};
  const auto said = answer_redemption(good, all.asking.octets(), all.keys, all.server);
  CHECK(!said.refused);
  CHECK(all.asking.open(said.sealed)->given);
  redemption_answer no;
  no.code = static_cast<std::uint16_t>(errc::invite_used);
  no.claimant = all.server.id();
  const auto refused = answer_redemption(no, all.asking.octets(), all.keys, all.server);
  CHECK(refused.refused == errc::invite_used);
  CHECK(all.asking.open(refused.sealed)->claimant == all.server.id());
}

TEST_CASE("an invite of central's own makes no client: an answer without a grant is the good one") {
  const auto central = identity::key::generate();
  const auto server = identity::key::generate();
  const invite with{{net::endpoint("central.example", 8443), central.id()},
                    central.id(),
                    secret<16>(crypto::random_octets<16>()),
                    wall_now() + std::chrono::hours(1)};
  CHECK(invites_server(with));
  CHECK(!invites_server(scene().with));
  const auto keys = invite_keys::of(with.token, with.server);
  const redeemer asking(with, server);
  const auto hear = [&](redemption_answer said, const identity::key& by) {
    return asking.open(answer_redemption(std::move(said), asking.octets(), keys, by).sealed);
  };
  const auto got = hear({}, central);
  REQUIRE(got);
  CHECK(!got->refused);
  CHECK(!got->given);
  CHECK(hear({}, server).error() == errc::answer_forged);
  grant body;
  body.client = server.id();
  body.methods = trust::method::outbound | trust::method::window;
  body.begin(wall_now(), std::chrono::hours(1));
  redemption_answer gives{{}, 0, {}, "home", signed_grant::sign(body, central).octets()};
  CHECK(hear(gives, central).error() == errc::answer_forged);
  redemption_answer no;
  no.code = static_cast<std::uint16_t>(errc::invite_expired);
  CHECK(hear(no, central)->refused == errc::invite_expired);
}

TEST_CASE("a good answer is a grant, with where and what the server is") {
  const scene all;
  const auto got = all.hear(all.good());
  REQUIRE(got);
  CHECK(!got->refused);
  REQUIRE(got->given);
  CHECK(got->given->central == all.with.central);
  CHECK(got->given->server_name == "home");
  CHECK(got->given->grant.body().client == all.client.id());
}

TEST_CASE("a refusal says why, and who was first") {
  const scene all;
  const auto winner = identity::key::generate().id();
  const auto said = crypto::hash(all.asking.octets());
  const auto got = all.hear({said, static_cast<std::uint16_t>(errc::invite_used), winner, {}, {}});
  REQUIRE(got);
  CHECK(got->refused == errc::invite_used);
  CHECK(got->claimant == winner);
  CHECK(!got->given);
  const auto strange = all.hear({said, 65'000, {}, {}, {}});
  REQUIRE(strange);
  CHECK(strange->refused == errc::message_malformed);  // never a success
}

TEST_CASE("an answer counts only from that server, who knows the secret, about this request, for this key") {
  const scene all;
  const auto other = identity::key::generate();
  const auto forged = [](const result<redeemed>& got) { return !got && got.error() == errc::answer_forged; };
  CHECK(forged(all.hear(all.good(), other, all.keys.to_client)));
  CHECK(forged(all.hear(all.good(), all.server, all.keys.to_server)));
  auto said = all.good();
  said.to = crypto::hash(redeemer(all.with, all.client).octets());
  CHECK(forged(all.hear(said)));
  said = all.good();
  said.grant = all.grant_for(other.id(), all.server).octets();
  CHECK(forged(all.hear(said)));
  said = all.good();
  said.grant = all.grant_for(all.client.id(), other).octets();
  CHECK(forged(all.hear(said)));
  said = all.good();
  said.grant.clear();
  CHECK(forged(all.hear(said)));
  said = all.good();
  said.server_name = "../home";
  CHECK(forged(all.hear(said)));
  CHECK(forged(all.asking.open({})));
  CHECK(forged(all.asking.open(all.asking.octets())));  // its own, sent back
}

}  // namespace redemption_test
