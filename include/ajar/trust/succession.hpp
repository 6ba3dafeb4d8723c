// SPDX-License-Identifier: BSL-1.0
// ajar/trust/succession.hpp - one key goes over to another, in the words of both.
#pragma once

#include <ajar/trust/statement.hpp>

namespace ajar::trust {

/// Whose key it is goes over to another key, its successor. The key of before signs the statement; the successor's
/// signature is in it, so that nobody gives a name of his to somebody who does not want it.
struct succession {
  static constexpr std::string_view domain = "ajar succession/1";
  static constexpr std::string_view consent_domain = "ajar successor/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;

  crypto::public_key successor{};
  wall_time not_after{};        ///< who has not followed by then does not
  crypto::signature consent{};  ///< the successor's, over consent_domain, a zero octet, the key before it and not_after

  static void layout(auto& self, auto& io) { io(self.successor, self.not_after, self.consent); }
};

using signed_succession = statement<succession>;

namespace detail {

inline bytes to_be_consented(const crypto::public_key& before, wall_time not_after) {
  bytes message(succession::consent_domain.begin(), succession::consent_domain.end());
  message.push_back(0);
  bytes fields;
  wire::writer out(fields);
  out.fixed(before).number(static_cast<std::uint64_t>(not_after.time_since_epoch().count()));
  message.insert(message.end(), fields.begin(), fields.end());
  return message;
}

}  // namespace detail

/// Both keys are this process's own. Precondition: not_after is no earlier than 1970.
inline signed_succession go_over(const identity::key& before, const identity::key& successor, wall_time not_after) {
  const auto consent = successor.sign(detail::to_be_consented(before.public_part(), not_after));
  return signed_succession::sign({successor.public_part(), not_after, consent}, before);
}

/// Who takes the place of `before`, by its word and the successor's own.
///
/// Errors: answer_forged (another key has signed it), succession_expired, signature_invalid (the successor has not).
inline result<identity::peer_id> successor_of(const signed_succession& said, const identity::peer_id& before,
                                              wall_time now) {
  const auto& body = said.body();
  if (said.signer() != before) return fail(errc::answer_forged);
  if (now >= body.not_after) return fail(errc::succession_expired);
  auto consented =
      crypto::verify(body.successor, detail::to_be_consented(said.signer_key(), body.not_after), body.consent);
  if (!consented) return fail(consented.error());
  return identity::peer_id::of(body.successor);
}

}  // namespace ajar::trust
