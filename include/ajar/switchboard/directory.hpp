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
/// What concerns many clients is done in parts: a server is told the next part of its roster when the one before has
/// left (event::drained), and clients of a server's presence some at a time, by next() and expire().
///
/// Threads: one.
class directory {
 public:
  static constexpr std::size_t roster_log = 1024;       // older differences become snapshots
  static constexpr std::size_t most_grants = 8;         // of one client for one server
  static constexpr std::size_t most_open_requests = 8;  // of one client to one server, not answered yet
  static constexpr std::size_t most_answered = 256;     // the same, answered, but another listener may follow
  static constexpr std::size_t most_open_a_server = 4096;
  static constexpr std::size_t most_at_once = 128;      // of what is due in one moment: others of the thread wait
  static constexpr std::size_t roster_part = 32;        // entries in a message: each costs its server a signature
  static constexpr std::size_t most_walked = 1024;      // clients that are looked at for one
  static constexpr std::chrono::minutes look_again{1};  // at a grant: the wall clock may be set
  static constexpr std::size_t most_kept = 100'000;     // revocations of servers without a link, all together
  static constexpr std::chrono::hours longest_kept{24 * 30};

  explicit directory(std::chrono::milliseconds heartbeat) : heartbeat_(heartbeat) {}

  std::vector<delivery> handle(const any_event& what, time_point now, wall_time today) {
    out_.clear();
    std::visit([&](const auto& one) { on(one, now, today); }, what);
    return std::move(out_);
  }

  /// What the passing of time brings. Call it at next(), which is past where more is due than is done at once.
  std::vector<delivery> expire(time_point now, wall_time today) {
    out_.clear();
    for (std::size_t done = 0; done < most_at_once && out_.size() < most_at_once && next() <= now; ++done) {
      const auto due = timers_.begin()->second;
      const auto found = servers_.find(due.server);  // it is there as long as it has a timer
      auto& one = found->second;
      if (const auto* request = std::get_if<trust::request_id>(&due.about)) {
        end_exchange(one, *request, now);
      } else if (const auto* client = std::get_if<identity::peer_id>(&due.about)) {
        judge(due.server, one, one.clients.find(*client), now, today);
      } else if (std::holds_alternative<presence_rest>(due.about)) {
        publish_rest(due.server, one, now, today);
      } else if (std::holds_alternative<absence_rest>(due.about)) {
        keep_absent(due.server, one, now, today);
      } else {
        end_polling(due.server, one, now, today);
      }
      forget_if_empty(found);
    }
    return std::move(out_);
  }

  time_point next() const { return timers_.empty() ? never : timers_.begin()->first; }

  std::size_t servers() const noexcept { return servers_.size(); }
  std::size_t logins() const noexcept { return logins_.size(); }
  /// What it waits for.
  std::size_t timers() const noexcept { return timers_.size(); }
  const rendezvous_account& account() const noexcept { return account_; }
  /// Revocations that are kept for servers without a link.
  std::size_t kept() const noexcept { return kept_; }
  /// Keys that have evicted links of late.
  std::size_t evicting() const noexcept { return evictions_.size(); }

 private:
  struct polling {};
  struct presence_rest {};
  struct absence_rest {};
  struct timer_key {
    identity::peer_id server;
    std::variant<polling, presence_rest, absence_rest, trust::request_id, identity::peer_id>
        about;  // the last: a client's grants
  };
  using timer_map = std::multimap<time_point, timer_key>;
  struct login {
    link_ref link;
    std::uint64_t number = 0;
  };
  using login_key = std::pair<identity::peer_id, signalling::role>;
  struct grant_facts {
    trust::grant_id id{};
    std::uint8_t methods = 0;
    wall_time not_after{};
  };
  struct client_entry {
    link_ref link;
    std::vector<grant_facts> grants;
    timer_map::iterator judged_at;  // where there is a grant: when the first of them may have ended
    bytes record;                   // of its proved door
    std::size_t open_requests = 0;
    std::size_t answered_requests = 0;
  };
  struct open_request {
    exchange life;
    timer_map::iterator until;
    link_ref client_link;
    identity::peer_id client;
    grant_facts by;
    std::optional<trust::traced_steps> trace{};  // until it is told
  };
  // What the server of a link is to be told of its roster.
  struct told_roster {
    bool live = false;                                     // wants differences pushed
    bool full = false;                                     // a part has not left yet
    bool owed = false;                                     // a part, whether there is anything to tell or not
    std::optional<signalling::roster_version> snapshot{};  // under way, and as it was at its beginning
    std::optional<identity::peer_id> walked{};             // up to there
    std::set<identity::peer_id> behind{};                  // who is another now than was told

    bool is_under_way() const { return owed || snapshot || !behind.empty(); }
    bool comes_to(const identity::peer_id& client) const { return snapshot && (!walked || *walked < client); }
  };
  struct online {
    link_ref link;
    trust::link_nonce nonce{};
    std::uint8_t methods = 0;
    std::set<trust::invite_id> invites{};  // whoever comes with one of them is passed on
    told_roster roster{};
  };
  using client_map = std::map<identity::peer_id, client_entry>;
  struct publishing {
    timer_map::iterator at;
    std::optional<identity::peer_id> told{};  // up to there
  };
  // Of a server that has no link, and revocations in force.
  struct absence {
    time_point since{};
    std::uint64_t number = 0;  // in the order in which they left
    std::size_t revoked = 0;
    timer_map::iterator rest;
  };
  struct server_entry {
    std::optional<online> up;
    std::optional<absence> away;
    std::optional<timer_map::iterator> polling;  // until then: without a link, but expected back
    std::chrono::milliseconds interval{0};
    std::uint8_t methods = 0;
    net::tcp::endpoint seen;
    client_map clients;
    std::map<trust::grant_id, identity::peer_id> holders;  // of their grants
    std::optional<publishing> rest;                        // of its clients, which are not told yet
    signalling::roster_version version;
    std::deque<std::pair<std::uint64_t, identity::peer_id>> log;
    std::uint64_t serial = 0;
    std::map<trust::grant_id, wall_time> revoked;  // and their ends
    bytes revoked_list;                            // the same, signed
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
      if (one.rest) timers_.erase(one.rest->at);
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

  // It is another now: from the first client on.
  void publish_presence(const identity::peer_id& id, server_entry& one, time_point now, wall_time today) {
    if (one.rest) timers_.erase(one.rest->at);
    one.rest = publishing{timers_.emplace(now, timer_key{id, presence_rest()})};
    publish_rest(id, one, now, today);
  }
  void publish_rest(const identity::peer_id& id, server_entry& one, time_point now, wall_time today) {
    const auto what = presence_of(id, one);
    auto& told = one.rest->told;
    auto at = told ? one.clients.upper_bound(*told) : one.clients.begin();
    for (std::size_t some = 0; some < most_at_once && at != one.clients.end(); ++some, ++at) {
      if (counts(one, at->second, today)) tell(at->second.link, what);
      told = at->first;
    }
    timers_.erase(one.rest->at);
    if (at == one.clients.end()) {
      one.rest.reset();
    } else {
      one.rest->at = timers_.emplace(now, timer_key{id, presence_rest()});
    }
  }

  // ---- logins

  void on(const event::attached& what, time_point now, wall_time today) {
    const auto [place, first] = logins_.try_emplace({what.peer, what.who});
    auto& known = place->second;
    if (!first) {
      if (what.login <= known.number) {
        tell(what.link, signalling::goodbye{errc::login_too_low});
        return;
      }
      if (!may_evict(place->first, now)) {
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
    one.up = online{what.link, what.nonce, what.methods};
    end_absence(one);
    one.methods = what.methods;
    one.seen = what.seen;
    if (one.polling) timers_.erase(*one.polling);
    one.polling.reset();
    one.interval = std::chrono::milliseconds(0);
    publish_presence(what.peer, one, now, today);
  }

  void on(const event::detached& what, time_point now, wall_time today) {
    const auto known = logins_.find({what.peer, what.who});
    if (known == logins_.end() || known->second.link != what.link) return;
    logins_.erase(known);
    const auto found = servers_.find(what.peer);
    if (what.who != signalling::role::server || found == servers_.end()) return;
    auto& one = found->second;
    one.up.reset();
    if (one.interval.count() > 0) {
      one.polling = timers_.emplace(now + one.interval * 3 / 2, timer_key{what.peer, polling()});
    }
    publish_presence(what.peer, one, now, today);
    keep_absent(what.peer, one, now, today);
    forget_if_empty(found);
    bound_kept();
  }

  // Counted beyond its links: a key that leaves and comes again has not paid for what it evicted. Those who have
  // rested are forgotten, a few at a time.
  bool may_evict(const login_key& whose, time_point now) {
    constexpr int a_few = 2;
    for (int i = 0; i < a_few && !evictions_.empty(); ++i) {
      auto at = swept_ ? evictions_.upper_bound(*swept_) : evictions_.begin();
      if (at == evictions_.end()) at = evictions_.begin();
      swept_ = at->first;
      if (at->second.rested(now)) evictions_.erase(at);
    }
    // many more than one process and a copy of its folder cause
    return evictions_.try_emplace(whose, std::chrono::seconds(2), 30).first->second.take(now);
  }

  void on(const event::renewed& what, time_point now, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up || found->second.up->link != what.link) return;
    found->second.up->nonce = what.nonce;
    tell(what.link, signalling::renewed_nonce{what.nonce});
    publish_presence(what.server, found->second, now, today);
  }

  void end_polling(const identity::peer_id& id, server_entry& one, time_point now, wall_time today) {
    timers_.erase(*one.polling);
    one.polling.reset();
    publish_presence(id, one, now, today);
  }

  // ---- grants and revocations: what admitted a client is judged again when it may have ended

  static std::optional<errc> why_ended(const server_entry& one, const grant_facts& held, wall_time today) {
    if (one.revoked.contains(held.id)) return errc::grant_revoked;
    if (held.not_after <= today) return errc::grant_expired;
    return std::nullopt;
  }
  static bool counts(const server_entry& one, const client_entry& client, wall_time today) {
    return std::ranges::any_of(client.grants,
                               [&](const grant_facts& held) { return !why_ended(one, held, today).has_value(); });
  }
  static const grant_facts* find(const client_entry& client, const trust::grant_id& id) {
    const auto at = std::ranges::find(client.grants, id, &grant_facts::id);
    return at == client.grants.end() ? nullptr : &*at;
  }

  // What has ended goes, and its client is told; so does a client without any grant.
  // @return the client after it
  client_map::iterator judge(const identity::peer_id& server, server_entry& one, client_map::iterator at,
                             time_point now, wall_time today) {
    const auto id = at->first;
    auto& client = at->second;
    std::vector<grant_facts> good;
    for (const auto& held : client.grants) {
      if (const auto why = why_ended(one, held, today)) {
        release(one, id, held);
        tell(client.link, signalling::grant_result{held.id, static_cast<std::uint16_t>(*why)});
      } else {
        good.push_back(held);
      }
    }
    const bool off_roster = good.size() < client.grants.size() && !client.record.empty();
    if (good.empty()) {
      at = forget(one, at);
    } else {
      client.grants = std::move(good);
      timers_.erase(client.judged_at);
      watch(server, id, client, now, today);
      ++at;
    }
    if (off_roster) roster_changed(one, id, today);
    return at;
  }

  // One that has a grant, and no timer now.
  void watch(const identity::peer_id& server, const identity::peer_id& id, client_entry& client, time_point now,
             wall_time today) {
    const auto first = std::ranges::min(client.grants, {}, &grant_facts::not_after).not_after;
    const auto left = std::clamp<std::chrono::seconds>(first - today, std::chrono::seconds(0), look_again);
    client.judged_at = timers_.emplace(now + left, timer_key{server, id});
  }

  static void release(server_entry& one, const identity::peer_id& client, const grant_facts& held) {
    const auto holder = one.holders.find(held.id);
    if (holder != one.holders.end() && holder->second == client) one.holders.erase(holder);
  }

  client_map::iterator forget(server_entry& one, client_map::iterator at) {
    for (const auto& held : at->second.grants) release(one, at->first, held);
    timers_.erase(at->second.judged_at);
    return one.clients.erase(at);
  }

  // Without its link a server's revocations stay in force: for so long, and as many as there is room for. It presents
  // them again when it is back.
  void keep_absent(const identity::peer_id& id, server_entry& one, time_point now, wall_time today) {
    constexpr std::chrono::hours look_at_kept{1};
    const auto since = one.away ? one.away->since : now;
    const auto number = one.away ? one.away->number : ++absences_;
    end_absence(one);
    std::erase_if(one.revoked, [&](const auto& held) { return held.second <= today; });
    if (one.up || one.revoked.empty()) return;
    if (now - since >= longest_kept) return forget_revocations(one);
    one.away =
        absence{since, number, one.revoked.size(), timers_.emplace(now + look_at_kept, timer_key{id, absence_rest()})};
    absent_.emplace(number, id);
    kept_ += one.revoked.size();
  }
  void end_absence(server_entry& one) {
    if (!one.away) return;
    timers_.erase(one.away->rest);
    absent_.erase(one.away->number);
    kept_ -= one.away->revoked;
    one.away.reset();
  }
  void forget_revocations(server_entry& one) {
    end_absence(one);
    one.revoked.clear();
    one.revoked_list.clear();
    one.serial = 0;
  }
  // The one that has been away for longest goes first. It may be any of them.
  void bound_kept() {
    while (kept_ > most_kept) {
      const auto longest = servers_.find(absent_.begin()->second);
      forget_revocations(longest->second);
      forget_if_empty(longest);
    }
  }

  // A server whose state is an older copy may sign a later list that lacks what it revoked before.
  static bool forgets(const std::map<trust::grant_id, wall_time>& fresh, const server_entry& known, wall_time today) {
    if (fresh.size() >= trust::revocations::most_entries) return false;  // there was no room for all
    return std::ranges::any_of(known.revoked,
                               [&](const auto& held) { return held.second > today && !fresh.contains(held.first); });
  }

  void on(const event::granted& what, time_point now, wall_time today) {
    auto& one = server_of(what.server);
    const auto refuse = [&](errc why) {
      tell(what.link, signalling::grant_result{what.grant, static_cast<std::uint16_t>(why)});
      account_.refused.add(why);
      forget_if_empty(servers_.find(what.server));
    };
    const grant_facts fresh{what.grant, what.methods, what.not_after};
    if (const auto why = why_ended(one, fresh, today)) return refuse(*why);
    auto found = one.clients.find(what.client);
    if (found != one.clients.end() && found->second.link != what.link) {
      const bool had_door = !found->second.record.empty();
      forget(one, found);
      found = one.clients.end();
      if (had_door) roster_changed(one, what.client, today);
    }
    if (found == one.clients.end()) {
      found = one.clients.try_emplace(what.client).first;
      found->second.link = what.link;
    } else {
      timers_.erase(found->second.judged_at);
    }
    auto& client = found->second;
    std::erase_if(client.grants, [&](const grant_facts& held) { return held.id == what.grant; });
    const bool room = client.grants.size() < most_grants;
    if (room) client.grants.push_back(fresh);
    if (room) one.holders.insert_or_assign(what.grant, what.client);
    watch(what.server, what.client, client, now, today);
    if (!room) return refuse(errc::limit_reached);
    tell(what.link, signalling::grant_result{what.grant, 0});
    tell(what.link, presence_of(what.server, one));
    if (!client.record.empty()) roster_changed(one, what.client, today);
  }

  void on(const event::client_left& what, time_point, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    auto& one = found->second;
    const auto client = one.clients.find(what.client);
    if (client == one.clients.end() || client->second.link != what.link) return;
    const bool had_door = !client->second.record.empty();
    forget(one, client);
    if (had_door) roster_changed(one, what.client, today);
    forget_if_empty(found);
  }

  void on(const event::revoked& what, time_point now, wall_time today) {
    auto& one = server_of(what.server);
    const auto& list = what.list;
    std::map<trust::grant_id, wall_time> fresh;
    for (const auto& entry : list.entries) {
      auto& end = fresh[entry.grant];
      end = std::max(end, entry.not_after);
    }
    if (list.serial < one.serial || forgets(fresh, one, today)) {
      tell(what.link, signalling::revocations_result{list.serial, static_cast<std::uint16_t>(errc::serial_too_low),
                                                     one.revoked_list});
      return;
    }
    one.serial = list.serial;
    one.revoked = std::move(fresh);
    one.revoked_list = what.octets;
    std::erase_if(one.revoked, [&](const auto& held) { return held.second <= today; });
    for (const auto& [grant, ignored] : one.revoked) {
      const auto holder = one.holders.find(grant);
      if (holder == one.holders.end()) continue;
      judge(what.server, one, one.clients.find(holder->second), now, today);
    }
    tell(what.link, signalling::revocations_result{list.serial, 0, {}});
    if (!one.up) keep_absent(what.server, one, now, today);  // that came late
    forget_if_empty(servers_.find(what.server));
    bound_kept();
  }

  // ---- the roster: whom a server may dial (WO 2004/034190, non-listening server, step B)

  void on(const event::door_proved& what, time_point, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    const auto client = found->second.clients.find(what.client);
    if (client == found->second.clients.end() || client->second.link != what.link) return;
    client->second.record = what.record;
    roster_changed(found->second, what.client, today);
  }

  void roster_changed(server_entry& one, const identity::peer_id& client, wall_time today) {
    ++one.version.number;
    one.log.emplace_back(one.version.number, client);
    if (one.log.size() > roster_log) one.log.pop_front();
    if (!one.up) return;
    auto& to = one.up->roster;
    if (!to.comes_to(client) && (to.live || to.is_under_way())) to.behind.insert(client);
    tell_roster(one, today);
  }

  static signalling::roster_entry roster_entry_of(const server_entry& one, const identity::peer_id& id,
                                                  wall_time today) {
    signalling::roster_entry made;
    made.client = id;
    const auto found = one.clients.find(id);
    if (found == one.clients.end() || found->second.record.empty()) return made;
    for (const auto& held : found->second.grants) {
      if ((held.methods & static_cast<std::uint8_t>(trust::method::outbound)) == 0) continue;
      if (why_ended(one, held, today)) continue;
      made.present = true;
      made.grant = held.id;
      made.record = found->second.record;
    }
    return made;
  }

  void on(const event::roster_asked& what, time_point now, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up || found->second.up->link != what.link) return;
    auto& one = found->second;
    if (one.interval != what.interval) {
      one.interval = what.interval;
      publish_presence(what.server, one, now, today);
    }
    told_roster fresh;
    fresh.live = what.interval.count() == 0;
    fresh.full = one.up->roster.full;
    fresh.owed = true;
    const bool known = what.since.epoch == one.version.epoch && what.since.number <= one.version.number &&
                       one.version.number - what.since.number <= one.log.size();
    if (known) {
      for (const auto& [number, client] : one.log) {
        if (number > what.since.number) fresh.behind.insert(client);
      }
    } else {
      fresh.snapshot = one.version;
    }
    one.up->roster = std::move(fresh);
    tell_roster(one, today);
  }

  void on(const event::drained& what, time_point, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end() || !found->second.up || found->second.up->link != what.link) return;
    found->second.up->roster.full = false;
    tell_roster(found->second, today);
  }

  // The next part, where there is room for one. A client whose entry changes while a snapshot is under way is in its
  // rest, or in a difference behind it; that closes it then, and says which version this is.
  void tell_roster(server_entry& one, wall_time today) {
    auto& to = one.up->roster;
    if (to.full || !to.is_under_way()) return;
    signalling::roster_update part;
    part.snapshot = to.snapshot.has_value();
    part.version = to.snapshot.value_or(one.version);
    if (part.snapshot) {
      if (walk(one, to, part.entries, today)) to.snapshot.reset();
    } else {
      while (!to.behind.empty() && part.entries.size() < roster_part) {
        part.entries.push_back(roster_entry_of(one, *to.behind.begin(), today));
        to.behind.erase(to.behind.begin());
      }
    }
    part.more = to.snapshot || !to.behind.empty() || part.version != one.version;
    to.owed = part.more;
    to.full = true;
    tell(one.up->link, std::move(part));
  }

  // @return whether it has come to the end
  static bool walk(const server_entry& one, told_roster& to, std::vector<signalling::roster_entry>& into,
                   wall_time today) {
    auto at = to.walked ? one.clients.upper_bound(*to.walked) : one.clients.begin();
    for (std::size_t seen = 0; at != one.clients.end(); ++seen, ++at) {
      if (seen == most_walked || into.size() >= roster_part) return false;
      to.walked = at->first;
      auto entry = roster_entry_of(one, at->first, today);
      if (entry.present) into.push_back(std::move(entry));
    }
    return true;
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

  void on(const event::requested& what, time_point now, wall_time today) {
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
    const auto* by = find(client->second, what.grant);
    if (!by) return refuse(one.revoked.contains(what.grant) ? errc::grant_revoked : errc::grant_unknown);
    if (const auto why = why_ended(one, *by, today)) return refuse(*why);
    if (!one.up) return refuse(errc::server_offline);
    if (one.requests.size() >= most_open_a_server || client->second.open_requests >= most_open_requests ||
        client->second.answered_requests >= most_answered || one.requests.contains(what.id)) {
      return refuse(errc::too_many_requests);
    }
    const exchange life(now, what.budget);
    const auto until = timers_.emplace(life.deadline(), timer_key{what.server, what.id});
    note(trace, now, "C", "command the server");
    one.requests.emplace(what.id, open_request{life, until, what.link, what.client, *by, std::move(trace)});
    ++client->second.open_requests;
    ++account_.begun;
    tell(one.up->link, signalling::command{what.seen, what.signed_request});
  }

  void on(const event::answered& what, time_point now, wall_time today) {
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
    if (const auto why = why_ended(one, open->second.by, today)) return end_exchange(one, what.what.id, now, *why);
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

  void on(const event::traced& what, time_point now, wall_time today) {
    const auto found = servers_.find(what.server);
    if (found == servers_.end()) return;
    auto& one = found->second;
    const auto open = one.requests.find(what.id);
    if (open == one.requests.end() || !one.up || one.up->link != what.link) return;
    if (!open->second.life.is_answered() || why_ended(one, open->second.by, today)) return;
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

  // @param why_at_all  what the client is told who has got no answer
  void end_exchange(server_entry& one, const trust::request_id& id, time_point now,
                    errc why_at_all = errc::exchange_timeout) {
    const auto open = one.requests.find(id);
    if (open == one.requests.end()) return;
    const auto& life = open->second.life;
    if (const auto why = life.failure(why_at_all)) {
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
  std::map<login_key, login> logins_;
  std::map<login_key, rate_limit> evictions_;
  std::optional<login_key> swept_;  // of these, the last that was looked at
  std::map<std::uint64_t, identity::peer_id> absent_;
  std::uint64_t absences_ = 0;
  std::size_t kept_ = 0;
  server_map servers_;
  timer_map timers_;
  std::vector<delivery> out_;
  rendezvous_account account_;
};

}  // namespace ajar::switchboard
