// SPDX-License-Identifier: BSL-1.0
#include <ajar/switchboard/directory.hpp>

#include <doctest/doctest.h>
#include <random>

using namespace ajar;
using namespace ajar::switchboard;
using namespace std::chrono_literals;
using identity::peer_id;
using signalling::presence_state;
using signalling::role;

namespace {

constexpr std::uint8_t outbound = static_cast<std::uint8_t>(trust::method::outbound);
constexpr std::uint8_t window = static_cast<std::uint8_t>(trust::method::window);
constexpr auto accepted = std::uint16_t{0};
constexpr std::uint16_t code_of(errc why) { return static_cast<std::uint16_t>(why); }

// Its home is its number modulo the number of shards.
peer_id peer(std::uint32_t number) {
  peer_id::octets_type octets{};
  for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return peer_id(octets);
}

std::array<std::uint8_t, 16> id(std::uint32_t number) {
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return octets;
}

trust::link_nonce nonce(std::uint8_t number) {
  trust::link_nonce octets{};
  octets.fill(number);
  return octets;
}

// All of central but its sockets: events go to the home of their peer, deliveries are kept by link.
struct house {
  explicit house(std::size_t shards) : homes(shards, directory(15s)) {}

  void send(const any_event& what) {
    auto& home = homes[std::hash<peer_id>()(home_of(what)) % homes.size()];
    carry(home.handle(what, now, today));
  }
  void carry(std::vector<delivery> all) {
    for (auto& one : all) {
      const bool roster = std::holds_alternative<signalling::roster_update>(one.what);
      told[one.to].push_back(std::move(one.what));
      if (roster && links_drain) drain(one.to);
    }
  }
  // What a server was told of its roster has left.
  void drain(const link_ref& link) {
    if (const auto whose = owners.find(link); whose != owners.end()) send(event::drained{link, whose->second});
  }
  time_point next() const {
    auto first = never;
    for (const auto& one : homes) first = std::min(first, one.next());
    return first;
  }
  // Time goes by, and each shard does what it has to at its next().
  void pass(clock::duration time) {
    const auto target = now + time;
    while (next() <= target) {
      move_to(std::max(now, next()));
      for (auto& one : homes) carry(one.expire(now, today));
    }
    move_to(target);
  }
  // The wall clock goes along.
  void move_to(time_point at) {
    const auto seconds = [](time_point one) {
      return std::chrono::floor<std::chrono::seconds>(one.time_since_epoch());
    };
    today += seconds(at) - seconds(now);
    now = at;
  }

  // The first message for a link, which has to be of this kind.
  template <class Kind>
  Kind take(const link_ref& at) {
    const auto found = told.find(at);
    REQUIRE(found != told.end());
    auto first = std::get_if<Kind>(&found->second.front());
    REQUIRE(first);
    auto made = std::move(*first);
    found->second.pop_front();
    if (found->second.empty()) told.erase(found);
    return made;
  }
  bool quiet() const { return told.empty(); }

  link_ref new_link() {
    ++links;
    return {static_cast<std::uint32_t>(links % homes.size()), links};
  }
  link_ref attach(const peer_id& who, role as, std::uint64_t login) {
    event::attached made;
    made.link = new_link();
    made.peer = who;
    made.who = as;
    made.login = login;
    made.methods = outbound | window;
    made.nonce = nonce(static_cast<std::uint8_t>(made.link.number));
    made.seen = {asio::ip::make_address("192.0.2.1"), static_cast<std::uint16_t>(made.link.number)};
    owners[made.link] = who;
    send(made);
    return made.link;
  }
  link_ref up(const peer_id& who, role as, std::uint64_t login = 1) {
    const auto link = attach(who, as, login);
    take<signalling::welcome>(link);
    return link;
  }
  void detach(const link_ref& link, const peer_id& who, role as) { send(event::detached{link, who, as}); }

  // For so long that nothing of a test outlives it, unless it is about that.
  void present(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t grant,
               std::uint8_t methods = outbound | window, std::chrono::seconds life = 24h * 365) {
    presented[{link, server}] = grant;
    send(event::granted{link, server, client, id(grant), methods, today + life});
  }
  // A client with a good grant; what it is told about the server.
  signalling::presence granted(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t grant,
                               std::uint8_t methods = outbound | window, std::chrono::seconds life = 24h * 365) {
    present(link, server, client, grant, methods, life);
    const auto result = take<signalling::grant_result>(link);
    CHECK(result.grant == id(grant));
    CHECK(result.code == accepted);
    auto told_now = take<signalling::presence>(link);
    CHECK(told_now.server == server);
    return told_now;
  }
  void leave(const link_ref& link, const peer_id& server, const peer_id& client) {
    send(event::client_left{link, server, client});
    detach(link, client, role::client);
  }
  void prove(const link_ref& link, const peer_id& server, const peer_id& client, std::uint8_t record) {
    send(event::door_proved{link, server, client, bytes(3, record)});
  }
  void ask_roster(const link_ref& link, const peer_id& server, const signalling::roster_version& since,
                  std::chrono::milliseconds interval = 0ms) {
    send(event::roster_asked{link, server, since, interval});
  }
  void revoke(const link_ref& link, const peer_id& server, std::uint64_t serial,
              std::vector<trust::revocations::entry> entries) {
    trust::revocations list;
    list.serial = serial;
    list.entries = std::move(entries);
    auto octets = list_of(serial);
    send(event::revoked{link, server, std::move(list), std::move(octets)});
  }
  static bytes list_of(std::uint64_t serial) { return bytes(5, static_cast<std::uint8_t>(serial)); }
  trust::revocations::entry entry(std::uint32_t grant) const { return {id(grant), today + 24h}; }
  // By the grant that was presented last.
  void request(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t number,
               std::chrono::milliseconds budget = 1s, bool explain = false) {
    request_by(presented[{link, server}], link, server, client, number, budget, explain);
  }
  void request_by(std::uint32_t grant, const link_ref& link, const peer_id& server, const peer_id& client,
                  std::uint32_t number, std::chrono::milliseconds budget = 1s, bool explain = false) {
    const net::tcp::endpoint seen(asio::ip::make_address("198.51.100.7"), 7);
    send(event::requested{link, server, client, {seen}, id(number), id(grant), budget, octets_of(number), explain});
  }
  static bytes octets_of(std::uint32_t number) {
    const auto octets = id(number);
    return bytes(octets.begin(), octets.end());
  }
  void answer(const link_ref& link, const peer_id& server, std::uint32_t number, bool last = false) {
    send(event::answered{link, server, signalling::answer{id(number), last, octets_of(number + 1)}});
  }
  // The window is closed: central need not wait for more.
  void finish(const link_ref& link, const peer_id& server, std::uint32_t number) {
    send(event::answered{link, server, signalling::answer{id(number), true, {}}});
  }

  std::size_t servers() const {
    std::size_t sum = 0;
    for (const auto& one : homes) sum += one.servers();
    return sum;
  }
  rendezvous_account account() const {
    rendezvous_account sum;
    for (const auto& one : homes) sum.add(one.account());
    return sum;
  }
  std::size_t logins() const {
    std::size_t sum = 0;
    for (const auto& one : homes) sum += one.logins();
    return sum;
  }
  std::size_t kept() const {
    std::size_t sum = 0;
    for (const auto& one : homes) sum += one.kept();
    return sum;
  }
  std::size_t evicting() const {
    std::size_t sum = 0;
    for (const auto& one : homes) sum += one.evicting();
    return sum;
  }
  std::size_t timers() const {
    std::size_t sum = 0;
    for (const auto& one : homes) sum += one.timers();
    return sum;
  }

  std::vector<directory> homes;
  std::map<link_ref, std::deque<signalling::message>> told;
  std::map<link_ref, peer_id> owners;
  bool links_drain = true;  // at once
  std::map<std::pair<link_ref, peer_id>, std::uint32_t> presented;
  std::uint64_t links = 0;
  time_point now{1000h};
  wall_time today{1'700'000'000s};
};

// A server and a client that holds a grant of it: nobody was told anything that was not taken.
struct scene : house {
  explicit scene(std::size_t shards) : house(shards) {
    at_server = up(server, role::server);
    at_client = up(client, role::client);
    granted(at_client, server, client, 1);
  }
  const peer_id server = peer(10);
  const peer_id client = peer(21);  // at home elsewhere, where there are two homes
  link_ref at_server;
  link_ref at_client;
};

// Every scenario is the same with one shard and with two.
template <class Test>
void with_one_and_two(Test test) {
  for (const std::size_t shards : {1U, 2U}) {
    CAPTURE(shards);
    test(shards);
  }
}

}  // namespace

// ---- logins

TEST_CASE("a peer that attaches is welcomed with its nonce, the heartbeat and its address") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    for (const auto as : {role::server, role::client}) {
      const auto link = all.attach(peer(1), as, 1);
      const auto welcome = all.take<signalling::welcome>(link);
      CHECK(welcome.nonce == nonce(static_cast<std::uint8_t>(link.number)));
      CHECK(welcome.heartbeat == 15s);
      CHECK(welcome.seen.port() == link.number);
    }
    CHECK(all.quiet());
    CHECK(all.logins() == 2);  // a key may be a server and a client
    CHECK(all.servers() == 1);
  });
}

TEST_CASE("a higher login evicts the link before at once") {
  with_one_and_two([](std::size_t shards) {
    for (const auto as : {role::server, role::client}) {
      house all(shards);
      const auto first = all.up(peer(1), as, 7);
      const auto second = all.attach(peer(1), as, 8);
      CHECK(all.take<signalling::goodbye>(first).why == errc::evicted);
      all.take<signalling::welcome>(second);
      CHECK(all.quiet());
      CHECK(all.logins() == 1);
    }
  });
}

TEST_CASE("a key that is there anew all the time keeps the link that it has, and no other pays for it") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    auto last = all.up(peer(1), role::server, 1);
    std::uint64_t login = 1;
    for (int i = 0; i < 30; ++i) {
      const auto next = all.attach(peer(1), role::server, ++login);
      CHECK(all.take<signalling::goodbye>(last).why == errc::evicted);
      all.take<signalling::welcome>(next);
      last = next;
    }
    const auto too_soon = all.attach(peer(1), role::server, ++login);
    CHECK(all.take<signalling::goodbye>(too_soon).why == errc::too_many_requests);
    all.up(peer(2), role::server);
    CHECK(all.quiet());
    all.pass(2s);
    const auto in_time = all.attach(peer(1), role::server, ++login);
    CHECK(all.take<signalling::goodbye>(last).why == errc::evicted);
    all.take<signalling::welcome>(in_time);
    CHECK(all.quiet());
  });
}

TEST_CASE("a key that leaves in between has not paid for the links that it evicted") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto evict = [&](std::uint32_t who, std::uint64_t login) {
      const auto first = all.up(peer(who), role::client, login);
      const auto second = all.attach(peer(who), role::client, login + 1);
      const bool evicted =
          all.take<signalling::goodbye>(all.told.contains(first) ? first : second).why == errc::evicted;
      if (evicted) all.take<signalling::welcome>(second);
      all.detach(first, peer(who), role::client);
      all.detach(second, peer(who), role::client);
      CHECK(all.quiet());
      return evicted;
    };
    for (std::uint64_t i = 0; i < 30; ++i) CHECK(evict(1, 2 * i + 1));
    CHECK(!evict(1, 100));
    CHECK(evict(2, 1));
    CHECK(all.logins() == 0);
    CHECK(all.evicting() == 2);
    all.pass(1min);
    CHECK(evict(1, 200));
    for (std::uint32_t who = 10; who < 100; ++who) {
      all.pass(3s);
      evict(who, 1);
    }
    CHECK(all.evicting() <= 2 * shards);
  });
}

TEST_CASE("an equal or lower login is refused, and the link that is there stays") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(1), role::server, 7);
    for (const std::uint64_t login : {7U, 6U, 0U}) {
      const auto second = all.attach(peer(1), role::server, login);
      CHECK(all.take<signalling::goodbye>(second).why == errc::login_too_low);
    }
    CHECK(all.quiet());
    all.send(event::renewed{first, peer(1), nonce(99)});
    CHECK(all.take<signalling::renewed_nonce>(first).nonce == nonce(99));
  });
}

TEST_CASE("a login of zero is a login like any other") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(1), role::client, 0);
    const auto again = all.attach(peer(1), role::client, 0);
    CHECK(all.take<signalling::goodbye>(again).why == errc::login_too_low);
    const auto higher = all.attach(peer(1), role::client, 1);
    CHECK(all.take<signalling::goodbye>(first).why == errc::evicted);
    all.take<signalling::welcome>(higher);
  });
}

TEST_CASE("an evicted link that ends does not take the new one with it") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::goodbye>(all.at_server);
    CHECK(all.take<signalling::presence>(all.at_client).nonce == nonce(static_cast<std::uint8_t>(second.number)));
    all.detach(all.at_server, all.server, role::server);
    CHECK(all.quiet());
    CHECK(all.logins() == 2);
    all.request(all.at_client, all.server, all.client, 1);
    all.take<signalling::command>(second);
    CHECK(all.quiet());
  });
}

TEST_CASE("a client that comes back before its old link has ended keeps what it has presented anew") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto second = all.up(all.client, role::client, 2);
    all.take<signalling::goodbye>(all.at_client);
    all.granted(second, all.server, all.client, 1);
    all.leave(all.at_client, all.server, all.client);
    CHECK(all.logins() == 2);
    all.request(second, all.server, all.client, 1);
    all.take<signalling::command>(all.at_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a peer whose link ended may come back with any login") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(1), role::client, 7);
    all.detach(first, peer(1), role::client);
    all.up(peer(1), role::client, 3);
    CHECK(all.quiet());
  });
}

// ---- presence

TEST_CASE("presence goes to exactly the clients with a grant of that server") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto near = peer(10);
    const auto far = peer(11);
    const auto both = all.up(peer(1), role::client);
    const auto one = all.up(peer(2), role::client);
    all.up(peer(3), role::client);  // concerned by nothing
    CHECK(all.granted(both, near, peer(1), 1).state == presence_state::offline);
    CHECK(all.granted(both, far, peer(1), 2).state == presence_state::offline);
    CHECK(all.granted(one, far, peer(2), 3).state == presence_state::offline);

    const auto at_near = all.up(near, role::server);
    const auto online = all.take<signalling::presence>(both);
    CHECK(online.server == near);
    CHECK(online.state == presence_state::online);
    CHECK(online.methods == (outbound | window));
    CHECK(online.nonce == nonce(static_cast<std::uint8_t>(at_near.number)));
    CHECK(online.interval == 0ms);
    CHECK(online.seen.port() == at_near.number);
    CHECK(all.quiet());

    all.up(far, role::server);
    CHECK(all.take<signalling::presence>(both).server == far);
    CHECK(all.take<signalling::presence>(one).server == far);
    CHECK(all.quiet());

    all.detach(at_near, near, role::server);
    const auto offline = all.take<signalling::presence>(both);
    CHECK(offline.server == near);
    CHECK(offline.state == presence_state::offline);
    CHECK(offline.nonce == trust::link_nonce{});
    CHECK(all.quiet());
  });
}

TEST_CASE("a client that left is told nothing any more") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.leave(all.at_client, all.server, all.client);
    all.detach(all.at_server, all.server, role::server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a server that visits is polling for one and a half intervals, and offline then") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::roster_update>(all.at_server);
    CHECK(all.take<signalling::presence>(all.at_client).interval == 60s);
    all.detach(all.at_server, all.server, role::server);
    const auto polling = all.take<signalling::presence>(all.at_client);
    CHECK(polling.state == presence_state::polling);
    CHECK(polling.interval == 60s);
    CHECK(polling.nonce == trust::link_nonce{});
    all.pass(90s - 1ms);
    CHECK(all.quiet());
    CHECK(all.granted(all.at_client, all.server, all.client, 1).state == presence_state::polling);
    all.pass(1ms);
    CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::offline);
    all.pass(24h);
    CHECK(all.quiet());
  });
}

TEST_CASE("a server that comes back in time is never offline in between") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    for (std::uint64_t visit = 2; visit < 6; ++visit) {
      all.ask_roster(all.at_server, all.server, {}, 60s);
      all.take<signalling::roster_update>(all.at_server);
      CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::online);
      all.detach(all.at_server, all.server, role::server);
      CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::polling);
      all.pass(70s);
      CHECK(all.quiet());
      all.at_server = all.up(all.server, role::server, visit);
      CHECK(all.take<signalling::presence>(all.at_client).state == presence_state::online);
      CHECK(all.timers() == 1);  // the client's grant: however often it visits, nothing is left to wait for
    }
  });
}

TEST_CASE("a server that visits is remembered while it is expected, without any client") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto link = all.up(peer(10), role::server);
    all.ask_roster(link, peer(10), {}, 60s);
    all.detach(link, peer(10), role::server);
    CHECK(all.servers() == 1);
    all.pass(90s);
    CHECK(all.servers() == 0);
  });
}

TEST_CASE("a renewed nonce goes to the server and to its clients, and only its own link renews it") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.send(event::renewed{all.at_server, all.server, nonce(77)});
    CHECK(all.take<signalling::renewed_nonce>(all.at_server).nonce == nonce(77));
    CHECK(all.take<signalling::presence>(all.at_client).nonce == nonce(77));
    all.send(event::renewed{all.new_link(), all.server, nonce(78)});
    all.send(event::renewed{all.at_server, peer(99), nonce(78)});
    CHECK(all.quiet());
    CHECK(all.granted(all.at_client, all.server, all.client, 1).nonce == nonce(77));
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.send(event::renewed{all.at_server, all.server, nonce(79)});
    CHECK(all.quiet());
  });
}

// ---- grants and revocations

TEST_CASE("a client has so many grants of one server, and may present one of them again") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);  // with grant 1
    for (std::uint32_t grant = 2; grant <= directory::most_grants; ++grant) {
      all.granted(all.at_client, all.server, all.client, grant);
    }
    all.present(all.at_client, all.server, all.client, 99);
    const auto refused = all.take<signalling::grant_result>(all.at_client);
    CHECK(refused.grant == id(99));
    CHECK(refused.code == code_of(errc::limit_reached));
    CHECK(all.quiet());
    for (std::uint32_t grant = 1; grant <= directory::most_grants; ++grant) {
      all.granted(all.at_client, all.server, all.client, grant);
    }
    all.granted(all.at_client, peer(11), all.client, 99);  // of another server
  });
}

TEST_CASE("a grant on a second link of the same client begins anew there") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {});
    all.take<signalling::roster_update>(all.at_server);
    all.prove(all.at_client, all.server, all.client, 5);
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.at(0).present);

    const auto second = all.up(all.client, role::client, 2);
    all.take<signalling::goodbye>(all.at_client);
    all.granted(second, all.server, all.client, 2);
    const auto gone = all.take<signalling::roster_update>(all.at_server);  // the door was of the other link
    REQUIRE(gone.entries.size() == 1);
    CHECK(!gone.entries[0].present);
    all.prove(all.at_client, all.server, all.client, 6);
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::unknown_server);
    CHECK(all.quiet());
    all.prove(second, all.server, all.client, 7);
    const auto back = all.take<signalling::roster_update>(all.at_server);
    CHECK(back.entries.at(0).grant == id(2));
    CHECK(back.entries.at(0).record == bytes(3, 7));
  });
}

TEST_CASE("a revoked grant is refused, and whoever has presented it is told") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.revoke(all.at_server, all.server, 5, {all.entry(1), all.entry(3)});
    const auto told = all.take<signalling::grant_result>(all.at_client);
    CHECK(told.grant == id(1));
    CHECK(told.code == code_of(errc::grant_revoked));
    const auto done = all.take<signalling::revocations_result>(all.at_server);
    CHECK(done.serial == 5);
    CHECK(done.code == accepted);
    CHECK(all.quiet());

    all.present(all.at_client, all.server, all.client, 3);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::unknown_server);  // as of one that never came
    all.send(event::renewed{all.at_server, all.server, nonce(77)});
    all.take<signalling::renewed_nonce>(all.at_server);
    all.take<signalling::presence>(other);
    CHECK(all.quiet());  // the one without a grant is not concerned any more
  });
}

TEST_CASE("a client with another grant goes on after a revocation") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.granted(all.at_client, all.server, all.client, 2);
    all.revoke(all.at_server, all.server, 1, {all.entry(1)});
    CHECK(all.take<signalling::grant_result>(all.at_client).grant == id(1));
    all.take<signalling::revocations_result>(all.at_server);
    all.request(all.at_client, all.server, all.client, 1);
    all.take<signalling::command>(all.at_server);
    all.request_by(1, all.at_client, all.server, all.client, 2);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_revoked);
    all.request_by(7, all.at_client, all.server, all.client, 3);  // which it has not presented
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_unknown);
    CHECK(all.quiet());
  });
}

TEST_CASE("a list of revocations with a lower serial is refused, and the known one stays in force") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.revoke(all.at_server, all.server, 5, {all.entry(7)});
    all.take<signalling::revocations_result>(all.at_server);
    all.revoke(all.at_server, all.server, 4, {});
    const auto refused = all.take<signalling::revocations_result>(all.at_server);
    CHECK(refused.serial == 4);
    CHECK(refused.code == code_of(errc::serial_too_low));
    CHECK(refused.later == scene::list_of(5));  // whoever has lost it gets it back
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    all.revoke(all.at_server, all.server, 5, {all.entry(7)});  // resent
    CHECK(all.take<signalling::revocations_result>(all.at_server).code == accepted);
    all.revoke(all.at_server, all.server, 6, {all.entry(8)});  // later, and without what is in force
    const auto forgetful = all.take<signalling::revocations_result>(all.at_server);
    CHECK(forgetful.code == code_of(errc::serial_too_low));
    CHECK(forgetful.later == scene::list_of(5));
    all.revoke(all.at_server, all.server, 7, {all.entry(7), all.entry(8)});
    CHECK(all.take<signalling::revocations_result>(all.at_server).code == accepted);
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    CHECK(all.quiet());
  });
}

TEST_CASE("revocations stay in force without the server, and leave after their time") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.revoke(all.at_server, all.server, 1, {all.entry(7), {id(8), all.today}});
    all.take<signalling::revocations_result>(all.at_server);
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_revoked));
    all.granted(all.at_client, all.server, all.client, 8);  // needs no revocation: it has ended by itself
  });
}

TEST_CASE("a revocation takes the client off the roster, and concerns no other client's entry") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.prove(all.at_client, all.server, all.client, 5);
    all.prove(other, all.server, peer(2), 6);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.size() == 2);
    all.revoke(all.at_server, all.server, 1, {all.entry(1)});
    all.take<signalling::grant_result>(all.at_client);
    const auto changed = all.take<signalling::roster_update>(all.at_server);
    REQUIRE(changed.entries.size() == 1);
    CHECK(changed.entries[0].client == all.client);
    CHECK(!changed.entries[0].present);
    all.take<signalling::revocations_result>(all.at_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a list of revocations that nobody needs any more is not kept without its server") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto first = all.up(peer(10), role::server, 1);
    const auto second = all.up(peer(10), role::server, 2);
    all.detach(second, peer(10), role::server);
    all.revoke(first, peer(10), 1, {});  // on its way while the link was evicted
    CHECK(all.servers() == 0);
  });
}

TEST_CASE("what is revoked is kept for a month without its server, or until it would have ended") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    for (const auto life : {std::chrono::hours(48), std::chrono::hours(24 * 365)}) {
      const auto link = all.up(peer(10), role::server);
      all.revoke(link, peer(10), 1, {{id(7), all.today + life}});
      all.take<signalling::revocations_result>(link);
      CHECK(all.kept() == 0);
      all.detach(link, peer(10), role::server);
      CHECK(all.kept() == 1);
      const auto kept_for = std::min<clock::duration>(life, directory::longest_kept);
      all.pass(kept_for - 1s);
      CHECK(all.servers() == 1);
      all.pass(1h + 1s);
      CHECK(all.servers() == 0);
      CHECK(all.kept() == 0);
      CHECK(all.timers() == 0);
    }
  });
}

TEST_CASE("a server that is back is not one that is away") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    auto link = all.up(peer(10), role::server, 1);
    all.revoke(link, peer(10), 1, {{id(7), all.today + std::chrono::hours(24 * 365)}});
    all.take<signalling::revocations_result>(link);
    for (std::uint64_t login = 2; login < 4; ++login) {
      all.detach(link, peer(10), role::server);
      all.pass(directory::longest_kept - 1h);
      CHECK(all.kept() == 1);
      link = all.up(peer(10), role::server, login);
      CHECK(all.kept() == 0);
      CHECK(all.timers() == 0);
    }
    const auto client = all.up(peer(21), role::client);
    all.present(client, peer(10), peer(21), 7);
    CHECK(all.take<signalling::grant_result>(client).code == code_of(errc::grant_revoked));
  });
}

TEST_CASE("servers that leave revocations behind push out those that have been away for longest") {
  constexpr std::uint32_t each = trust::revocations::most_entries;
  constexpr auto fit = static_cast<std::uint32_t>(directory::most_kept / each);
  house all(1);
  std::vector<trust::revocations::entry> list;
  for (std::uint32_t i = 0; i < each; ++i) list.push_back({id(i), all.today + std::chrono::hours(24 * 365)});
  const auto leave_behind = [&](std::uint32_t number) {
    const auto link = all.up(peer(number), role::server);
    all.revoke(link, peer(number), 1, list);
    all.take<signalling::revocations_result>(link);
    all.detach(link, peer(number), role::server);
  };
  for (std::uint32_t i = 0; i < fit + 5; ++i) leave_behind(i);
  CHECK(all.kept() == fit * each);
  CHECK(all.servers() == fit);
  const auto client = all.up(peer(9'999), role::client);
  all.granted(client, peer(4), peer(9'999), 7);  // forgotten: the server still refuses it
  all.present(client, peer(5), peer(9'999), 7);
  CHECK(all.take<signalling::grant_result>(client).code == code_of(errc::grant_revoked));
}

// ---- grants that end

TEST_CASE("a grant that is over counts for nothing, and its client is told when it ends") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto server = peer(10);
    const auto client = peer(21);
    const auto at_server = all.up(server, role::server);
    const auto at_client = all.up(client, role::client);
    all.granted(at_client, server, client, 1, outbound | window, 90s);
    all.prove(at_client, server, client, 5);
    all.ask_roster(at_server, server, {});
    CHECK(all.take<signalling::roster_update>(at_server).entries.size() == 1);
    all.pass(90s - 1ns);
    all.request(at_client, server, client, 1);
    all.take<signalling::command>(at_server);
    CHECK(all.quiet());
    all.pass(1ns);
    const auto told = all.take<signalling::grant_result>(at_client);
    CHECK(told.grant == id(1));
    CHECK(told.code == code_of(errc::grant_expired));
    const auto off = all.take<signalling::roster_update>(at_server);
    REQUIRE(off.entries.size() == 1);
    CHECK(off.entries[0].client == client);
    CHECK(!off.entries[0].present);
    CHECK(all.quiet());

    all.request(at_client, server, client, 2);
    CHECK(all.take<signalling::failure>(at_client).why == errc::unknown_server);
    all.answer(at_server, server, 1);  // to what was asked in time: where the server is concerns it no more
    CHECK(all.take<signalling::failure>(at_client).why == errc::grant_expired);
    all.prove(at_client, server, client, 6);
    all.send(event::renewed{at_server, server, nonce(77)});
    all.take<signalling::renewed_nonce>(at_server);
    CHECK(all.quiet());
    all.present(at_client, server, client, 1, outbound | window, 0s);
    CHECK(all.take<signalling::grant_result>(at_client).code == code_of(errc::grant_expired));
    CHECK(all.quiet());
    all.detach(at_server, server, role::server);
    CHECK(all.servers() == 0);
    CHECK(all.next() == never);
  });
}

TEST_CASE("a client with another grant goes on by that one, and one that is renewed in time never ends") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);  // with grant 1, for a year
    all.granted(all.at_client, all.server, all.client, 2, outbound | window, 90s);
    all.prove(all.at_client, all.server, all.client, 5);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.at(0).grant == id(2));
    all.pass(80s);
    all.granted(all.at_client, all.server, all.client, 2, outbound | window, 90s);
    all.take<signalling::roster_update>(all.at_server);
    all.pass(90s - 1ms);
    CHECK(all.quiet());
    all.pass(1ms);
    CHECK(all.take<signalling::grant_result>(all.at_client).grant == id(2));
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.at(0).grant == id(1));
    all.request_by(2, all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_unknown);
    all.request_by(1, all.at_client, all.server, all.client, 2);
    all.take<signalling::command>(all.at_server);
    CHECK(all.timers() == 2);  // the request's, and one of the client
  });
}

TEST_CASE("where the wall clock is set ahead what is over counts for nothing at once, and is told within a minute") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.prove(all.at_client, all.server, all.client, 5);
    all.today += 24h * 366;
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_expired);
    all.send(event::renewed{all.at_server, all.server, nonce(77)});
    all.take<signalling::renewed_nonce>(all.at_server);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take<signalling::roster_update>(all.at_server).entries.empty());
    CHECK(all.quiet());
    all.pass(directory::look_again);
    CHECK(all.take<signalling::grant_result>(all.at_client).code == code_of(errc::grant_expired));
    CHECK(!all.take<signalling::roster_update>(all.at_server).entries.at(0).present);
    CHECK(all.quiet());
  });
}

TEST_CASE("where the wall clock is set back a grant ends as late as that") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto link = all.up(peer(21), role::client);
    all.granted(link, peer(10), peer(21), 1, window, 30s);
    all.today -= 1h;
    all.pass(1h + 30s - 1ms);
    CHECK(all.quiet());
    all.pass(1ms);
    CHECK(all.take<signalling::grant_result>(link).code == code_of(errc::grant_expired));
  });
}

TEST_CASE("an answer to a request under a grant that was revoked since says so, and nothing else") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.granted(all.at_client, all.server, all.client, 2);
    for (std::uint32_t number = 1; number <= 2; ++number) {
      all.request_by(number, all.at_client, all.server, all.client, number, 1s, true);
      all.take<signalling::command>(all.at_server);
    }
    all.answer(all.at_server, all.server, 1);
    all.take<signalling::answer>(all.at_client);
    all.revoke(all.at_server, all.server, 1, {all.entry(1), all.entry(2)});
    all.told.clear();
    all.answer(all.at_server, all.server, 2);
    CHECK(all.take<signalling::trace>(all.at_client).signed_trace.empty());
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::grant_revoked);
    all.send(event::traced{all.at_server, all.server, id(1), bytes(3, 7)});
    all.answer(all.at_server, all.server, 1);  // another listener
    CHECK(all.quiet());
    CHECK(all.account().in_flight() == 0);
    CHECK(all.timers() == 0);
  });
}

TEST_CASE("many grants that end in one moment leave the thread to others in between") {
  constexpr std::uint32_t many = 3 * directory::most_at_once;
  house all(1);
  for (std::uint32_t i = 0; i < many; ++i) {
    all.granted(all.up(peer(1000 + i), role::client), peer(10), peer(1000 + i), i, window, 50s);
  }
  all.move_to(all.now + 50s);
  for (std::size_t left = 3; left > 0; --left) {
    CHECK(all.next() <= all.now);
    CHECK(all.homes[0].expire(all.now, all.today).size() == directory::most_at_once);
    CHECK(all.timers() == (left - 1) * directory::most_at_once);
  }
  CHECK(all.homes[0].expire(all.now, all.today).empty());
  CHECK(all.servers() == 0);
}

// ---- the roster

TEST_CASE("a roster is a snapshot at first, the difference afterwards, and nothing where nothing changed") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.prove(all.at_client, all.server, all.client, 5);
    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::presence>(all.at_client);
    all.take<signalling::presence>(other);
    const auto whole = all.take<signalling::roster_update>(all.at_server);
    CHECK(whole.snapshot);
    CHECK(!whole.more);
    REQUIRE(whole.entries.size() == 1);  // the other one has no door
    CHECK(whole.entries[0].client == all.client);
    CHECK(whole.entries[0].present);
    CHECK(whole.entries[0].grant == id(1));
    CHECK(whole.entries[0].record == bytes(3, 5));
    CHECK(whole.version.epoch != 0);

    all.ask_roster(all.at_server, all.server, whole.version, 60s);
    const auto same = all.take<signalling::roster_update>(all.at_server);
    CHECK(!same.snapshot);
    CHECK(same.entries.empty());
    CHECK(same.version == whole.version);

    all.prove(other, all.server, peer(2), 6);
    all.prove(other, all.server, peer(2), 7);
    CHECK(all.quiet());  // it asks at intervals, so nothing is pushed
    all.ask_roster(all.at_server, all.server, whole.version, 60s);
    const auto difference = all.take<signalling::roster_update>(all.at_server);
    CHECK(!difference.snapshot);
    CHECK(difference.version.epoch == whole.version.epoch);
    CHECK(difference.version.number == whole.version.number + 2);
    REQUIRE(difference.entries.size() == 1);
    CHECK(difference.entries[0].client == peer(2));
    CHECK(difference.entries[0].record == bytes(3, 7));

    all.leave(all.at_client, all.server, all.client);
    all.ask_roster(all.at_server, all.server, difference.version, 60s);
    const auto gone = all.take<signalling::roster_update>(all.at_server);
    REQUIRE(gone.entries.size() == 1);
    CHECK(gone.entries[0].client == all.client);
    CHECK(!gone.entries[0].present);
    CHECK(gone.entries[0].record.empty());
    CHECK(all.quiet());
  });
}

TEST_CASE("a roster survives the server's link, and what changed meanwhile is the difference") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {});
    const auto whole = all.take<signalling::roster_update>(all.at_server);
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.prove(all.at_client, all.server, all.client, 5);
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::presence>(all.at_client);
    all.ask_roster(second, all.server, whole.version);
    const auto difference = all.take<signalling::roster_update>(second);
    CHECK(!difference.snapshot);
    CHECK(difference.entries.size() == 1);
    CHECK(all.quiet());
  });
}

TEST_CASE("a version that is too old, of the future or of another epoch gets a snapshot") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::presence>(all.at_client);
    const auto first = all.take<signalling::roster_update>(all.at_server).version;
    for (std::size_t i = 0; i < directory::roster_log; ++i) {
      all.prove(all.at_client, all.server, all.client, static_cast<std::uint8_t>(i));
    }
    const auto ask = [&](signalling::roster_version since) {
      all.ask_roster(all.at_server, all.server, since, 60s);
      const auto update = all.take<signalling::roster_update>(all.at_server);
      CHECK(update.entries.size() == 1);
      return update.snapshot;
    };
    CHECK(!ask(first));
    all.prove(all.at_client, all.server, all.client, 1);
    CHECK(ask(first));
    CHECK(!ask({first.epoch, first.number + 1}));
    CHECK(ask({first.epoch, first.number + directory::roster_log + 2}));
    CHECK(ask({first.epoch + 2, first.number + 1}));
    CHECK(ask({}));
  });
}

TEST_CASE("a server that was forgotten has a roster of another epoch") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    auto link = all.up(peer(10), role::server);
    all.ask_roster(link, peer(10), {});
    const auto first = all.take<signalling::roster_update>(link).version;
    all.detach(link, peer(10), role::server);
    CHECK(all.servers() == 0);
    link = all.up(peer(10), role::server);
    all.ask_roster(link, peer(10), first);
    const auto again = all.take<signalling::roster_update>(link);
    CHECK(again.snapshot);
    CHECK(again.version.epoch != first.epoch);
  });
}

TEST_CASE("a long roster comes in parts, each within a frame, and the parts make the whole") {
  with_one_and_two([](std::size_t shards) {
    constexpr auto most = directory::roster_part;
    static_assert(most <= signalling::roster_update::most_entries);
    house all(shards);
    const auto server = peer(10);
    const auto at_server = all.up(server, role::server);
    for (std::uint32_t i = 0; i < 2 * most + 1; ++i) {
      const auto link = all.up(peer(1000 + i), role::client);
      all.granted(link, server, peer(1000 + i), i);
      all.prove(link, server, peer(1000 + i), 5);
    }
    const auto check_parts = [&](const signalling::roster_version& since, bool snapshot) {
      all.ask_roster(at_server, server, since);
      std::set<peer_id> clients;
      std::optional<signalling::roster_version> version;
      for (const std::size_t size : {most, most, std::size_t{1}}) {
        const auto part = all.take<signalling::roster_update>(at_server);
        CHECK(part.snapshot == snapshot);
        CHECK(part.more == (size == most));
        CHECK(part.entries.size() == size);
        CHECK(part.version == version.value_or(part.version));
        CHECK(signalling::to_frame(part).size() < 65'535);
        version = part.version;
        for (const auto& one : part.entries) clients.insert(one.client);
      }
      CHECK(clients.size() == 2 * most + 1);
      CHECK(all.quiet());
      return *version;
    };
    const auto version = check_parts({}, true);
    CHECK(check_parts({version.epoch, 0}, false) == version);
  });
}

TEST_CASE("a roster of exactly one part has no second one") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto at_server = all.up(peer(10), role::server);
    for (std::uint32_t i = 0; i < directory::roster_part; ++i) {
      const auto link = all.up(peer(1000 + i), role::client);
      all.granted(link, peer(10), peer(1000 + i), i);
      all.prove(link, peer(10), peer(1000 + i), 5);
    }
    all.ask_roster(at_server, peer(10), {});
    const auto whole = all.take<signalling::roster_update>(at_server);
    CHECK(!whole.more);
    CHECK(whole.entries.size() == directory::roster_part);
    CHECK(all.quiet());
  });
}

namespace {

// A server whose link drains when it is told to, and clients with a door. What it makes of what it is told.
struct large : house {
  explicit large(std::size_t shards, std::uint32_t clients) : house(shards) {
    links_drain = false;
    at_server = up(server, role::server);
    for (std::uint32_t i = 0; i < clients; ++i) come(i);
  }
  peer_id client(std::uint32_t number) const { return peer(number << 24 | 0x10000 | number >> 8); }  // in this order
  void come(std::uint32_t number) {
    const auto link = up(client(number), role::client, ++logins_so_far);
    granted(link, server, client(number), number);
    prove(link, server, client(number), 1);
    at[number] = link;
  }
  void go(std::uint32_t number) {
    leave(at.at(number), server, client(number));
    at.erase(number);
  }
  // @return whether there was a part
  bool take_part() {
    if (!told.contains(at_server)) return false;
    last = take<signalling::roster_update>(at_server);
    CHECK(!told.contains(at_server));  // one at a time
    CHECK(last.entries.size() <= directory::roster_part);
    if (last.snapshot && !filling) known.clear();
    filling = last.snapshot && last.more;
    for (const auto& one : last.entries) {
      known.erase(one.client);
      if (one.present) known[one.client] = one.record;
    }
    ++parts;
    drain(at_server);
    return true;
  }
  bool is_told_all() const {
    return known.size() == at.size() &&
           std::ranges::all_of(at, [&](const auto& one) { return known.contains(client(one.first)); });
  }

  const peer_id server = peer(10);
  link_ref at_server;
  std::map<std::uint32_t, link_ref> at;
  std::map<peer_id, bytes> known;
  signalling::roster_update last;
  bool filling = false;
  std::size_t parts = 0;
  std::uint64_t logins_so_far = 0;
};

}  // namespace

TEST_CASE("of a roster nothing more is told until the part before has left, however much changes") {
  with_one_and_two([](std::size_t shards) {
    constexpr std::uint32_t many = 5 * directory::roster_part;
    large all(shards, many);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.told.at(all.at_server).size() == 1);
    for (int i = 0; i < 100; ++i) all.prove(all.at.at(7), all.server, all.client(7), static_cast<std::uint8_t>(i));
    CHECK(all.told.at(all.at_server).size() == 1);
    while (all.take_part()) continue;
    CHECK(all.parts == 5 + 1);  // and the one who was told before he changed
    CHECK(all.is_told_all());
    CHECK(all.known.at(all.client(7)) == bytes(3, 99));
    for (std::uint32_t i = 0; i < many; ++i) all.prove(all.at.at(i), all.server, all.client(i), 200);
    CHECK(all.told.at(all.at_server).size() == 1);
    CHECK(all.take_part());
    CHECK(!all.last.snapshot);
    CHECK(all.last.entries.size() == 1);  // there was room for it
    while (all.take_part()) CHECK(!all.last.snapshot);
    CHECK(all.parts == 5 + 1 + 1 + 5);
    for (const auto& [client, record] : all.known) CHECK(record == bytes(3, 200));
    all.links_drain = true;
    all.drain({7, 7});
    all.drain(all.at.at(1));
    CHECK(all.quiet());
  });
}

TEST_CASE("who comes, changes or goes while a snapshot is under way is told right in the end") {
  with_one_and_two([](std::size_t shards) {
    large all(shards, 10 * directory::roster_part);
    all.ask_roster(all.at_server, all.server, {});
    for (int i = 0; i < 5; ++i) CHECK(all.take_part());
    const auto begun = all.last.version;
    constexpr std::uint32_t early = 3;
    constexpr std::uint32_t late = 9 * directory::roster_part;
    all.go(early);
    all.go(late);
    all.go(early + 1);
    all.come(early + 1);
    all.prove(all.at.at(early + 2), all.server, all.client(early + 2), 77);
    all.prove(all.at.at(late + 2), all.server, all.client(late + 2), 78);
    all.come(10 * directory::roster_part);
    while (all.take_part()) {
      CHECK((all.last.version == begun || !all.last.snapshot));
      CHECK((all.last.more || all.is_told_all()));
    }
    CHECK(!all.last.more);
    CHECK(all.is_told_all());
    CHECK(all.known.at(all.client(early + 2)) == bytes(3, 77));
    CHECK(all.known.at(all.client(late + 2)) == bytes(3, 78));
    // and of that version: there is no difference to it
    const auto version = all.last.version;
    CHECK(version.number == begun.number + 7);
    all.ask_roster(all.at_server, all.server, version);
    CHECK(all.take_part());
    CHECK(!all.last.snapshot);
    CHECK(all.last.entries.empty());
    CHECK(all.last.version == version);
  });
}

TEST_CASE("a server that asks again, or comes again, in the midst of a snapshot gets one from its beginning") {
  with_one_and_two([](std::size_t shards) {
    constexpr std::uint32_t many = 4 * directory::roster_part;
    large all(shards, many);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take_part());
    CHECK(all.take_part());
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.told.at(all.at_server).size() == 1);  // a part is still on its way
    const auto left = all.take<signalling::roster_update>(all.at_server);
    CHECK(left.snapshot);
    all.known.clear();
    all.filling = false;
    all.parts = 0;
    all.drain(all.at_server);
    while (all.take_part()) continue;
    CHECK(all.parts == 4);
    CHECK(all.is_told_all());

    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.take_part());
    const auto before = all.at_server;
    all.at_server = all.up(all.server, role::server, 2);
    all.told.clear();
    all.drain(before);  // an old link's room is nobody's
    CHECK(!all.told.contains(all.at_server));
    all.filling = false;
    all.parts = 0;
    all.ask_roster(all.at_server, all.server, {});
    while (all.take_part()) continue;
    CHECK(all.parts == 4);
    CHECK(all.is_told_all());
  });
}

TEST_CASE("clients without a door make no part of a roster long to find") {
  house all(1);
  all.links_drain = false;
  const auto at_server = all.up(peer(10), role::server);
  for (std::uint32_t i = 0; i < 3 * directory::most_walked; ++i) {
    all.present(all.new_link(), peer(10), peer(1000 + i), i);
  }
  all.told.clear();
  all.ask_roster(at_server, peer(10), {});
  for (int part = 0; part < 3; ++part) {
    const auto some = all.take<signalling::roster_update>(at_server);
    CHECK(some.entries.empty());
    CHECK(some.more == (part < 2));
    all.drain(at_server);
  }
  CHECK(all.quiet());
}

TEST_CASE("what concerns very many clients is told to some at a time, and to each of them as it is then") {
  constexpr std::uint32_t many = 3 * directory::most_at_once;
  house all(1);
  const auto server = peer(10);
  std::vector<link_ref> links;
  for (std::uint32_t i = 0; i < many; ++i) {
    links.push_back(all.new_link());
    all.present(links.back(), server, peer(1000 + i), i);
  }
  all.told.clear();
  auto& home = all.homes[0];
  const auto told = [&](signalling::presence_state state) {
    std::size_t count = 0;
    for (const auto& link : links)
      count += all.told.contains(link) && all.take<signalling::presence>(link).state == state;
    return count;
  };
  const auto up = all.up(server, role::server);
  CHECK(told(presence_state::online) == directory::most_at_once);
  CHECK(all.next() <= all.now);
  all.carry(home.expire(all.now, all.today));
  CHECK(told(presence_state::online) == directory::most_at_once);
  all.detach(up, server, role::server);  // all are to know that, those above too
  CHECK(told(presence_state::offline) == directory::most_at_once);
  all.pass(0s);
  CHECK(told(presence_state::offline) == many - directory::most_at_once);
  CHECK(all.quiet());
  CHECK(all.timers() == many);  // their grants'
}

TEST_CASE("over a standing link each change is pushed, until the server asks at intervals") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.prove(all.at_client, all.server, all.client, 4);
    CHECK(all.quiet());  // it has not asked yet
    all.ask_roster(all.at_server, all.server, {});
    const auto whole = all.take<signalling::roster_update>(all.at_server);
    all.prove(all.at_client, all.server, all.client, 5);
    const auto pushed = all.take<signalling::roster_update>(all.at_server);
    CHECK(!pushed.snapshot);
    CHECK(!pushed.more);
    CHECK(pushed.version.number == whole.version.number + 1);
    CHECK(pushed.entries.at(0).record == bytes(3, 5));
    all.leave(all.at_client, all.server, all.client);
    const auto gone = all.take<signalling::roster_update>(all.at_server);
    REQUIRE(gone.entries.size() == 1);
    CHECK(gone.entries[0].client == all.client);
    CHECK(!gone.entries[0].present);

    all.ask_roster(all.at_server, all.server, gone.version, 60s);
    all.take<signalling::roster_update>(all.at_server);
    const auto again = all.up(all.client, role::client, 2);
    all.granted(again, all.server, all.client, 1);
    all.prove(again, all.server, all.client, 6);
    CHECK(all.quiet());
  });
}

TEST_CASE("only clients with a grant for the outbound method are on the roster") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto server = peer(10);
    const auto at_server = all.up(server, role::server);
    const auto link = all.up(peer(1), role::client);
    all.granted(link, server, peer(1), 1, window);
    all.prove(link, server, peer(1), 5);
    all.ask_roster(at_server, server, {});
    CHECK(all.take<signalling::roster_update>(at_server).entries.empty());
    all.granted(link, server, peer(1), 2, outbound);
    const auto now_there = all.take<signalling::roster_update>(at_server);
    REQUIRE(now_there.entries.size() == 1);
    CHECK(now_there.entries[0].present);
    CHECK(now_there.entries[0].grant == id(2));
    all.granted(link, server, peer(1), 2, window);  // the same grant cannot say other things, but let it
    CHECK(!all.take<signalling::roster_update>(at_server).entries.at(0).present);
    CHECK(all.quiet());
  });
}

TEST_CASE("a door counts only for servers that the client has presented a grant of, over its own link") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_server, all.server, {});
    all.take<signalling::roster_update>(all.at_server);
    all.prove(all.at_client, peer(11), all.client, 5);
    all.prove(all.at_client, all.server, peer(3), 5);
    all.prove(all.new_link(), all.server, all.client, 5);
    CHECK(all.quiet());
  });
}

TEST_CASE("nobody but the server's own link gets its roster") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.ask_roster(all.at_client, all.server, {});
    all.ask_roster(all.at_server, peer(11), {});
    CHECK(all.quiet());
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::goodbye>(all.at_server);
    all.take<signalling::presence>(all.at_client);
    all.ask_roster(all.at_server, all.server, {});
    CHECK(all.quiet());
    all.prove(all.at_client, all.server, all.client, 5);
    CHECK(all.quiet());  // the new link has not asked
    all.ask_roster(second, all.server, {});
    all.take<signalling::roster_update>(second);
  });
}

// ---- requests

TEST_CASE("who comes with an invite is passed on to the server that announced it, verbatim, and to no other") {
  house all(2);
  const auto home = peer(1);
  const auto link = all.up(home, role::server);
  const auto guest = all.new_link();
  signalling::link_ticket ticket;
  ticket.fill(9);
  const auto redeem = [&](const peer_id& server, std::uint32_t invite) {
    all.send(event::redeeming{guest, server, id(invite), ticket, {1, 2, 3}});
  };
  redeem(home, 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  all.send(event::invites_announced{link, home, {id(7), id(8)}});
  redeem(home, 7);
  const auto passed = all.take<signalling::redemption>(link);
  CHECK(passed.ticket == ticket);
  CHECK(passed.invite == id(7));
  CHECK(passed.sealed == bytes{1, 2, 3});
  redeem(peer(2), 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::server_offline);
  all.send(event::invites_announced{link, home, {id(8)}});  // all that there are now
  redeem(home, 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  redeem(home, 8);
  CHECK(all.take<signalling::redemption>(link).invite == id(8));
  all.send(event::invites_announced{all.new_link(), home, {id(7)}});  // not its link
  redeem(home, 7);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  all.detach(link, home, role::server);
  redeem(home, 8);
  CHECK(all.take<signalling::goodbye>(guest).why == errc::server_offline);
  const auto later = all.up(home, role::server, 2);
  redeem(home, 8);  // not announced over this link
  CHECK(all.take<signalling::goodbye>(guest).why == errc::invite_unknown);
  all.detach(later, home, role::server);
  CHECK(all.quiet());
  for (const auto& one : all.homes) CHECK(one.next() == never);
}

TEST_CASE("a request is commanded to the server verbatim, with the address that central saw") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3);
    const auto command = all.take<signalling::command>(all.at_server);
    CHECK(command.signed_request == house::octets_of(3));
    CHECK(command.seen == std::vector{net::tcp::endpoint(asio::ip::make_address("198.51.100.7"), 7)});
    CHECK(all.quiet());
  });
}

TEST_CASE("an answer goes to the link that has asked, verbatim, and to no other") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.request(all.at_client, all.server, all.client, 3);
    all.request(other, all.server, peer(2), 4);
    all.take<signalling::command>(all.at_server);
    all.take<signalling::command>(all.at_server);
    all.answer(all.at_server, all.server, 4);
    const auto second = all.take<signalling::answer>(other);
    CHECK(second.id == id(4));
    CHECK(second.signed_answer == house::octets_of(5));
    CHECK(all.quiet());
    all.answer(all.at_server, all.server, 3);
    CHECK(all.take<signalling::answer>(all.at_client).id == id(3));
    CHECK(all.quiet());
  });
}

TEST_CASE("an answer of another server, of an older link or to nothing is ignored") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto at_other = all.up(peer(11), role::server);
    all.request(all.at_client, all.server, all.client, 3);
    all.take<signalling::command>(all.at_server);
    all.answer(at_other, peer(11), 3);
    all.answer(at_other, all.server, 3);
    all.answer(all.at_client, all.server, 3);
    all.answer(all.at_server, all.server, 4);
    CHECK(all.quiet());
    const auto second = all.up(all.server, role::server, 2);
    all.take<signalling::goodbye>(all.at_server);
    all.take<signalling::presence>(all.at_client);
    all.answer(all.at_server, all.server, 3);
    CHECK(all.quiet());
    all.answer(second, all.server, 3);
    all.take<signalling::answer>(all.at_client);
  });
}

TEST_CASE("several answers are relayed, up to the limit, and no failure follows them") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3);
    all.take<signalling::command>(all.at_server);
    for (int i = 0; i < exchange::most_answers; ++i) {
      all.answer(all.at_server, all.server, 3);
      all.take<signalling::answer>(all.at_client);
    }
    all.answer(all.at_server, all.server, 3);
    all.pass(1h);
    CHECK(all.quiet());
    CHECK(all.timers() == 1);  // the client's grant
  });
}

TEST_CASE("a request without an answer fails exactly once, in time, and an answer afterwards is ignored") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3, 800ms);
    all.take<signalling::command>(all.at_server);
    CHECK(all.next() == all.now + 800ms + exchange::grace);
    all.pass(800ms + exchange::grace - 1ns);
    CHECK(all.quiet());
    all.pass(1ns);
    const auto failure = all.take<signalling::failure>(all.at_client);
    CHECK(failure.id == id(3));
    CHECK(failure.why == errc::exchange_timeout);
    all.answer(all.at_server, all.server, 3);
    all.pass(1h);
    CHECK(all.quiet());
  });
}

TEST_CASE("requests are counted: under way, answered, ended, and refused by their cause") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 3);
    all.request(all.at_client, all.server, all.client, 4);
    CHECK(all.account().begun == 2);
    CHECK(all.account().in_flight() == 2);
    all.answer(all.at_server, all.server, 3);
    all.answer(all.at_server, all.server, 3);  // another listener of the same window
    CHECK(all.account().answered == 1);
    all.finish(all.at_server, all.server, 3);
    CHECK(all.account().in_flight() == 1);
    all.pass(1h);
    CHECK(all.account().in_flight() == 0);
    CHECK(all.account().answered == 1);
    CHECK(all.account().refused.of(errc::exchange_timeout) == 1);
    all.request(all.at_client, peer(99), all.client, 5);
    all.present(all.at_client, all.server, all.client, 7);
    CHECK(all.account().refused.of(errc::unknown_server) == 1);
    CHECK(all.account().begun == 2);
  });
}

TEST_CASE("a server that central has not heard of is unknown, one without a link is offline") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, peer(12), all.client, 3);
    const auto unknown = all.take<signalling::failure>(all.at_client);
    CHECK(unknown.id == id(3));
    CHECK(unknown.why == errc::unknown_server);
    CHECK(all.granted(all.at_client, peer(12), all.client, 9).state == presence_state::offline);
    all.request(all.at_client, peer(12), all.client, 4);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::server_offline);

    all.ask_roster(all.at_server, all.server, {}, 60s);
    all.take<signalling::roster_update>(all.at_server);
    all.detach(all.at_server, all.server, role::server);
    all.take<signalling::presence>(all.at_client);
    all.take<signalling::presence>(all.at_client);
    all.request(all.at_client, all.server, all.client, 5);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::server_offline);
    CHECK(all.quiet());
  });
}

TEST_CASE("nobody asks a server without a grant of it, or over another's link") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.request(other, all.server, peer(2), 3);
    CHECK(all.take<signalling::failure>(other).why == errc::unknown_server);
    all.request(other, all.server, all.client, 4);
    CHECK(all.take<signalling::failure>(other).why == errc::unknown_server);
    CHECK(all.quiet());
  });
}

TEST_CASE("a client has so many open requests at a server, and gets them back when their time is up") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto fill = [&](const link_ref& link, std::uint32_t first) {
      for (std::uint32_t i = 0; i < directory::most_open_requests; ++i) {
        all.request(link, all.server, all.client, first + i);
        all.take<signalling::command>(all.at_server);
      }
      all.request(link, all.server, all.client, first + 100);
      const auto refused = all.take<signalling::failure>(link);
      CHECK(refused.id == id(first + 100));
      CHECK(refused.why == errc::too_many_requests);
      CHECK(all.quiet());
    };
    fill(all.at_client, 1000);
    all.answer(all.at_server, all.server, 1000);  // it is open no more, though others may follow
    all.take<signalling::answer>(all.at_client);
    all.request(all.at_client, all.server, all.client, 2000);
    all.take<signalling::command>(all.at_server);
    all.request(all.at_client, all.server, all.client, 2001);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::too_many_requests);
    all.pass(2s);
    for (std::size_t i = 0; i < directory::most_open_requests; ++i) {
      CHECK(all.take<signalling::failure>(all.at_client).why == errc::exchange_timeout);
    }
    CHECK(all.quiet());
    fill(all.at_client, 3000);
  });
}

TEST_CASE("a client has so many answered requests that others may follow, and the server ends them early") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto pass_through = [&](std::uint32_t number, bool last) {
      all.request(all.at_client, all.server, all.client, number);
      all.take<signalling::command>(all.at_server);
      all.answer(all.at_server, all.server, number, last);
      CHECK(all.take<signalling::answer>(all.at_client).last == last);
    };
    for (std::uint32_t i = 0; i < 2 * directory::most_answered; ++i) pass_through(10'000 + i, true);
    for (std::uint32_t i = 0; i < directory::most_answered; ++i) pass_through(20'000 + i, false);
    all.request(all.at_client, all.server, all.client, 1);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::too_many_requests);
    all.finish(all.at_server, all.server, 20'000);
    CHECK(all.quiet());  // that is for central alone
    pass_through(30'000, true);
    all.answer(all.at_server, all.server, 30'000);  // nothing follows what was the last
    CHECK(all.quiet());
    pass_through(30'001, false);
    all.pass(2s);
    CHECK(all.quiet());
    pass_through(30'002, false);
  });
}

TEST_CASE("the steps of central and what the server traced go to the client that asked for them, once") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto trace = [&](std::uint32_t number) {
      all.send(event::traced{all.at_server, all.server, id(number), bytes(3, 7)});
    };
    all.request(all.at_client, all.server, all.client, 1, 1s, true);
    all.take<signalling::command>(all.at_server);
    trace(1);
    CHECK(all.quiet());  // nothing was answered yet
    all.pass(20ms);
    for (int attempt = 1; attempt <= trust::most_answers; ++attempt) {
      all.answer(all.at_server, all.server, 1);
      all.take<signalling::answer>(all.at_client);
    }
    all.pass(30ms);
    trace(1);
    const auto told = all.take<signalling::trace>(all.at_client);
    CHECK(told.id == id(1));
    CHECK(told.signed_trace == bytes(3, 7));
    CHECK(told.of_central.sent_us - told.of_central.received_us == 20'000);
    std::string letters;
    for (const auto& one : told.of_central.steps) letters += one.letter == 0 ? '-' : static_cast<char>(one.letter);
    CHECK(letters == "BCEFEFEFEF-");
    trace(1);
    all.finish(all.at_server, all.server, 1);
    trace(1);
    all.request(all.at_client, all.server, all.client, 2);
    all.take<signalling::command>(all.at_server);
    all.answer(all.at_server, all.server, 2);
    all.take<signalling::answer>(all.at_client);
    trace(2);
    CHECK(all.quiet());  // that one did not ask
  });
}

TEST_CASE("a failure of central's is explained before it is told") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 1, 1s, true);
    all.take<signalling::command>(all.at_server);
    all.pass(2s);
    const auto late = all.take<signalling::trace>(all.at_client);
    CHECK(late.signed_trace.empty());
    CHECK(late.of_central.steps.back().detail == make_error_code(errc::exchange_timeout).message());
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::exchange_timeout);
    all.detach(all.at_server, all.server, role::server);
    all.told.clear();
    all.request(all.at_client, all.server, all.client, 2, 1s, true);
    const auto gone = all.take<signalling::trace>(all.at_client);
    CHECK(gone.of_central.steps.back().detail == make_error_code(errc::server_offline).message());
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::server_offline);
  });
}

TEST_CASE("a request that was not answered is not ended by the server's being done with it") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    all.request(all.at_client, all.server, all.client, 1);
    all.take<signalling::command>(all.at_server);
    all.finish(all.at_server, all.server, 1);
    CHECK(all.quiet());
    all.pass(2s);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::exchange_timeout);
  });
}

TEST_CASE("what an earlier link of a client had open gives its new link nothing when it ends") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto open = [&](const link_ref& link, std::uint32_t first) {
      std::size_t count = 0;
      for (std::uint32_t i = 0; i < 2 * directory::most_open_requests; ++i) {
        all.request(link, all.server, all.client, first + i);
        count += all.told.contains(all.at_server) ? 1 : 0;
        all.told.clear();
      }
      return count;
    };
    CHECK(open(all.at_client, 1000) == directory::most_open_requests);
    all.pass(1s);
    const auto second = all.up(all.client, role::client, 2);
    all.granted(second, all.server, all.client, 1);
    CHECK(open(second, 2000) == directory::most_open_requests);
    all.pass(1s);  // those of the first link end
    all.told.clear();
    CHECK(open(second, 3000) == 0);
    all.pass(1s);
    all.told.clear();
    CHECK(open(second, 4000) == directory::most_open_requests);
  });
}

TEST_CASE("a request's id is used once at a time") {
  with_one_and_two([](std::size_t shards) {
    scene all(shards);
    const auto other = all.up(peer(2), role::client);
    all.granted(other, all.server, peer(2), 2);
    all.request(all.at_client, all.server, all.client, 3);
    all.take<signalling::command>(all.at_server);
    all.request(other, all.server, peer(2), 3);
    CHECK(all.take<signalling::failure>(other).why == errc::too_many_requests);
    all.answer(all.at_server, all.server, 3);
    all.take<signalling::answer>(all.at_client);
    CHECK(all.quiet());
  });
}

TEST_CASE("a server has so many open requests, of all its clients, and gets them back") {
  with_one_and_two([](std::size_t shards) {
    constexpr auto clients = directory::most_open_a_server / directory::most_open_requests;
    scene all(shards);
    std::uint32_t number = 0;
    const auto open = [&](std::uint32_t client) {
      const auto link = all.up(peer(1000 + client), role::client, 1 + number);
      all.granted(link, all.server, peer(1000 + client), client);
      for (std::size_t i = 0; i < directory::most_open_requests; ++i) {
        all.request(link, all.server, peer(1000 + client), ++number);
        all.take<signalling::command>(all.at_server);
      }
    };
    for (std::uint32_t i = 0; i < clients; ++i) open(i);
    all.request(all.at_client, all.server, all.client, ++number);
    CHECK(all.take<signalling::failure>(all.at_client).why == errc::too_many_requests);
    CHECK(all.quiet());
    all.pass(2s);
    all.told.clear();
    all.request(all.at_client, all.server, all.client, ++number);
    all.take<signalling::command>(all.at_server);
    CHECK(all.quiet());
  });
}

// ---- the end

TEST_CASE("everything is forgotten when all have left, in any order") {
  with_one_and_two([](std::size_t shards) {
    for (const bool client_first : {true, false}) {
      scene all(shards);
      all.prove(all.at_client, all.server, all.client, 5);
      all.request(all.at_client, all.server, all.client, 3);
      all.told.clear();
      if (client_first) all.leave(all.at_client, all.server, all.client);
      all.detach(all.at_server, all.server, role::server);
      if (!client_first) all.leave(all.at_client, all.server, all.client);
      CHECK(all.logins() == 0);
      CHECK(all.servers() == 1);  // for the request
      all.pass(2s);
      CHECK(all.servers() == 0);
      CHECK(all.next() == never);
    }
  });
}

TEST_CASE("refused grants and requests leave nothing behind") {
  with_one_and_two([](std::size_t shards) {
    house all(shards);
    const auto link = all.up(peer(1), role::client);
    all.request(link, peer(10), peer(1), 1);
    all.prove(link, peer(10), peer(1), 1);
    all.answer(link, peer(10), 1);
    all.ask_roster(link, peer(10), {});
    all.send(event::client_left{link, peer(10), peer(1)});
    all.send(event::detached{all.new_link(), peer(10), role::server});
    CHECK(all.servers() == 0);
    CHECK(all.logins() == 1);
  });
}

namespace {

// Peers that do anything at any time, also over links that are gone; and what may come of it.
struct crowd : house {
  static constexpr std::uint32_t servers_there = 5;
  static constexpr std::uint32_t clients_there = 12;
  static constexpr int most_serial = 1000;

  struct link_facts {
    std::uint32_t number = 0;
    role who = role::client;
    bool welcomed = false;
    bool ended = false;  // it was told goodbye, or has left
    std::set<peer_id> presented;
    std::vector<std::uint32_t> commanded;
  };
  struct request_facts {
    std::set<link_ref> from;
    int commands = 0;
    int answers = 0;
    int failures = 0;  // for want of an answer
  };

  explicit crowd(std::size_t shards, unsigned seed) : house(shards), dice(seed) {}

  std::uint32_t below(std::uint32_t bound) { return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(dice); }
  bool sometimes(std::uint32_t one_in) { return below(one_in) == 0; }
  static peer_id server(std::uint32_t number) { return peer(100 + number); }
  static peer_id client(std::uint32_t number) { return peer(200 + number); }
  static peer_id name(const link_facts& of) { return of.who == role::server ? server(of.number) : client(of.number); }

  void arrive() {
    link_facts made;
    made.who = sometimes(3) ? role::server : role::client;
    made.number = below(made.who == role::server ? servers_there : clients_there);
    const auto before = links;
    facts.emplace(link_ref{static_cast<std::uint32_t>((before + 1) % homes.size()), before + 1}, made);
    attach(name(made), made.who, sometimes(4) ? below(static_cast<std::uint32_t>(links) + 1) : before);
  }

  std::optional<link_ref> any_link(role as) {
    std::vector<link_ref> some;
    for (const auto& [link, one] : facts) {
      if (one.who == as && one.welcomed) some.push_back(link);
    }
    if (some.empty()) return std::nullopt;
    return some[below(static_cast<std::uint32_t>(some.size()))];
  }

  void depart(const link_ref& link) {
    auto& one = facts.at(link);
    for (const auto& to : one.presented) send(event::client_left{link, to, name(one)});
    detach(link, name(one), one.who);
    facts.erase(link);
  }

  void act_as_client(const link_ref& link) {
    auto& one = facts.at(link);
    const auto to = server(below(servers_there));
    switch (below(4)) {
      case 0:
        one.presented.insert(to);
        return present(link, to, name(one), one.number * 10 + below(10), static_cast<std::uint8_t>(1 + below(7)),
                       sometimes(4) ? std::chrono::seconds(below(60)) : 24h * 365);
      case 1:
        return prove(link, to, name(one), static_cast<std::uint8_t>(below(9)));
      default:
        break;
    }
    const auto number = requests.empty() || !sometimes(10) ? ++last_request : 1 + below(last_request);
    requests[number].from.insert(link);
    request(link, to, name(one), number, std::chrono::milliseconds(below(8000)));
  }

  // Mostly something that this server was asked.
  std::uint32_t chosen(const std::vector<std::uint32_t>& commanded) {
    if (commanded.empty() || sometimes(10)) return below(last_request + 2);
    return commanded[commanded.size() - 1 -
                     below(static_cast<std::uint32_t>(std::min<std::size_t>(9, commanded.size())))];
  }

  void act_as_server(const link_ref& link) {
    const auto own = name(facts.at(link));
    switch (below(6)) {
      case 0:
        return ask_roster(link, own, {below(2), below(50)},
                          sometimes(2) ? 0ms : std::chrono::milliseconds(below(9000)));
      case 1:
        return send(event::renewed{link, own, nonce(static_cast<std::uint8_t>(below(256)))});
      case 2:
        return revoke(link, own, below(most_serial), {entry(below(120)), {id(below(120)), today - 1s}});
      default:
        return answer(link, own, chosen(facts.at(link).commanded));
    }
  }

  void step() {
    switch (below(8)) {
      case 0:
        arrive();
        break;
      case 1:
        if (const auto link = any_link(sometimes(3) ? role::server : role::client)) depart(*link);
        break;
      case 2:
        pass(std::chrono::milliseconds(below(500)));
        break;
      case 3:
      case 4:
        if (const auto link = any_link(role::server)) act_as_server(*link);
        break;
      default:
        if (const auto link = any_link(role::client)) act_as_client(*link);
    }
    check_deliveries();
  }

  void check_deliveries() {
    for (const auto& [link, messages] : told) {
      REQUIRE(link.number <= links);  // never one that there was not
      const auto found = facts.find(link);
      for (const auto& what : messages) {
        std::visit([&](const auto& one) { check(link, found == facts.end() ? nullptr : &found->second, one); }, what);
      }
    }
    told.clear();
    std::erase_if(facts, [](const auto& one) { return !one.second.welcomed && one.second.ended; });
    REQUIRE(servers() <= servers_there);
    REQUIRE(logins() <= servers_there + clients_there);
  }

  // A link that has left may still be told how its requests ended, and nothing else.
  void check(const link_ref&, link_facts* at, const signalling::welcome&) {
    REQUIRE(at);
    REQUIRE(!at->welcomed);
    REQUIRE(!at->ended);
    at->welcomed = true;
  }
  void check(const link_ref&, link_facts* at, const signalling::goodbye& what) {
    REQUIRE(at);
    REQUIRE(!at->ended);
    REQUIRE((at->welcomed ? what.why == errc::evicted
                          : what.why == errc::login_too_low || what.why == errc::too_many_requests));
    at->ended = true;
  }
  void check(const link_ref&, link_facts* at, const signalling::presence& what) {
    REQUIRE(at);
    REQUIRE(at->who == role::client);
    REQUIRE(at->presented.contains(what.server));
  }
  void check(const link_ref&, link_facts* at, const signalling::grant_result&) {
    REQUIRE(at);
    REQUIRE(at->who == role::client);
  }
  void check(const link_ref&, link_facts* at, const signalling::revocations_result&) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
  }
  void check(const link_ref&, link_facts* at, const signalling::renewed_nonce&) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
    REQUIRE(!at->ended);
  }
  void check(const link_ref&, link_facts* at, const signalling::roster_update& what) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
    REQUIRE(!at->ended);
    REQUIRE(what.entries.size() <= signalling::roster_update::most_entries);
    for (const auto& one : what.entries) REQUIRE(one.present != one.record.empty());
  }
  void check(const link_ref&, link_facts* at, const signalling::command& what) {
    REQUIRE(at);
    REQUIRE(at->who == role::server);
    REQUIRE(!at->ended);
    REQUIRE(what.signed_request.size() == 16);
    trust::request_id which{};
    std::ranges::copy(what.signed_request, which.begin());
    ++asked(which).commands;
    at->commanded.push_back(number_of(which));
  }
  void check(const link_ref& link, link_facts*, const signalling::answer& what) {
    auto& one = asked(what.id);
    REQUIRE(one.from.contains(link));
    REQUIRE(++one.answers <= exchange::most_answers * one.commands);
  }
  void check(const link_ref& link, link_facts* at, const signalling::failure& what) {
    auto& one = asked(what.id);
    REQUIRE(one.from.contains(link));
    if (what.why == errc::grant_revoked || what.why == errc::grant_expired) return;
    if (what.why != errc::exchange_timeout) {
      REQUIRE(at);
      return;
    }
    REQUIRE(++one.failures <= one.commands);
  }
  template <class Other>
  void check(const link_ref&, link_facts*, const Other&) {
    FAIL("central never says that");
  }

  request_facts& asked(const trust::request_id& which) {
    REQUIRE(requests.contains(number_of(which)));
    return requests.at(number_of(which));
  }
  static std::uint32_t number_of(const trust::request_id& which) {
    return static_cast<std::uint32_t>(which[0] | which[1] << 8 | which[2] << 16);
  }

  // All leave, and no revocation is in force any more.
  void empty() {
    while (!facts.empty()) {
      depart(facts.begin()->first);
      check_deliveries();
    }
    today += 48h;  // what was revoked has ended
    for (std::uint32_t i = 0; i < servers_there; ++i) {
      const auto link = attach(server(i), role::server, 1'000'000);
      revoke(link, server(i), most_serial, {});
      detach(link, server(i), role::server);
    }
    told.clear();
    pass(24h);
  }

  std::mt19937 dice;
  std::map<link_ref, link_facts> facts;
  std::map<std::uint32_t, request_facts> requests;
  std::uint32_t last_request = 0;
};

}  // namespace

TEST_CASE("whatever happens, in whatever order, nobody is told what does not concern him, and all of it is forgotten") {
  for (const std::size_t shards : {1U, 2U}) {
    for (const unsigned seed : {1U, 2U}) {
      CAPTURE(shards);
      CAPTURE(seed);
      crowd all(shards, seed);
      for (int i = 0; i < 20'000; ++i) all.step();
      int answered = 0;
      int failed = 0;
      for (const auto& [number, one] : all.requests) {
        answered += one.answers > 0 ? 1 : 0;
        failed += one.failures > 0 ? 1 : 0;
      }
      CHECK(answered > 50);  // the events did meet each other
      CHECK(failed > 50);
      all.empty();
      CHECK(all.servers() == 0);
      CHECK(all.logins() == 0);
      CHECK(all.next() == never);
    }
  }
}
