// SPDX-License-Identifier: BSL-1.0
// ajar/central/shard.hpp - one thread of central with its links.
#pragma once

#include <ajar/central/door_probe.hpp>
#include <ajar/central/options.hpp>
#include <ajar/central/peer_link.hpp>
#include <ajar/central/reflect_port.hpp>
#include <ajar/central/status.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/half_open.hpp>
#include <ajar/net/network.hpp>
#include <ajar/telling/line_limit.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ajar::detail {

// What all shards know.
struct central_node {
  central_node(identity::key own, central_options options) : key(std::move(own)), how(std::move(options)) {}
  identity::key key;
  central_options how;
  switchboard::router routes;
  time_point made = clock::now();
};

// The links of one executor. What concerns others goes through the router, as messages.
struct central_shard final : switchboard::shard_port, std::enable_shared_from_this<central_shard> {
  central_shard(const asio::any_io_executor& executor, std::uint32_t which, std::shared_ptr<central_node> all)
      : on(executor),
        number(which),
        shared(std::move(all)),
        steps(telling::limit_lines(shared->how.steps_)),
        served(shared->how.served_),
        known(shared->how.heartbeat_),
        budget(shared->how.limits_),
        strangers(shared->how.limits_.half_open, shared->how.limits_.half_open_per_address),
        sooner(executor),
        tasks(executor, [this](const std::exception_ptr& what) {
          ++counted.exceptions;
          telling::report_thrown(shared->how.steps_, what);
        }) {}

  asio::any_io_executor executor() const override { return on; }

  result<std::shared_ptr<net::port>> open(const net::tcp::endpoint& at) const {
    net::listen_options listening;
    listening.both_families = true;
    if (shared->routes.size() > 1) listening.shared = number == 0 ? net::sharing::begin : net::sharing::join;
    return shared->how.network_->listen(on, at, listening);
  }

  void start() {
    if (tasks.cancelled()) return;
    const auto self = shared_from_this();  // a coroutine may outlive whoever held its shard
    accept_at(port, true);
    if (second_port) accept_at(second_port, false);
    tasks.spawn(self, watch_time());
    tasks.spawn(self, renew_nonces());
  }

  void accept_at(const std::shared_ptr<net::port>& at, bool links) {
    tasks.spawn(shared_from_this(), net::accept_each(
                                        at, [this, links](net::transport one) { receive(std::move(one), links); },
                                        [this](const std::error_code& why) { not_accepted(why); }));
  }

  // What a peer causes, or somebody at an address who is none yet.
  void trouble(const net::tcp::endpoint& from, std::string_view what, std::string detail) const {
    telling::report_trouble(telling::caused_by(from.address().to_string(), steps), what, std::move(detail));
  }
  void not_accepted(const std::error_code& why) {
    counted.not_accepted.add(why);
    telling::report_trouble(telling::caused_by("strangers", steps), "a connection waits to be accepted", explain(why));
  }
  void step_done(const identity::peer_id& by, std::string_view letter, std::string_view what,
                 std::string detail = {}) const {
    telling::report_step(telling::caused_by(short_name(by), steps), letter, what, std::move(detail));
  }

  // What it knows of itself now.
  awaitable<central_status> count() {
    auto made = counted;
    made.half_open = strangers.size();
    made.rendezvous.add(known.account());
    made.exposed_today = exposed.today(std::chrono::system_clock::now());
    made.exposed = exposed.total();
    for (const auto& [number, peer] : links) {
      if (peer->attached) ++(peer->who == signalling::role::server ? made.servers : made.clients);
    }
    co_return made;
  }

  // Close the ports and every link, and wait for nothing.
  void abandon() {
    for (const auto& one : {port, second_port}) {
      if (one) one->close();
    }
    const auto all = links;
    for (const auto& [number, peer] : all) peer->link.close(errc::link_lost);
    tasks.cancel();
  }

  // The same, and wait for all of it.
  awaitable<void> stop() {
    abandon();
    co_await tasks.join();
  }

  // ---- between shards

  void handle(const switchboard::any_event& what) override {
    const auto before = known.next();
    carry(known.handle(what, clock::now(), wall_now()));
    if (known.next() < before) sooner.notify();
  }

  void carry(std::vector<switchboard::delivery> all) {
    for (auto& one : all) shared->routes.deliver(std::move(one));
  }

  void deliver(const switchboard::delivery& what) override {
    const auto found = links.find(what.to.number);
    if (found == links.end()) return;
    auto& peer = *found->second;
    if (const auto* seen = std::get_if<signalling::reflected>(&what.what)) {
      if (!crypto::equal(seen->ticket, peer.ticket)) return;
      peer.remember(seen->seen);
    }
    if (const auto* said = std::get_if<signalling::redeemed>(&what.what)) {
      if (peer.who != signalling::role::redeemer || peer.redeemed || !crypto::equal(said->ticket, peer.ticket)) return;
      peer.redeemed = true;
      peer.verdict.notify();
    }
    if (const auto* last = std::get_if<signalling::goodbye>(&what.what)) {
      step_done(peer.id, "", "ended a link", short_name(peer.id) + ": " + make_error_code(last->why).message());
      peer.link.close(last->why);
      peer.verdict.notify();
      return;
    }
    if (std::holds_alternative<signalling::welcome>(what.what)) {
      peer.attached = true;
      peer.verdict.notify();
    }
    if (std::holds_alternative<signalling::command>(what.what)) step_done(peer.id, "C", "command the server");
    if (std::holds_alternative<signalling::answer>(what.what)) step_done(peer.id, "F", "tell the client to connect");
    (void)peer.link.send(what.what);
    if (std::holds_alternative<signalling::roster_update>(what.what)) {
      tasks.spawn(shared_from_this(), tell_of_room(found->second));
    }
    if (const auto* graded = std::get_if<signalling::grant_result>(&what.what)) take_verdict(peer, *graded);
  }

  // More of its roster is told when this has left; others of the thread have their turn in between.
  awaitable<void> tell_of_room(link_ptr one) {
    auto passed = co_await yield(patience::keeps_core);
    if (!passed) co_return;
    auto draining = one->link.drained();
    auto drained = co_await std::move(draining);
    if (drained) shared->routes.send(switchboard::event::drained{one->ref, one->id});
  }

  // What became of a grant, when it was presented or later. Without any a client has no business here.
  void take_verdict(peer_link& peer, const signalling::grant_result& what) {
    const auto held = peer.grants.find(what.grant);
    if (held == peer.grants.end() || peer.link.ended()) return;
    peer.verdict.notify();
    if (what.code == 0) {
      held->second.good = true;
      return;
    }
    const bool presented_now = !held->second.good;
    peer.grants.erase(held);
    const auto why = errc_from_wire(what.code);
    peer.refused_for(why);
    if (presented_now && !peer.may_present_more()) return cut_off(peer, errc::too_many_requests);
    if (peer.admitted && peer.grants.empty()) cut_off(peer, why);
  }

  // ---- the operator's list

  void admit(switchboard::admission list) {
    served = std::move(list);
    for (const auto& [number, one] : links) {
      if (one->who == signalling::role::server) {
        if (!served.admits(one->id)) cut_off(*one, errc::not_admitted);
        continue;
      }
      const std::set<identity::peer_id> concerned = one->servers();
      for (const auto& server : concerned) {
        if (served.admits(server)) continue;
        shared->routes.send(switchboard::event::client_left{one->ref, server, one->id});
        for (const auto& [grant, held] : one->grants) {
          if (held.server != server) continue;
          (void)one->link.send(signalling::grant_result{grant, static_cast<std::uint16_t>(errc::not_admitted)});
        }
      }
      const auto lost =
          std::erase_if(one->grants, [&](const auto& held) { return !served.admits(held.second.server); });
      if (lost > 0 && one->grants.empty()) cut_off(*one, errc::not_admitted);
    }
    telling::report_step(steps, "", "took another admission list",
                         served.is_open() ? "open" : std::to_string(served.size()));
  }

  void cut_off(peer_link& one, errc why) {
    step_done(one.id, "", "cut off a peer", short_name(one.id) + ": " + make_error_code(why).message());
    one.link.close(why);
    one.verdict.notify();
  }

  // ---- time

  awaitable<void> watch_time() {
    for (;;) {
      auto change = sooner.wait();
      auto changed = co_await before(known.next(), errc::would_block, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return;
      carry(known.expire(clock::now(), wall_now()));
    }
  }

  awaitable<void> renew_nonces() {
    const auto every = shared->how.renew_every_;
    for (;;) {
      auto slept = co_await sleep_until(clock::now() + every / 8);
      if (!slept) co_return;
      const auto now = clock::now();
      for (const auto& [number, one] : links) {
        if (one->who != signalling::role::server || !one->attached || now < one->next_nonce) continue;
        one->next_nonce = now + every;
        shared->routes.send(switchboard::event::renewed{one->ref, one->id, crypto::random_octets<32>()});
      }
    }
  }

  // ---- links

  // @param links  may it be a link, or at the port for reflecting alone only a probe?
  void receive(net::transport stream, bool links) {
    const auto from = stream.remote_endpoint();
    if (!from) return;  // gone again
    if (!budget.permits(from->address(), clock::now())) {
      ++counted.dropped;
      return;
    }
    const auto placed = strangers.begin(from->address());
    if (placed.evicted) {
      ++counted.dropped;
      tasks.stop(name_of(*placed.evicted));
    }
    tasks.spawn(shared_from_this(), tell_apart(std::move(stream), *from, links, placed.own), name_of(placed.own));
  }

  static bytes name_of(net::half_open::ticket one) {
    bytes octets;
    wire::writer(octets).number(one);
    return octets;
  }

  void limit(const switchboard::accept_limits& limits) {
    budget.limit(limits);
    strangers.limit(limits.half_open, limits.half_open_per_address);
  }

  // A link begins with a TLS record, which no probe does.
  awaitable<void> tell_apart(net::transport stream, net::tcp::endpoint from, bool links, net::half_open::ticket own) {
    constexpr std::chrono::seconds for_first_octet{3};
    stranger budgeted(*this, from.address(), own);
    const auto until = clock::now() + shared->how.greet_within_;
    auto waiting = first_octet(stream);
    const auto speaks_by = std::min<time_point>(until, clock::now() + for_first_octet);
    auto first = co_await before(speaks_by, errc::handshake_timeout, std::move(waiting));
    if (first && *first == signalling::reflect_probe::first) {
      auto reflecting = reflect(std::move(stream), from, until);
      co_await std::move(reflecting);
      budgeted.reflected();
    } else if (links && first) {
      auto serving = serve(std::move(stream), from, budgeted, until);
      co_await std::move(serving);
    } else {
      counted.turned_away.add(first ? make_error_code(errc::not_tls) : first.error());
    }
  }

  // Whoever holds a link's ticket is told over that link from where it came.
  awaitable<void> reflect(net::transport stream, net::tcp::endpoint from, time_point until) {
    auto reading = read_probe(stream);
    auto probe = co_await before(until, errc::handshake_timeout, std::move(reading));
    if (!probe) co_return;
    const auto to = peer_link::named_by(probe->ticket);
    if (to.shard >= shared->routes.size()) co_return;
    ++counted.reflected;
    const net::tcp::endpoint seen(net::unmapped(from.address()), from.port());
    shared->routes.deliver({to, signalling::reflected{probe->ticket, probe->number, seen}});
    auto ending = await_end(stream);
    auto ended = co_await before(clock::now() + std::chrono::seconds(2), errc::handshake_timeout, std::move(ending));
    (void)ended;
  }

  // Gives the address back what it used of the budget, however the connection ends.
  class stranger {
   public:
    stranger(central_shard& of, net::address from, net::half_open::ticket own)
        : of_(of), from_(std::move(from)), own_(own) {}
    stranger(const stranger&) = delete;
    stranger& operator=(const stranger&) = delete;
    ~stranger() {
      of_.strangers.end(own_);
      if (counted_) of_.budget.unlinked();
      if (!blameless_) of_.budget.refused(from_, 1 + (peer_ ? peer_->bad_grants : 0));
    }
    // Decided, and counted, in one step: of many who come at once no more get in than there is room for.
    result<> take_room() {
      counted_ = of_.budget.link();
      if (counted_) return {};
      blameless_ = true;
      return fail(errc::central_busy);
    }
    void linked() {
      blameless_ = true;
      of_.strangers.end(own_);
      of_.strangers.good(from_);
    }
    void reflected() { blameless_ = true; }
    // Each grant that is refused it counts, if it gets no link.
    void is(link_ptr peer) { peer_ = std::move(peer); }

   private:
    central_shard& of_;
    link_ptr peer_;
    net::address from_;
    net::half_open::ticket own_;
    bool counted_ = false;    // as a link
    bool blameless_ = false;  // that it was none is not its fault
  };

  // Takes the link out of the directory, however it ends.
  class registered {
   public:
    registered(central_shard& of, link_ptr one) : of_(of), one_(std::move(one)) {
      of_.links.emplace(one_->ref.number, one_);
    }
    registered(const registered&) = delete;
    registered& operator=(const registered&) = delete;
    ~registered() {
      of_.links.erase(one_->ref.number);
      if (!one_->attached || of_.tasks.context_ended()) return;
      const std::set<identity::peer_id> concerned = one_->servers();
      for (const auto& server : concerned) {
        of_.shared->routes.send(switchboard::event::client_left{one_->ref, server, one_->id});
      }
      of_.shared->routes.send(switchboard::event::detached{one_->ref, one_->id, one_->who});
    }

   private:
    central_shard& of_;
    link_ptr one_;
  };

  awaitable<void> serve(net::transport stream, net::tcp::endpoint from, stranger& budgeted, time_point until) {
    auto securing = tls::secure(std::move(stream), shared->key.tls(), tls::side::server,
                                tls::expectation::any_key(tls::alpn::link), until);
    auto secured = co_await std::move(securing);
    if (!secured) {
      counted.turned_away.add(secured.error());
      trouble(from, "refused a connection", net::to_string(from) + ": " + secured.error().message());
      co_return;
    }
    const switchboard::link_ref ref{number, ++last_link};
    const auto one = std::make_shared<peer_link>(signalling::link(std::move(*secured)), ref,
                                                 net::tcp::endpoint(net::unmapped(from.address()), from.port()));
    // many times what an honest peer sends: a client that asks for windows all day comes to 600 a second
    one->link.limit(rate_limit(std::chrono::microseconds(1'000), 4'000));
    const registered here(*this, one);
    budgeted.is(one);
    auto greeting = greet(one, budgeted, until);
    auto greeted = co_await std::move(greeting);
    if (greeted && one->who == signalling::role::redeemer) {
      auto passing = pass_on_invite(one, until);
      greeted = co_await std::move(passing);
      if (greeted) {
        budgeted.linked();
        one->link.close(errc::canceled);
        co_await one->link.part();
        co_return;
      }
    }
    if (greeted && one->who == signalling::role::client) {
      auto admitting = admit_client(one, until);
      greeted = co_await std::move(admitting);
    }
    if (!greeted) {
      counted.turned_away.add(greeted.error());
      trouble(from, "refused a peer", short_name(one->id) + ": " + greeted.error().message());
      if (greeted.error().category() == category()) one->link.close(static_cast<errc>(greeted.error().value()));
      co_await one->link.part();
      co_return;
    }
    budgeted.linked();
    ++counted.links;
    step_done(one->id, "A", one->who == signalling::role::server ? "a server is linked" : "a client is linked",
              short_name(one->id) + " from " + net::to_string(from));
    net::set_user_timeout(one->link.stream().lowest_layer(), shared->how.heartbeat_ * 5 / 2);
    auto handler = [this, one](const signalling::message& what) { return received(one, what); };
    auto why = co_await one->link.run(shared->how.heartbeat_, handler);
    counted.links_ended.add(why);
    step_done(one->id, "", "a link ended", short_name(one->id) + ": " + why.message());
  }

  // From the hello to the welcome.
  awaitable<result<>> greet(link_ptr one, stranger& budgeted, time_point until) {
    auto got = co_await one->link.receive(until);
    if (!got) co_return fail(got.error());
    const auto* first = std::get_if<signalling::hello>(&*got);
    if (!first) co_return fail(errc::unexpected_message);
    if (first->version != signalling::protocol_version) co_return fail(errc::unknown_version);
    one->who = first->who;
    const auto room = budgeted.take_room();
    if (!room) co_return room;
    if (one->who == signalling::role::redeemer) co_return result<>{};  // the directory knows nothing of it
    if (one->who == signalling::role::server && !served.admits(one->id)) {
      co_return fail(errc::not_admitted);
    }
    if (one->who == signalling::role::server) one->link.limit(rate_limit(std::chrono::microseconds(100), 40'000));
    one->next_nonce = clock::now() + shared->how.renew_every_;
    shared->routes.send(switchboard::event::attached{one->ref, one->id, one->who, first->login, first->methods,
                                                     crypto::random_octets<32>(), one->seen,
                                                     shared->how.reflect_port_.value_or(0), one->ticket});
    while (!one->attached && !one->link.ended()) {
      auto verdict = one->verdict.wait();
      auto decided = co_await before(until, errc::handshake_timeout, std::move(verdict));
      if (!decided) co_return fail(decided.error());
    }
    if (one->link.ended()) co_return fail(*one->link.ended());
    co_return result<>{};
  }

  // A client is served for a grant of an admitted server that counts there; until one is, nothing else is taken.
  awaitable<result<>> admit_client(link_ptr one, time_point until) {
    while (!one->has_good_grant()) {
      auto got = co_await one->link.receive(until);
      if (!got) co_return fail(got.error() == errc::link_timeout ? one->why_not_admitted() : got.error());
      if (const auto* last = std::get_if<signalling::goodbye>(&*got)) co_return fail(last->why);
      const auto* presented = std::get_if<signalling::present_grant>(&*got);
      if (!presented) co_return fail(errc::not_admitted);
      auto taken = take_grant(one, *presented);
      if (!taken) co_return taken;
      while (one->awaits_verdict() && !one->link.ended()) {
        auto verdict = one->verdict.wait();
        auto decided = co_await before(until, errc::handshake_timeout, std::move(verdict));
        if (!decided) co_return fail(decided.error());
      }
      if (one->link.ended()) co_return fail(*one->link.ended());
    }
    one->admitted = true;
    co_return result<>{};
  }

  // What somebody with an invite says goes to the server that announced it, and what the server says comes back; that
  // is all that such a link is for.
  awaitable<result<>> pass_on_invite(link_ptr one, time_point until) {
    auto got = co_await one->link.receive(until);
    if (!got) co_return fail(got.error());
    const auto* asked = std::get_if<signalling::redeem>(&*got);
    if (!asked) co_return fail(errc::unexpected_message);
    if (!served.admits(asked->server)) co_return fail(errc::not_admitted);
    step_done(asked->server, "", "somebody redeems an invite",
              short_name(one->id) + " of " + short_name(asked->server));
    shared->routes.send(
        switchboard::event::redeeming{one->ref, asked->server, asked->invite, one->ticket, asked->sealed});
    while (!one->redeemed && !one->link.ended()) {
      auto verdict = one->verdict.wait();
      auto answered = co_await before(until, errc::exchange_timeout, std::move(verdict));
      if (!answered) co_return fail(answered.error());
    }
    if (!one->redeemed) co_return fail(*one->link.ended());
    co_return result<>{};
  }

  // ---- messages of a peer

  result<> received(const link_ptr& one, const signalling::message& what) {
    if (const auto* m = std::get_if<signalling::exposure_report>(&what)) {
      exposed.add(std::chrono::system_clock::now(), {0, m->listeners, m->strangers, m->open});
      return {};
    }
    if (const auto* m = std::get_if<signalling::dial_back>(&what)) return take_dial_back(one, *m);
    if (one->who == signalling::role::client) {
      if (const auto* m = std::get_if<signalling::present_grant>(&what)) return take_grant(one, *m);
      if (const auto* m = std::get_if<signalling::door>(&what)) return take_door(one, *m);
      if (const auto* m = std::get_if<signalling::request>(&what)) return take_request(one, *m);
    } else {
      if (const auto* m = std::get_if<signalling::answer>(&what)) {
        step_done(one->id, "E", "the server answered");
        shared->routes.send(switchboard::event::answered{one->ref, one->id, *m});
        return {};
      }
      if (const auto* m = std::get_if<signalling::trace>(&what)) {
        shared->routes.send(switchboard::event::traced{one->ref, one->id, m->id, m->signed_trace});
        return {};
      }
      if (const auto* m = std::get_if<signalling::announce_invites>(&what)) {
        shared->routes.send(switchboard::event::invites_announced{one->ref, one->id, m->ids});
        return {};
      }
      if (const auto* m = std::get_if<signalling::redeemed>(&what)) {
        const auto to = peer_link::named_by(m->ticket);
        if (to.shard < shared->routes.size()) shared->routes.deliver({to, *m});
        return {};
      }
      if (const auto* m = std::get_if<signalling::roster_request>(&what)) {
        step_done(one->id, "B", "a server asks for its roster", short_name(one->id));
        const auto back_in = std::min<std::chrono::milliseconds>(m->interval, signalling::longest_interval);
        shared->routes.send(switchboard::event::roster_asked{one->ref, one->id, m->since, back_in});
        return {};
      }
      if (const auto* m = std::get_if<signalling::present_revocations>(&what)) return take_revocations(one, *m);
    }
    return fail(errc::unexpected_message);
  }

  result<> take_grant(const link_ptr& one, const signalling::present_grant& what) {
    constexpr std::size_t most_grants = 64;
    const auto said = trust::signed_grant::read(what.grant);
    if (!said) return fail(said.error());
    const auto& body = said->body;
    const auto server = said->signer();
    const auto refuse = [&](errc why) -> result<> {
      counted.rendezvous.refused.add(why);
      one->refused_for(why);
      if (!one->may_present_more()) return fail(errc::too_many_requests);
      return one->link.send(signalling::grant_result{body.id, static_cast<std::uint16_t>(why)});
    };
    if (body.client != one->id) return refuse(errc::grant_of_another);
    if (!served.admits(server)) return refuse(errc::not_admitted);
    if (wall_now() >= body.not_after) return refuse(errc::grant_expired);
    if (one->grants.size() >= most_grants) return refuse(errc::limit_reached);
    const auto given = trust::signed_grant::open(what.grant);
    if (!given) return fail(given.error());  // who forges has no link
    const auto held = one->grants.try_emplace(body.id, peer_link::held_grant{server}).first;
    if (held->second.server != server) return refuse(errc::grant_malformed);  // two servers draw no id twice
    shared->routes.send(switchboard::event::granted{one->ref, server, one->id, body.id, body.methods, body.not_after});
    if (!one->record.empty()) {
      shared->routes.send(switchboard::event::door_proved{one->ref, server, one->id, one->record});
    }
    return {};
  }

  result<> take_revocations(const link_ptr& one, const signalling::present_revocations& what) {
    if (!one->lists.take(clock::now())) return fail(errc::too_many_requests);
    auto list = trust::signed_revocations::open(what.list);
    if (!list) return fail(list.error());
    if (list->signer() != one->id) return fail(errc::signature_invalid);
    shared->routes.send(switchboard::event::revoked{one->ref, one->id, list->body(), what.list});
    return {};
  }

  result<> take_request(const link_ptr& one, const signalling::request& what) {
    const auto said = trust::signed_request::read(what.signed_request);
    if (!said) return fail(said.error());
    if (said->signer() != one->id) return fail(errc::request_of_another);
    const auto asked = trust::signed_request::open(what.signed_request);
    if (!asked) return fail(asked.error());
    const auto& body = asked->body();
    step_done(one->id, "B", "a client asks for a server", short_name(one->id) + " for " + short_name(body.server));
    shared->routes.send(switchboard::event::requested{one->ref, body.server, one->id, one->seen_at(), body.id,
                                                      body.grant, std::chrono::milliseconds(body.budget_ms),
                                                      what.signed_request, body.explain});
    return {};
  }

  // ---- filtering: does anybody get through who was not called?

  // Only to an address that the peer itself was seen at, and nothing is said there.
  result<> take_dial_back(const link_ptr& one, const signalling::dial_back& what) {
    if (!shared->how.network_->has_sockets() || !one->is_seen(net::unmapped(what.at.address()))) return {};
    if (!one->dial_backs.take(clock::now())) return {};
    tasks.spawn(shared_from_this(), dial_back(what.at));
    return {};
  }

  awaitable<void> dial_back(net::tcp::endpoint at) {
    constexpr std::chrono::milliseconds probe_time{900};  // the kernel's own second SYN leaves after 1 s
    auto dialling = net::dial_twice(at, clock::now() + probe_time);
    auto stream = co_await std::move(dialling);
    ++(stream ? counted.dialled_back : counted.dial_backs_failed);
  }

  // ---- doors: one dial-back proves that the client is there, and that it wants to be dialled

  result<> take_door(const link_ptr& one, const signalling::door& what) {
    const auto refuse = [&](errc why) -> result<> {
      counted.rendezvous.refused.add(why);
      return one->link.send(signalling::door_result{static_cast<std::uint16_t>(why)});
    };
    const auto said = trust::signed_address::read(what.record);
    if (!said) return fail(said.error());
    if (said->signer() != one->id) return fail(errc::request_of_another);
    const auto at = said->body.at;
    // elsewhere than where it is itself a client may only name what the whole Internet can reach
    const bool own = net::unmapped(at.address()) == one->seen.address();
    if (!own && net::scope_of(at.address()) != net::scope::global) return refuse(errc::address_not_permitted);
    if (one->proving || !one->proofs.take(clock::now())) return refuse(errc::too_many_requests);
    const auto record = trust::signed_address::open(what.record);
    if (!record) return fail(record.error());
    one->proving = true;
    tasks.spawn(shared_from_this(), prove(one, at, what.record));
    return {};
  }

  awaitable<void> prove(link_ptr one, net::tcp::endpoint at, bytes record) {
    auto probing = probe_door(shared->how.network_, shared->key, one->id, at);
    auto proved = co_await std::move(probing);
    one->proving = false;
    ++(proved ? counted.doors_proved : counted.doors_closed);
    step_done(one->id, "B", proved ? "a client's door is proved" : "a client's door is closed",
              short_name(one->id) + " at " + net::to_string(at) + (proved ? "" : ": " + proved.error().message()));
    if (proved) {
      one->record = record;
      const std::set<identity::peer_id> servers = one->servers();
      for (const auto& server : servers) {
        shared->routes.send(switchboard::event::door_proved{one->ref, server, one->id, record});
      }
    }
    const bool busy = !proved && is_shortage(proved.error());  // that says nothing of the door
    const auto why = busy ? errc::central_busy : errc::address_not_proved;
    (void)one->link.send(signalling::door_result{proved ? std::uint16_t{0} : static_cast<std::uint16_t>(why)});
  }

  asio::any_io_executor on;
  std::uint32_t number;
  std::shared_ptr<central_node> shared;
  telling::step_sink steps;
  switchboard::admission served;  // its own copy, so that no lock is needed where it changes
  switchboard::directory known;
  switchboard::accept_budget budget;
  net::half_open strangers;
  std::shared_ptr<net::port> port;
  std::shared_ptr<net::port> second_port;  // for reflecting alone, where there is one
  std::map<std::uint64_t, link_ptr> links;
  std::uint64_t last_link = 0;
  windows::exposure_account exposed;
  central_status counted;  // what only grows; the rest is looked up when somebody asks
  notifier sooner;
  task_group tasks;
};

}  // namespace ajar::detail
