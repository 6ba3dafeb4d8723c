// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/directory.hpp - what central knows: who is linked, which grants concern whom, whose doors are
// proved.
#pragma once

#include <ajar/core/rate_limit.hpp>
#include <ajar/switchboard/event.hpp>
#include <ajar/switchboard/exchange.hpp>
#include <ajar/switchboard/rendezvous_account.hpp>

#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace ajar::switchboard {

/// One shard's part of what central knows. Pure: event and time in, deliveries out. Nothing of it is ever on a disk.
///
/// Threads: one.
class directory {
 public:
  static constexpr std::size_t roster_log = 1024;       // older differences become snapshots
  static constexpr std::size_t most_grants = 8;         // of one client for one server
  static constexpr std::size_t most_open_requests = 8;  // of one client to one server, not answered yet
  static constexpr std::size_t most_answered = 256;     // the same, answered, but another listener may follow
  static constexpr std::size_t most_open_a_server = 4096;

  explicit directory(std::chrono::milliseconds heartbeat) : heartbeat_(heartbeat) {}

  std::vector<delivery> handle(const any_event& what, time_point now, wall_time today) {
    out_.clear();
    std::visit([&](const auto& one) { on(one, now, today); }, what);
    return std::move(out_);
  }

  /// What the passing of time brings. Call it at next().
  std::vector<delivery> expire(time_point now) {
    out_.clear();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      const auto due = timers_.begin()->second;
      const auto found = servers_.find(due.server);  // it is there as long as it has a timer
      if (due.request) {
        end_exchange(found->second, *due.request, now);
      } else {
        end_polling(found->first, found->second);
      }
      forget_if_empty(found);
    }
    return std::move(out_);
  }

  time_point next() const { return timers_.empty() ? never : timers_.begin()->first; }

  std::size_t servers() const noexcept { return servers_.size(); }
  std::size_t logins() const noexcept { return logins_.size(); }
  const rendezvous_account& account() const noexcept { return account_; }

 private:
  struct timer_key {
    identity::peer_id server;
    std::optional<trust::request_id> request;
  };
  using timer_map = std::multimap<time_point, timer_key>;
  struct login {
    link_ref link;
    std::uint64_t number = 0;
    rate_limit evictions{std::chrono::seconds(2), 30};  // many more than one process and a copy of its folder cause
  };
  struct grant_facts {
    trust::grant_id id{};
    std::uint8_t methods = 0;
    wall_time not_after{};
  };
  struct client_entry {
    link_ref link;
    std::vector<grant_facts> grants;
    bytes record;  // of its proved door
    std::size_t open_requests = 0;
    std::size_t answered_requests = 0;
  };
  struct open_request {
    exchange life;
    timer_map::iterator until;
    link_ref client_link;
    identity::peer_id client;
    std::optional<trust::traced_steps> trace{};  // until it is told
  };
  struct online {
    link_ref link;
    trust::link_nonce nonce{};
    std::uint8_t methods = 0;
    bool live = false;                     // wants differences pushed
    std::set<trust::invite_id> invites{};  // whoever comes with one of them is passed on
  };
  struct server_entry {
    std::optional<online> up;
    std::optional<timer_map::iterator> polling;  // until then: without a link, but expected back
    std::chrono::milliseconds interval{0};
    std::uint8_t methods = 0;
    net::tcp::endpoint seen;
    std::map<identity::peer_id, client_entry> clients;
    signalling::roster_version version;
    std::deque<std::pair<std::uint64_t, identity::peer_id>> log;
    std::uint64_t serial = 0;
    std::vector<trust::revocations::entry> revoked;
    bytes revoked_list;  // the same, signed
    std::map<trust::request_id, open_request> requests;
  };
  using server_map = std::unordered_map<identity::peer_id, server_entry>;

  void tell(const link_ref& to, signalling::message what) { out_.push_back({to, std::move(what)}); }

  server_entry& server_of(const identity::peer_id& id) {
    auto& one = servers_[id];
    if (one.version.epoch == 0) {
      for (const auto octet : crypto::random_octets<8>()) one.version.epoch = (one.version.epoch << 8) | octet;
      one.version.epoch |= 1;
    }
    return one;
  }

  // Without link, clients and revocations a server is forgotten; its roster then begins a new epoch.
  void forget_if_empty(server_map::iterator at) {
    const auto& one = at->second;
    if (!one.up && !one.polling && one.clients.empty() && one.revoked.empty() && one.requests.empty()) {
      servers_.erase(at);
    }
  }

  signalling::presence presence_of(const identity::peer_id& id, const server_entry& one) const {
    signalling::presence made;
    made.server = id;
    made.methods = one.methods;
    made.interval = one.interval;
    made.seen = one.seen;
    if (one.up) {
      made.state = signalling::presence_state::online;
      made.nonce = one.up->nonce;
    } else if (one.polling) {
      made.state = signalling::presence_state::polling;
    }
    return made;
  }

  void publish_presence(const identity::peer_id& id, const server_entry& one) {
    const auto now = presence_of(id, one);
    for (const auto& [ignored, client] : one.clients) tell(client.link, now);
  }

  // ---- logins

  void on(const event::attached& what, time_point now, wall_time) {
    const auto [place, first] = logins_.try_emplace({what.peer, what.who});
    auto& known = place->second;
    if (!first) {
      if (what.login <= known.number) {
        tell(what.link, signalling::goodbye{errc::login_too_low});
        return;
      }
      if (!known.evictions.take(now)) {
        tell(what.link, signalling::goodbye{errc::too_many_requests});
        return;
      }
      tell(known.link, signalling::goodbye{errc::evicted});  // at once: the old link may be half dead
    }
    known.link = what.link;
    known.number = what.login;
    tell(what.link, signalling::welcome{what.nonce, heartbeat_, what.seen, what.reflect_port, what.ticket});
    if (what.who != signalling::role::server) return;
    auto& one = server_of(what.peer);
    one.up = online{what.link, what.nonce, what.methods, false};
    one.methods = what.methods;
    one.seen = what.seen;
    if (one.polling) timers_.erase(*one.polling);
    one.polling.reset();
    one.interval = std::chrono::milliseconds(0);
    publish_presence(what.peer, one);
  }

  void on(const event::detached& what, time_point now, wall_time) {
    const auto known = logins_.find({what.peer, what.who});
    if (known == logins_.end() || known->second.link != what.link) return;
    logins_.erase(known);
    const auto found = servers_.find(what.peer);
    if (what.who != signalling::role::server || found == servers_.end()) return;
    auto& one = found->second;
    one.up.reset();
    if (one.interval.count() > 0) {
      one.polling = timers_.emplace(now + one.interval * 3 / 2, timer_key{what.peer, std::nullopt});
    }
    publish_presence(what.peer, one);
    forget_if_empty(found);
  }

  void on(const event::renewed& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up || found->second.up->link != what.link) return;
    found->second.up->nonce = what.nonce;
    tell(what.link, signalling::renewed_nonce{what.nonce});
    publish_presence(what.server, found->second);
  }

  void end_polling(const identity::peer_id& id, server_entry& one) {
    timers_.erase(*one.polling);
    one.polling.reset();
    publish_presence(id, one);
  }

  // ---- grants and revocations

  static bool is_revoked(const server_entry& one, const trust::grant_id& id) {
    return std::ranges::find(one.revoked, id, &trust::revocations::entry::grant) != one.revoked.end();
  }

  // A server whose state is an older copy may sign a later list that lacks what it revoked before.
  static bool forgets(const trust::revocations& list, const server_entry& known, wall_time today) {
    if (list.entries.size() >= trust::revocations::most_entries) return false;  // there was no room for all
    return std::ranges::any_of(known.revoked, [&](const trust::revocations::entry& held) {
      return held.not_after > today && !list.contains(held.grant);
    });
  }

  void on(const event::granted& what, time_point, wall_time) {
    auto& one = server_of(what.server);
    const auto refuse = [&](errc why) {
      tell(what.link, signalling::grant_result{what.grant, static_cast<std::uint16_t>(why)});
      account_.refused.add(why);
      forget_if_empty(servers_.find(what.server));
    };
    if (is_revoked(one, what.grant)) return refuse(errc::grant_revoked);
    auto& client = one.clients[what.client];
    if (client.link != what.link) {
      const bool had_door = !client.record.empty();
      client = client_entry();
      client.link = what.link;
      if (had_door) roster_changed(one, what.client);
    }
    std::erase_if(client.grants, [&](const grant_facts& held) { return held.id == what.grant; });
    if (client.grants.size() >= most_grants) return refuse(errc::limit_reached);
    client.grants.push_back({what.grant, what.methods, what.not_after});
    tell(what.link, signalling::grant_result{what.grant, 0});
    tell(what.link, presence_of(what.server, one));
    if (!client.record.empty()) roster_changed(one, what.client);
  }

  void on(const event::client_left& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    auto& one = found->second;
    const auto client = one.clients.find(what.client);
    if (client == one.clients.end() || client->second.link != what.link) return;
    const bool had_door = !client->second.record.empty();
    one.clients.erase(client);
    if (had_door) roster_changed(one, what.client);
    forget_if_empty(found);
  }

  void on(const event::revoked& what, time_point, wall_time today) {
    auto& one = server_of(what.server);
    const auto& list = what.list;
    if (list.serial < one.serial || forgets(list, one, today)) {
      tell(what.link, signalling::revocations_result{list.serial, static_cast<std::uint16_t>(errc::serial_too_low),
                                                     one.revoked_list});
      return;
    }
    one.serial = list.serial;
    one.revoked = list.entries;
    one.revoked_list = what.octets;
    std::erase_if(one.revoked, [&](const trust::revocations::entry& held) { return held.not_after <= today; });
    for (auto at = one.clients.begin(); at != one.clients.end();) {
      auto& client = at->second;
      for (const auto& held : client.grants) {
        if (!is_revoked(one, held.id)) continue;
        tell(client.link, signalling::grant_result{held.id, static_cast<std::uint16_t>(errc::grant_revoked)});
      }
      const auto lost = std::erase_if(client.grants, [&](const grant_facts& held) { return is_revoked(one, held.id); });
      const auto id = at->first;
      const bool had_door = lost > 0 && !client.record.empty();
      at = client.grants.empty() ? one.clients.erase(at) : std::next(at);
      if (had_door) roster_changed(one, id);
    }
    tell(what.link, signalling::revocations_result{list.serial, 0, {}});
    forget_if_empty(servers_.find(what.server));
  }

  // ---- the roster: whom a server may dial (WO 2004/034190, non-listening server, step B)

  void on(const event::door_proved& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    const auto client = found->second.clients.find(what.client);
    if (client == found->second.clients.end() || client->second.link != what.link) return;
    client->second.record = what.record;
    roster_changed(found->second, what.client);
  }

  void roster_changed(server_entry& one, const identity::peer_id& client) {
    ++one.version.number;
    one.log.emplace_back(one.version.number, client);
    if (one.log.size() > roster_log) one.log.pop_front();
    if (!one.up || !one.up->live) return;
    signalling::roster_update update;
    update.version = one.version;
    update.entries.push_back(roster_entry_of(one, client));
    tell(one.up->link, std::move(update));
  }

  signalling::roster_entry roster_entry_of(const server_entry& one, const identity::peer_id& id) const {
    signalling::roster_entry made;
    made.client = id;
    const auto found = one.clients.find(id);
    if (found == one.clients.end() || found->second.record.empty()) return made;
    for (const auto& held : found->second.grants) {
      if ((held.methods & static_cast<std::uint8_t>(trust::method::outbound)) == 0) continue;
      made.present = true;
      made.grant = held.id;
      made.record = found->second.record;
    }
    return made;
  }

  void on(const event::roster_asked& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up || found->second.up->link != what.link) return;
    auto& one = found->second;
    one.up->live = what.interval.count() == 0;
    if (one.interval != what.interval) {
      one.interval = what.interval;
      publish_presence(what.server, one);
    }
    const bool known = what.since.epoch == one.version.epoch && what.since.number <= one.version.number &&
                       one.version.number - what.since.number <= one.log.size();
    std::set<identity::peer_id> concerned;
    if (known) {
      for (const auto& [number, client] : one.log) {
        if (number > what.since.number) concerned.insert(client);
      }
    } else {
      for (const auto& [client, ignored] : one.clients) concerned.insert(client);
    }
    signalling::roster_update update;
    update.snapshot = !known;
    update.version = one.version;
    for (const auto& client : concerned) {
      auto entry = roster_entry_of(one, client);
      if (!entry.present && !known) continue;
      if (update.entries.size() == signalling::roster_update::most_entries) {
        update.more = true;
        tell(what.link, update);
        update.more = false;
        update.entries.clear();
      }
      update.entries.push_back(std::move(entry));
    }
    tell(what.link, std::move(update));
  }

  // ---- invites: central knows no secret of theirs, it keeps strangers from the server

  void on(const event::invites_announced& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up || found->second.up->link != what.link) return;
    found->second.up->invites = {what.ids.begin(), what.ids.end()};
  }

  void on(const event::redeeming& what, time_point, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up) {
      tell(what.link, signalling::goodbye{errc::server_offline});
    } else if (!found->second.up->invites.contains(what.invite)) {
      tell(what.link, signalling::goodbye{errc::invite_unknown});
    } else {
      tell(found->second.up->link, signalling::redemption{what.ticket, what.invite, what.sealed});
    }
  }

  // ---- requests (WO 2004/034190, just-in-time listening, steps B, C, E and F)

  void on(const event::requested& what, time_point now, wall_time) {
    std::optional<trust::traced_steps> trace;
    if (what.explain) trace.emplace().received_us = stamp_of(now);
    note(trace, now, "B", "a client asks for a server");
    const auto refuse = [&](errc why) {
      note(trace, now, "", "refused a request", make_error_code(why).message());
      tell_trace(what.link, what.id, trace, {});
      tell(what.link, signalling::failure{what.id, why});
      account_.refused.add(why);
    };
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return refuse(errc::unknown_server);
    auto& one = found->second;
    const auto client = one.clients.find(what.client);
    if (client == one.clients.end() || client->second.link != what.link) return refuse(errc::unknown_server);
    if (!one.up) return refuse(errc::server_offline);
    if (one.requests.size() >= most_open_a_server || client->second.open_requests >= most_open_requests ||
        client->second.answered_requests >= most_answered || one.requests.contains(what.id)) {
      return refuse(errc::too_many_requests);
    }
    const exchange life(now, what.budget);
    const auto until = timers_.emplace(life.deadline(), timer_key{what.server, what.id});
    note(trace, now, "C", "command the server");
    one.requests.emplace(what.id, open_request{life, until, what.link, what.client, std::move(trace)});
    ++client->second.open_requests;
    ++account_.begun;
    tell(one.up->link, signalling::command{what.seen, what.signed_request});
  }

  void on(const event::answered& what, time_point now, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    auto& one = found->second;
    const auto open = one.requests.find(what.what.id);
    if (open == one.requests.end() || !one.up || one.up->link != what.link) return;
    auto& life = open->second.life;
    if (what.what.signed_answer.empty()) {
      if (life.is_answered()) end_exchange(one, what.what.id, now);
      return;
    }
    const bool first = !life.is_answered();
    if (!life.answered(now, what.what.last)) return;
    if (first) ++account_.answered;
    auto& trace = open->second.trace;
    if (trace && first) trace->sent_us = stamp_of(now);
    note(trace, now, "E", "the server answered");
    note(trace, now, "F", "tell the client to connect");
    tell(open->second.client_link, what.what);
    if (auto* client = client_of(one, open->second); client && first) {
      --client->open_requests;
      ++client->answered_requests;
    }
    if (life.is_over() && !trace) end_exchange(one, what.what.id, now);
  }

  void on(const event::traced& what, time_point now, wall_time) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    auto& one = found->second;
    const auto open = one.requests.find(what.id);
    if (open == one.requests.end() || !one.up || one.up->link != what.link) return;
    if (!open->second.life.is_answered()) return;
    note(open->second.trace, now, "", "the server is done");
    tell_trace(open->second.client_link, what.id, open->second.trace, what.signed_trace);
  }

  static void note(std::optional<trust::traced_steps>& into, time_point now, std::string_view letter,
                   std::string_view what, std::string detail = {}) {
    if (!into) return;
    const bool trouble = letter.empty() && !detail.empty();
    into->add(trust::traced_step::of(
        {now, letter, what, std::move(detail), trouble ? telling::log_level::warning : telling::log_level::info}));
  }
  // Once.
  void tell_trace(const link_ref& to, const trust::request_id& id, std::optional<trust::traced_steps>& trace,
                  bytes of_server) {
    if (!trace) return;
    if (trace->sent_us == 0) trace->sent_us = trace->steps.back().at_us;
    tell(to, signalling::trace{id, std::move(of_server), std::move(*trace)});
    trace.reset();
  }

  // The client that asked, if it is still the same link.
  static client_entry* client_of(server_entry& one, const open_request& open) {
    const auto client = one.clients.find(open.client);
    return client != one.clients.end() && client->second.link == open.client_link ? &client->second : nullptr;
  }

  void end_exchange(server_entry& one, const trust::request_id& id, time_point now) {
    const auto open = one.requests.find(id);
    if (open == one.requests.end()) return;
    const auto& life = open->second.life;
    if (const auto why = life.failure()) {
      note(open->second.trace, now, "", "no answer came", make_error_code(*why).message());
      tell_trace(open->second.client_link, id, open->second.trace, {});
      tell(open->second.client_link, signalling::failure{id, *why});
      account_.refused.add(*why);
    }
    ++account_.ended;
    if (auto* client = client_of(one, open->second)) {
      --(life.is_answered() ? client->answered_requests : client->open_requests);
    }
    timers_.erase(open->second.until);
    one.requests.erase(open);
  }

  std::chrono::milliseconds heartbeat_;
  std::map<std::pair<identity::peer_id, signalling::role>, login> logins_;
  server_map servers_;
  timer_map timers_;
  std::vector<delivery> out_;
  rendezvous_account account_;
};

}  // namespace ajar::switchboard
