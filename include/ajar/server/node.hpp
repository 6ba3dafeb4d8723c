// SPDX-License-Identifier: BSL-1.0
// ajar/server/node.hpp - a server's life: its links to its centrals, its windows and dials, its sessions.
#pragma once

#include <ajar/core/task_group.hpp>
#include <ajar/outbound/dialer.hpp>
#include <ajar/rendezvous/reflector.hpp>
#include <ajar/rendezvous/respond.hpp>
#include <ajar/server/commands.hpp>
#include <ajar/server/correspondence.hpp>
#include <ajar/server/entrance.hpp>
#include <ajar/server/guests.hpp>
#include <ajar/server/options.hpp>
#include <ajar/server/status.hpp>
#include <ajar/sessions/doubt.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/telling/line_limit.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::detail {

// What the coroutines of a server share. What happens elsewhere reaches it as an event; here it is decided.
struct server_node final : sessions::doubt_policy, command_events, std::enable_shared_from_this<server_node> {
  // One central: the link to it, what it said, and who comes or is dialled through it.
  struct central_side final : signalling::uplink_events, outbound::dial_policy, rendezvous::respond_policy {
    // @param which  a number for each
    central_side(server_node& whose, identity::url central, std::size_t which)
        : owner(whose),
          number(which),
          up(whose.key, std::move(central), whose.uplink_terms(which), *this),
          dials(whose.executor, whose.key, *this, whose.network, whose.how.steps_),
          letters(whose.key, whose.how, whose.entering),
          mirror(std::make_shared<rendezvous::reflector>(whose.executor, whose.reflecting(*this))),
          link(clock::now()) {}

    void linked(const signalling::welcome& greeting) override { owner.linked(*this, greeting); }
    result<> received(const signalling::message& what) override { return owner.received(*this, what); }
    void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) override {
      owner.lost(*this, why, again_in.has_value());
    }

    result<> may_dial(const outbound::dial_plan::attempt& to) override { return owner.may_dial(*this, to); }
    result<place> may_enter(const sessions::claim& claimed, const identity::peer_id& client) override {
      return owner.enter(claimed.grant, client, trust::method::outbound);
    }
    void entered(sessions::session guest) override { owner.entered(std::move(guest)); }
    void doubt(const identity::peer_id& client) override { owner.doubt(client); }
    void not_reached(const identity::peer_id&, const std::error_code& why) override { owner.dial_failures.add(why); }
    void thrown(const std::exception_ptr& what) override { owner.thrown(what); }

    result<permit> may_open(const trust::signed_request& asked) override { return owner.commanded.may_open(asked); }
    result<place> may_enter(const trust::grant_id& grant, const identity::peer_id& client) override {
      return owner.enter(grant, client, trust::method::window);
    }
    result<> send(const signalling::message& what) override { return up.send(what); }
    rendezvous::vantage here() override { return owner.commanded.vantage(mirror, up.local_address(), seen_as); }
    void is_hidden() override { owner.commanded.tell_hidden(); }
    clock::duration central_round_trip() override { return up.round_trip().value_or(clock::duration(0)); }
    windows::arrival& met(const identity::peer_id& client) override { return owner.commanded.met(client); }
    void carry_on(const trust::grant_id& grant, awaitable<void> work) override {
      owner.tasks.spawn(owner.shared_from_this(), std::move(work), grant);
    }
    void account(const trust::grant_id& grant, const windows::report& cost) override {
      if (!owner.commanded.account(grant, cost)) return;
      (void)up.send(signalling::exposure_report{cost.exposure, cost.listeners, cost.strangers});  // for its account
    }

    server_node& owner;
    const std::size_t number;
    signalling::uplink up;
    outbound::dialer dials;
    signalling::roster known;
    correspondence letters;
    std::shared_ptr<rendezvous::reflector> mirror;
    net::address seen_as;
    signalling::link_account link;
    std::optional<std::error_code> final_cause;
  };

  server_node(const asio::any_io_executor& where, identity::key own, server_options options)
      : executor(where),
        key(std::move(own)),
        how(with_limited_lines(std::move(options))),
        network(how.reach()),
        entering(key.id(), how, caused_by("clients")),
        guests(executor, entering, how.steps_),
        commanded(executor, key, how, entering, tasks, *this),
        tasks(executor, [this](const std::exception_ptr& what) { thrown(what); }),
        made(clock::now()) {
    add_central(how.central_);
    for (const auto& other : how.other_centrals_) also_at(other);
  }

  static server_options with_limited_lines(server_options how) {
    how.steps_ = telling::limit_lines(std::move(how.steps_));
    return how;
  }
  // What others cause as often as they like.
  telling::step_sink caused_by(std::string whom) const { return telling::caused_by(std::move(whom), how.steps_); }

  signalling::uplink_options uplink_terms(std::size_t at) {
    signalling::uplink_options made(signalling::role::server, how.methods_);
    made.logins(how.logins_).nonces([this, at] { return entering.gate().draw(at); }).network(network);
    if (how.roster_interval_.count() > 0) made.visit_every(how.roster_interval_);
    return made;
  }

  rendezvous::reflector_options reflecting(central_side& at) {
    rendezvous::reflector_options made([&at](const signalling::message& what) { return at.up.send(what); }, true);
    made.from(how.from_).moved([this] {
      telling::report_step(how.steps_, "", "the network has changed");
      commanded.network_changed();
    });
    made.account([this](const windows::report& cost) { commanded.account(cost); });
    return made;
  }

  void thrown(const std::exception_ptr& what) {
    ++exceptions;
    telling::report_thrown(how.steps_, what);
  }

  bool serves(trust::method by) const { return how.methods_.contains(by); }

  void start() {
    started = true;
    tasks.spawn(shared_from_this(), guests.watch_expiry());
    tasks.spawn(shared_from_this(), renew_nonces());
    for (const auto& side : centrals) begin(*side);
  }

  void abandon() {
    guests.end(errc::canceled);
    for (const auto& side : centrals) {
      side->up.close();
      side->link.closed(clock::now());
    }
    guests.cut_all(errc::canceled);
    for (const auto& side : centrals) side->dials.cancel();
    tasks.cancel();
  }

  awaitable<void> stop() {
    abandon();
    for (const auto& side : centrals) {
      auto ending = side->dials.join();
      co_await std::move(ending);
    }
    co_await tasks.join();
  }

  // ---- its centrals

  void add_central(const identity::url& at) {
    centrals.push_back(std::make_unique<central_side>(*this, at, centrals.size()));
  }

  // Another one as well, from now on.
  void also_at(const identity::url& at) {
    const bool known =
        std::ranges::any_of(centrals, [&](const auto& one) { return !one->final_cause && one->up.central() == at; });
    if (known || tasks.cancelled()) return;
    add_central(at);
    if (started) begin(*centrals.back());
  }

  // One of them no more; what came by it stays. Errors: server_offline (it is the only one), url_malformed (it is none
  // of them).
  result<> leave(const identity::url& at) {
    const auto there = [](const auto& one) { return !one->final_cause; };
    const auto which =
        std::ranges::find_if(centrals, [&](const auto& one) { return !one->final_cause && one->up.central() == at; });
    if (which == centrals.end()) return fail(errc::url_malformed);
    if (std::ranges::count_if(centrals, there) == 1) return fail(errc::server_offline);
    (*which)->final_cause = errc::canceled;
    (*which)->dials.cancel();  // sessions go on
    (*which)->up.close();
    return {};
  }

  void begin(central_side& side) {
    tasks.spawn(shared_from_this(), keep_linked(side));
    if (serves(trust::method::window) && network->has_sockets()) tasks.spawn(shared_from_this(), side.mirror->follow());
    if (serves(trust::method::outbound)) side.dials.start(shared_from_this());
  }

  bool is_linked() const {
    return std::ranges::any_of(centrals, [](const auto& one) { return one->up.is_up(); });
  }

  server_status status() {
    const auto now = clock::now();
    server_status all;
    all.id = key.id();
    all.uptime = now - made;
    all.methods = how.methods_;
    for (const auto& side : centrals) {
      auto one = side->link.status(now, side->up.central(), side->up.round_trip());
      if (side == centrals.front()) {
        all.link = std::move(one);
      } else {
        all.other_links.push_back(std::move(one));
      }
      all.clients_with_door += side->known.size();
      all.revocations_acknowledged = all.revocations_acknowledged && side->letters.is_acknowledged();
    }
    all.revocations_serial = entering.revoked().serial;
    all.windows_open = commanded.under_way();
    all.listened_last_minute = entering.listened(now);
    all.listened_limit = entering.listened_limit();
    all.listened_by = entering.listened_by(now);
    all.network = centrals.front()->mirror->known();
    all.cloak = how.cloak_;
    all.sessions = guests.all().list(now);
    all.sessions_begun = guests.all().begun();
    all.carried = guests.all().carried();
    all.exposed_today = commanded.exposed().today(std::chrono::system_clock::now());
    all.exposed = commanded.exposed().total();
    all.refusals = commanded.refusals();
    all.dial_failures = dial_failures;
    all.exceptions = exceptions;
    return all;
  }

  // ---- the links

  void linked(central_side& side, const signalling::welcome& greeting) {
    side.link.linked(clock::now());
    telling::report_step(how.steps_, "A", "linked to central", "seen as " + net::to_string(greeting.seen));
    side.seen_as = net::unmapped(greeting.seen.address());
    begin_reflecting(side, greeting);
    (void)side.up.send(side.letters.revocations());
    announce_invites(side);
    if (serves(trust::method::outbound))
      (void)side.up.send(signalling::roster_request{side.known.version(), how.roster_interval_});
  }

  void begin_reflecting(central_side& side, const signalling::welcome& greeting) {
    const auto central = side.up.central_endpoint();
    if (!serves(trust::method::window) || !network->has_sockets() || !central) return;
    side.mirror->linked(greeting, *central, side.central_round_trip());
    tasks.spawn(shared_from_this(), side.mirror->begin(side.up.central().at));
  }

  result<> received(central_side& side, const signalling::message& what) {
    if (const auto* asked = std::get_if<signalling::command>(&what)) {
      commanded.take({shared_from_this(), &side}, *asked);  // it lives as long as this node
      return {};
    }
    if (const auto* update = std::get_if<signalling::roster_update>(&what)) return take_roster(side, *update);
    if (const auto* verdict = std::get_if<signalling::revocations_result>(&what)) return take_verdict(side, *verdict);
    if (const auto* came = std::get_if<signalling::redemption>(&what)) return side.up.send(side.letters.answer(*came));
    if (const auto* seen = std::get_if<signalling::reflected>(&what)) {
      side.mirror->received(*seen);
      return {};
    }
    return fail(errc::unexpected_message);
  }

  result<> take_roster(central_side& side, const signalling::roster_update& update) {
    const auto changed = side.known.apply(update);
    side.dials.update(side.known, changed);
    if (update.more) return {};
    if (side.known.left_out() > 0) {
      telling::report_trouble(caused_by("central"), "the roster is full: clients are left out",
                              std::to_string(side.known.left_out()));
    }
    telling::report_step(caused_by("central"), "B", "got the roster",
                         std::to_string(side.known.size()) + " clients with a door");
    if (how.roster_interval_.count() > 0) side.up.leave();
    return {};
  }

  void lost(central_side& side, const std::error_code& why, bool again) {
    entering.gate().forget_nonces(side.number);
    side.letters.link_lost();
    side.mirror->unlinked();
    side.link.lost(clock::now(), why);
    const auto told = again ? "no link to central" : "the link to central ended for good";
    const auto about = net::message_about(side.up.central().at, why);
    if (is_canceled(why) && (guests.has_ended() || side.final_cause)) {  // our own goodbye
      telling::report_step(how.steps_, "", told, about);
    } else {
      telling::report_trouble(how.steps_, told, about);
    }
    if (again || guests.has_ended() || side.final_cause) return;
    side.final_cause = why;
    side.dials.cancel();  // sessions go on
    const bool over = std::ranges::all_of(centrals, [](const auto& one) { return one->final_cause.has_value(); });
    if (over) guests.end(*centrals.front()->final_cause);
  }

  awaitable<void> keep_linked(central_side& side) {
    auto why = co_await side.up.run();
    (void)why;  // lost() was told
  }

  awaitable<void> renew_nonces() {
    for (;;) {
      auto slept = co_await sleep_until(clock::now() + trust::window_gate::renewed_after);
      if (!slept) co_return;
      for (const auto& side : centrals) {
        if (side->up.is_up()) (void)side->up.send(signalling::renewed_nonce{entering.gate().draw(side->number)});
      }
    }
  }

  // ---- who enters

  result<place> enter(const trust::grant_id& id, const identity::peer_id& client, trust::method by) {
    auto taken = entering.enter(id, client, by);
    if (!taken && taken.error() == errc::too_many_sessions) doubt(client);  // some may be dead
    return taken;
  }

  // Of a client that several centrals tell of the first one counts: it has one session.
  result<> may_dial(const central_side& side, const outbound::dial_plan::attempt& to) {
    for (const auto& one : centrals) {
      const auto* entry = one->known.find(to.client);
      if (one.get() == &side) return entering.may_dial(entry, to);
      if (entry && one->up.is_up()) return fail(errc::session_replaced);
    }
    return fail(errc::grant_unknown);
  }

  void entered(sessions::session guest) override { guests.entered(std::move(guest)); }

  // Is the other end of its sessions still there? Where it is not, a new one comes within two seconds.
  void doubt(const identity::peer_id& client) override {
    if (entering.doubts().give_cause(client)) tasks.spawn(sessions::look_after(shared_from_this(), client));
  }
  sessions::doubts& doubted() override { return entering.doubts(); }
  std::vector<sessions::session::sight> sessions_with(const identity::peer_id& client) override {
    return guests.all().of(client);
  }
  void looked_at(const identity::peer_id& client) override {
    commanded.look_again();
    if (!entering.doubts().wants_another(client, sessions::path::outbound, clock::now())) return;
    for (const auto& side : centrals) {
      if (side->known.find(client)) side->dials.again(client);
    }
  }

  // ---- revocations and invites

  awaitable<result<>> take_back(trust::signed_revocations list) {
    const auto fresh = entering.forbid(list);
    if (!fresh) co_return fail(fresh.error());
    how.revocations_.emplace(std::move(list));
    for (const auto& side : centrals) (void)side->up.send(side->letters.revocations());
    for (const auto& grant : *fresh) guests.cut(grant, errc::grant_revoked);
    for (const auto& grant : *fresh) {
      const bytes whose(grant.begin(), grant.end());
      auto windows = tasks.end(whose);
      co_await std::move(windows);
      for (std::size_t at = 0; at < centrals.size(); ++at) {  // another one may come meanwhile
        auto dialled = centrals[at]->dials.end(grant);
        co_await std::move(dialled);
      }
    }
    co_return result<>{};
  }

  result<> take_verdict(central_side& side, const signalling::revocations_result& verdict) {
    auto later = side.letters.heard(verdict);
    if (!later) return fail(later.error());
    if (*later) tasks.spawn(shared_from_this(), take_later(std::move(**later)));
    return {};
  }

  awaitable<void> take_later(trust::signed_revocations list) {
    auto taking = take_back(std::move(list));
    auto taken = co_await std::move(taking);
    if (taken) co_return;
    telling::report_trouble(caused_by("central"), "revocations were not taken over", taken.error().message());
  }

  void announce_invites() {
    for (const auto& side : centrals) announce_invites(*side);
  }
  void announce_invites(central_side& side) {
    if (auto all = side.letters.invites()) (void)side.up.send(std::move(*all));
  }

  asio::any_io_executor executor;
  identity::key key;
  server_options how;
  std::shared_ptr<net::network> network;
  entrance entering;
  std::vector<std::unique_ptr<central_side>> centrals;  // the first one is the server's own; none goes
  guest_list guests;
  commands commanded;
  task_group tasks;
  bool started = false;
  time_point made;
  telling::cause_counts dial_failures;
  std::uint64_t exceptions = 0;
};

}  // namespace ajar::detail
