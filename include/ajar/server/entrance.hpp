// SPDX-License-Identifier: BSL-1.0
// ajar/server/entrance.hpp - who may enter a server, and for whom it may open a window or dial.
#pragma once

#include <ajar/core/places.hpp>
#include <ajar/outbound/dial_plan.hpp>
#include <ajar/rendezvous/response.hpp>
#include <ajar/server/options.hpp>
#include <ajar/server/status.hpp>
#include <ajar/sessions/doubt.hpp>
#include <ajar/signalling/roster.hpp>
#include <ajar/trust/may_dial.hpp>
#include <ajar/trust/may_open.hpp>
#include <ajar/trust/window_budget.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::detail {

// What a server decides about those who come, and what it counts for that: it neither waits nor sends. Who is let in
// has a place from that step on, so that of many who come at once no more get in than may.
class entrance {
 public:
  entrance(const identity::peer_id& own, const server_options& how, telling::step_sink steps)
      : own_(own),
        how_(how),
        steps_(std::move(steps)),
        budget_(how.listening_, how.window_time_.value_or(windows::longest_window)) {
    if (how.revocations_) revoked_ = how.revocations_->body();
  }

  // What is taken back may be forgotten by whoever keeps the grants.
  result<trust::signed_grant> granted(const trust::grant_id& id) const {
    if (revoked_.contains(id)) return fail(errc::grant_revoked);
    if (!how_.grants_) return fail(errc::grant_unknown);
    auto given = how_.grants_(id);
    if (given || given.error() == errc::grant_unknown) return given;
    telling::report_trouble(steps_, "a grant cannot be looked up", given.error().message());
    return fail(errc::server_busy);  // it may be there: nobody is sent away for good
  }

  // Somebody has proved itself. Where it has too many sessions, some may be dead.
  result<place> enter(const trust::grant_id& id, const identity::peer_id& client, trust::method by) {
    const auto given = granted(id);
    if (!given) return fail(given.error());
    const auto permitted = trust::may_enter(*given, revoked_, entry_of(client, by));
    if (!permitted) return fail(permitted.error());
    if (!may_begin()) return fail(errc::server_busy);
    doubts_.replace(client, sessions_.taken(client) >= given->body().sessions, clock::now());
    return sessions_.take(client);
  }

  // A session that has entered has this as well, until somebody accepts it.
  place wait(const identity::peer_id& client) { return waiting_.take(client); }

  // What a session that came by a grant may do with a service now.
  result<trust::service_right> permits(const trust::grant_id& id, std::string_view service) const {
    const auto given = granted(id);
    if (!given) return fail(given.error());
    const auto* right = given->body().find(service);
    if (!right) return fail(errc::service_not_granted);
    return *right;
  }

  // @param entry  the client's on the roster; nullptr: it has none
  result<> may_dial(const signalling::roster::entry* entry, const outbound::dial_plan::attempt& to) const {
    const auto given = granted(to.grant);
    if (!given) return fail(given.error());
    if (!entry) return fail(errc::grant_unknown);
    if (!may_begin()) return fail(errc::server_busy);
    auto permitted = trust::may_enter(*given, revoked_, entry_of(to.client, trust::method::outbound));
    if (!permitted) return permitted;
    return trust::may_dial(entry->record, given->body(), wall_now());
  }

  result<rendezvous::respond_policy::permit> may_open(const trust::signed_request& asked) {
    const auto& client = asked.signer();
    auto given = granted(asked.body().grant);
    if (!given) return fail(given.error());
    if (!may_begin()) return fail(errc::server_busy);
    if (!has_room(given->body(), client)) return fail(errc::too_many_windows);
    auto permitted = gate_.may_open(asked, *given, revoked_, entry_of(client, trust::method::window), clock::now());
    if (!permitted) return fail(permitted.error());
    return rendezvous::respond_policy::permit{std::move(*given), windows_.take(client)};
  }

  // Has the client who asks all the sessions that its grant permits?
  bool is_full(const trust::signed_request& asked) const {
    if (sessions_.taken(asked.signer()) == 0) return false;
    const auto given = known(asked);
    return given && sessions_.taken(asked.signer()) >= given->body().sessions;
  }
  // Is there nothing but time between a request for a window and its window? Without a grant there is nothing to wait
  // for.
  bool must_wait(const trust::signed_request& asked) {
    if (is_full(asked) && doubts_.is_open(asked.signer(), clock::now())) return true;
    if (windows_.taken() == 0) return false;
    const auto given = known(asked);
    return given && !has_room(given->body(), asked.signer());
  }

  // Has what a session came by ended? Also where nobody knows it any more.
  // @param not_after  the grant's end as it was then; it may have been moved
  std::optional<errc> ended(const trust::grant_id& id, wall_time not_after, wall_time now) const {
    const auto given = how_.grants_(id);
    if (!given && given.error() == errc::grant_unknown) return errc::grant_unknown;
    if (now >= (given ? given->body().not_after : not_after)) return errc::grant_expired;
    return std::nullopt;
  }

  // ---- what was taken back

  const trust::revocations& revoked() const noexcept { return revoked_; }

  // From here on nobody enters by these grants.
  // @return those that were good before
  result<std::vector<trust::grant_id>> forbid(const trust::signed_revocations& list) {
    if (list.signer() != own_) return fail(errc::signature_invalid);
    if (list.body().serial <= revoked_.serial) return fail(errc::serial_too_low);
    std::vector<trust::grant_id> fresh;
    for (const auto& one : list.body().entries) {
      if (!revoked_.contains(one.grant)) fresh.push_back(one.grant);
    }
    revoked_ = list.body();
    return fresh;
  }
  // Does it hold nothing that is good here?
  bool is_known(const trust::revocations& list) const {
    return std::ranges::all_of(
        list.entries, [&](const auto& one) { return one.not_after <= wall_now() || revoked_.contains(one.grant); });
  }

  // ---- what it counts

  void window_closed(const trust::grant_id& under, clock::duration open) { budget_.closed(under, open, clock::now()); }

  std::vector<grant_listening> listened_by(time_point now) {
    std::vector<grant_listening> all;
    for (const auto& [id, open] : budget_.by_grant(now)) {
      const auto given = how_.grants_(id);
      if (!given) continue;
      const auto& body = given->body();
      all.push_back({id, body.client, windows_.taken(body.client), body.windows_at_a_time, open, body.listening});
    }
    return all;
  }
  std::chrono::nanoseconds listened(time_point now) { return budget_.listened(now); }
  std::chrono::milliseconds listened_limit() const noexcept { return budget_.limit(); }

  trust::window_gate& gate() noexcept { return gate_; }
  sessions::doubts& doubts() noexcept { return doubts_; }

 private:
  // Sessions that are silent make room for one that is not.
  trust::entry entry_of(const identity::peer_id& client, trust::method by) const {
    const auto silent = doubts_.silent(client, clock::now());
    const auto here = sessions_.taken(client);
    return {own_, client, by, wall_now(), here - std::min(here, silent)};
  }
  result<trust::signed_grant> known(const trust::signed_request& asked) const {
    if (!how_.grants_) return fail(errc::grant_unknown);
    return how_.grants_(asked.body().grant);
  }
  bool may_begin() const { return sessions_.taken() < how_.most_sessions_ && waiting_.taken() < how_.most_waiting_; }
  bool has_room(const trust::grant& under, const identity::peer_id& client) {
    return budget_.fits(under, windows_.taken(client), windows_.taken(), clock::now());
  }

  identity::peer_id own_;
  const server_options& how_;
  telling::step_sink steps_;
  trust::window_gate gate_;
  trust::window_budget budget_;
  trust::revocations revoked_;
  places<identity::peer_id> windows_;   // under way
  places<identity::peer_id> sessions_;  // also those that begin
  places<identity::peer_id> waiting_;   // those that nobody has accepted yet
  sessions::doubts doubts_;
};

}  // namespace ajar::detail
