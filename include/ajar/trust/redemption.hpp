// SPDX-License-Identifier: BSL-1.0
// ajar/trust/redemption.hpp - an invite becomes a grant: what the client says, and what the server answers.
#pragma once

#include <ajar/crypto/compare.hpp>
#include <ajar/trust/grant_file.hpp>
#include <ajar/trust/invite.hpp>

#include <optional>
#include <utility>

namespace ajar::trust {

/// What a client signs to redeem an invite: statement<redemption>; its key is the one that the grant will be for.
struct redemption {
  static constexpr std::string_view domain = "ajar redemption/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;

  invite_id invite{};
  identity::peer_id server;
  std::array<std::uint8_t, 16> nonce{};  ///< makes the answer one to this

  void encode(wire::writer& out) const { out.fixed(invite).fixed(server.octets()).fixed(nonce); }
  static redemption decode(wire::reader& in) {
    redemption made;
    made.invite = in.fixed<16>();
    made.server = identity::peer_id(in.fixed<32>());
    made.nonce = in.fixed<16>();
    return made;
  }
};

using signed_redemption = statement<redemption>;

/// What the server signs: statement<redemption_answer>.
struct redemption_answer {
  static constexpr std::string_view domain = "ajar redemption-answer/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;

  crypto::digest to{};         ///< SHA-256 of the sealed redemption
  std::uint16_t code = 0;      ///< 0, or the errc that says why there is no grant
  identity::peer_id claimant;  ///< with invite_used: whose key used it; else zeroes
  std::string server_name;     ///< what the server calls itself: is_name(); empty without a grant
  bytes grant;                 ///< signed_grant; empty without one

  void encode(wire::writer& out) const {
    out.fixed(to).number(code).fixed(claimant.octets()).text(server_name).sized(grant);
  }
  static redemption_answer decode(wire::reader& in) {
    redemption_answer made;
    made.to = in.fixed<32>();
    made.code = in.number<std::uint16_t>();
    made.claimant = identity::peer_id(in.fixed<32>());
    made.server_name = in.text(64);
    const auto given = in.sized(largest_statement);
    made.grant.assign(given.begin(), given.end());
    return made;
  }
};

using signed_redemption_answer = statement<redemption_answer>;

/// No sealed redemption, and no sealed answer, is longer.
inline constexpr std::size_t longest_redemption = 512;
inline constexpr std::size_t longest_redemption_answer = largest_statement + 512;

/// Octets, and behind them their HMAC-SHA256 under a key of the invite: whoever sends them knows its secret.
inline bytes seal(bytes_view octets, const secret<32>& key) {
  bytes made(octets.begin(), octets.end());
  const auto sum = crypto::mac(key.reveal(), octets);
  made.insert(made.end(), sum.begin(), sum.end());
  return made;
}

/// The octets, without a copy. Errors: signature_invalid.
inline result<bytes_view> unseal(bytes_view sealed, const secret<32>& key) {
  constexpr std::size_t sum_size = std::tuple_size_v<crypto::digest>;
  if (sealed.size() < sum_size) return fail(errc::signature_invalid);
  const auto octets = sealed.first(sealed.size() - sum_size);
  if (!crypto::equal(crypto::mac(key.reveal(), octets), sealed.last(sum_size))) return fail(errc::signature_invalid);
  return octets;
}

/// What a client got for its invite.
struct redeemed {
  std::error_code refused;            ///< why there is no grant; invite_pending: not yet
  identity::peer_id claimant{};       ///< with invite_used: who has it
  std::optional<grant_file> given{};  ///< otherwise
};

/// The client's side, without I/O: what to send, and what the answer means. Use it for one answer.
class redeemer {
 public:
  redeemer(const invite& with, const identity::key& self)
      : keys_(invite_keys::of(with.token, with.server)),
        central_(with.central),
        server_(with.server),
        client_(self.id()),
        sealed_(seal(signed_redemption::sign({keys_.id, with.server, crypto::random_octets<16>()}, self).octets(),
                     keys_.to_server)) {}

  const invite_id& id() const noexcept { return keys_.id; }
  /// For the server, through central.
  const bytes& octets() const noexcept { return sealed_; }

  /// What the server says. Errors: answer_forged where it is not by that server, not by one who knows the invite, not
  /// about this request, or a grant for somebody else.
  result<redeemed> open(bytes_view sealed) const {
    const auto octets = unseal(sealed, keys_.to_client);
    if (!octets) return fail(errc::answer_forged);
    const auto answer = signed_redemption_answer::open(*octets);
    if (!answer || answer->signer() != server_) return fail(errc::answer_forged);
    const auto& body = answer->body();
    if (body.to != crypto::hash(sealed_)) return fail(errc::answer_forged);
    if (body.code != 0) return redeemed{errc_from_wire(body.code), body.claimant};
    auto given = signed_grant::open(body.grant);
    const bool ours = given && given->signer() == server_ && given->body().client == client_;
    if (!ours || !is_name(body.server_name)) return fail(errc::answer_forged);
    return redeemed{{}, {}, grant_file{central_, body.server_name, std::move(*given)}};
  }

 private:
  invite_keys keys_;
  identity::url central_;
  identity::peer_id server_;
  identity::peer_id client_;
  bytes sealed_;
};

}  // namespace ajar::trust
