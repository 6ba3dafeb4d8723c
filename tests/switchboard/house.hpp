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

inline constexpr trust::method_set outbound = trust::method::outbound;
inline constexpr trust::method_set window = trust::method::window;
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
  explicit house(std::size_t shards);
  ~house();

  void send(const any_event& what);
  void carry(std::vector<delivery> all);
  // What a server was told of its roster has left.
  void drain(const link_ref& link);
  time_point next() const;
  // Time goes by, and each shard does what it has to at its next().
  void pass(clock::duration time);
  // The wall clock goes along.
  void move_to(time_point at);

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
  bool quiet() const;

  link_ref new_link();
  link_ref attach(const peer_id& who, role as, std::uint64_t login);
  link_ref up(const peer_id& who, role as, std::uint64_t login = 1);
  void detach(const link_ref& link, const peer_id& who, role as);

  // For so long that nothing of a test outlives it, unless it is about that.
  void present(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t grant,
               trust::method_set methods = outbound | window, std::chrono::seconds life = 24h * 365);
  // A client with a good grant; what it is told about the server.
  signalling::presence granted(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t grant,
                               trust::method_set methods = outbound | window, std::chrono::seconds life = 24h * 365);
  void leave(const link_ref& link, const peer_id& server, const peer_id& client);
  void prove(const link_ref& link, const peer_id& server, const peer_id& client, std::uint8_t record);
  void ask_roster(const link_ref& link, const peer_id& server, const signalling::roster_version& since,
                  std::chrono::milliseconds interval = 0ms);
  void revoke(const link_ref& link, const peer_id& server, std::uint64_t serial,
              std::vector<trust::revocations::entry> entries);
  static bytes list_of(std::uint64_t serial);
  trust::revocations::entry entry(std::uint32_t grant) const;
  // By the grant that was presented last.
  void request(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t number,
               std::chrono::milliseconds budget = 1s, bool explain = false);
  void request_by(std::uint32_t grant, const link_ref& link, const peer_id& server, const peer_id& client,
                  std::uint32_t number, std::chrono::milliseconds budget = 1s, bool explain = false);
  static bytes octets_of(std::uint32_t number);
  void answer(const link_ref& link, const peer_id& server, std::uint32_t number, bool last = false);
  // The window is closed: central need not wait for more.
  void finish(const link_ref& link, const peer_id& server, std::uint32_t number);

  std::size_t servers() const;
  rendezvous_account account() const;
  std::size_t logins() const;
  std::size_t kept() const;
  std::size_t evicting() const;
  std::size_t resting() const;
  std::size_t timers() const;

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
  explicit scene(std::size_t shards);
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
