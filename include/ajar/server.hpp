// SPDX-License-Identifier: BSL-1.0
// ajar/server.hpp - the server: reachable by its authorised clients, with no port that stands open.
#pragma once

#include <ajar/core/step.hpp>
#include <ajar/outbound/dialer.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/trust/may_open.hpp>
#include <ajar/windows/window.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar {

/// How a server behaves. Every function here runs on the server's executor and must not block for long.
class server_options {
 public:
  explicit server_options(identity::url central) : central_(std::move(central)) {}

  /// The ways that it serves; by default both.
  server_options& methods(bool outbound, bool window) {
    methods_ = static_cast<std::uint8_t>((outbound ? static_cast<int>(trust::method::outbound) : 0) |
                                         (window ? static_cast<int>(trust::method::window) : 0));
    return *this;
  }
  /// Ask for the roster at intervals, without a standing link. Only where windows are not served.
  server_options& roster_every(std::chrono::milliseconds interval) {
    roster_interval_ = interval;
    return *this;
  }
  /// Where windows are bound; by default the address that the link to central has.
  server_options& window_address(net::address at) {
    window_address_ = std::move(at);
    return *this;
  }
  /// How long a window is open at most, up to windows::longest_window.
  server_options& window_time(std::chrono::milliseconds time) {
    window_time_ = std::min(time, windows::longest_window);
    return *this;
  }
  server_options& on_stranger(windows::on_stranger policy) {
    on_stranger_ = policy;
    return *this;
  }
  /// Where login numbers come from (identity::state_directory::next_login).
  server_options& logins(std::function<result<std::uint64_t>()> source) {
    logins_ = std::move(source);
    return *this;
  }
  /// The grants that this server issued. Nothing for those that it did not.
  server_options& grants(std::function<std::optional<trust::signed_grant>(const trust::grant_id&)> source) {
    grants_ = std::move(source);
    return *this;
  }
  /// What was revoked before it starts.
  server_options& revocations(trust::signed_revocations list) {
    revocations_.emplace(std::move(list));
    return *this;
  }
  /// The local address of all that it dials; by default the one that the routes give.
  server_options& from(net::address source) {
    from_ = std::move(source);
    return *this;
  }
  server_options& on_step(step_sink sink) {
    steps_ = std::move(sink);
    return *this;
  }

 private:
  friend class server;
  identity::url central_;
  std::uint8_t methods_ =
      static_cast<std::uint8_t>(trust::method::outbound) | static_cast<std::uint8_t>(trust::method::window);
  std::chrono::milliseconds roster_interval_{0};
  std::optional<net::address> window_address_;
  std::chrono::milliseconds window_time_ = windows::default_window;
  windows::on_stranger on_stranger_ = windows::on_stranger::close_and_reopen;
  std::function<result<std::uint64_t>()> logins_;
  std::function<std::optional<trust::signed_grant>(const trust::grant_id&)> grants_;
  std::optional<trust::signed_revocations> revocations_;
  std::optional<net::address> from_;
  step_sink steps_;

  net::dial_options dialling() const {
    net::dial_options made;
    if (from_) made.from(*from_);
    return made;
  }
};

/// What a server's windows cost since it started.
struct exposure {
  std::uint64_t windows = 0;
  std::uint64_t listeners = 0;
  std::uint64_t strangers = 0;
  std::chrono::nanoseconds open{0};
};

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

  /// What its windows cost so far.
  const exposure& exposed() const noexcept { return state_->exposed; }
  /// The sessions that are alive.
  std::size_t sessions() const { return state_->living(nullptr); }
  bool linked() const { return state_->up.is_up(); }

 private:
  struct guest_entry {
    sessions::session::sight sight;
    wall_time not_after{};
  };

  struct state final : signalling::uplink_events, outbound::dial_policy, std::enable_shared_from_this<state> {
    state(const asio::any_io_executor& executor, identity::key own, server_options options)
        : self(std::move(own)),
          how(std::move(options)),
          up(self, how.central_, uplink_terms(how), *this),
          dials(std::make_shared<outbound::dialer>(executor, self, *this, how.dialling(), how.steps_)),
          arrived(executor),
          tasks(executor) {
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
      for (const auto& guest : guests) guest.sight.cut(errc::canceled);
      waiting.clear();
      dials->cancel();
      tasks.cancel();
      arrived.notify();
    }

    // ---- the link

    void linked(const signalling::welcome& greeting) override {
      report_step(how.steps_, "A", "linked to central", "seen as " + net::to_string(greeting.seen));
      gate.set_nonce(greeting.nonce);
      seen = net::unmapped(greeting.seen.address());
      if (how.revocations_) (void)up.send(signalling::present_revocations{how.revocations_->octets()});
      if (serves(trust::method::outbound))
        (void)up.send(signalling::roster_request{known.version(), how.roster_interval_});
    }

    result<> received(const signalling::message& what) override {
      if (const auto* asked = std::get_if<signalling::command>(&what)) {
        report_step(how.steps_, "C", "commanded to open a window");
        if (commands < most_commands) tasks.spawn(carry_out(shared_from_this(), *asked));
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
      report_step(how.steps_, "", again_in ? "no link to central" : "the link to central ended for good",
                  why.message());
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
      std::erase_if(guests, [](const guest_entry& one) { return !one.sight.alive(); });
      if (!client) return guests.size();
      return static_cast<std::size_t>(
          std::ranges::count_if(guests, [&](const guest_entry& one) { return one.sight.info().peer == *client; }));
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

    void entered(sessions::session guest) override {
      const auto given = how.grants_(guest.info().grant);
      if (final_cause || !given || waiting.size() >= most_waiting) return;
      report_step(how.steps_, "", "a session",
                  std::string(to_string(guest.way())) + " with " + short_name(guest.peer()));
      guests.push_back({guest.watch(), given->body().not_after});
      waiting.push_back(std::move(guest));
      arrived.notify();
    }

    // A grant's end ends its sessions. The wall clock may be set, so it is asked once a second.
    static awaitable<void> watch_expiry(std::shared_ptr<state> self) {
      for (;;) {
        auto slept = co_await sleep_until(clock::now() + std::chrono::seconds(1));
        if (!slept) co_return;
        const auto now = wall_now();
        for (const auto& one : self->guests) {
          if (now >= one.not_after) one.sight.cut(errc::grant_expired);
        }
        self->living(nullptr);
      }
    }

    // ---- windows

    struct counted {
      explicit counted(std::size_t& counter) : counter_(counter) { ++counter_; }
      counted(const counted&) = delete;
      counted& operator=(const counted&) = delete;
      ~counted() { --counter_; }
      std::size_t& counter_;
    };

    void send_answer(const trust::signed_answer& signed_one, bool last) {
      (void)up.send(signalling::answer{signed_one.body().id, last, signed_one.octets()});
    }

    trust::window_answer answer_to(const trust::signed_request& asked) const {
      trust::window_answer made;
      made.id = asked.body().id;
      made.client = asked.signer();
      return made;
    }

    static awaitable<void> carry_out(std::shared_ptr<state> self, signalling::command what) {
      const counted one(self->commands);
      auto asked = trust::signed_request::open(what.signed_request);
      if (!asked) {
        report_step(self->how.steps_, "", "refused a command", asked.error().message());
        co_return;
      }
      const auto client = asked->signer();
      const auto permitted = self->may_open(*asked);
      if (!permitted) {
        report_step(self->how.steps_, "", "refused a window", short_name(client) + ": " + permitted.error().message());
        self->refuse(*asked, permitted.error());
        co_return;
      }
      const auto budget = std::min(self->how.window_time_, std::chrono::milliseconds(asked->body().budget_ms));
      const auto until = clock::now() + budget;
      const bool ours = asked->body().who == trust::opener::server;
      auto work = ours ? serve_window(self, std::move(what), std::move(*asked), until)
                       : visit_window(self, std::move(what), std::move(*asked), until);
      auto guest = co_await std::move(work);
      if (guest) {
        self->entered(std::move(*guest));
      } else {
        report_step(self->how.steps_, "", "no session came of a window",
                    short_name(client) + ": " + guest.error().message());
      }
    }

    void refuse(const trust::signed_request& asked, const std::error_code& why) {
      auto refusal = answer_to(asked);
      const bool ours = why.category() == category();
      refusal.code = static_cast<std::uint16_t>(ours ? why.value() : static_cast<int>(errc::window_refused));
      send_answer(trust::signed_answer::sign(std::move(refusal), self), true);
    }

    result<> may_open(const trust::signed_request& asked) {
      if (!serves(trust::method::window)) return fail(errc::window_refused);
      const auto given = how.grants_(asked.body().grant);
      if (!given) return fail(errc::grant_unknown);
      return gate.may_open(asked, *given, revoked, entry_of(asked.signer(), trust::method::window), clock::now());
    }

    // The claim must be of this window, in time, and the grant must still hold.
    sessions::entry_check check_of(const trust::signed_request& asked, time_point until) {
      return [self = shared_from_this(), id = asked.body().id, grant = asked.body().grant, until](
                 const sessions::claim& claimed, const identity::peer_id& client) -> result<> {
        if (claimed.nonce != id || claimed.grant != grant) return fail(errc::proof_invalid);
        if (clock::now() >= until) return fail(errc::window_timeout);
        return self->check(grant, client, trust::method::window);
      };
    }

    static awaitable<result<sessions::session>> admit(std::shared_ptr<state> self, net::tcp_stream stream,
                                                      tls::side which, identity::peer_id client, sessions::path way,
                                                      sessions::entry_check enters, time_point until) {
      auto expected = identity::expect(client, tls::alpn::session);
      auto securing = sessions::secure(std::move(stream), which, self->self, std::move(expected), until);
      auto secured = co_await std::move(securing);
      if (!secured) co_return fail(secured.error());
      auto entering = sessions::let_in(std::move(*secured), self->self, way, std::move(enters), until);
      auto guest = co_await std::move(entering);
      co_return guest;
    }

    // WO 2004/034190, just-in-time listening, steps D, E and G.
    static awaitable<result<sessions::session>> serve_window(std::shared_ptr<state> self, signalling::command what,
                                                             trust::signed_request asked, time_point until) {
      const auto client = asked.signer();
      const auto local = self->how.window_address_ ? self->how.window_address_ : self->up.local_address();
      if (!local) co_return fail(errc::link_lost);
      bool told = false;
      const bool anywhere = asked.body().roam;
      windows::plan plan{
          net::tcp::endpoint(*local, 0),
          anywhere ? windows::expected_source::anywhere() : windows::expected_source::of(what.seen.address()),
          self->how.on_stranger_};
      windows::announcement announce = [&](std::uint8_t attempt,
                                           const net::tcp::endpoint& at) -> result<std::function<void()>> {
        if (!self->up.is_up()) return fail(errc::link_lost);
        auto body = self->answer_to(asked);
        body.attempt = attempt;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
        body.budget_ms = static_cast<std::uint16_t>(std::max<std::int64_t>(left.count(), 0));
        body.endpoints.emplace_back(self->seen, at.port());
        const bool last = attempt == most_listeners || self->how.on_stranger_ == windows::on_stranger::close;
        const auto signed_one =
            std::make_shared<trust::signed_answer>(trust::signed_answer::sign(std::move(body), self->self));
        return std::function<void()>([self, signed_one, at, last, &told] {
          told = true;
          self->send_answer(*signed_one, last);
          report_step(self->how.steps_, "D", "opened a port", net::to_string(at));
          report_step(self->how.steps_, "E", "told central");
        });
      };
      const auto enters = self->check_of(asked, until);
      auto admission = [self, client, enters, until](net::tcp_stream stream) {
        report_step(self->how.steps_, "G", "somebody connected, the port is closed");
        return admit(self, std::move(stream), tls::side::server, client, sessions::path::window, enters, until);
      };
      auto opening = windows::open_window<sessions::session>(std::move(plan), until, std::move(announce), admission);
      auto came = co_await std::move(opening);
      if (told) {
        (void)self->up.send(signalling::answer{asked.body().id, true, {}});
      } else if (!came.guest) {
        self->refuse(asked, came.guest.error());
      }
      if (came.cost.listeners > 0) self->account(came.cost);
      if (came.guest) came.guest->set_window(came.cost);
      co_return std::move(came.guest);
    }

    void account(const windows::report& cost) {
      ++exposed.windows;
      exposed.listeners += cost.listeners;
      exposed.strangers += cost.strangers;
      exposed.open += cost.exposure;
      report_step(how.steps_, "", "the window is closed",
                  std::string(windows::to_string(cost.why)) + " after " + std::to_string(cost.exposure.count()) +
                      " ns, " + std::to_string(cost.listeners) + " listeners, " + std::to_string(cost.strangers) +
                      " strangers");
    }

    // The variation: the client opens the port and the server connects. It dials only the address that central saw.
    static awaitable<result<sessions::session>> visit_window(std::shared_ptr<state> self, signalling::command what,
                                                             trust::signed_request asked, time_point until) {
      const auto client = asked.signer();
      const auto to = self->permitted_endpoint(what, asked);
      auto body = self->answer_to(asked);
      if (!to) body.code = static_cast<std::uint16_t>(to.error().value());
      self->send_answer(trust::signed_answer::sign(std::move(body), self->self), true);
      if (!to) co_return fail(to.error());
      report_step(self->how.steps_, "G", "dial the client's window", net::to_string(*to));
      net::endpoint at(*to);
      const auto dialling = self->how.dialling();
      auto stream = co_await net::dial(at, until, dialling);
      if (!stream) co_return fail(stream.error());
      auto enters = self->check_of(asked, until);
      auto entering = admit(self, std::move(*stream), tls::side::client, client, sessions::path::window_reverse,
                            std::move(enters), until);
      auto guest = co_await std::move(entering);
      co_return guest;
    }

    result<net::tcp::endpoint> permitted_endpoint(const signalling::command& what, const trust::signed_request& asked) {
      const auto given = how.grants_(asked.body().grant);
      for (const auto& at : asked.body().endpoints) {
        const auto scope = net::scope_of(at.address());
        const bool reachable =
            scope == net::scope::global || (scope == net::scope::local && given && given->body().lan);
        if (reachable && net::unmapped(at.address()) == net::unmapped(what.seen.address())) return at;
      }
      return fail(errc::address_not_permitted);
    }

    static constexpr std::uint8_t most_listeners = 3;
    static constexpr std::size_t most_commands = 1024;
    static constexpr std::size_t most_waiting = 1024;

    identity::key self;
    server_options how;
    signalling::uplink up;
    std::shared_ptr<outbound::dialer> dials;
    signalling::roster known;
    trust::window_gate gate;
    trust::revocations revoked;
    net::address seen;
    std::deque<sessions::session> waiting;
    std::vector<guest_entry> guests;
    exposure exposed;
    std::size_t commands = 0;
    std::optional<std::error_code> final_cause;
    notifier arrived;
    task_group tasks;
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
