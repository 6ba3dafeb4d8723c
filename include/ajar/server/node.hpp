// SPDX-License-Identifier: BSL-1.0
// ajar/server/node.hpp - a server's life: its link to central, its windows and dials, its sessions.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/outbound/dialer.hpp>
#include <ajar/rendezvous/reflector.hpp>
#include <ajar/rendezvous/respond.hpp>
#include <ajar/server/correspondence.hpp>
#include <ajar/server/entrance.hpp>
#include <ajar/server/options.hpp>
#include <ajar/server/status.hpp>
#include <ajar/sessions/doubt.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/telling/line_limit.hpp>
#include <ajar/windows/plan.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::detail {

// What the coroutines of a server share. What happens elsewhere reaches it as an event; here it is decided.
struct server_node final : signalling::uplink_events,
                           outbound::dial_policy,
                           rendezvous::respond_policy,
                           sessions::doubt_policy,
                           std::enable_shared_from_this<server_node> {
  server_node(const asio::any_io_executor& executor, identity::key own, server_options options)
      : key(std::move(own)),
        how(with_limited_lines(std::move(options))),
        network(how.reach()),
        up(key, how.central_, uplink_terms(), *this),
        dials(executor, key, *this, network, how.steps_),
        entering(key.id(), how, caused_by("clients"), waiting),
        letters(key, how, entering),
        arrived(executor),
        made_room(executor),
        tasks(executor, [this](const std::exception_ptr& what) { thrown(what); }),
        made(clock::now()),
        link(made) {
    mirror = std::make_shared<rendezvous::reflector>(executor, reflecting(*this));
    if (how.window_ports_) lender = std::make_shared<windows::port_lender>(*how.window_ports_);
  }

  static server_options with_limited_lines(server_options how) {
    how.steps_ = telling::limit_lines(std::move(how.steps_));
    return how;
  }
  // What others cause as often as they like.
  telling::step_sink caused_by(std::string whom) const { return telling::caused_by(std::move(whom), how.steps_); }

  signalling::uplink_options uplink_terms() {
    signalling::uplink_options made(signalling::role::server, how.methods_);
    made.logins(how.logins_).nonces([this] { return entering.gate().draw(); }).network(network);
    if (how.roster_interval_.count() > 0) made.visit_every(how.roster_interval_);
    return made;
  }

  static rendezvous::reflector_options reflecting(server_node& of) {
    rendezvous::reflector_options made([&of](const signalling::message& what) { return of.up.send(what); }, true);
    made.from(of.how.from_).moved([&of] {
      telling::report_step(of.how.steps_, "", "the network has changed");
      of.pairs.clear();
    });
    made.account([&of](const windows::report& cost) {
      of.exposed.add(std::chrono::system_clock::now(), {0, cost.listeners, cost.strangers, cost.exposure, cost.drops});
    });
    return made;
  }

  void thrown(const std::exception_ptr& what) override {
    ++exceptions;
    telling::report_thrown(how.steps_, what);
  }

  bool serves(trust::method way) const { return how.methods_.contains(way); }

  void start() {
    tasks.spawn(shared_from_this(), keep_linked());
    tasks.spawn(shared_from_this(), watch_expiry());
    tasks.spawn(shared_from_this(), renew_nonces());
    if (serves(trust::method::window) && network->has_sockets()) tasks.spawn(shared_from_this(), mirror->follow());
    if (serves(trust::method::outbound)) dials.start(shared_from_this());
  }

  void abandon() {
    if (!final_cause) final_cause = errc::canceled;
    up.close();
    link.closed(clock::now());
    for (const auto& guest : guests.alive()) guest.sight.cut(errc::canceled);
    waiting.clear();
    dials.cancel();
    tasks.cancel();
    arrived.notify();
  }

  server_status status() {
    const auto now = clock::now();
    server_status all;
    all.id = key.id();
    all.uptime = now - made;
    all.methods = how.methods_;
    all.link = link.status(now, how.central_, up.round_trip());
    all.clients_with_door = known.size();
    all.revocations_serial = entering.revoked().serial;
    all.revocations_acknowledged = letters.is_acknowledged();
    all.windows_open = commands;
    all.listened_last_minute = entering.listened(now);
    all.listened_limit = entering.listened_limit();
    all.listened_by = entering.listened_by(now);
    all.network = mirror->known();
    all.cloak = how.cloak_;
    all.sessions = guests.list(now);
    all.sessions_begun = guests.begun();
    all.carried = guests.carried();
    all.exposed_today = exposed.today(std::chrono::system_clock::now());
    all.exposed = exposed.total();
    all.refusals = refusals;
    all.dial_failures = dial_failures;
    all.exceptions = exceptions;
    return all;
  }

  // ---- the link

  void linked(const signalling::welcome& greeting) override {
    link.linked(clock::now());
    telling::report_step(how.steps_, "A", "linked to central", "seen as " + net::to_string(greeting.seen));
    seen_as = net::unmapped(greeting.seen.address());
    begin_reflecting(greeting);
    present_revocations();
    announce_invites();
    if (serves(trust::method::outbound))
      (void)up.send(signalling::roster_request{known.version(), how.roster_interval_});
  }

  void begin_reflecting(const signalling::welcome& greeting) {
    const auto central = up.central_endpoint();
    if (!serves(trust::method::window) || !network->has_sockets() || !central) return;
    mirror->linked(greeting, *central, central_round_trip());
    tasks.spawn(shared_from_this(), mirror->begin(how.central_.at));
  }

  result<> received(const signalling::message& what) override {
    if (const auto* asked = std::get_if<signalling::command>(&what)) {
      command(*asked);
      return {};
    }
    if (const auto* update = std::get_if<signalling::roster_update>(&what)) return take_roster(*update);
    if (const auto* verdict = std::get_if<signalling::revocations_result>(&what)) return take_verdict(*verdict);
    if (const auto* came = std::get_if<signalling::redemption>(&what)) return up.send(letters.answer(*came));
    if (const auto* seen = std::get_if<signalling::reflected>(&what)) {
      mirror->received(*seen);
      return {};
    }
    return fail(errc::unexpected_message);
  }

  result<> take_roster(const signalling::roster_update& update) {
    const auto changed = known.apply(update);
    dials.update(known, changed);
    if (update.more) return {};
    if (known.left_out() > 0) {
      telling::report_trouble(caused_by("central"), "the roster is full: clients are left out",
                              std::to_string(known.left_out()));
    }
    telling::report_step(caused_by("central"), "B", "got the roster",
                         std::to_string(known.size()) + " clients with a door");
    if (how.roster_interval_.count() > 0) up.leave();
    return {};
  }

  void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) override {
    entering.gate().forget_nonces();
    letters.link_lost();
    mirror->unlinked();
    link.lost(clock::now(), why);
    const auto told = again_in ? "no link to central" : "the link to central ended for good";
    const auto about = net::message_about(how.central_.at, why);
    if (is_canceled(why) && final_cause) {  // our own goodbye
      telling::report_step(how.steps_, "", told, about);
    } else {
      telling::report_trouble(how.steps_, told, about);
    }
    if (!again_in && !final_cause) {
      final_cause = why;
      dials.cancel();  // sessions go on
      arrived.notify();
    }
  }

  awaitable<void> keep_linked() {
    auto why = co_await up.run();
    (void)why;  // lost() was told
  }

  awaitable<void> renew_nonces() {
    for (;;) {
      auto slept = co_await sleep_until(clock::now() + trust::window_gate::renewed_after);
      if (!slept) co_return;
      if (up.is_up()) (void)up.send(signalling::renewed_nonce{entering.gate().draw()});
    }
  }

  // ---- who enters

  result<place> enter(const trust::grant_id& id, const identity::peer_id& client, trust::method way) {
    auto taken = entering.enter(id, client, way);
    if (!taken && taken.error() == errc::too_many_sessions) doubt(client);  // some may be dead
    return taken;
  }

  result<> may_dial(const outbound::dial_plan::attempt& to) override {
    return entering.may_dial(known.find(to.client), to);
  }

  result<place> may_enter(const sessions::claim& claimed, const identity::peer_id& client) override {
    return enter(claimed.grant, client, trust::method::outbound);
  }

  void not_reached(const identity::peer_id&, const std::error_code& why) override { dial_failures.add(why); }

  void entered(sessions::session guest) override {
    const auto given = entering.granted(guest.info().grant);
    if (final_cause || !given) {
      const auto why = given ? *final_cause : given.error();
      telling::report_trouble(caused_by(short_name(guest.peer())), "let go of a session that had just begun",
                              short_name(guest.peer()) + ": " + why.message());
      return guest.watch().cut(why);
    }
    telling::report_step(caused_by(short_name(guest.peer())), "", "a session",
                         std::string(to_string(guest.way())) + " with " + short_name(guest.peer()));
    guests.add(guest, clock::now(), given->body().not_after);
    waiting.push_back(std::move(guest));
    arrived.notify();
  }

  awaitable<result<sessions::session>> next_guest() {
    for (;;) {
      if (!waiting.empty()) {
        auto guest = std::move(waiting.front());
        waiting.pop_front();
        if (guest.has_ended()) continue;  // while it waited
        co_return std::move(guest);
      }
      if (final_cause) co_return fail(*final_cause);
      auto changed = co_await arrived.wait();
      if (!changed) co_return fail(changed.error());
    }
  }

  // Who comes without the service is let go, and told why.
  awaitable<result<sessions::session>> next_guest_for(std::string service) {
    for (;;) {
      auto coming = next_guest();
      auto guest = co_await std::move(coming);
      if (!guest) co_return fail(guest.error());
      const auto permitted = entering.permits(guest->info().grant, service);
      if (permitted) co_return std::move(*guest);
      const auto who = short_name(guest->peer());
      telling::report_trouble(caused_by(who), "let go of a session for another service",
                              who + ": " + permitted.error().message());
      guest->watch().cut(permitted.error());
    }
  }

  // A grant's end ends its sessions, and so does that nobody knows it any more. The wall clock may be set, so it is
  // asked once a second, as long as there is any.
  awaitable<void> watch_expiry() {
    for (;;) {
      while (guests.alive().empty()) {
        auto came = co_await arrived.wait();
        if (!came) co_return;
      }
      auto slept = co_await sleep_until(clock::now() + std::chrono::seconds(1));
      if (!slept) co_return;
      const auto now = wall_now();
      for (const auto& one : guests.alive()) {
        const auto why = entering.ended(one.sight.info().grant, one.not_after, now);
        if (why) one.sight.cut(*why);
      }
    }
  }

  // Is the other end of its sessions still there? Where it is not, a new one comes within two seconds.
  void doubt(const identity::peer_id& client) override {
    if (entering.doubts().give_cause(client)) tasks.spawn(sessions::look_after(shared_from_this(), client));
  }
  sessions::doubts& doubted() override { return entering.doubts(); }
  std::vector<sessions::session::sight> sessions_with(const identity::peer_id& client) override {
    return guests.of(client);
  }
  void looked_at(const identity::peer_id& client) override {
    made_room.notify();
    if (entering.doubts().wants_another(client, sessions::path::outbound, clock::now())) dials.again(client);
  }

  // ---- revocations and invites

  void present_revocations() { (void)up.send(letters.revocations()); }

  void cut_sessions(const trust::grant_id& grant) {
    for (const auto& guest : guests.alive()) {
      if (guest.sight.info().grant == grant) guest.sight.cut(errc::grant_revoked);
    }
  }

  awaitable<result<>> take_back(trust::signed_revocations list) {
    const auto fresh = entering.forbid(list);
    if (!fresh) co_return fail(fresh.error());
    letters.replace(std::move(list));
    present_revocations();
    for (const auto& grant : *fresh) cut_sessions(grant);
    for (const auto& grant : *fresh) {
      const bytes whose(grant.begin(), grant.end());
      auto windows = tasks.end(whose);
      co_await std::move(windows);
      auto dialled = dials.end(grant);
      co_await std::move(dialled);
    }
    co_return result<>{};
  }

  result<> take_verdict(const signalling::revocations_result& verdict) {
    auto later = letters.heard(verdict);
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
    if (auto all = letters.invites()) (void)up.send(std::move(*all));
  }

  // ---- windows

  void command(const signalling::command& what) {
    if (tasks.cancelled()) return;
    auto opened = rendezvous::opened_command::open(what, clock::now());
    if (!opened) {
      telling::report_trouble(caused_by("central"), "refused a command", opened.error().message());
      refusals.add(opened.error());
      return;
    }
    if (commands >= how.most_commands_) {
      refusals.add(errc::server_busy);
      auto terms = how.responding();
      terms.steps = caused_by(short_name(opened->asked.signer()));
      return rendezvous::refuse(shared_from_this(), key, std::move(terms), std::move(*opened), errc::server_busy);
    }
    const auto grant = opened->asked.body().grant;
    tasks.spawn(shared_from_this(), carry_out(std::move(*opened)), grant);
  }

  // One command under way, also where it is ended.
  class counted {
   public:
    explicit counted(std::size_t& in) : in_(in) { ++in_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --in_; }

   private:
    std::size_t& in_;
  };

  awaitable<void> carry_out(rendezvous::opened_command what) {
    const counted here(commands);
    auto waiting = wait_for_room(what.asked);
    const auto room = co_await std::move(waiting);
    if (!room && is_canceled(room.error())) co_return;
    auto terms = how.responding();
    terms.steps = caused_by(short_name(what.asked.signer()));
    auto responding = rendezvous::respond(shared_from_this(), key, std::move(terms), std::move(what));
    auto guest = co_await std::move(responding);
    made_room.notify();
    if (guest) {
      entered(std::move(*guest));
    } else {
      refusals.add(guest.error());
    }
  }

  bool must_wait(const trust::signed_request& asked) {
    if (entering.is_full(asked)) doubt(asked.signer());
    return entering.must_wait(asked);
  }

  // Those before it may be done soon: a client that asks thrice at once need not come again.
  awaitable<result<>> wait_for_room(trust::signed_request asked) {
    constexpr std::chrono::seconds patience{3};
    constexpr std::size_t most_of_one = 8;  // requests of one client
    const auto until = clock::now() + patience;
    const auto mine = waiting_by.take(asked.signer());
    if (waiting_by.taken(asked.signer()) > most_of_one) co_return fail(errc::too_many_windows);
    while (must_wait(asked)) {
      auto waiting = made_room.wait();
      auto freed = co_await before(until, errc::too_many_windows, std::move(waiting));
      if (!freed) co_return freed;
    }
    co_return result<>{};
  }

  result<permit> may_open(const trust::signed_request& asked) override {
    if (!serves(trust::method::window)) return fail(errc::window_refused);
    return entering.may_open(asked);
  }

  result<place> may_enter(const trust::grant_id& grant, const identity::peer_id& client) override {
    return enter(grant, client, trust::method::window);
  }

  result<> send(const signalling::message& what) override { return up.send(what); }
  rendezvous::vantage here() override {
    rendezvous::vantage made{how.window_address_ ? nullptr : mirror,
                             how.window_address_ ? how.window_address_ : up.local_address(), seen_as};
    made.ports = lender;
    made.advertised = how.advertised_;
    return made;
  }
  void is_hidden() override {
    if (std::exchange(told_hidden, true)) return;
    telling::report_trouble(how.steps_, "central sees this server at loopback, and a client is elsewhere",
                            "give --central by an address or a name that other machines reach");
  }
  clock::duration central_round_trip() override { return up.round_trip().value_or(clock::duration(0)); }
  windows::arrival& met(const identity::peer_id& client) override { return pairs.of(client); }

  void carry_on(const trust::grant_id& grant, awaitable<void> work) override {
    tasks.spawn(shared_from_this(), std::move(work), grant);
  }

  void account(const trust::grant_id& grant, const windows::report& cost) override {
    if (tasks.context_ended()) return;
    entering.window_closed(grant, cost.exposure);
    exposed.add(std::chrono::system_clock::now(), windows::exposure_of(cost));
    (void)up.send(signalling::exposure_report{cost.exposure, cost.listeners, cost.strangers});  // for its account
  }

  identity::key key;
  server_options how;
  std::shared_ptr<net::network> network;
  signalling::uplink up;
  outbound::dialer dials;
  signalling::roster known;
  std::deque<sessions::session> waiting;
  entrance entering;
  correspondence letters;
  places<identity::peer_id> waiting_by;          // requests for a window
  bool told_hidden = false;                      // that clients cannot come to where central sees it
  std::shared_ptr<windows::port_lender> lender;  // of --window-ports; nothing where any will do
  net::address seen_as;
  std::shared_ptr<rendezvous::reflector> mirror;
  windows::pair_memory pairs;
  sessions::account guests;
  windows::exposure_account exposed;
  std::size_t commands = 0;
  std::optional<std::error_code> final_cause;
  notifier arrived;
  notifier made_room;
  task_group tasks;
  time_point made;
  signalling::link_account link;
  telling::cause_counts refusals;
  telling::cause_counts dial_failures;
  std::uint64_t exceptions = 0;
};

}  // namespace ajar::detail
