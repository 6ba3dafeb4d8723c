// SPDX-License-Identifier: BSL-1.0
// A directory, or two of them, and what links of theirs are told.
#pragma once

#include <ajar/switchboard/directory.hpp>

#include <doctest/doctest.h>
#include <deque>
#include <map>

namespace switching {

using namespace ajar;
using namespace ajar::switchboard;
using namespace std::chrono_literals;
using identity::peer_id;
using signalling::presence_state;
using signalling::role;

inline constexpr std::uint8_t outbound = static_cast<std::uint8_t>(trust::method::outbound);
inline constexpr std::uint8_t window = static_cast<std::uint8_t>(trust::method::window);
inline constexpr auto accepted = std::uint16_t{0};
inline constexpr std::uint16_t code_of(errc why) { return static_cast<std::uint16_t>(why); }

// Its home is its number modulo the number of shards.
inline peer_id peer(std::uint32_t number) {
  peer_id::octets_type octets{};
  for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return peer_id(octets);
}

inline std::array<std::uint8_t, 16> id(std::uint32_t number) {
  std::array<std::uint8_t, 16> octets{};
  for (std::size_t i = 0; i < 4; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return octets;
}

inline trust::link_nonce nonce(std::uint8_t number) {
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

}  // namespace switching
