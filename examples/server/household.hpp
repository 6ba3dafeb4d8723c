// SPDX-License-Identifier: BSL-1.0
// Whom a server lets in.
#pragma once

#include "offers.hpp"

#include <ajar/files/host.hpp>
#include <ajar/server/state.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace tools {

// Whoever is there, and asks: by the grants issued, and for what is offered.
class guest_policy final : public ajar::files::issued_grant_policy {
 public:
  // @param moved_to   its central, where it has moved there
  // @param former     whose sessions these are, where `own` is the key that it has gone over to
  guest_policy(ajar::state::issued_grants& issued, const ajar::identity::key& own, offers& offered,
               const std::optional<ajar::identity::url>& moved_to, const ajar::identity::key* former = nullptr)
      : issued_grant_policy(issued, own),
        issued_(issued),
        own_(own),
        offered_(offered),
        moved_to_(moved_to),
        former_(former) {}

  ajar::result<ajar::trust::signed_notice> moved(const ajar::sessions::session_info& info) override {
    if (!moved_to_) return ajar::fail(ajar::errc::file_not_found);
    return ajar::trust::signed_notice::sign({info.peer, to_string(*moved_to_)}, former_ ? *former_ : own_);
  }

  ajar::result<ajar::trust::signed_grant> succeed(const ajar::sessions::session_info& info,
                                                  const ajar::trust::signed_succession& said) override {
    if (offered_.of(info.grant)) return ajar::fail(ajar::errc::grant_of_another);  // it ends with what is offered
    return issued_grant_policy::succeed(info, said);
  }
  void settled(ajar::trust::signed_revocations list) override {
    if (on_settled) on_settled(std::move(list));
  }

  // To those who come by the key of before.
  ajar::result<ajar::files::carried_over> gone_over(const ajar::sessions::session_info& info) override {
    if (!former_ || offered_.of(info.grant)) return ajar::fail(ajar::errc::file_not_found);
    auto given = issued_.carry_over(info.grant, own_);
    if (!given) return ajar::fail(given.error());
    constexpr std::chrono::hours followed_within{1};
    return ajar::files::carried_over{ajar::trust::go_over(*former_, own_, ajar::wall_now() + followed_within),
                                     std::move(*given)};
  }

  std::function<void(ajar::trust::signed_revocations)> on_settled{};  // what a client's key of before had is taken back

  void came(const ajar::sessions::session_info& info) override {
    issued_grant_policy::came(info);
    offered_.came(info.grant, short_name(info.peer) + " by " + std::string(to_string(info.path)));
  }
  std::optional<ajar::files::page> answer(const ajar::sessions::session_info& info,
                                          const ajar::streams::request& asked) override {
    if (asked.path() == offer_path) {
      const auto* offered = offered_.of(info.grant);
      return offered ? ajar::files::page{200, to_text(*offered)} : ajar::files::page{404, {}};
    }
    if (asked.path() != fetched_path || asked.method() != "POST") return std::nullopt;
    return ajar::files::page{offered_.fetched(info.grant) ? 200U : 404U, {}};
  }

 private:
  ajar::state::issued_grants& issued_;
  const ajar::identity::key& own_;
  offers& offered_;
  const std::optional<ajar::identity::url>& moved_to_;
  const ajar::identity::key* former_;
};

// Who may enter and who is invited, as the state folder says; and what is offered while this process runs.
struct household : ajar::server_state {
  using server_state::server_state;

  offers offered;
  std::optional<ajar::identity::url> moved_to{};  // its clients are told
  guest_policy guests{issued, self, offered, moved_to};

  // Those who come by the key of before are told to follow.
  void goes_over_from(ajar::identity::key before) {
    former.emplace(std::move(before));
    former_guests.emplace(issued, self, offered, moved_to, &*former);
  }
  std::optional<ajar::identity::key> former{};
  std::optional<guest_policy> former_guests{};
};

}  // namespace tools
