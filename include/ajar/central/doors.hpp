// SPDX-License-Identifier: BSL-1.0
// ajar/central/doors.hpp - what central dials: the doors of clients, and whoever wants to know what his NAT lets in.
#pragma once

#include <ajar/central/desk.hpp>
#include <ajar/central/door_probe.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/trust/address_record.hpp>

#include <set>
#include <utility>

namespace ajar::detail {

class central_doors {
 public:
  explicit central_doors(central_desk& of) : of_(of) {}

  // One dial-back proves that the client is there, and that it wants to be dialled.
  result<> take(const link_ptr& one, const signalling::door& what) {
    const auto refuse = [&](errc why) -> result<> {
      of_.counted.rendezvous.refused.add(why);
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
    of_.spawn(prove(one, at, what.record));
    return {};
  }

  // Does anybody get through who was not called? Only to an address that the peer itself was seen at, and nothing is
  // said there.
  result<> dial_back(const link_ptr& one, const signalling::dial_back& what) {
    if (!of_.network()->has_sockets() || !one->is_seen(net::unmapped(what.at.address()))) return {};
    if (!one->dial_backs.take(clock::now())) return {};
    of_.spawn(dial_twice(what.at));
    return {};
  }

 private:
  awaitable<void> prove(link_ptr one, net::tcp::endpoint at, bytes record) {
    auto probing = probe_door(of_.network(), of_.shared->key, one->id, at);
    auto proved = co_await std::move(probing);
    one->proving = false;
    ++(proved ? of_.counted.doors_proved : of_.counted.doors_closed);
    of_.step_done(one->id, "B", proved ? "a client's door is proved" : "a client's door is closed",
                  short_name(one->id) + " at " + net::to_string(at) + (proved ? "" : ": " + proved.error().message()));
    if (proved) {
      one->record = record;
      const std::set<identity::peer_id> servers = one->servers();
      for (const auto& server : servers) {
        of_.shared->routes.send(switchboard::event::door_proved{one->ref, server, one->id, record});
      }
    }
    const bool busy = !proved && is_shortage(proved.error());  // that says nothing of the door
    const auto why = busy ? errc::central_busy : errc::address_not_proved;
    (void)one->link.send(signalling::door_result{proved ? std::uint16_t{0} : static_cast<std::uint16_t>(why)});
  }

  awaitable<void> dial_twice(net::tcp::endpoint at) {
    constexpr std::chrono::milliseconds probe_time{900};  // the kernel's own second SYN leaves after 1 s
    auto dialling = net::dial_twice(at, clock::now() + probe_time);
    auto stream = co_await std::move(dialling);
    ++(stream ? of_.counted.dialled_back : of_.counted.dial_backs_failed);
  }

  central_desk& of_;
};

}  // namespace ajar::detail
