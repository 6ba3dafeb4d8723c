// SPDX-License-Identifier: BSL-1.0
// ajar/client.hpp - the client: reaches servers that have no open port.
#pragma once

#include <ajar/client/options.hpp>
#include <ajar/client/status.hpp>
#include <ajar/outbound/doorstep.hpp>
#include <ajar/rendezvous/ask.hpp>
#include <ajar/rendezvous/offer.hpp>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar {

/// A client. One link to each central whose servers it asks for; made at the first use.
///
/// Threads: its executor only. When it goes, its links and its door are closed; sessions go on. stop() also waits.
/// Source: WO 2004/034190. Example: examples/client/.
class client {
 public:
  client(const asio::any_io_executor& executor, identity::key self, client_options how)
      : state_(std::make_shared<state>(executor, std::move(self), std::move(how))) {
    state_->begin();
  }
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client() { state_->abandon(); }

  /// Connect to a server: over the best path that works, or over the one asked for.
  ///
  /// The automatic choice: a session that the server has opened already; a window; a window of our own; waiting for the
  /// server to dial our door.
  /// Errors: no_grant, grant_expired, method_not_granted, server_offline, window_unreachable, window_refused,
  /// client_unreachable, outbound_timeout, answer_forged, what the server refuses with, what ends the link to central.
  /// Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps B, F and G.
  [[nodiscard]] awaitable<result<sessions::session>> connect(identity::peer_id server,
                                                             connect_options how = connect_options()) {
    return reach_and_count(state_, std::move(server), std::move(how));
  }

  /// Close links and door, and wait until all coroutines have ended; sessions go on. Nothing connects afterwards.
  [[nodiscard]] awaitable<void> stop() {
    auto state = state_;
    state->abandon();
    if (state->step) {
      co_await state->step->stop();
    }
    co_await state->tasks.join();
  }

  /// What the door cost so far.
  windows::report door_report() const { return state_->step ? state_->step->report() : windows::report(); }
  /// All that it knows of itself now; also after stop().
  client_status status() const { return state_->status(); }

 private:
  struct state;

  // One central, and what it said.
  struct central_side final : signalling::uplink_events {
    central_side(state& whose, identity::url central, signalling::uplink_options terms)
        : owner(whose),
          up(whose.self, std::move(central), std::move(terms), *this),
          answers(std::make_shared<rendezvous::answers>(whose.changed.get_executor())),
          account(clock::now()) {}

    void linked(const signalling::welcome& greeting) override { owner.linked(*this, greeting); }
    result<> received(const signalling::message& what) override { return owner.received(*this, what); }
    void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) override {
      owner.lost(*this, why, again_in.has_value());
    }

    state& owner;
    signalling::uplink up;
    std::shared_ptr<rendezvous::answers> answers;
    signalling::link_account account;
    net::tcp::endpoint seen;
    std::map<identity::peer_id, signalling::presence> present;
    std::map<trust::grant_id, std::error_code> refused;
    std::optional<std::error_code> door_result;  // empty: not told yet
    time_point door_told{};
    std::optional<std::error_code> last_loss;
    std::optional<std::error_code> final_cause;
  };

  struct state final : std::enable_shared_from_this<state> {
    state(const asio::any_io_executor& executor, identity::key own, client_options options)
        : self(std::move(own)), how(std::move(options)), changed(executor), made(clock::now()), tasks(executor) {}

    client_status status() {
      const auto now = clock::now();
      const auto today = std::chrono::system_clock::now();
      count_door();
      client_status all;
      all.id = self.id();
      all.uptime = now - made;
      for (const auto& [url, side] : centrals) {
        all.links.push_back(side->account.status(now, side->up.central(), side->up.round_trip()));
      }
      all.door_open = step && step->is_open();
      all.sessions = visits.list(now);
      all.sessions_begun = visits.begun();
      all.carried = visits.carried();
      all.exposed_today = exposed.today(today);
      all.exposed = exposed.total();
      all.failures = failures;
      return all;
    }

    // What the door cost since this was called last.
    void count_door() {
      if (!step) return;
      const auto cost = step->report();
      windows::exposure since;
      since.listeners = cost.listeners - door_counted.listeners;
      since.open = cost.exposure - door_counted.exposure;
      door_counted = cost;
      if (since == windows::exposure()) return;
      exposed.add(std::chrono::system_clock::now(), since);
      const signalling::exposure_report told{std::min(since.open, signalling::exposure_report::longest),
                                             static_cast<std::uint16_t>(since.listeners),
                                             static_cast<std::uint16_t>(since.strangers)};
      for (auto& [url, side] : centrals) (void)side->up.send(told);
    }

    void begin() {
      if (!how.door_) return;
      const auto weak = weak_from_this();
      step.emplace(
          changed.get_executor(), self, *how.door_,
          [weak](const crypto::public_key& shown) {
            const auto still = weak.lock();
            return still && still->may_dial_us(identity::peer_id::of(shown));
          },
          [weak](const crypto::public_key& shown) {
            const auto still = weak.lock();
            return still && still->is_central(identity::peer_id::of(shown));
          },
          [weak](outbound::doorstep::stream guest) {
            if (const auto still = weak.lock()) still->tasks.spawn(receive(still, std::move(guest)));
          });
    }

    void abandon() {
      stopped = true;
      if (step) step->close();
      count_door();
      for (auto& [url, side] : centrals) {
        side->up.close();
        side->account.closed(clock::now());
        side->answers->close(errc::canceled);
      }
      dialled.clear();
      tasks.cancel();
      changed.notify();
    }

    // ---- grants

    // The grant that lasts longest, of those that are ours.
    const trust::grant_file* grant_for(const identity::peer_id& server) const {
      const trust::grant_file* best = nullptr;
      for (const auto& one : how.grants_) {
        if (one.grant.signer() != server || one.grant.body().client != self.id()) continue;
        if (!best || one.grant.body().not_after > best->grant.body().not_after) best = &one;
      }
      return best;
    }

    bool is_central(const identity::peer_id& id) const {
      return std::ranges::any_of(centrals, [&](const auto& one) { return one.second->up.central().id == id; });
    }

    bool may_dial_us(const identity::peer_id& server) const {
      const auto* held = grant_for(server);
      return held && held->grant.body().permits(trust::method::outbound) && wall_now() < held->grant.body().not_after;
    }

    // ---- links

    central_side& side_of(const identity::url& central) {
      auto& side = centrals[to_string(central)];
      if (!side) {
        signalling::uplink_options terms(signalling::role::client, 0);
        terms.logins(how.logins_).from(how.from_);
        side = std::make_shared<central_side>(*this, central, std::move(terms));
        tasks.spawn(keep_linked(shared_from_this(), side));
      }
      return *side;
    }

    static awaitable<void> keep_linked(std::shared_ptr<state> self, std::shared_ptr<central_side> side) {
      auto why = co_await side->up.run();
      report_step(self->how.steps_, "", "done with central", why.message());
    }

    void linked(central_side& side, const signalling::welcome& greeting) {
      report_step(how.steps_, "A", "linked to central", "seen as " + net::to_string(greeting.seen));
      side.account.linked(clock::now());
      side.seen = greeting.seen;
      side.last_loss.reset();
      side.refused.clear();
      std::size_t presented = 0;
      for (const auto& one : how.grants_) {
        if (one.central != side.up.central() || wall_now() >= one.grant.body().not_after) continue;
        if (one.grant.body().client != self.id() || ++presented > most_presented) continue;
        (void)side.up.send(signalling::present_grant{one.grant.octets()});
      }
    }

    void lost(central_side& side, const std::error_code& why, bool again) {
      side.account.lost(clock::now(), why);
      side.present.clear();
      side.door_result.reset();
      side.last_loss = why;
      if (!again) side.final_cause = why;
      side.answers->close(errc::link_lost);
      // our own goodbye is no trouble
      const auto told = again ? "no link to central" : "the link to central ended for good";
      if (is_canceled(why)) {
        report_step(how.steps_, "", told, why.message());
      } else {
        report_trouble(how.steps_, told, why.message());
      }
      tend_door();
      changed.notify();
    }

    result<> received(central_side& side, const signalling::message& what) {
      if (const auto* about = std::get_if<signalling::presence>(&what)) {
        side.present[about->server] = *about;
        tend_door();
        if (step && step->is_open() && clock::now() - side.door_told > record_renewal) tell_door(side);
      } else if (const auto* graded = std::get_if<signalling::grant_result>(&what)) {
        if (graded->code != 0) side.refused[graded->grant] = errc_from_wire(graded->code);
      } else if (const auto* proved = std::get_if<signalling::door_result>(&what)) {
        side.door_result = proved->code == 0 ? std::error_code() : errc_from_wire(proved->code);
      } else if (const auto* came = std::get_if<signalling::answer>(&what)) {
        side.answers->received(*came);
      } else if (const auto* failed = std::get_if<signalling::failure>(&what)) {
        side.answers->received(*failed);
      } else {
        return fail(errc::unexpected_message);
      }
      changed.notify();
      return {};
    }

    // ---- the door

    static bool dials(const signalling::presence& one) {
      return one.state != signalling::presence_state::offline &&
             (one.methods & static_cast<std::uint8_t>(trust::method::outbound)) != 0;
    }

    bool expects_server(const central_side& side) const {
      return std::ranges::any_of(side.present,
                                 [&](const auto& one) { return dials(one.second) && may_dial_us(one.first); });
    }

    // Open exactly while a server that may dial is there.
    void tend_door() {
      if (!step || stopped) return;
      bool expected = false;
      for (const auto& [url, side] : centrals) expected = expected || expects_server(*side);
      if (!expected) {
        if (step->is_open()) report_step(how.steps_, "", "the door is closed");
        step->close();
        count_door();
        for (auto& [url, side] : centrals) side->door_told = {};
        return;
      }
      auto opened = step->open();
      if (!opened) door_error = opened.error();
      if (!opened) return;
      for (auto& [url, side] : centrals) {
        const bool told = side->door_told != time_point() && side->door_result;
        if (!told && side->door_told == time_point() && expects_server(*side)) tell_door(*side);
      }
    }

    void tell_door(central_side& side) {
      trust::address_record record;
      auto at = step->local_endpoint();
      if (at.address().is_unspecified()) at.address(net::unmapped(side.seen.address()));
      record.at = how.advertised_ ? *how.advertised_ : at;
      record.not_after = wall_now() + record_life;
      const auto signed_one = trust::signed_address::sign(std::move(record), self);
      report_step(how.steps_, "", "the door is open", net::to_string(step->local_endpoint()));
      side.door_result.reset();
      side.door_told = clock::now();
      (void)side.up.send(signalling::door{signed_one.octets()});
    }

    // A server dialled us.
    static awaitable<void> receive(std::shared_ptr<state> self, outbound::doorstep::stream guest) {
      const auto server = identity::peer_id::of(guest.peer_key());
      const auto* held = self->grant_for(server);
      if (!held) co_return;
      const auto grant = held->grant.body().id;
      const auto nonce = crypto::random_octets<16>();
      report_step(self->how.steps_, "C", "a server dialled us", short_name(server));
      auto entering = sessions::enter(std::move(guest), self->self, sessions::path::outbound, nonce, grant,
                                      clock::now() + handshake_time);
      auto entered = co_await std::move(entering);
      if (!entered) {
        self->outbound_error = entered.error();
      } else if (!self->stopped) {
        self->dialled.insert_or_assign(server, std::move(*entered));
      }
      self->changed.notify();
    }

    static constexpr std::size_t most_presented = 64;
    static constexpr std::chrono::hours record_life{24 * 7};
    static constexpr std::chrono::hours record_renewal{12};
    static constexpr std::chrono::seconds handshake_time{3};

    identity::key self;
    client_options how;
    notifier changed;
    std::map<std::string, std::shared_ptr<central_side>> centrals;
    std::map<identity::peer_id, sessions::session> dialled;
    std::optional<outbound::doorstep> step;
    std::optional<std::error_code> door_error;
    std::optional<std::error_code> outbound_error;
    bool stopped = false;
    time_point made;
    sessions::account visits;
    windows::exposure_account exposed;
    windows::report door_counted;
    cause_counts failures;
    task_group tasks;
  };

  // ---- one connection

  struct visit {
    identity::peer_id server;
    trust::signed_grant grant;
    std::shared_ptr<central_side> side;
    connect_options how;
    time_point until;
  };
  using shared_visit = std::shared_ptr<const visit>;

  static awaitable<result<sessions::session>> reach_and_count(std::shared_ptr<state> self, identity::peer_id server,
                                                              connect_options how) {
    auto reaching = reach(self, server, std::move(how));
    auto came = co_await std::move(reaching);
    const auto* held = self->grant_for(server);
    if (came && held) {
      self->visits.add(*came, clock::now(), held->grant.body().not_after);
    } else if (!came) {
      self->failures.add(came.error());
    }
    co_return came;
  }

  static awaitable<result<sessions::session>> reach(std::shared_ptr<state> self, identity::peer_id server,
                                                    connect_options how) {
    constexpr std::chrono::seconds usual{10};
    const auto* held = self->grant_for(server);
    if (!held) co_return fail(errc::no_grant);
    if (wall_now() >= held->grant.body().not_after) co_return fail(errc::grant_expired);
    if (self->stopped) co_return fail(errc::canceled);
    (void)self->side_of(held->central);
    const auto until = how.deadline() ? *how.deadline() : clock::now() + usual;
    const auto about = std::make_shared<const visit>(
        visit{server, held->grant, self->centrals.at(to_string(held->central)), how, until});
    auto presence = co_await await_presence(self, about);
    if (!presence) co_return fail(presence.error());
    const auto ways = ways_of(*self, *about, *presence);
    std::error_code why = ways.empty() ? no_way(*self, *about, *presence) : std::error_code();
    for (const auto way : ways) {
      net::backoff pauses(std::chrono::milliseconds(100), std::chrono::milliseconds(1600));
      for (int attempt = 1;; ++attempt) {
        auto trying = try_way(self, about, way);
        auto came = co_await std::move(trying);
        if (came) co_return std::move(*came);
        why = came.error();
        report_trouble(self->how.steps_, "this way failed", why.message());
        const bool again = way == by::window && was_too_slow(why) && (ways.size() == 1 || attempt == 1);
        if (!again) break;
        const auto pause = pauses.next();
        if (clock::now() + pause >= about->until) break;
        auto slept = co_await sleep_until(clock::now() + pause);
        if (!slept) co_return fail(slept.error());
        if (self->stopped) co_return fail(errc::canceled);
      }
      if (!another_way_may_help(why)) break;
    }
    co_return fail(why);
  }

  // A machine under load, not a path that does not exist: another window may do.
  static bool was_too_slow(const std::error_code& why) {
    return why == errc::handshake_timeout || why == errc::window_timeout || why == errc::exchange_timeout;
  }

  static bool another_way_may_help(const std::error_code& why) {
    for (const auto cause : {errc::window_unreachable, errc::window_timeout, errc::window_stranger, errc::bind_failed,
                             errc::window_refused, errc::address_not_permitted, errc::too_many_windows}) {
      if (why == cause) return true;
    }
    return false;
  }

  static std::vector<by> ways_of(const state& self, const visit& about, const signalling::presence& now) {
    const auto& grant = about.grant.body();
    if (self.dialled.contains(about.server) && (about.how.way() == by::automatic || about.how.way() == by::outbound)) {
      return {by::outbound};
    }
    if (about.how.way() != by::automatic) return {about.how.way()};
    std::vector<by> ways;
    const bool windows = now.state == signalling::presence_state::online &&
                         (now.methods & static_cast<std::uint8_t>(trust::method::window)) != 0 &&
                         grant.permits(trust::method::window);
    if (windows) ways = {by::window, by::window_reverse};
    if (self.step && grant.permits(trust::method::outbound) && state::dials(now)) ways.push_back(by::outbound);
    return ways;
  }

  static std::error_code no_way(const state& self, const visit& about, const signalling::presence& now) {
    if (now.state == signalling::presence_state::offline) return errc::server_offline;
    if (state::dials(now) && !self.step && about.grant.body().permits(trust::method::outbound)) {
      return errc::client_unreachable;
    }
    return errc::method_not_granted;
  }

  // Until central has said something about this server that helps, or cannot.
  static awaitable<result<signalling::presence>> await_presence(std::shared_ptr<state> self, shared_visit about) {
    std::error_code why = errc::dial_timeout;
    while (clock::now() < about->until) {
      const auto& side = *about->side;
      if (self->stopped) co_return fail(errc::canceled);
      if (side.final_cause) co_return fail(*side.final_cause);
      if (side.last_loss && !side.up.is_up()) co_return fail(*side.last_loss);
      const auto refused = side.refused.find(about->grant.body().id);
      if (refused != side.refused.end()) co_return fail(refused->second);
      const auto found = side.present.find(about->server);
      if (found != side.present.end()) {
        if (found->second.state != signalling::presence_state::offline) co_return found->second;
        co_return fail(errc::server_offline);
      }
      auto change = self->changed.wait();
      auto changed = co_await before(about->until, errc::dial_timeout, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return fail(errc::canceled);
    }
    co_return fail(why);
  }

  static awaitable<result<sessions::session>> try_way(std::shared_ptr<state> self, shared_visit about, by way) {
    if (way == by::outbound) return await_dial(std::move(self), std::move(about));
    return rendezvous_by(std::move(self), std::move(about), way);
  }

  // WO 2004/034190, non-listening server: the client waits, the server dials.
  static awaitable<result<sessions::session>> await_dial(std::shared_ptr<state> self, shared_visit about) {
    if (!about->grant.body().permits(trust::method::outbound)) co_return fail(errc::method_not_granted);
    auto until = about->until;
    const auto now = about->side->present.find(about->server);
    if (now != about->side->present.end() && !about->how.deadline()) until += now->second.interval;
    for (;;) {
      const auto came = self->dialled.find(about->server);
      if (came != self->dialled.end()) {
        auto guest = std::move(came->second);
        self->dialled.erase(came);
        co_return std::move(guest);
      }
      if (self->stopped) co_return fail(errc::canceled);
      if (about->side->final_cause) co_return fail(*about->side->final_cause);
      if (!self->step) co_return fail(errc::client_unreachable);
      if (self->door_error) co_return fail(*self->door_error);
      const auto present = about->side->present.find(about->server);
      if (present != about->side->present.end() && !state::dials(present->second)) {
        co_return fail(errc::client_unreachable);
      }
      const auto& proved = about->side->door_result;
      if (proved && *proved) co_return fail(*proved);
      if (clock::now() >= until) co_return fail(errc::outbound_timeout);
      auto change = self->changed.wait();
      auto changed = co_await before(until, errc::outbound_timeout, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return fail(errc::canceled);
    }
  }

  // By a window, which one of the two opens.
  static awaitable<result<sessions::session>> rendezvous_by(std::shared_ptr<state> self, shared_visit about, by way) {
    const auto present = about->side->present.find(about->server);
    if (present == about->side->present.end()) co_return fail(errc::server_offline);
    const auto what = std::make_shared<const rendezvous::errand>(rendezvous::errand{
        self->self, about->grant, std::shared_ptr<signalling::uplink>(about->side, &about->side->up),
        about->side->answers, present->second, about->side->seen.address(), self->how.window_address_,
        self->how.dialling(), about->how.roams(), about->until, self->how.steps_,
        [weak = std::weak_ptr(self), side = about->side](const windows::report& cost) {
          if (const auto still = weak.lock()) {
            still->exposed.add(std::chrono::system_clock::now(), windows::exposure_of(cost));
          }
          (void)side->up.send(signalling::exposure_report{cost.exposure, cost.listeners, cost.strangers});
        }});
    auto work = way == by::window ? rendezvous::ask_for_window(what) : rendezvous::offer_window(what);
    auto guest = co_await std::move(work);
    co_return guest;
  }

  std::shared_ptr<state> state_;
};

}  // namespace ajar
