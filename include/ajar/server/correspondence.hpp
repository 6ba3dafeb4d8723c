// SPDX-License-Identifier: BSL-1.0
// ajar/server/correspondence.hpp - what a server tells central of its revocations and invites, and answers.
#pragma once

#include <ajar/core/shortage.hpp>
#include <ajar/server/entrance.hpp>
#include <ajar/server/options.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/telling/line_limit.hpp>
#include <ajar/trust/revocations.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace ajar::detail {

// It neither waits nor sends.
class correspondence {
 public:
  // @param how  its list of revocations is the one that counts
  // @param at  what is revoked there
  correspondence(identity::key own, server_options& how, const entrance& at)
      : own_(std::move(own)), how_(how), at_(at), acknowledged_(nothing_is_revoked()) {}

  // ---- revocations

  // Does central have what is revoked?
  bool is_acknowledged() const noexcept { return acknowledged_; }

  // An empty list, too: central may know of a later one.
  signalling::present_revocations revocations() {
    acknowledged_ = nothing_is_revoked();
    if (!how_.revocations_) how_.revocations_.emplace(trust::signed_revocations::sign({}, own_));
    return {how_.revocations_->octets()};
  }

  // @return a list to take over, where central knew of a later one. Errors: unexpected_message, signature_invalid (it
  // is none of ours)
  result<std::optional<trust::signed_revocations>> heard(const signalling::revocations_result& verdict) {
    if (verdict.code == 0) {
      acknowledged_ = acknowledged_ || verdict.serial == at_.revoked().serial;
      return std::nullopt;
    }
    if (errc_from_wire(verdict.code) != errc::serial_too_low) return fail(errc::unexpected_message);
    auto later = trust::signed_revocations::open(verdict.later);
    if (!later || later->signer() != own_.id()) return fail(errc::signature_invalid);
    if (at_.is_known(later->body())) return std::nullopt;  // that was about a list before this one
    trouble("central", "grants were revoked that this server did not know of", "its state is an older copy");
    if (!how_.later_revocations_) return std::nullopt;
    auto both = how_.later_revocations_(*later);
    if (both) return std::optional(std::move(*both));
    trouble("central", "revocations were not kept", both.error().message());
    return std::nullopt;
  }

  // ---- invites

  void link_lost() noexcept { announced_ = 0; }

  // Nothing where central need not be told of any.
  std::optional<signalling::announce_invites> invites() {
    if (!how_.invite_ids_) return std::nullopt;
    auto ids = how_.invite_ids_();
    if (!ids) {
      telling::report_trouble(how_.steps_, "invites cannot be announced", ids.error().message());
      return std::nullopt;
    }
    if (ids->empty() && announced_ == 0) return std::nullopt;
    announced_ = ids->size();
    return signalling::announce_invites{std::move(*ids)};
  }

  // To somebody with an invite.
  signalling::redeemed answer(const signalling::redemption& what) const {
    auto made = how_.redeem_ ? how_.redeem_(what.invite, what.sealed) : result<bytes>(fail(errc::invite_unknown));
    if (made) {
      telling::report_step(telling::caused_by("redeemers", how_.steps_), "", "answered somebody with an invite",
                           to_hex(what.invite));
      return {what.ticket, 0, std::move(*made)};
    }
    const auto& why = made.error();
    trouble("redeemers", "refused somebody with an invite", why.message());
    const bool own = why.category() == category();  // what the disk says stays here
    const auto foreign = is_shortage(why) ? errc::server_busy : errc::state_unusable;
    return {what.ticket, static_cast<std::uint16_t>(own ? static_cast<errc>(why.value()) : foreign), {}};
  }

 private:
  bool nothing_is_revoked() const { return at_.revoked().serial == 0; }
  void trouble(std::string by, std::string_view what, const std::string& about) const {
    telling::report_trouble(telling::caused_by(std::move(by), how_.steps_), what, about);
  }

  identity::key own_;
  server_options& how_;
  const entrance& at_;
  bool acknowledged_;
  std::size_t announced_ = 0;  // over this link
};

}  // namespace ajar::detail
