// SPDX-License-Identifier: BSL-1.0
// From an invite to a grant, through a real central, and through one that lies.
#include <ajar/client/join.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/signalling/redeem.hpp>
#include <ajar/state/issued_invites.hpp>
#include <ajar/state/server_invites.hpp>

#include "../temporary_folder.hpp"
#include "village/memory_place.hpp"
#include "village/scripted_central.hpp"

namespace join_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// A server's owner with a state folder; nobody is linked yet.
struct household {
  trust::invite give(const url& central, const std::string& name, bool confirm = false,
                     std::chrono::seconds expires = 1h) {
    state::issued_invite what;
    what.petname = name;
    what.server_name = "home";
    what.terms.methods = village::every_method;
    what.terms.lan = true;
    what.terms.sessions = 4;
    what.terms.windows_a_minute = 100;
    what.terms.windows_a_day = 100;
    what.life = 1h;
    what.confirm = confirm;
    what.not_after = wall_now() + expires;
    return invites.add(std::move(what), central, issued).value();
  }
  void takes_part(server_options& how) {
    how.grants([this](const trust::grant_id& id) { return issued.find(id); });
    how.invites([this] { return invites.ids(); },
                [this](const trust::invite_id& which, bytes_view sealed) {
                  ++redemptions;
                  return invites.redeem(which, sealed, issued);
                });
  }

  temporary_folder at;
  state::folder state = [this] {
    ::chmod(at.path.c_str(), 0700);
    return state::folder::open(at.path).value();
  }();
  identity::key self = identity::key::generate();
  state::issued_grants issued{state, self.id()};
  state::issued_invites invites{state, self};
  int redemptions = 0;
};

// A central, and a server with invites.
struct scene {
  explicit scene(switchboard::admission served = switchboard::admission::open()) : here(std::move(served)) {
    auto how = here.server_options();
    house.takes_part(how);
    home.emplace(here.context.get_executor(), house.self, how);
  }
  trust::invite give(const std::string& name, bool confirm = false, std::chrono::seconds expires = 1h) {
    return house.give(here.central.url(), name, confirm, expires);
  }

  village::place here;
  household house;
  std::optional<server> home;
};

trust::invite copy_of(const trust::invite& from) {
  return {from.central, from.server, secret<16>(from.token.reveal()), from.not_after};
}

// Until central has heard of the invite; why there is no grant, or success.
awaitable<result<trust::redeemed>> join_when_announced(const trust::invite& with, const identity::key& self) {
  const auto until = village::soon();
  for (;;) {
    auto joining = join(self, copy_of(with), until);
    auto got = co_await std::move(joining);
    const bool early = !got && (got.error() == errc::server_offline || got.error() == errc::invite_unknown);
    if (!early || clock::now() >= until) co_return got;
    co_await sleep_until(clock::now() + 2ms);
  }
}

awaitable<std::error_code> refusal(const trust::invite& with, const identity::key& self) {
  auto joining = join(self, copy_of(with), village::soon());
  auto got = co_await std::move(joining);
  if (!got) co_return got.error();
  co_return got->refused;
}

// ---- the whole way

awaitable<void> join_and_connect(scene& all) {
  const auto with = all.give("laptop");
  all.home->start();
  all.home->spawn(village::serve_echo(*all.home));
  const auto key = identity::key::generate();
  auto got = co_await join_when_announced(with, key);
  REQUIRE_MESSAGE(got, got.error().message());
  REQUIRE(got->given);
  auto again = co_await join_when_announced(with, key);
  REQUIRE(again);
  CHECK(again->given->grant.octets() == got->given->grant.octets());
  auto why = co_await refusal(with, identity::key::generate());
  CHECK(why == errc::invite_used);

  client_options how;
  how.grants({*got->given}).logins(village::logins());
  client guest(all.here.context.get_executor(), key, how);
  guest.start();
  auto connecting = guest.connect(all.house.self.id());
  auto session = co_await std::move(connecting);
  REQUIRE_MESSAGE(session, session.error().message());
  auto greeted = co_await village::greet(*session);
  CHECK(greeted);
  co_await guest.stop();
  co_await all.home->stop();
}

awaitable<void> announce_while_linked(scene& all) {
  all.home->start();
  const auto first = all.give("laptop");
  const auto key = identity::key::generate();
  all.home->announce_invites();  // perhaps before the link is up: then it is announced with the link
  auto got = co_await join_when_announced(first, key);
  REQUIRE(got);
  CHECK(got->given);
  const auto second = all.give("desktop", true);
  auto why = co_await refusal(second, key);
  CHECK(why == errc::invite_unknown);
  all.home->announce_invites();
  auto pending = co_await join_when_announced(second, key);
  REQUIRE(pending);
  CHECK(pending->refused == errc::invite_pending);
  REQUIRE(all.house.invites.approve("desktop", all.house.issued));
  why = co_await refusal(second, key);
  CHECK(!why);
  const auto third = all.give("phone");
  all.home->announce_invites();
  REQUIRE(all.house.invites.withdraw("phone"));
  all.home->announce_invites();
  auto gone = co_await join_when_announced(first, key);  // central has heard of both by then
  REQUIRE(gone);
  why = co_await refusal(third, key);
  CHECK(why == errc::invite_unknown);
  co_await all.home->stop();
  why = co_await refusal(first, key);
  CHECK_MESSAGE(why == errc::server_offline, why.message());
}

awaitable<void> race(scene& all, int racers) {
  const auto with = all.give("laptop");
  all.home->start();
  const auto scout = all.give("scout");
  auto ready = co_await join_when_announced(scout, identity::key::generate());
  REQUIRE(ready);
  std::vector<identity::peer_id> winners;
  std::vector<identity::peer_id> told;
  task_group group(all.here.context.get_executor());
  const auto one = [](const trust::invite& what, std::vector<identity::peer_id>& won,
                      std::vector<identity::peer_id>& heard) -> awaitable<void> {
    const auto key = identity::key::generate();
    auto joining = join(key, copy_of(what), clock::now() + 20s);
    auto got = co_await std::move(joining);
    REQUIRE_MESSAGE(got, got.error().message());
    if (got->given) won.push_back(key.id());
    if (got->refused == errc::invite_used) heard.push_back(got->claimant);
  };
  for (int i = 0; i < racers; ++i) group.spawn(one(with, winners, told));
  co_await group.join();
  REQUIRE(winners.size() == 1);
  CHECK(told == std::vector<identity::peer_id>(static_cast<std::size_t>(racers) - 1, winners[0]));
  co_await all.home->stop();
}

// ---- who is refused

awaitable<void> ask_an_unserved_server(scene& all) {
  const auto with = all.give("laptop");
  all.home->start();
  auto why = co_await refusal(with, identity::key::generate());
  CHECK(why == errc::not_admitted);
  CHECK(all.house.redemptions == 0);
  co_await all.home->stop();
}

awaitable<void> know_the_id_alone(scene& all) {
  const auto with = all.give("laptop");
  all.home->start();
  const auto keys = trust::invite_keys::of(with.token, with.server);
  const auto thief = identity::key::generate();
  const auto guessed = trust::invite_keys::of(secret<16>(crypto::random_octets<16>()), with.server);
  const auto asked = trust::signed_redemption::sign({keys.id, with.server, {}}, thief).octets();
  result<bytes> got = fail(errc::server_offline);
  while (!got && (got.error() == errc::server_offline || got.error() == errc::invite_unknown)) {
    signalling::redeem what{with.server, keys.id, trust::seal(asked, guessed.to_server)};
    auto asking = signalling::redeem_through(thief, with.central, std::move(what), village::soon());
    got = co_await std::move(asking);
  }
  CHECK(got.error() == errc::signature_invalid);
  CHECK(!all.house.invites.list().value()[0].claimant);
  co_await all.home->stop();
}

// Links that say something else than a redeemer does, or nothing.
awaitable<void> misbehave(scene& all) {
  all.home->start();
  const signalling::message others[] = {signalling::ping{1}, signalling::present_grant{{1}}, signalling::request{{1}},
                                        signalling::announce_invites{}, signalling::redeemed{}};
  for (const auto& other : others) {
    auto up = co_await village::dial_link(identity::key::generate(), all.here.central.url());
    REQUIRE(up);
    (void)up->send(signalling::hello{signalling::protocol_version, signalling::role::redeemer});
    (void)up->send(other);
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE(why == errc::unexpected_message, why.message());
  }
  for (const auto who : {signalling::role::client, signalling::role::server}) {
    auto up = co_await village::dial_link(identity::key::generate(), all.here.central.url());
    REQUIRE(up);
    (void)up->send(
        signalling::hello{signalling::protocol_version, who, trust::method::outbound | trust::method::window, 1});
    auto greeted = co_await village::await_message<signalling::welcome>(*up);
    REQUIRE(greeted);
    (void)up->send(signalling::redeem{all.house.self.id(), {}, {}});
    auto why = co_await village::await_end(*up);
    CHECK_MESSAGE((why == errc::unexpected_message || why == errc::not_admitted), why.message());
  }
  co_await all.home->stop();
}

void answer_to(village::link& over, const signalling::link_ticket& ticket) {
  (void)over.send(signalling::redeemed{ticket, 0, {1}});
}

// A server that answers for another: only who holds the ticket is heard, and only by a redeemer.
awaitable<void> answer_for_another(scene& all) {
  const auto liar = identity::key::generate();
  auto up = co_await village::dial_link(liar, all.here.central.url());
  REQUIRE(up);
  auto greeted = co_await village::log_in(*up, signalling::role::server);
  REQUIRE(greeted);
  auto victim = co_await village::dial_link(identity::key::generate(), all.here.central.url());
  REQUIRE(victim);
  auto welcomed = co_await village::log_in(*victim, signalling::role::server);
  REQUIRE(welcomed);
  auto guessed = welcomed->ticket;
  guessed.back() = static_cast<std::uint8_t>(guessed.back() ^ 1);
  answer_to(*up, guessed);
  answer_to(*up, welcomed->ticket);  // a link that redeems nothing
  signalling::link_ticket nowhere;
  nowhere.fill(0xff);
  answer_to(*up, nowhere);
  (void)up->send(signalling::ping{5});
  auto still = co_await village::await_message<signalling::pong>(*up);
  CHECK(still);
  (void)victim->send(signalling::ping{6});
  auto next = co_await victim->receive(village::soon());
  REQUIRE(next);
  CHECK(std::holds_alternative<signalling::pong>(*next));
}

// A redeemer that waits for its server hears that server alone: nobody else has the ticket.
awaitable<void> wait_for_the_ticket(scene& all) {
  const auto owner = identity::key::generate();
  auto up = co_await village::dial_link(owner, all.here.central.url());
  REQUIRE(up);
  auto greeted = co_await village::log_in(*up, signalling::role::server);
  REQUIRE(greeted);
  (void)up->send(signalling::announce_invites{{trust::invite_id{1}}});
  auto guest = co_await village::dial_link(identity::key::generate(), all.here.central.url());
  REQUIRE(guest);
  (void)guest->send(signalling::hello{signalling::protocol_version, signalling::role::redeemer});
  (void)guest->send(signalling::redeem{owner.id(), trust::invite_id{1}, {7}});
  auto asked = co_await village::await_message<signalling::redemption>(*up);
  REQUIRE(asked);
  CHECK(asked->sealed == bytes{7});
  auto guessed = asked->ticket;
  guessed.back() = static_cast<std::uint8_t>(guessed.back() ^ 1);
  (void)up->send(signalling::redeemed{guessed, 0, {8}});
  (void)up->send(signalling::redeemed{asked->ticket, 0, {9}});
  auto heard = co_await village::await_message<signalling::redeemed>(*guest);
  REQUIRE(heard);
  CHECK(heard->sealed == bytes{9});
}

// ---- a central that lies

// One connection of a client that joins: its redemption, answered as the test says.
awaitable<void> answer_by(village::scripted_central& central, bytes said, std::uint16_t code) {
  auto up = co_await central.hear();
  REQUIRE(up);
  auto asked = co_await village::await_message<signalling::redeem>(*up);
  REQUIRE(asked);
  (void)up->send(signalling::redeemed{{}, code, std::move(said)});
  auto ended = co_await village::await_end(*up);
  (void)ended;
}

// Passes one redemption on to the server's store, and gives the answer of another one.
awaitable<void> lie(asio::io_context& context) {
  village::scripted_central central(context);
  household house;
  const auto with = house.give(central.url(), "laptop");
  const auto client = identity::key::generate();
  const auto other = identity::key::generate();
  const trust::redeemer earlier(with, client);
  const auto stale = house.invites.redeem(earlier.id(), earlier.octets(), house.issued).value();
  const auto foreign_invite = house.give(central.url(), "other");
  const trust::redeemer foreign(foreign_invite, other);
  const auto foreign_answer = house.invites.redeem(foreign.id(), foreign.octets(), house.issued).value();
  const bytes lies[] = {{}, bytes(100, 7), stale, foreign_answer, earlier.octets()};
  for (const auto& said : lies) {
    task_group group(context.get_executor());
    group.spawn(answer_by(central, said, 0));
    auto why = co_await refusal(with, client);
    CHECK_MESSAGE(why == errc::answer_forged, why.message());
    co_await group.join();
  }
  task_group group(context.get_executor());
  group.spawn(answer_by(central, stale, static_cast<std::uint16_t>(errc::invite_used)));
  auto why = co_await refusal(with, client);
  CHECK_MESSAGE(why == errc::invite_used, why.message());  // a refusal it may invent: it could be silent as well
  co_await group.join();
}

awaitable<void> be_silent(asio::io_context& context) {
  village::scripted_central central(context);
  household house;
  const auto with = house.give(central.url(), "laptop");
  auto joining = join(identity::key::generate(), copy_of(with), clock::now() + 50ms);
  auto got = co_await std::move(joining);
  CHECK(got.error() == errc::handshake_timeout);
}

// ---- central's own invites

// A central that serves nobody who did not come by an invite, on a network in memory.
struct office {
  static switchboard::accept_limits few_refusals() {
    switchboard::accept_limits limits;
    limits.refusals_per_address = 3;
    return limits;
  }
  explicit office(bool invites_servers = true) {
    central_options options({at_central, 7000}, switchboard::admission::of({}));
    options.network(world.host(at_central)).limits(few_refusals()).on_step(village::steps("central"));
    if (invites_servers) {
      options.invites([this](const trust::invite_id& which, bytes_view sealed) {
        return invites.redeem(which, sealed,
                              [this](const state::server_invite& one, bool first) { return admit(one, first); });
      });
    }
    if (invites_servers) {
      options.successions([this](const identity::peer_id& before, const identity::peer_id& successor) -> result<> {
        if (list_is_full) return fail(errc::limit_reached);
        REQUIRE(list.contains(before));
        list.insert(successor);
        node->admit(switchboard::admission::of(list));
        return {};
      });
    }
    node.emplace(std::vector<asio::any_io_executor>{context.get_executor()}, self, options);
    REQUIRE(node->open());
    node->start();
  }
  result<bool> admit(const state::server_invite& one, bool first) {
    if (first) list.insert(*one.claimant);
    node->admit(switchboard::admission::of(list));
    return list.contains(*one.claimant);
  }
  trust::invite give(const std::string& name) {
    return invites.add(name, net::endpoint(net::tcp::endpoint(at_central, 7000)), wall_now() + 1h).value();
  }
  void run(awaitable<void> what) { time.run(context, std::move(what)); }

  testing::manual_clock time;
  asio::io_context context;
  testing::network world{context.get_executor()};
  net::address at_central = asio::ip::make_address("198.51.100.1");
  net::address at_server = asio::ip::make_address("192.0.2.1");
  net::address at_other = asio::ip::make_address("203.0.113.1");
  temporary_folder at;
  state::folder state = [this] {
    ::chmod(at.path.c_str(), 0700);
    return state::folder::open(at.path).value();
  }();
  identity::key self = identity::key::generate();
  state::server_invites invites{state, self};
  std::set<identity::peer_id> list;
  bool list_is_full = false;
  std::optional<central> node;
};

awaitable<std::error_code> redeem_from(office& all, const net::address& from, const trust::invite& with,
                                       const identity::key& key) {
  auto joining = join(key, copy_of(with), clock::now() + 20s, all.world.host(from));
  auto got = co_await std::move(joining);
  if (!got) co_return got.error();
  CHECK(!got->given);
  co_return got->refused;
}

awaitable<bool> gets_linked(office& all, const identity::key& key) {
  server_options how(all.node->url());
  how.logins(village::logins()).network(all.world.host(all.at_server));
  server home(all.context.get_executor(), key, how);
  home.start();
  const auto until = clock::now() + 20s;
  while (!home.linked() && clock::now() < until) co_await sleep_until(clock::now() + 10ms);
  const bool linked = home.linked();
  co_await home.stop();
  co_return linked;
}

awaitable<void> join_as_a_server(office& all) {
  const auto with = all.give("attic");
  const auto key = identity::key::generate();
  bool linked = co_await gets_linked(all, key);
  CHECK(!linked);
  auto why = co_await redeem_from(all, all.at_server, with, key);
  CHECK_MESSAGE(!why, why.message());
  linked = co_await gets_linked(all, key);
  CHECK(linked);
  why = co_await redeem_from(all, all.at_server, with, key);  // once more
  CHECK_MESSAGE(!why, why.message());
  why = co_await redeem_from(all, all.at_other, with, identity::key::generate());
  CHECK(why == errc::invite_used);
  co_await all.node->stop();
}

awaitable<void> race_as_servers(office& all, int racers) {
  const auto with = all.give("attic");
  std::vector<std::error_code> ends;
  task_group group(all.context.get_executor());
  const auto one = [](office& in, const trust::invite& what, std::vector<std::error_code>& into) -> awaitable<void> {
    auto why = co_await redeem_from(in, in.at_server, what, identity::key::generate());
    into.push_back(why);
  };
  for (int i = 0; i < racers; ++i) group.spawn(one(all, with, ends));
  co_await group.join();
  CHECK(std::ranges::count(ends, std::error_code()) == 1);
  CHECK(std::ranges::count(ends, make_error_code(errc::invite_used)) == racers - 1);
  CHECK(all.list.size() == 1);
  co_await all.node->stop();
}

// Who guesses, or comes with an invite that is another's, has soon used up what his address may.
awaitable<void> wear_out(office& all, const trust::invite& with, errc expected) {
  const auto good = all.give("good");
  for (int i = 0; i < 3; ++i) {
    auto why = co_await redeem_from(all, all.at_other, with, identity::key::generate());
    CHECK_MESSAGE(why == expected, why.message());
  }
  const auto key = identity::key::generate();
  auto why = co_await redeem_from(all, all.at_other, good, key);
  CHECK(why);
  CHECK(why != errc::invite_used);
  CHECK(all.list.size() == (expected == errc::invite_used ? 1 : 0));
  co_await sleep_until(clock::now() + 1min);
  why = co_await redeem_from(all, all.at_other, good, key);
  CHECK_MESSAGE(!why, why.message());
  co_await all.node->stop();
}

awaitable<void> wear_out_by_a_used_one(office& all) {
  const auto with = all.give("attic");
  auto why = co_await redeem_from(all, all.at_server, with, identity::key::generate());
  REQUIRE(!why);
  auto wearing = wear_out(all, with, errc::invite_used);
  co_await std::move(wearing);
}

awaitable<void> ask_a_central_without(office& all) {
  const auto with = all.give("attic");
  auto why = co_await redeem_from(all, all.at_server, with, identity::key::generate());
  CHECK_MESSAGE(why == errc::invite_unknown, why.message());
  co_await all.node->stop();
}

// ---- servers that go over to another key

awaitable<std::error_code> succeed_from(office& all, const net::address& from, const identity::key& shown,
                                        const trust::signed_succession& said) {
  auto telling = signalling::succeed_at(shown, all.node->url(), said, clock::now() + 20s, all.world.host(from));
  auto told = co_await std::move(telling);
  co_return told ? std::error_code() : told.error();
}

awaitable<void> go_over(office& all) {
  const auto before = identity::key::generate();
  const auto after = identity::key::generate();
  const auto said = trust::go_over(before, after, wall_now() + 1h);
  auto why = co_await succeed_from(all, all.at_server, after, said);
  CHECK_MESSAGE(why == errc::not_admitted, why.message());  // neither is that
  all.list = {before.id()};
  all.node->admit(switchboard::admission::of(all.list));
  bool linked = co_await gets_linked(all, after);
  CHECK_FALSE(linked);
  co_await sleep_until(clock::now() + 1min);  // so long an address that was refused often is not heard
  all.list_is_full = true;
  why = co_await succeed_from(all, all.at_server, after, said);
  CHECK_MESSAGE(why == errc::central_busy, why.message());
  all.list_is_full = false;
  for (int i = 0; i < 2; ++i) {  // again is harmless
    why = co_await succeed_from(all, all.at_server, after, said);
    CHECK_MESSAGE(!why, why.message());
  }
  linked = co_await gets_linked(all, after);
  CHECK(linked);
  linked = co_await gets_linked(all, before);
  CHECK(linked);
  co_await all.node->stop();
}

awaitable<void> go_over_by_lies(office& all) {
  const auto before = identity::key::generate();
  const auto after = identity::key::generate();
  const auto thief = identity::key::generate();
  all.list = {before.id()};
  all.node->admit(switchboard::admission::of(all.list));
  const auto said = trust::go_over(before, after, wall_now() + 1h);
  auto why = co_await succeed_from(all, all.at_server, thief, said);
  CHECK_MESSAGE(why == errc::answer_forged, why.message());  // who has read it somewhere
  why = co_await succeed_from(all, all.at_other, thief, trust::go_over(thief, thief, wall_now() + 1h));
  CHECK_MESSAGE(why == errc::not_admitted, why.message());
  auto unwilling = said.body();
  unwilling.successor = thief.public_part();
  why = co_await succeed_from(all, all.at_server, thief, trust::signed_succession::sign(unwilling, before));
  CHECK_MESSAGE(why == errc::signature_invalid, why.message());
  co_await sleep_until(clock::now() + 1h);
  why = co_await succeed_from(all, all.at_server, after, said);
  CHECK_MESSAGE(why == errc::succession_expired, why.message());
  CHECK(all.list.size() == 1);
  co_await all.node->stop();
}

awaitable<void> go_over_at_a_central_without(office& all) {
  const auto before = identity::key::generate();
  const auto after = identity::key::generate();
  all.list = {before.id()};
  all.node->admit(switchboard::admission::of(all.list));
  auto why = co_await succeed_from(all, all.at_server, after, trust::go_over(before, after, wall_now() + 1h));
  CHECK_MESSAGE(why == errc::not_admitted, why.message());
  co_await all.node->stop();
}

}  // namespace

TEST_CASE("a server that goes over to another key is served by both, where it was served before") {
  office all;
  all.run(go_over(all));
}

TEST_CASE("nobody is served by another's word, or by one that he has not agreed to, or that is old") {
  office all;
  all.run(go_over_by_lies(all));
}

TEST_CASE("a central whose list is its operator's alone follows no server") {
  office all(false);
  all.run(go_over_at_a_central_without(all));
}

TEST_CASE("a server that redeems central's own invite is served at once, and nobody else by it") {
  office all;
  all.run(join_as_a_server(all));
}

TEST_CASE("of servers that race for one invite exactly one is served") {
  office all;
  all.run(race_as_servers(all, 3));
}

TEST_CASE("to guess at central's invites costs as much as any other refusal") {
  office all;
  const trust::invite guessed{all.node->url(), all.self.id(), secret<16>(crypto::random_octets<16>()), wall_now() + 1h};
  all.run(wear_out(all, guessed, errc::invite_unknown));
}

TEST_CASE("to come with an invite that is another's costs as much as any other refusal") {
  office all;
  all.run(wear_out_by_a_used_one(all));
}

TEST_CASE("a central that was given no invites knows none") {
  office all(false);
  all.run(ask_a_central_without(all));
}

TEST_CASE("an invite is redeemed through central, and the grant opens the door") {
  scene all;
  testing::run(all.here.context, join_and_connect(all));
}

TEST_CASE("a running server announces what is new and what is gone") {
  scene all;
  testing::run(all.here.context, announce_while_linked(all));
}

TEST_CASE("of many keys that race for an invite exactly one has it, and the others are told which") {
  scene all;
  testing::run(all.here.context, race(all, 20));
}

TEST_CASE("an ended invite is told as ended, also where nobody remembers it") {
  scene all;
  const auto with = all.give("laptop", false, -2h);
  const auto ask = [](scene& in, const trust::invite& what) -> awaitable<void> {
    in.home->start();
    auto got = co_await join_when_announced(what, identity::key::generate());
    CHECK((got ? got->refused : got.error()) == errc::invite_expired);
    in.home->announce_invites();
    co_await in.home->stop();
  };
  testing::run(all.here.context, ask(all, with));
}

TEST_CASE("central passes nobody on to a server that it does not serve") {
  scene all(switchboard::admission::of({}));
  testing::run(all.here.context, ask_an_unserved_server(all));
}

TEST_CASE("who knows an invite's id, as central does, and not its secret, gets nothing") {
  scene all;
  testing::run(all.here.context, know_the_id_alone(all));
}

TEST_CASE("a redeemer's link is good for one redemption, and no other link is good for any") {
  scene all;
  testing::run(all.here.context, misbehave(all));
}

TEST_CASE("a server reaches no link by a ticket that it was not given") {
  scene all;
  testing::run(all.here.context, answer_for_another(all));
}

TEST_CASE("a redeemer hears its server, and nobody who guesses the ticket") {
  scene all;
  testing::run(all.here.context, wait_for_the_ticket(all));
}

TEST_CASE("a central that forges, replays or swaps answers is found out") {
  asio::io_context context;
  testing::run(context, lie(context));
}

TEST_CASE("a central that says nothing costs no more than the time") {
  asio::io_context context;
  testing::run(context, be_silent(context));
}

}  // namespace join_test
