// SPDX-License-Identifier: BSL-1.0
// ajar/central/shard.hpp - one thread of central with its links.
#pragma once

#include <ajar/central/greeting.hpp>
#include <ajar/central/intake.hpp>
#include <ajar/central/reflect_port.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/net/network.hpp>
#include <ajar/switchboard/directory.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ajar::detail {

// The links of one executor. What concerns others goes through the router, as messages.
struct central_shard final : switchboard::shard_port, central_desk {
  central_shard(const asio::any_io_executor& executor, std::uint32_t which, std::shared_ptr<central_node> all)
      : central_desk(executor, which, std::move(all)),
        known(shared->how.heartbeat_),
        strangers(shared->how.limits_),
        sooner(executor) {}

  asio::any_io_executor executor() const override { return on; }

  result<std::shared_ptr<net::port>> open(const net::tcp::endpoint& at) const {
    net::listen_options listening;
    listening.both_families = true;
    if (shared->routes.size() > 1) listening.shared = number == 0 ? net::sharing::begin : net::sharing::join;
    return network()->listen(on, at, listening);
  }

  void start() {
    if (tasks.cancelled()) return;
    accept_at(port, true);
    if (second_port) accept_at(second_port, false);
    spawn(watch_time());
  }

  void accept_at(const std::shared_ptr<net::port>& at, bool links) {
    spawn(net::accept_each(
        at, [this, links](net::transport one) { receive(std::move(one), links); },
        [this](const std::error_code& why) { not_accepted(why); }));
  }

  void not_accepted(const std::error_code& why) {
    counted.not_accepted.add(why);
    telling::report_trouble(telling::caused_by("strangers", steps), "a connection waits to be accepted", explain(why));
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
    if (std::holds_alternative<signalling::roster_update>(what.what)) spawn(tell_of_room(found->second));
    if (const auto* graded = std::get_if<signalling::grant_result>(&what.what)) grants.judged(peer, *graded);
  }

  // More of its roster is told when this has left; others of the thread have their turn in between.
  awaitable<void> tell_of_room(link_ptr one) {
    auto passed = co_await yield(patience::keeps_core);
    if (!passed) co_return;
    auto draining = one->link.drained();
    auto drained = co_await std::move(draining);
    if (drained) shared->routes.send(switchboard::event::drained{one->ref, one->id});
  }

  // ---- the operator's list

  // @param word  of central_node::words: of two lists the later one is served, whichever comes first
  void admit(switchboard::admission list, std::uint64_t word) {
    if (word < last_list) return;
    last_list = word;
    served = std::move(list);
    for (const auto& [number, one] : links) grants.look_again(*one);
    telling::report_step(steps, "", "took another admission list",
                         served.is_open() ? "open" : std::to_string(served.size()));
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

  // ---- links

  // @param links  may it be a link, or at the port for reflecting alone only a probe?
  void receive(net::transport stream, bool links) {
    const auto from = stream.remote_endpoint();
    if (!from) return;  // gone again
    const auto placed = strangers.come(from->address(), clock::now());
    if (!placed || placed->evicted) ++counted.dropped;
    if (!placed) return;
    if (placed->evicted) tasks.stop(name_of(*placed->evicted));
    spawn(tell_apart(std::move(stream), *from, links, placed->own), name_of(placed->own));
  }

  static bytes name_of(net::half_open::ticket one) {
    bytes octets;
    wire::writer(octets).number(one);
    return octets;
  }

  void limit(const switchboard::accept_limits& limits, std::uint64_t word) {
    if (word < last_limits) return;
    last_limits = word;
    strangers.limit(limits);
  }

  // A link begins with a TLS record, which no probe does.
  awaitable<void> tell_apart(net::transport stream, net::tcp::endpoint from, bool links, net::half_open::ticket own) {
    constexpr std::chrono::seconds for_first_octet{3};
    central_strangers::stranger budgeted(strangers, from.address(), own);
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
      const bool flooded = one_->link.ended() == make_error_code(errc::too_many_requests);
      of_.shared->routes.send(switchboard::event::detached{one_->ref, one_->id, one_->who, flooded});
    }

   private:
    central_shard& of_;
    link_ptr one_;
  };

  awaitable<void> serve(net::transport stream, net::tcp::endpoint from, central_strangers::stranger& budgeted,
                        time_point until) {
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
    auto meeting = greeting.meet(one, budgeted, until);
    auto greeted = co_await std::move(meeting);
    if (!greeted) {
      counted.turned_away.add(greeted.error());
      trouble(from, "refused a peer", short_name(one->id) + ": " + greeted.error().message());
      if (greeted.error().category() == category()) one->link.close(static_cast<errc>(greeted.error().value()));
      co_await one->link.part();
      co_return;
    }
    budgeted.linked();
    if (one->who == signalling::role::redeemer) {
      one->link.close(errc::canceled);
      co_await one->link.part();
      co_return;
    }
    ++counted.links;
    step_done(one->id, "A", one->who == signalling::role::server ? "a server is linked" : "a client is linked",
              short_name(one->id) + " from " + net::to_string(from));
    net::set_user_timeout(one->link.stream().lowest_layer(), shared->how.heartbeat_ * 5 / 2);
    auto handler = [this, one](const signalling::message& what) { return intake.received(one, what); };
    auto why = co_await one->link.run(shared->how.heartbeat_, handler);
    counted.links_ended.add(why);
    step_done(one->id, "", "a link ended", short_name(one->id) + ": " + why.message());
  }

  switchboard::directory known;
  central_strangers strangers;
  central_grants grants{*this};
  central_doors doors{*this};
  central_greeting greeting{*this, grants};
  central_intake intake{*this, grants, doors};
  std::shared_ptr<net::port> port;
  std::shared_ptr<net::port> second_port;  // for reflecting alone, where there is one
  std::map<std::uint64_t, link_ptr> links;
  std::uint64_t last_link = 0;
  std::uint64_t last_list = 0;    // central_node::words
  std::uint64_t last_limits = 0;  // the same
  notifier sooner;
};

}  // namespace ajar::detail
