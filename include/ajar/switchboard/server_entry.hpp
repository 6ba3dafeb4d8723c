// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/server_entry.hpp - one server as central knows it: its link, clients, roster and requests.
#pragma once

#include <ajar/switchboard/absentees.hpp>
#include <ajar/switchboard/exchanges.hpp>
#include <ajar/switchboard/roster_log.hpp>
#include <ajar/switchboard/standing.hpp>

#include <optional>
#include <tl/expected.hpp>
#include <utility>

namespace ajar::switchboard {

/// The parts of one server, and what one of them means to another. Pure.
struct server_entry {
  explicit server_entry(const identity::peer_id& own) : id(own) {}

  /// Nothing is known of it any more, and nothing is to come.
  bool is_empty() const { return !there.is_linked() && !there.is_expected() && clients.empty() && requests.empty(); }

  // ---- its presence

  void publish(time_point now, wall_time today, desk& on) { there.publish(id, clients, now, today, on); }
  void publish_rest(time_point now, wall_time today, desk& on) { there.publish_rest(id, clients, now, today, on); }

  // ---- its roster

  void tell_roster(wall_time today, desk& on) {
    if (!there.is_linked()) return;
    if (auto part = roster.next(clients, today)) on.tell(there.link(), std::move(*part));
  }
  void roster_changed(const identity::peer_id& client, wall_time today, desk& on) {
    roster.changed(client);
    tell_roster(today, on);
  }
  /// A client's grants may have ended.
  void judge(const identity::peer_id& client, time_point now, wall_time today, desk& on) {
    if (clients.judge(id, client, now, today, on)) roster_changed(client, today, on);
  }

  // ---- its clients

  void present(const event::granted& what, time_point now, wall_time today, desk& on) {
    const auto taken = clients.present(what, now, today, on);
    if (taken.refused) {
      on.tell(what.link, signalling::grant_result{what.grant, static_cast<std::uint16_t>(*taken.refused)});
      on.account.refused.add(*taken.refused);
    } else {
      on.tell(what.link, signalling::grant_result{what.grant, 0});
      on.tell(what.link, there.presence_of(id));
    }
    if (taken.roster_changed) roster_changed(what.client, today, on);
  }
  /// @return whether it was the client's link
  bool leave(const event::client_left& what, wall_time today, desk& on) {
    const auto had_door = clients.leave(what.client, what.link, on);
    if (had_door.value_or(false)) roster_changed(what.client, today, on);
    return had_door.has_value();
  }
  /// Answers the list that the server presents. @return whether it is in force now
  bool revoke(const event::revoked& what, time_point now, wall_time today, desk& on) {
    const auto taken = clients.revoke(what, today);
    for (const auto& holder : taken.holders) judge(holder, now, today, on);
    signalling::revocations_result made{what.list.serial, 0, {}};
    if (taken.refused) {
      made.code = static_cast<std::uint16_t>(errc::serial_too_low);
      made.later = clients.list();
    }
    on.tell(what.link, std::move(made));
    return !taken.refused;
  }

  // ---- requests to it

  /// @return the grant that permits this one
  tl::expected<clientele::grant_facts, errc> may_ask(const event::requested& what, wall_time today) const {
    const auto* client = clients.at_link(what.client, what.link);
    if (!client) return tl::unexpected(errc::unknown_server);
    const auto* by = clientele::find(*client, what.grant);
    if (!by) return tl::unexpected(clients.is_revoked(what.grant) ? errc::grant_revoked : errc::grant_unknown);
    if (const auto why = clients.why_ended(*by, today)) return tl::unexpected(*why);
    if (!there.is_linked()) return tl::unexpected(errc::server_offline);
    if (!requests.has_room(what.link, what.id)) return tl::unexpected(errc::too_many_requests);
    return *by;
  }

  identity::peer_id id;
  standing there;
  std::optional<absentees::absence> away;
  clientele clients;
  roster_log roster;
  exchanges requests;
};

}  // namespace ajar::switchboard
