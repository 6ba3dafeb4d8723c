// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/directory.hpp - what central knows: who is linked, which grants concern whom, whose doors are
// proved.
#pragma once

#include <ajar/switchboard/logins.hpp>
#include <ajar/switchboard/server_entry.hpp>

#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace ajar::switchboard {

/// One shard's part of what central knows. Pure: event and time in, deliveries out. Nothing of it is ever on a disk.
///
/// What concerns many clients is done in parts: a server is told the next part of its roster when the one before has
/// left (event::drained), and clients of a server's presence some at a time, by next() and expire().
///
/// Threads: one.
class directory {
 public:
  explicit directory(std::chrono::milliseconds heartbeat) : heartbeat_(heartbeat) {}

  std::vector<delivery> handle(const any_event& what, time_point now, wall_time today) {
    desk_.out.clear();
    std::visit([&](const auto& one) { on(one, now, today); }, what);
    return std::move(desk_.out);
  }

  /// What the passing of time brings. Call it at next(), which is past where more is due than is done at once.
  std::vector<delivery> expire(time_point now, wall_time today) {
    constexpr auto most = desk::most_at_once;
    desk_.out.clear();
    for (std::size_t done = 0; done < most && desk_.out.size() < most && next() <= now; ++done) {
      const auto due = desk_.waiting.begin()->second;
      const auto found = servers_.find(due.server);  // it is there as long as it has a timer
      auto& one = found->second;
      if (const auto* request = std::get_if<trust::request_id>(&due.about)) {
        one.requests.end(*request, now, desk_);
      } else if (const auto* client = std::get_if<identity::peer_id>(&due.about)) {
        one.judge(*client, now, today, desk_);
      } else if (std::holds_alternative<timer::presence_rest>(due.about)) {
        one.publish_rest(now, today, desk_);
      } else if (std::holds_alternative<timer::absence_rest>(due.about)) {
        keep_absent(one, now, today);
      } else {
        one.there.end_polling(desk_);
        one.publish(now, today, desk_);
      }
      forget_if_empty(found);
    }
    return std::move(desk_.out);
  }

  time_point next() const { return desk_.waiting.empty() ? never : desk_.waiting.begin()->first; }

  std::size_t servers() const noexcept { return servers_.size(); }
  std::size_t logins() const noexcept { return logins_.size(); }
  /// What it waits for.
  std::size_t timers() const noexcept { return desk_.waiting.size(); }
  const rendezvous_account& account() const noexcept { return desk_.account; }
  /// Revocations that are kept for servers without a link.
  std::size_t kept() const noexcept { return absentees_.kept(); }
  /// Keys that have evicted links of late.
  std::size_t evicting() const noexcept { return logins_.evicting(); }
  /// Keys that were sent away for a flood of late.
  std::size_t resting() const noexcept { return logins_.resting(); }

 private:
  using server_map = std::unordered_map<identity::peer_id, server_entry>;

  server_map::iterator entry_of(const identity::peer_id& id) { return servers_.try_emplace(id, id).first; }
  // Where this is the server's link.
  server_entry* linked(const identity::peer_id& id, const link_ref& link) {
    const auto found = servers_.find(id);
    return found != servers_.end() && found->second.there.is_linked_by(link) ? &found->second : nullptr;
  }

  // Without link, clients and revocations a server is forgotten; its roster then begins a new epoch.
  void forget_if_empty(server_map::iterator at) {
    auto& one = at->second;
    if (!one.is_empty()) return;
    one.there.withdraw(desk_);
    absentees_.end(one.away, desk_);
    servers_.erase(at);
  }

  void keep_absent(server_entry& one, time_point now, wall_time today) {
    if (one.there.is_linked()) return;
    if (!absentees_.keep(one.id, one.away, one.clients.revocations_in_force(today), now, desk_)) {
      one.clients.forget_revocations();
    }
  }
  void bound_kept() {
    while (const auto first = absentees_.too_many()) {
      const auto at = servers_.find(*first);
      absentees_.end(at->second.away, desk_);
      at->second.clients.forget_revocations();
      forget_if_empty(at);
    }
  }

  // ---- links

  void on(const event::attached& what, time_point now, wall_time today) {
    const auto verdict = logins_.attach(what, now);
    if (verdict.refused) return desk_.tell(what.link, signalling::goodbye{*verdict.refused});
    // at once: the old link may be half dead
    if (verdict.evicted) desk_.tell(*verdict.evicted, signalling::goodbye{errc::evicted});
    desk_.tell(what.link, signalling::welcome{heartbeat_, what.seen, what.reflect_port, what.ticket});
    if (what.who != signalling::role::server) return;
    auto& one = entry_of(what.peer)->second;
    one.there.attach(what, desk_);
    absentees_.end(one.away, desk_);
    one.roster.forget_link();
    one.publish(now, today, desk_);
  }

  void on(const event::detached& what, time_point now, wall_time today) {
    if (!logins_.detach(what, now)) return;
    const auto found = servers_.find(what.peer);
    if (what.who != signalling::role::server || found == servers_.end()) return;
    auto& one = found->second;
    one.there.detach(what.peer, now, desk_);
    one.roster.forget_link();
    one.publish(now, today, desk_);
    keep_absent(one, now, today);
    forget_if_empty(found);
    bound_kept();
  }

  void on(const event::renewed& what, time_point now, wall_time today) {
    auto* one = linked(what.server, what.link);
    if (!one) return;
    one->there.renew(what.nonce);
    one->publish(now, today, desk_);
  }

  // ---- grants and revocations

  void on(const event::granted& what, time_point now, wall_time today) {
    const auto found = entry_of(what.server);
    found->second.present(what, now, today, desk_);
    forget_if_empty(found);
  }

  void on(const event::client_left& what, time_point, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found != servers_.end() && found->second.leave(what, today, desk_)) forget_if_empty(found);
  }

  void on(const event::revoked& what, time_point now, wall_time today) {
    const auto found = entry_of(what.server);
    if (found->second.revoke(what, now, today, desk_)) keep_absent(found->second, now, today);  // that came late
    forget_if_empty(found);
    bound_kept();
  }

  // ---- the roster

  void on(const event::door_proved& what, time_point, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    if (found->second.clients.prove(what.client, what.link, what.record)) {
      found->second.roster_changed(what.client, today, desk_);
    }
  }

  void on(const event::roster_asked& what, time_point now, wall_time today) {
    auto* one = linked(what.server, what.link);
    if (!one) return;
    if (one->there.comes_back_in(what.interval)) one->publish(now, today, desk_);
    one->roster.ask(what.since, what.interval.count() == 0);
    one->tell_roster(today, desk_);
  }

  void on(const event::drained& what, time_point, wall_time today) {
    auto* one = linked(what.server, what.link);
    if (!one) return;
    one->roster.drained();
    one->tell_roster(today, desk_);
  }

  // ---- invites: central knows no secret of theirs, it keeps strangers from the server

  void on(const event::invites_announced& what, time_point, wall_time) {
    if (auto* one = linked(what.server, what.link)) one->there.announce(what.ids);
  }

  void on(const event::redeeming& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.there.is_linked()) {
      desk_.tell(what.link, signalling::goodbye{errc::server_offline});
    } else if (!found->second.there.has_announced(what.invite)) {
      desk_.tell(what.link, signalling::goodbye{errc::invite_unknown});
    } else {
      desk_.tell(found->second.there.link(), signalling::redemption{what.ticket, what.invite, what.sealed});
    }
  }

  // ---- requests (WO 2004/034190, just-in-time listening, steps B, C, E and F)

  void on(const event::requested& what, time_point now, wall_time today) {
    explanation steps(what.explain, now);
    steps.note(now, "B", "a client asks for a server");
    const auto refuse = [&](errc why) {
      steps.note(now, "", "refused a request", make_error_code(why).message());
      steps.tell(what.link, what.id, {}, desk_);
      desk_.tell(what.link, signalling::failure{what.id, why});
      desk_.account.refused.add(why);
    };
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return refuse(errc::unknown_server);
    auto& one = found->second;
    const auto by = one.may_ask(what, today);
    if (!by) return refuse(by.error());
    one.requests.begin(what, *by, std::move(steps), one.there.link(), now, desk_);
  }

  void on(const event::answered& what, time_point now, wall_time today) {
    auto* one = linked(what.server, what.link);
    const auto* by = one ? one->requests.by(what.what.id) : nullptr;
    if (!by) return;
    const auto ended = one->clients.why_ended(*by, today);
    if (what.what.signed_answer.empty()) {
      one->requests.finished(what.what.id, now, desk_);
    } else if (ended) {
      one->requests.end(what.what.id, now, desk_, *ended);
    } else {
      one->requests.answered(what.what, now, desk_);
    }
  }

  void on(const event::traced& what, time_point now, wall_time today) {
    auto* one = linked(what.server, what.link);
    const auto* by = one ? one->requests.by(what.id) : nullptr;
    if (by && !one->clients.why_ended(*by, today)) one->requests.traced(what, now, desk_);
  }

  std::chrono::milliseconds heartbeat_;
  ajar::switchboard::logins logins_;
  absentees absentees_;
  server_map servers_;
  desk desk_;
};

}  // namespace ajar::switchboard
