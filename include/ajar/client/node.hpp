// SPDX-License-Identifier: BSL-1.0
// ajar/client/node.hpp - a client's links to its centrals, and its door.
#pragma once

#include <ajar/client/door.hpp>
#include <ajar/client/held_grants.hpp>
#include <ajar/client/options.hpp>
#include <ajar/client/status.hpp>
#include <ajar/client/way_plan.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/clock_offset.hpp>
#include <ajar/rendezvous/answers.hpp>
#include <ajar/rendezvous/reflector.hpp>
#include <ajar/sessions/doubt.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/telling/line_limit.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::detail {

// What the client's connections share: links, presence of servers, the door, sessions that servers opened.
struct client_node final : sessions::doubt_policy, door_events, std::enable_shared_from_this<client_node> {
  // One central, and what it said.
  struct central_side final : signalling::uplink_events {
    central_side(client_node& whose, identity::url central, signalling::uplink_options terms)
        : owner(whose),
          up(whose.key, std::move(central), std::move(terms), *this),
          answers(std::make_shared<rendezvous::answers>(whose.changed.get_executor())),
          mirror(std::make_shared<rendezvous::reflector>(whose.changed.get_executor(), whose.reflecting(*this))),
          account(clock::now()) {}

    void linked(const signalling::welcome& greeting) override { owner.linked(*this, greeting); }
    result<> received(const signalling::message& what) override { return owner.received(*this, what); }
    void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) override {
      owner.lost(*this, why, again_in.has_value());
    }

    // Why somebody has waited for central in vain.
    std::error_code late() const { return up.is_up() ? errc::dial_timeout : up.late(); }

    client_node& owner;
    signalling::uplink up;
    std::shared_ptr<rendezvous::answers> answers;
    std::shared_ptr<rendezvous::reflector> mirror;
    signalling::link_account account;
    net::tcp::endpoint seen;
    std::map<identity::peer_id, signalling::presence> present;
    std::map<trust::grant_id, std::error_code> refused;
    std::optional<std::error_code> door_result;  // empty: not told yet
    time_point door_told{};
    std::optional<std::error_code> last_loss;
    std::optional<std::error_code> final_cause;
  };

  client_node(const asio::any_io_executor& executor, identity::key own, client_options options)
      : key(std::move(own)),
        how(with_limited_lines(std::move(options))),
        network(how.reach()),
        held(key.id(), how.grants_),
        changed(executor),
        made(clock::now()),
        tasks(executor, [this](const std::exception_ptr& what) { thrown(what); }) {}

  void thrown(const std::exception_ptr& what) override {
    ++exceptions;
    telling::report_thrown(how.steps_, what);
  }

  static client_options with_limited_lines(client_options how) {
    how.steps_ = telling::limit_lines(std::move(how.steps_));
    return how;
  }
  // What others cause as often as they like.
  telling::step_sink caused_by(std::string whom) const { return telling::caused_by(std::move(whom), how.steps_); }

  client_status status() {
    const auto now = clock::now();
    const auto today = std::chrono::system_clock::now();
    if (door) door->count();
    client_status all;
    all.id = key.id();
    all.uptime = now - made;
    for (const auto& [url, side] : centrals) {
      all.links.push_back(side->account.status(now, side->up.central(), side->up.round_trip()));
    }
    all.cloak = how.cloak_;
    all.door_open = door && door->is_open();
    all.sessions = own_sessions.list(now);
    all.sessions_begun = own_sessions.begun();
    all.carried = own_sessions.carried();
    all.exposed_today = exposed.today(today);
    all.exposed = exposed.total();
    all.failures = failures;
    all.exceptions = exceptions;
    return all;
  }

  void start() {
    started = true;
    if (!how.door_) return;
    door.emplace(changed.get_executor(), key, network, how, weak_from_this());
    tasks.spawn(shared_from_this(), door->watch());
  }

  void abandon() {
    stopped = true;
    if (door) door->close();
    for (auto& [url, side] : centrals) {
      side->up.close();
      side->account.closed(clock::now());
      side->answers->close(errc::canceled);
    }
    dialled.clear();
    tasks.cancel();
    changed.notify();
  }

  awaitable<void> stop() {
    abandon();
    if (door) {
      co_await door->stop();
    }
    co_await tasks.join();
  }

  // ---- links

  std::shared_ptr<net::clock_filter> clock_of(const identity::peer_id& server) {
    auto& one = clocks[server];
    if (!one) one = std::make_shared<net::clock_filter>();
    return one;
  }

  bool is_central(const identity::peer_id& id) const override {
    return std::ranges::any_of(centrals, [&](const auto& one) { return one.second->up.central().id == id; });
  }

  const std::shared_ptr<central_side>& side_of(const identity::url& central) {
    auto& side = centrals[to_string(central)];
    if (!side) {
      signalling::uplink_options terms(signalling::role::client);
      terms.logins(how.logins_).network(network);
      side = std::make_shared<central_side>(*this, central, std::move(terms));
      tasks.spawn(shared_from_this(), keep_linked(side));
      if (network->has_sockets()) tasks.spawn(shared_from_this(), side->mirror->follow());
    }
    return side;
  }

  awaitable<void> keep_linked(std::shared_ptr<central_side> side) {
    auto why = co_await side->up.run();
    telling::report_step(how.steps_, "", "done with central", why.message());
  }

  // How this client looks from outside, as that server's central tells it.
  awaitable<result<net::reflection>> look(identity::peer_id server, time_point until) {
    if (!started) co_return fail(errc::not_started);
    const auto* grant = held.of(server);
    if (!grant) co_return fail(errc::no_grant);
    const auto side = side_of(grant->central);
    while (!side->mirror->is_measured()) {
      if (stopped) co_return fail(errc::canceled);
      if (side->final_cause) co_return fail(*side->final_cause);
      if (side->last_loss && !side->up.is_up()) co_return fail(*side->last_loss);
      if (clock::now() >= until) co_return fail(side->late());
      if (side->mirror->is_possible()) {
        auto settling = side->mirror->settled(until);
        co_await std::move(settling);
        continue;
      }
      if (side->up.is_up() && side->seen.port() != 0) break;  // central reflects nothing
      auto change = changed.wait();
      auto moved = co_await before(until, errc::dial_timeout, std::move(change));
      if (!moved) co_return fail(moved.error());
    }
    co_return side->mirror->known();
  }

  void linked(central_side& side, const signalling::welcome& greeting) {
    telling::report_step(how.steps_, "A", "linked to central", "seen as " + net::to_string(greeting.seen));
    side.account.linked(clock::now());
    side.seen = greeting.seen;
    side.last_loss.reset();
    side.refused.clear();
    const auto presented = held.shown_to(side.up.central(), wall_now());
    for (const auto* one : presented) (void)side.up.send(signalling::present_grant{one->grant.octets()});
    const auto central = side.up.central_endpoint();
    if (presented.empty() || !network->has_sockets() || !central) return;
    side.mirror->linked(greeting, *central, side.up.round_trip().value_or(clock::duration(0)));
    tasks.spawn(shared_from_this(), side.mirror->begin(side.up.central().at));
  }

  // What this client would be told of a firewall it asks for only where it is willing to listen.
  rendezvous::reflector_options reflecting(central_side& side) {
    rendezvous::reflector_options made([&side](const signalling::message& what) { return side.up.send(what); },
                                       how.listens_);
    made.from(how.from_).account([this](const windows::report& cost) {
      exposed.add(std::chrono::system_clock::now(), {0, cost.listeners, cost.strangers, cost.exposure, cost.drops});
    });
    return made;
  }

  void lost(central_side& side, const std::error_code& why, bool again) {
    side.account.lost(clock::now(), why);
    side.mirror->unlinked();
    side.present.clear();
    side.door_result.reset();
    side.last_loss = why;
    if (!again) side.final_cause = why;
    side.answers->close(errc::link_lost);
    // our own goodbye is no trouble
    const auto told = again ? "no link to central" : "the link to central ended for good";
    const auto about = net::message_about(side.up.central().at, why);
    if (is_canceled(why)) {
      telling::report_step(how.steps_, "", told, about);
    } else {
      telling::report_trouble(how.steps_, told, about);
    }
    tend_door();
    changed.notify();
  }

  result<> received(central_side& side, const signalling::message& what) {
    if (const auto* about = std::get_if<signalling::presence>(&what)) {
      if (!held.ask_about(side.up.central(), about->server)) return {};
      doubt(side, *about);
      side.present[about->server] = *about;
      if (door && about->seen.port() != 0) door->expect(about->seen.address());
      tend_door();
      if (door && door->is_open() && clock::now() - side.door_told > client_door::record_renewal) tell_door(side);
    } else if (const auto* graded = std::get_if<signalling::grant_result>(&what)) {
      if (graded->code != 0 && held.ask_about(side.up.central(), graded->grant)) {
        side.refused[graded->grant] = errc_from_wire(graded->code);
        side.answers->refused(graded->grant, errc_from_wire(graded->code));
      }
    } else if (const auto* proved = std::get_if<signalling::door_result>(&what)) {
      side.door_result = proved->code == 0 ? std::error_code() : errc_from_wire(proved->code);
    } else if (const auto* came = std::get_if<signalling::answer>(&what)) {
      side.answers->received(*came);
    } else if (const auto* told = std::get_if<signalling::trace>(&what)) {
      side.answers->received(*told);
    } else if (const auto* seen = std::get_if<signalling::reflected>(&what)) {
      side.mirror->received(*seen);
    } else if (const auto* failed = std::get_if<signalling::failure>(&what)) {
      side.answers->received(*failed);
    } else {
      return fail(errc::unexpected_message);
    }
    changed.notify();
    return {};
  }

  // A server that is there anew may have left sessions behind that are dead, and nobody has noticed.
  void doubt(const central_side& side, const signalling::presence& now) {
    const auto before_it = side.present.find(now.server);
    const bool known = before_it != side.present.end() && before_it->second.nonce == now.nonce;
    if (known || sessions_with(now.server).empty()) return;
    if (doubts.give_cause(now.server)) tasks.spawn(sessions::look_after(shared_from_this(), now.server));
  }

  sessions::doubts& doubted() override { return doubts; }
  std::vector<sessions::session::sight> sessions_with(const identity::peer_id& server) override {
    auto all = own_sessions.of(server);
    const auto came = dialled.find(server);
    if (came != dialled.end()) all.push_back(came->second.watch());
    return all;
  }
  void looked_at(const identity::peer_id&) override { changed.notify(); }

  // A session that this server has opened, and that is there still.
  std::optional<sessions::session> take_dialled(const identity::peer_id& server) {
    const auto came = dialled.find(server);
    if (came == dialled.end()) return std::nullopt;
    std::optional<sessions::session> one;
    if (!came->second.has_ended()) {
      if (doubts.is_doubted(came->second)) return std::nullopt;  // it waits for the verdict, or for a new one
      one.emplace(std::move(came->second));
    }
    dialled.erase(came);
    return one;
  }

  // ---- the door

  bool expects_server(const central_side& side) const {
    return std::ranges::any_of(side.present, [&](const auto& one) { return dials(one.second) && may_dial(one.first); });
  }

  void tend_door() {
    if (!door || stopped) return;
    const bool expected = std::ranges::any_of(centrals, [&](const auto& one) { return expects_server(*one.second); });
    const bool open = door->tend(expected);
    for (auto& [url, side] : centrals) {
      if (!expected) side->door_told = {};
      if (open && side->door_told == time_point() && expects_server(*side)) tell_door(*side);
    }
  }

  void tell_door(central_side& side) {
    telling::report_step(caused_by("central"), "", "the door is open", net::to_string(door->local_endpoint()));
    side.door_result.reset();
    side.door_told = clock::now();
    (void)side.up.send(signalling::door{door->record(side.seen.address()).octets()});
  }

  bool may_dial(const identity::peer_id& server) const override { return held.let_dial(server, wall_now()); }
  void dialled_by(outbound::doorstep::stream server) override {
    tasks.spawn(shared_from_this(), receive(std::move(server)));
  }
  void not_accepted(const std::error_code& why) override {
    failures.add(why);
    telling::report_trouble(caused_by("strangers"), "a connection to the door waits to be accepted", explain(why));
  }
  void cost(const windows::exposure& since) override {
    exposed.add(std::chrono::system_clock::now(), since);
    const signalling::exposure_report told{std::min(since.open, signalling::exposure_report::longest),
                                           static_cast<std::uint16_t>(since.listeners),
                                           static_cast<std::uint16_t>(since.strangers)};
    for (auto& [url, side] : centrals) (void)side->up.send(told);
  }

  // A server dialled us.
  awaitable<void> receive(outbound::doorstep::stream guest) {
    const auto server = identity::peer_id::of(guest.peer_key());
    const auto* given = held.of(server);
    if (!given) co_return;
    const auto grant = given->grant.body().id;
    const auto nonce = crypto::random_octets<16>();
    telling::report_step(caused_by(short_name(server)), "C", "a server dialled us", short_name(server));
    auto entering =
        sessions::enter(std::move(guest), key, sessions::path::outbound, nonce, grant, clock::now() + handshake_time);
    auto entered = co_await std::move(entering);
    if (!entered) {
      outbound_error = entered.error();
    } else if (!stopped) {
      doubts.replace(server, false, clock::now());
      dialled.insert_or_assign(server, std::move(*entered));
    }
    changed.notify();
  }

  static constexpr std::chrono::seconds handshake_time{3};

  identity::key key;
  client_options how;
  std::shared_ptr<net::network> network;
  held_grants held;
  notifier changed;
  std::map<std::string, std::shared_ptr<central_side>> centrals;
  std::map<identity::peer_id, sessions::session> dialled;
  sessions::doubts doubts;
  std::map<identity::peer_id, std::shared_ptr<net::clock_filter>> clocks;  // of servers that granted something
  std::optional<client_door> door;
  std::optional<std::error_code> outbound_error;
  bool started = false;
  bool stopped = false;
  time_point made;
  sessions::account own_sessions;
  windows::exposure_account exposed;
  telling::cause_counts failures;
  std::uint64_t exceptions = 0;
  task_group tasks;
};

}  // namespace ajar::detail
