// SPDX-License-Identifier: BSL-1.0
// Servers that come by an invite: the central that runs puts them on its list, and serves them at once.
#pragma once

#include "../tools/advice.hpp"
#include "admission.hpp"

#include <ajar/central.hpp>
#include <ajar/state/server_invites.hpp>
#include <ajar/telling/step.hpp>

#include <mutex>
#include <string>
#include <utility>

namespace tools {

// Whether a list can be changed by a central that runs: its fence lets it write in the state folder alone. Links are
// followed.
inline bool lies_in(const std::string& file, const std::string& folder) {
  return detail::real_path(file).starts_with(detail::real_path(folder) + "/");
}

// Threads: any. Invites are redeemed on the shards' threads; the list is read anew on the first one.
class newcomers {
 public:
  // Outlived by the node.
  newcomers(const node& self, settings given, ajar::telling::step_sink steps)
      : folder_(self.state.path()),
        invites_(self.state, self.key),
        given_(std::move(given)),
        steps_(std::move(steps)) {}

  // Before anybody comes.
  void are_served_by(ajar::central& central) { central_ = &central; }

  // The list that these settings name is served from now on. What is wrong with it, else.
  std::string take_over(const settings& now) {
    const std::lock_guard alone(changing_);
    const auto list = read_admission(now, folder_);
    if (!list) return list.error();
    given_ = now;
    central_->admit(*list);
    return {};
  }

  // Which list that is; empty where every server is served.
  std::string list() const {
    const std::lock_guard alone(changing_);
    return serves_all() ? std::string() : detail::real_path(list_path(given_, folder_));
  }

  // central_options::invites
  ajar::result<ajar::trust::sealed_answer> redeem(const ajar::trust::invite_id& which, ajar::bytes_view sealed) {
    auto answered = invites_.redeem(
        which, sealed, [this](const ajar::state::server_invite& one, bool first) { return admit(one, first); });
    if (answered) return answered;
    for (const auto own : {ajar::errc::invite_unknown, ajar::errc::signature_invalid, ajar::errc::message_malformed,
                           ajar::errc::unknown_version, ajar::errc::central_busy}) {
      if (answered.error() == own) return answered;
    }
    return trouble(explain(answered.error()));
  }

  // central_options::successions
  ajar::result<> follow(const ajar::identity::peer_id& before, const ajar::identity::peer_id& successor) {
    const std::lock_guard alone(changing_);
    if (serves_all()) return {};
    const auto listed = put_on_list(successor, "was " + short_name(before));
    if (!listed) return ajar::fail(listed.error());
    return {};
  }

 private:
  bool serves_all() const { return given_.count("open") != 0 || (given_.count("quick") && !given_.count("admit")); }

  tl::unexpected<std::error_code> trouble(const std::string& why) const {
    ajar::telling::report_trouble(steps_, "a server cannot be put on the list", why);
    return ajar::fail(ajar::errc::central_busy);
  }

  ajar::result<bool> admit(const ajar::state::server_invite& one, bool first) {
    const std::lock_guard alone(changing_);
    if (first) return put_on_list(*one.claimant, one.petname);
    const auto text = read_list(given_, folder_);
    if (!text) return trouble(text.error());
    const auto listed = parse_list(*text, list_path(given_, folder_));
    if (!listed) return trouble(listed.error());
    return listed->admits(*one.claimant) || serves_all();  // it may have been taken off
  }

  // @return true
  ajar::result<bool> put_on_list(const ajar::identity::peer_id& server, const std::string& name) {
    const auto path = list_path(given_, folder_);
    const auto text = read_list(given_, folder_);
    if (!text) return trouble(text.error());
    const auto before = parse_list(*text, path);
    if (!before) return trouble(before.error());
    if (before->admits(server)) return true;
    if (!lies_in(path, folder_)) return trouble(path + ": lies outside of the state folder");
    const auto now = list_with(*text, server, name);
    const auto written = detail::replace_list(path, now);
    if (!written) return trouble(path + ": " + explain(written.error()));
    const auto list = parse_list(now, path);
    if (!list) return trouble(list.error());
    if (!serves_all()) central_->admit(*list);
    return true;
  }

  std::string folder_;
  ajar::state::server_invites invites_;
  mutable std::mutex changing_;
  settings given_;
  ajar::telling::step_sink steps_;
  ajar::central* central_ = nullptr;
};

}  // namespace tools
