// SPDX-License-Identifier: BSL-1.0
// ajar/server.hpp - the server: reachable by its authorised clients, with no port that stands open.
#pragma once

#include <ajar/outbound/dialer.hpp>
#include <ajar/rendezvous/respond.hpp>
#include <ajar/server/options.hpp>
#include <ajar/server/status.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/trust/may_open.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar {

using windows::exposure;

/// A server. Its sessions come from accept(), whichever way they came about.
///
/// Threads: its executor only. When it goes, its windows and sessions are closed; stop() also waits for them.
/// Source: WO 2004/034190: the non-listening server, and just-in-time listening. Example: examples/server/.
class server {
 public:
  server(const asio::any_io_executor& executor, identity::key self, server_options how)
      : state_(std::make_shared<state>(executor, std::move(self), std::move(how))) {}
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server() { state_->abandon(); }

  /// Link to central, and serve. Call it once.
  void start() { state_->start(); }

  /// Wait for the next session. No port is open while this waits.
  /// Errors: canceled after stop(), or the final cause that the link to central ended by (signalling::is_final).
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<result<sessions::session>> accept() { return next_guest(state_); }

  /// Run a coroutine as long as the server, at most: stop() cancels it.
  void spawn(awaitable<void> work) { state_->tasks.spawn(std::move(work)); }

  /// End everything: windows and sessions are closed, central is told, and all coroutines have ended on return.
  [[nodiscard]] awaitable<void> stop() {
    auto state = state_;
    state->abandon();
    co_await state->dials->join();
    co_await state->tasks.join();
  }

  /// For the windows that open from now on: what strangers bring about, and where they are bound (server_options).
  void on_stranger(windows::on_stranger policy) { state_->how.on_stranger(policy); }
  void window_address(std::optional<net::address> at) { state_->how.window_address_ = std::move(at); }

  /// What its windows cost so far.
  const exposure& exposed() const noexcept { return state_->exposed.total(); }
  /// All that it knows of itself now.
  server_status status() const { return state_->status(); }
  /// The sessions that are alive.
  std::size_t sessions() const { return state_->living(nullptr); }
  bool linked() const { return state_->up.is_up(); }

 private:
  struct state final : signalling::uplink_events,
                       outbound::dial_policy,
                       rendezvous::respond_policy,
                       std::enable_shared_from_this<state> {
    state(const asio::any_io_executor& executor, identity::key own, server_options options)
        : self(std::move(own)),
          how(std::move(options)),
          up(self, how.central_, uplink_terms(how), *this),
          dials(std::make_shared<outbound::dialer>(executor, self, *this, how.dialling(), how.steps_)),
          arrived(executor),
          tasks(executor),
          made(clock::now()),
          link(made) {
      if (how.revocations_) revoked = how.revocations_->body();
    }

    static signalling::uplink_options uplink_terms(const server_options& options) {
      signalling::uplink_options made(signalling::role::server, options.methods_);
      made.logins(options.logins_).from(options.from_);
      if (options.roster_interval_.count() > 0) made.visit_every(options.roster_interval_);
      return made;
    }

    bool serves(trust::method way) const { return (how.methods_ & static_cast<std::uint8_t>(way)) != 0; }

    void start() {
      tasks.spawn(keep_linked(shared_from_this()));
      tasks.spawn(watch_expiry(shared_from_this()));
      if (serves(trust::method::outbound)) dials->start();
    }

    void abandon() {
      if (!final_cause) final_cause = errc::canceled;
      up.close();
      link.closed(clock::now());
      for (const auto& guest : guests.alive()) guest.sight.cut(errc::canceled);
      waiting.clear();
      dials->cancel();
      tasks.cancel();
      arrived.notify();
    }

    server_status status() {
      const auto now = clock::now();
      server_status all;
      all.id = self.id();
      all.uptime = now - made;
      all.methods = how.methods_;
      all.link = link.status(now, how.central_, up.round_trip());
      all.clients_with_door = known.size();
      all.windows_open = commands;
      all.sessions = guests.list(now);
      all.sessions_begun = guests.begun();
      all.carried = guests.carried();
      all.exposed_today = exposed.today(std::chrono::system_clock::now());
      all.exposed = exposed.total();
      all.refusals = refusals;
      all.dial_failures = dial_failures;
      return all;
    }

    // ---- the link

    void linked(const signalling::welcome& greeting) override {
      link.linked(clock::now());
      report_step(how.steps_, "A", "linked to central", "seen as " + net::to_string(greeting.seen));
      gate.set_nonce(greeting.nonce);
      seen_as = net::unmapped(greeting.seen.address());
      if (how.revocations_) (void)up.send(signalling::present_revocations{how.revocations_->octets()});
      if (serves(trust::method::outbound))
        (void)up.send(signalling::roster_request{known.version(), how.roster_interval_});
    }

    result<> received(const signalling::message& what) override {
      if (const auto* asked = std::get_if<signalling::command>(&what)) {
        report_step(how.steps_, "C", "commanded to open a window");
        if (commands < most_commands && !tasks.cancelled()) {
          ++commands;
          tasks.spawn(carry_out(shared_from_this(), *asked));
        }
        return {};
      }
      if (const auto* update = std::get_if<signalling::roster_update>(&what)) return take_roster(*update);
      if (const auto* fresh = std::get_if<signalling::renewed_nonce>(&what)) {
        gate.set_nonce(fresh->nonce);
        return {};
      }
      if (std::holds_alternative<signalling::revocations_result>(what)) return {};
      return fail(errc::unexpected_message);
    }

    result<> take_roster(const signalling::roster_update& update) {
      auto changed = known.apply(update);
      if (!changed) return fail(changed.error());
      report_step(how.steps_, "B", "got the roster", std::to_string(known.size()) + " clients with a door");
      dials->update(known, *changed);
      if (!update.more && how.roster_interval_.count() > 0) up.leave();
      return {};
    }

    void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) override {
      gate.forget_nonces();
      link.lost(clock::now(), why);
      report_trouble(how.steps_, again_in ? "no link to central" : "the link to central ended for good", why.message());
      if (!again_in && !final_cause) {
        final_cause = why;
        arrived.notify();
      }
    }

    static awaitable<void> keep_linked(std::shared_ptr<state> self) {
      auto why = co_await self->up.run();
      (void)why;  // lost() was told
    }

    // ---- who may enter

    std::size_t living(const identity::peer_id* client) {
      const auto& all = guests.alive();
      if (!client) return all.size();
      return static_cast<std::size_t>(
          std::ranges::count_if(all, [&](const auto& one) { return one.sight.info().peer == *client; }));
    }

    trust::entry entry_of(const identity::peer_id& client, trust::method way) {
      return {self.id(), client, way, wall_now(), living(&client)};
    }

    result<> check(const trust::grant_id& id, const identity::peer_id& client, trust::method way) {
      const auto given = how.grants_(id);
      if (!given) return fail(errc::grant_unknown);
      return trust::may_enter(*given, revoked, entry_of(client, way));
    }

    result<> may_dial(const outbound::dial_plan::attempt& to) override {
      const auto* entry = known.find(to.client);
      const auto given = how.grants_(to.grant);
      if (!entry || !given) return fail(errc::grant_unknown);
      auto permitted = trust::may_enter(*given, revoked, entry_of(to.client, trust::method::outbound));
      if (!permitted) return permitted;
      return trust::may_dial(entry->record, given->body(), wall_now());
    }

    result<> may_enter(const sessions::claim& claimed, const identity::peer_id& client) override {
      return check(claimed.grant, client, trust::method::outbound);
    }

    void not_reached(const identity::peer_id&, const std::error_code& why) override { dial_failures.add(why); }

    void entered(sessions::session guest) override {
      const auto given = how.grants_(guest.info().grant);
      if (final_cause || !given || waiting.size() >= most_waiting) return;
      report_step(how.steps_, "", "a session",
                  std::string(to_string(guest.way())) + " with " + short_name(guest.peer()));
      guests.add(guest, clock::now(), given->body().not_after);
      waiting.push_back(std::move(guest));
      arrived.notify();
    }

    // A grant's end ends its sessions. The wall clock may be set, so it is asked once a second.
    static awaitable<void> watch_expiry(std::shared_ptr<state> self) {
      for (;;) {
        auto slept = co_await sleep_until(clock::now() + std::chrono::seconds(1));
        if (!slept) co_return;
        const auto now = wall_now();
        for (const auto& one : self->guests.alive()) {
          if (now >= one.not_after) one.sight.cut(errc::grant_expired);
        }
        self->living(nullptr);
      }
    }

    // ---- windows

    static awaitable<void> carry_out(std::shared_ptr<state> self, signalling::command what) {
      auto responding = rendezvous::respond(self, self->self, self->how.responding(), std::move(what));
      auto guest = co_await std::move(responding);
      --self->commands;
      if (guest) {
        self->entered(std::move(*guest));
      } else {
        self->refusals.add(guest.error());
      }
    }

    result<trust::signed_grant> may_open(const trust::signed_request& asked) override {
      if (!serves(trust::method::window)) return fail(errc::window_refused);
      auto given = how.grants_(asked.body().grant);
      if (!given) return fail(errc::grant_unknown);
      const auto entry = entry_of(asked.signer(), trust::method::window);
      auto permitted = gate.may_open(asked, *given, revoked, entry, clock::now());
      if (!permitted) return fail(permitted.error());
      return std::move(*given);
    }

    result<> may_enter(const trust::grant_id& grant, const identity::peer_id& client) override {
      return check(grant, client, trust::method::window);
    }

    result<> send(const signalling::message& what) override { return up.send(what); }
    net::address seen() override { return seen_as; }
    std::optional<net::address> window_address() override {
      return how.window_address_ ? how.window_address_ : up.local_address();
    }

    void account(const windows::report& cost) override {
      exposed.add(std::chrono::system_clock::now(), windows::exposure_of(cost));
      (void)up.send(signalling::exposure_report{cost.exposure, cost.listeners, cost.strangers});  // for its account
      report_step(how.steps_, "", "the window is closed",
                  std::string(windows::to_string(cost.why)) + " after " + std::to_string(cost.exposure.count()) +
                      " ns, " + std::to_string(cost.listeners) + " listeners, " + std::to_string(cost.strangers) +
                      " strangers");
    }

    static constexpr std::size_t most_commands = 1024;
    static constexpr std::size_t most_waiting = 1024;

    identity::key self;
    server_options how;
    signalling::uplink up;
    std::shared_ptr<outbound::dialer> dials;
    signalling::roster known;
    trust::window_gate gate;
    trust::revocations revoked;
    net::address seen_as;
    std::deque<sessions::session> waiting;
    sessions::account guests;
    windows::exposure_account exposed;
    std::size_t commands = 0;
    std::optional<std::error_code> final_cause;
    notifier arrived;
    task_group tasks;
    time_point made;
    signalling::link_account link;
    cause_counts refusals;
    cause_counts dial_failures;
  };

  static awaitable<result<sessions::session>> next_guest(std::shared_ptr<state> from) {
    for (;;) {
      if (!from->waiting.empty()) {
        auto guest = std::move(from->waiting.front());
        from->waiting.pop_front();
        co_return std::move(guest);
      }
      if (from->final_cause) co_return fail(*from->final_cause);
      auto changed = co_await from->arrived.wait();
      if (!changed) co_return fail(changed.error());
    }
  }

  std::shared_ptr<state> state_;
};

}  // namespace ajar
