// SPDX-License-Identifier: BSL-1.0
// ajar/central/status.hpp - what a running central knows of itself.
#pragma once

#include <ajar/identity/peer_id.hpp>
#include <ajar/switchboard/rendezvous_account.hpp>
#include <ajar/telling/cause_counts.hpp>
#include <ajar/windows/exposure_account.hpp>

#include <chrono>
#include <cstdint>

namespace ajar {

/// Plain values: of one instant for each shard.
struct central_status {
  identity::peer_id id;
  std::chrono::nanoseconds uptime{0};
  std::size_t shards = 0;
  std::size_t servers = 0;             ///< linked
  std::size_t clients = 0;             ///< linked
  std::size_t half_open = 0;           ///< connections that are not linked yet
  std::uint64_t links = 0;             ///< made since the start
  std::uint64_t dropped = 0;           ///< connections closed unseen, as a budget was used up
  telling::cause_counts not_accepted;  ///< attempts, while what came waited in the kernel
  telling::cause_counts turned_away;   ///< connections and peers that were not linked
  telling::cause_counts links_ended;
  switchboard::rendezvous_account rendezvous;
  windows::exposure exposed_today;  ///< of all ports that peers told of, since midnight UTC
  windows::exposure exposed;        ///< and since the start
  std::uint64_t doors_proved = 0;   ///< by a dial-back
  std::uint64_t doors_closed = 0;   ///< where nobody answered the dial-back
  std::uint64_t reflected = 0;      ///< connections whose origin was told
  std::uint64_t dialled_back = 0;   ///< to see what a NAT lets in, and it did
  std::uint64_t dial_backs_failed = 0;
  std::uint64_t exceptions = 0;  ///< coroutines that ended by one: a fault of the program, or no memory

  /// Add what another shard counted.
  void add(const central_status& other) {
    servers += other.servers;
    clients += other.clients;
    half_open += other.half_open;
    links += other.links;
    dropped += other.dropped;
    not_accepted.add(other.not_accepted);
    turned_away.add(other.turned_away);
    links_ended.add(other.links_ended);
    rendezvous.add(other.rendezvous);
    exposed_today += other.exposed_today;
    exposed += other.exposed;
    doors_proved += other.doors_proved;
    doors_closed += other.doors_closed;
    reflected += other.reflected;
    dialled_back += other.dialled_back;
    dial_backs_failed += other.dial_backs_failed;
    exceptions += other.exceptions;
  }
};

}  // namespace ajar
