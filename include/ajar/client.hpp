// SPDX-License-Identifier: BSL-1.0
// ajar/client.hpp - the client: reaches servers that have no open port.
#pragma once

#include <ajar/core/step.hpp>
#include <ajar/outbound/doorstep.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/trust/grant_file.hpp>
#include <ajar/windows/window.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace ajar {

/// How a client behaves. Every function here runs on the client's executor and must not block for long.
class client_options {
 public:
  client_options() = default;

  /// What its owner was granted.
  client_options& grants(std::vector<trust::grant_file> held) {
    grants_ = std::move(held);
    return *this;
  }
  /// Where login numbers come from (identity::state_directory::next_login).
  client_options& logins(std::function<result<std::uint64_t>()> source) {
    logins_ = std::move(source);
    return *this;
  }
  /// Let servers dial us there; the port is open only while one that may is linked.
  client_options& door(net::tcp::endpoint at) {
    door_ = std::move(at);
    return *this;
  }
  /// What servers are told, where it differs from the door: a router's address and forwarded port.
  client_options& advertise(net::tcp::endpoint at) {
    advertised_ = std::move(at);
    return *this;
  }
  /// Where our own windows are bound; by default the address that the link to central has.
  client_options& window_address(net::address at) {
    window_address_ = std::move(at);
    return *this;
  }
  /// The local address of all that it dials; by default the one that the routes give.
  client_options& from(net::address source) {
    from_ = std::move(source);
    return *this;
  }
  client_options& on_step(step_sink sink) {
    steps_ = std::move(sink);
    return *this;
  }

 private:
  friend class client;
  std::vector<trust::grant_file> grants_;
  std::function<result<std::uint64_t>()> logins_;
  std::optional<net::tcp::endpoint> door_;
  std::optional<net::tcp::endpoint> advertised_;
  std::optional<net::address> window_address_;
  std::optional<net::address> from_;
  step_sink steps_;

  net::dial_options dialling() const {
    net::dial_options made;
    if (from_) made.from(*from_);
    return made;
  }
};

/// Which path to take.
enum class by { automatic, outbound, window, window_reverse };

/// How one connection is made.
class connect_options {
 public:
  connect_options() = default;

  connect_options& over(by way) {
    way_ = way;
    return *this;
  }
  /// Absolute, monotonic: for all of it. By default ten seconds, for a server that polls its interval in addition.
  connect_options& until(time_point at) {
    until_ = at;
    return *this;
  }
  /// Our address is another than central sees: for grants that permit it.
  connect_options& roam(bool on = true) {
    roam_ = on;
    return *this;
  }

  by way() const noexcept { return way_; }
  bool roams() const noexcept { return roam_; }
  const std::optional<time_point>& deadline() const noexcept { return until_; }

 private:
  by way_ = by::automatic;
  bool roam_ = false;
  std::optional<time_point> until_;
};

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
    return reach(state_, std::move(server), std::move(how));
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

 private:
  using answers = std::deque<result<trust::signed_answer>>;

  struct state;

  // One central, and what it said.
  struct central_side final : signalling::uplink_events {
    central_side(state& whose, identity::url central, signalling::uplink_options terms)
        : owner(whose), up(whose.self, std::move(central), std::move(terms), *this) {}

    void linked(const signalling::welcome& greeting) override { owner.linked(*this, greeting); }
    result<> received(const signalling::message& what) override { return owner.received(*this, what); }
    void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) override {
      owner.lost(*this, why, again_in.has_value());
    }

    state& owner;
    signalling::uplink up;
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
        : self(std::move(own)), how(std::move(options)), changed(executor), tasks(executor) {}

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
      for (auto& [url, side] : centrals) side->up.close();
      if (step) step->close();
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
      side.present.clear();
      side.door_result.reset();
      side.last_loss = why;
      if (!again) side.final_cause = why;
      for (auto& [id, got] : pending) got->push_back(fail(errc::link_lost));
      report_step(how.steps_, "", again ? "no link to central" : "the link to central ended for good", why.message());
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
        if (const auto at = pending.find(came->id); at != pending.end()) {
          at->second->push_back(trust::signed_answer::open(came->signed_answer));
        }
      } else if (const auto* failed = std::get_if<signalling::failure>(&what)) {
        if (const auto at = pending.find(failed->id); at != pending.end()) at->second->push_back(fail(failed->why));
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
    std::map<trust::request_id, std::shared_ptr<answers>> pending;
    std::map<identity::peer_id, sessions::session> dialled;
    std::optional<outbound::doorstep> step;
    std::optional<std::error_code> door_error;
    std::optional<std::error_code> outbound_error;
    bool stopped = false;
    task_group tasks;
  };

  // ---- one connection

  static constexpr std::chrono::seconds answer_time{3};
  static constexpr std::chrono::milliseconds grace{200};

  struct visit {
    identity::peer_id server;
    trust::signed_grant grant;
    std::shared_ptr<central_side> side;
    connect_options how;
    time_point until;
  };
  using shared_visit = std::shared_ptr<const visit>;

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
        report_step(self->how.steps_, "", "this way failed", why.message());
        const bool again = way == by::window && was_too_slow(why) && (ways.size() == 1 || attempt == 1);
        if (!again) break;
        const auto pause = pauses.next();
        if (clock::now() + pause >= about->until) break;
        auto slept = co_await sleep_until(clock::now() + pause);
        if (!slept) co_return fail(slept.error());
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
    switch (way) {
      case by::outbound:
        return await_dial(std::move(self), std::move(about));
      case by::window_reverse:
        return open_own(std::move(self), std::move(about));
      default:
        return through_window(std::move(self), std::move(about));
    }
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

  // The answers to one request arrive here while it lives.
  class inbox {
   public:
    inbox(std::shared_ptr<state> of, const trust::request_id& id) : of_(std::move(of)), id_(id) {
      of_->pending.emplace(id_, got_);
    }
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;
    ~inbox() { of_->pending.erase(id_); }

    const std::shared_ptr<answers>& got() const { return got_; }

   private:
    std::shared_ptr<state> of_;
    trust::request_id id_;
    std::shared_ptr<answers> got_ = std::make_shared<answers>();
  };

  static result<trust::signed_request> sign_request(state& self, const visit& about, trust::opener who,
                                                    std::vector<net::tcp::endpoint> endpoints) {
    const auto present = about.side->present.find(about.server);
    if (present == about.side->present.end() || present->second.state != signalling::presence_state::online) {
      return fail(errc::server_offline);
    }
    trust::window_request body;
    body.id = crypto::random_octets<16>();
    body.server = about.server;
    body.nonce = present->second.nonce;
    body.grant = about.grant.body().id;
    body.who = who;
    body.roam = about.how.roams();
    body.budget_ms = static_cast<std::uint16_t>(windows::longest_window.count());
    body.endpoints = std::move(endpoints);
    return trust::signed_request::sign(std::move(body), self.self);
  }

  // It is the server's own, to us, and no refusal.
  static result<trust::window_answer> checked(const state& self, const visit& about, const trust::request_id& id,
                                              const result<trust::signed_answer>& came) {
    if (!came) return fail(came.error() == errc::signature_invalid ? errc::answer_forged : came.error());
    const auto& body = came->body();
    if (came->signer() != about.server || body.id != id || body.client != self.self.id()) {
      return fail(errc::answer_forged);
    }
    if (body.code != 0) return fail(errc_from_wire(body.code));
    return body;
  }

  static awaitable<result<trust::window_answer>> next_answer(std::shared_ptr<state> self, shared_visit about,
                                                             std::shared_ptr<answers> got, trust::request_id id,
                                                             time_point until) {
    while (got->empty()) {
      auto change = self->changed.wait();
      auto changed = co_await before(until, errc::exchange_timeout, std::move(change));
      if (!changed) co_return fail(changed.error());
    }
    const auto came = std::move(got->front());
    got->pop_front();
    co_return checked(*self, *about, id, came);
  }

  static awaitable<result<sessions::session>> through_window(std::shared_ptr<state> self, shared_visit about) {
    if (!about->grant.body().permits(trust::method::window)) co_return fail(errc::method_not_granted);
    auto asked = sign_request(*self, *about, trust::opener::server, {});
    if (!asked) co_return fail(asked.error());
    const auto id = asked->body().id;
    const inbox answers_here(self, id);
    report_step(self->how.steps_, "B", "ask central for the server", short_name(about->server));
    auto sent = about->side->up.send(signalling::request{asked->octets()});
    if (!sent) co_return fail(sent.error());
    auto until = std::min(about->until, clock::now() + answer_time);
    std::error_code why = errc::exchange_timeout;
    bool answered = false;
    for (;;) {
      auto waiting = next_answer(self, about, answers_here.got(), id, until);
      auto came = co_await std::move(waiting);
      if (!came) co_return fail(answered && came.error() == errc::exchange_timeout ? why : came.error());
      report_step(self->how.steps_, "F", "central says: connect", "attempt " + std::to_string(came->attempt));
      const auto closes = clock::now() + std::chrono::milliseconds(came->budget_ms);
      // another answer may follow for as long as the server may have a window open
      until = std::min(about->until, closes);
      answered = true;
      auto visiting = visit_port(self, about, *came, id, until);
      auto guest = co_await std::move(visiting);
      if (guest) co_return guest;
      why = guest.error();
      // a stranger may have been there first: then the server opens another port, and says so
      const bool another = why == errc::window_unreachable || why == errc::window_timeout ||
                           (windows::is_stranger(why) && why != errc::wrong_key);
      if (!another || clock::now() >= until) co_return fail(why);
    }
  }

  // WO 2004/034190, just-in-time listening, step G.
  static awaitable<result<sessions::session>> visit_port(std::shared_ptr<state> self, shared_visit about,
                                                         trust::window_answer came, trust::request_id id,
                                                         time_point until) {
    if (came.endpoints.empty()) co_return fail(errc::answer_forged);
    net::endpoint at(came.endpoints.front());
    report_step(self->how.steps_, "G", "connect", net::to_string(at));
    const auto dialling = self->how.dialling();
    auto stream = co_await net::dial(at, until, dialling);
    if (!stream) {
      if (is_canceled(stream.error()) || stream.error() == errc::bind_failed) co_return fail(stream.error());
      // a port that answers is reachable, but closed again by now
      co_return fail(stream.error() == errc::dial_refused ? errc::window_timeout : errc::window_unreachable);
    }
    auto entering = enter(self, about, std::move(*stream), tls::side::client, sessions::path::window, id, until);
    auto guest = co_await std::move(entering);
    co_return guest;
  }

  static awaitable<result<sessions::session>> enter(std::shared_ptr<state> self, shared_visit about,
                                                    net::tcp_stream stream, tls::side which, sessions::path way,
                                                    trust::request_id id, time_point until) {
    auto expected = identity::expect(about->server, tls::alpn::session);
    auto securing = sessions::secure(std::move(stream), which, self->self, std::move(expected), until);
    auto secured = co_await std::move(securing);
    if (!secured) co_return fail(secured.error());
    const auto grant = about->grant.body().id;
    auto entering = sessions::enter(std::move(*secured), self->self, way, id, grant, until);
    auto guest = co_await std::move(entering);
    co_return guest;
  }

  // The variation: we open the port and the server connects. Each listener has a request of its own.
  static awaitable<result<sessions::session>> open_own(std::shared_ptr<state> self, shared_visit about) {
    if (!about->grant.body().permits(trust::method::window)) co_return fail(errc::method_not_granted);
    const auto local = self->how.window_address_ ? self->how.window_address_ : about->side->up.local_address();
    const auto present = about->side->present.find(about->server);
    if (!local || present == about->side->present.end()) co_return fail(errc::link_lost);
    windows::plan plan{net::tcp::endpoint(*local, 0), windows::expected_source::of(present->second.seen.address())};
    const auto until = std::min(about->until, clock::now() + windows::default_window);
    const auto current = std::make_shared<own_window>();
    windows::announcement announce = [self, about, current](std::uint8_t, const net::tcp::endpoint& at) {
      return announce_own(self, about, current, at);
    };
    auto admission = [self, about, current, until](net::tcp_stream stream) {
      return enter(self, about, std::move(stream), tls::side::server, sessions::path::window_reverse, current->id,
                   until);
    };
    auto opening = windows::open_window<sessions::session>(std::move(plan), until, std::move(announce), admission);
    task_group work(self->changed.get_executor());
    work.spawn(keep_outcome(self, current, std::move(opening)));
    std::error_code refusal;
    while (!current->came && !refusal) {
      auto change = self->changed.wait();
      auto changed = co_await before(until + grace, errc::window_timeout, std::move(change));
      refusal = changed ? refusal_of(*self, *about, *current) : changed.error();
    }
    work.cancel();
    co_await work.join();
    if (refusal && !(current->came && current->came->guest)) co_return fail(refusal);
    auto& came = *current->came;
    report_step(
        self->how.steps_, "", "our window is closed",
        std::to_string(came.cost.exposure.count()) + " ns, " + std::to_string(came.cost.strangers) + " strangers");
    if (came.guest) came.guest->set_window(came.cost);
    co_return std::move(came.guest);
  }

  // What our listeners have in common.
  struct own_window {
    trust::request_id id{};
    std::optional<inbox> answers_here;
    std::optional<windows::outcome<sessions::session>> came;
  };

  static awaitable<void> keep_outcome(std::shared_ptr<state> self, std::shared_ptr<own_window> current,
                                      awaitable<windows::outcome<sessions::session>> opening) {
    auto came = co_await std::move(opening);
    current->came.emplace(std::move(came));
    self->changed.notify();
  }

  // A server that will not come says so at once, and the window need not stay open.
  static std::error_code refusal_of(const state& self, const visit& about, const own_window& current) {
    if (!current.answers_here) return {};
    const auto& got = current.answers_here->got();
    while (!got->empty()) {
      const auto came = checked(self, about, current.id, got->front());
      got->pop_front();
      if (!came) return came.error();
    }
    return {};
  }

  static result<std::function<void()>> announce_own(const std::shared_ptr<state>& self, const shared_visit& about,
                                                    const std::shared_ptr<own_window>& current,
                                                    const net::tcp::endpoint& at) {
    const net::tcp::endpoint outside(net::unmapped(about->side->seen.address()), at.port());
    auto asked = sign_request(*self, *about, trust::opener::client, {outside});
    if (!asked) return fail(asked.error());
    current->id = asked->body().id;
    current->answers_here.emplace(self, current->id);
    const auto octets = asked->octets();
    return std::function<void()>([self, about, octets, at] {
      (void)about->side->up.send(signalling::request{octets});
      report_step(self->how.steps_, "D", "opened a port of our own", net::to_string(at));
      report_step(self->how.steps_, "B", "ask central for the server", short_name(about->server));
    });
  }

  std::shared_ptr<state> state_;
};

}  // namespace ajar
