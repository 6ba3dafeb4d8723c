// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/event.hpp - what the shards of central tell each other.
#pragma once

#include <ajar/signalling/message.hpp>
#include <ajar/trust/revocations.hpp>

#include <compare>
#include <variant>

namespace ajar::switchboard {

/// A link, wherever in central it is.
struct link_ref {
  std::uint32_t shard = 0;
  std::uint64_t number = 0;

  auto operator<=>(const link_ref&) const = default;
};

/// A message for a link. A goodbye closes it.
struct delivery {
  link_ref to;
  signalling::message what;
};

/// What happened, as the shard of a link tells it to the shard where a peer is at home.
namespace event {

struct attached {  ///< answered by welcome or goodbye
  link_ref link;
  identity::peer_id peer;
  signalling::role who = signalling::role::client;
  std::uint64_t login = 0;
  trust::method_set methods{};
  trust::link_nonce nonce{};  ///< a server's own
  net::tcp::endpoint seen;
  std::uint16_t reflect_port = 0;
  signalling::link_ticket ticket{};
};
struct detached {
  link_ref link;
  identity::peer_id peer;
  signalling::role who = signalling::role::client;
  bool flooded = false;  ///< that was why
};
struct renewed {  ///< a server has drawn another nonce
  link_ref link;
  identity::peer_id server;
  trust::link_nonce nonce{};
};
struct granted {  ///< the grant's signature and time are checked already
  link_ref link;
  identity::peer_id server;
  identity::peer_id client;
  trust::grant_id grant{};
  trust::method_set methods{};
  wall_time not_after{};
};
struct client_left {
  link_ref link;
  identity::peer_id server;
  identity::peer_id client;
};
struct door_proved {
  link_ref link;
  identity::peer_id server;
  identity::peer_id client;
  bytes record;
};
struct roster_asked {
  link_ref link;
  identity::peer_id server;
  signalling::roster_version since;
  std::chrono::milliseconds interval{0};
};
struct drained {  ///< what a server was told of its roster has left: there is room for more
  link_ref link;
  identity::peer_id server;
};
struct revoked {  ///< the list's signature is checked already
  link_ref link;
  identity::peer_id server;
  trust::revocations list;
  bytes octets;  ///< the same, as the server signed it
};
struct invites_announced {  ///< all that the server has now
  link_ref link;
  identity::peer_id server;
  std::vector<trust::invite_id> ids;
};
struct redeeming {  ///< somebody has an invite: passed on to the server, or answered by goodbye
  link_ref link;
  identity::peer_id server;
  trust::invite_id invite{};
  signalling::link_ticket ticket{};
  bytes sealed;
};
struct requested {  ///< the request's signature is checked already
  link_ref link;
  identity::peer_id server;
  identity::peer_id client;
  std::vector<net::tcp::endpoint> seen;
  trust::request_id id{};
  trust::grant_id grant{};
  std::chrono::milliseconds budget{0};
  bytes signed_request;
  bool explain = false;  ///< the client wants to know central's steps and the server's
};
struct answered {
  link_ref link;
  identity::peer_id server;
  signalling::answer what;
};
struct traced {
  link_ref link;
  identity::peer_id server;
  trust::request_id id{};
  bytes signed_trace;
};

}  // namespace event

using any_event =
    std::variant<event::attached, event::detached, event::renewed, event::granted, event::client_left,
                 event::door_proved, event::roster_asked, event::drained, event::revoked, event::invites_announced,
                 event::redeeming, event::requested, event::answered, event::traced>;

/// The peer at whose home an event is handled.
inline const identity::peer_id& home_of(const any_event& what) {
  return std::visit(
      [](const auto& one) -> const identity::peer_id& {
        if constexpr (requires { one.peer; }) {
          return one.peer;
        } else {
          return one.server;
        }
      },
      what);
}

}  // namespace ajar::switchboard
