// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/issued_grant.ipp - what ajar/state/issued_grant.hpp declares.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/state/issued_grant.hpp>
#include <ajar/trust/checked_text.hpp>

#include <algorithm>
#include <utility>

namespace ajar::state {

AJAR_DECL std::string issued_grant::to_text() const {
  const std::string_view renewal = renews ? "yes" : "no";
  const auto octets = to_base32(grant.octets());
  if (!instead_of) return trust::checked_text(kind, {{"client", petname}, {"renews", renewal}, {"grant", octets}});
  return trust::checked_text(
      successor_kind,
      {{"client", petname}, {"renews", renewal}, {"instead-of", to_base32(*instead_of)}, {"grant", octets}});
}

AJAR_DECL result<issued_grant> issued_grant::parse(std::string_view text, const identity::peer_id& server) {
  const bool succeeds = text.starts_with(successor_kind);
  const auto lines = succeeds
                         ? trust::parse_checked_text(text, successor_kind, {"client", "renews", "instead-of", "grant"},
                                                     errc::state_damaged)
                         : trust::parse_checked_text(text, kind, {"client", "renews", "grant"}, errc::state_damaged);
  if (!lines) return fail(lines.error());
  const auto octets = from_base32(lines->back());
  const bool renews = (*lines)[1] == "yes";
  if (!octets || !trust::is_name((*lines)[0]) || (!renews && (*lines)[1] != "no")) return fail(errc::state_damaged);
  auto one = trust::signed_grant::open(*octets);
  if (!one || one->signer() != server) return fail(errc::state_damaged);
  issued_grant made{(*lines)[0], renews, std::move(*one)};
  if (!succeeds) return made;
  const auto before = from_base32((*lines)[2]);
  if (!before || before->size() != made.instead_of.emplace().size()) return fail(errc::state_damaged);
  std::ranges::copy(*before, made.instead_of->begin());
  return made;
}

}  // namespace ajar::state
