// SPDX-License-Identifier: BSL-1.0
// ajar/trust/redemption.hpp - an invite is redeemed: what is said, and what whoever gave it out answers.
#pragma once

#include <ajar/crypto/compare.hpp>
#include <ajar/trust/grant_file.hpp>
#include <ajar/trust/invite.hpp>

#include <optional>
#include <utility>

namespace ajar::trust {

/// What a client signs to redeem an invite: statement<redemption>; its key is the one that the grant will be for. By
/// an invite of central's a server signs it, which will be served.
struct redemption {
  static constexpr std::string_view domain = "ajar redemption/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;

  invite_id invite{};
  identity::peer_id server;
  std::array<std::uint8_t, 16> nonce{};  ///< makes the answer one to this

  static void layout(auto& self, auto& io) { io(self.invite, self.server, self.nonce); }
};

using signed_redemption = statement<redemption>;

/// What the server signs, or central for an invite of its own: statement<redemption_answer>.
struct redemption_answer {
  static constexpr std::string_view domain = "ajar redemption-answer/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;

  crypto::digest to{};         ///< SHA-256 of the sealed redemption
  std::uint16_t code = 0;      ///< 0, or the errc that says why there is no grant
  identity::peer_id claimant;  ///< with invite_used: whose key used it; else zeroes
  std::string server_name;     ///< what the server calls itself: is_name(); empty without a grant
  bytes grant;                 ///< signed_grant; empty without one, and always from central

  static void layout(auto& self, auto& io) {
    io(self.to, self.code, self.claimant, wire::at_most(self.server_name, 64),
       wire::at_most(self.grant, largest_statement));
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

/// Who redeems an invite: the seal fits it, and the signature that key.
///
/// @param by      who gave it out
/// @param sealed  redeemer::octets, from anybody
/// Errors: signature_invalid (he does not know the secret, or has not that key), message_malformed.
inline result<identity::peer_id> open_redemption(bytes_view sealed, const invite_keys& keys,
                                                 const identity::peer_id& by) {
  if (sealed.size() > longest_redemption) return fail(errc::message_malformed);
  const auto octets = unseal(sealed, keys.to_server);
  if (!octets) return fail(octets.error());
  const auto asked = signed_redemption::open(*octets);
  if (!asked) return fail(asked.error());
  if (asked->body().invite != keys.id || asked->body().server != by) return fail(errc::message_malformed);
  return asked->signer();
}

/// What goes back to whoever redeems an invite.
struct sealed_answer {
  bytes sealed;
  std::error_code refused;  ///< what it says, where it refuses
};

/// The answer to such a redemption.
inline sealed_answer answer_redemption(redemption_answer what, bytes_view to, const invite_keys& keys,
                                       const identity::key& by) {
  what.to = crypto::hash(to);
  const auto refused = what.code == 0 ? std::error_code() : make_error_code(errc_from_wire(what.code));
  return {seal(signed_redemption_answer::sign(std::move(what), by).octets(), keys.to_client), refused};
}

/// What came of an invite.
struct redeemed {
  std::error_code refused;            ///< why nothing did; invite_pending: not yet
  identity::peer_id claimant{};       ///< with invite_used: who has it
  std::optional<grant_file> given{};  ///< otherwise; nothing for a server that central serves from now on
};

/// The side of whoever has one, without I/O: what to send, and what the answer means. Use it for one answer.
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
  /// For the server, through central; or for central.
  const bytes& octets() const noexcept { return sealed_; }

  /// What the server says, or central. Errors: answer_forged where it is not by that one, not by one who knows the
  /// invite, not about this request, or a grant for somebody else; or any grant, from central.
  result<redeemed> open(bytes_view sealed) const {
    const auto octets = unseal(sealed, keys_.to_client);
    if (!octets) return fail(errc::answer_forged);
    const auto answer = signed_redemption_answer::open(*octets);
    if (!answer || answer->signer() != server_) return fail(errc::answer_forged);
    const auto& body = answer->body();
    if (body.to != crypto::hash(sealed_)) return fail(errc::answer_forged);
    if (body.code != 0) return redeemed{errc_from_wire(body.code), body.claimant};
    if (server_ == central_.id) return body.grant.empty() ? result<redeemed>(redeemed{}) : fail(errc::answer_forged);
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
