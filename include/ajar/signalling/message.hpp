// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/message.hpp - what travels on a link between a peer and central.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/trust/address_record.hpp>
#include <ajar/trust/redemption.hpp>
#include <ajar/trust/window_trace.hpp>
#include <ajar/wire/frame.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace ajar::signalling {

/// The version of all messages here. Another one is answered by goodbye{unknown_version}.
inline constexpr std::uint16_t protocol_version = 4;

/// What a peer is on this link.
enum class role : std::uint8_t {
  server = 1,
  client = 2,
  redeemer = 3,  ///< has no grant yet, but an invite: it is not welcomed, sends redeem, and goes with what comes back
};

/// Whether a server can be asked for something now.
enum class presence_state : std::uint8_t {
  offline = 0,
  online = 1,   ///< its link is up
  polling = 2,  ///< it comes back at its interval, and dials
};

/// Which content of a server's roster a peer has: 0, 0 is none.
struct roster_version {
  std::uint64_t epoch = 0;   ///< drawn by central when it first hears of the server
  std::uint64_t number = 0;  ///< counts changes

  static void layout(auto& self, auto& io) { io(self.epoch, self.number); }
  bool operator==(const roster_version&) const = default;
};

/// One change of a roster.
struct roster_entry {
  static constexpr std::size_t longest_record = 160;  // an address record has at most 124 octets
  identity::peer_id client;
  bool present = false;  ///< false: it is gone, and the rest is empty
  trust::grant_id grant{};
  bytes record;  ///< trust::signed_address, as the client signed it

  static void layout(auto& self, auto& io) {
    io(self.client, self.present);
    if (self.present) io(self.grant, wire::at_most(self.record, longest_record));
  }
};

/// Peer to central, first of all.
struct hello {
  static constexpr std::uint8_t kind = 1;
  std::uint16_t version = protocol_version;
  role who = role::client;
  trust::method_set methods{};  ///< a server's: what it serves
  std::uint64_t login = 0;      ///< the peer's own counter: a higher one evicts
  trust::link_nonce nonce{};    ///< a server's, drawn for this link: its window requests are made under it; else zeroes

  static void layout(auto& self, auto& io) {
    io(self.version);
    if (self.version != protocol_version) return io.rest();
    io(wire::within(self.who, role::server, role::redeemer), self.methods, self.login, self.nonce);
  }
};

/// Names a link where another connection of central's is to tell that link something: to its reflecting ports, and
/// behind an invite to the server's link. Drawn by central, worth nothing elsewhere.
using link_ticket = std::array<std::uint8_t, 28>;

/// What a reflecting connection sends, after it is connected and before it ends: first an octet that no TLS record
/// begins with. Central tells over the link that the ticket names from where it came.
struct reflect_probe {
  static constexpr std::uint8_t first = 'R';
  static constexpr std::size_t size = 1 + 28 + 8;
  link_ticket ticket{};
  std::uint64_t number = 0;  ///< drawn by the peer

  std::array<std::uint8_t, size> encode() const {
    std::array<std::uint8_t, size> made{first};
    std::ranges::copy(ticket, made.begin() + 1);
    for (std::size_t i = 0; i < 8; ++i) made[29 + i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    return made;
  }
  /// Nothing where it is none.
  static std::optional<reflect_probe> decode(std::span<const std::uint8_t, size> octets) {
    wire::reader in(octets);
    if (in.number<std::uint8_t>() != first) return std::nullopt;
    reflect_probe made;
    made.ticket = in.fixed<28>();
    made.number = in.number<std::uint64_t>();
    return made;
  }
};

/// Central to peer: the link is up.
struct welcome {
  static constexpr std::uint8_t kind = 2;
  static constexpr std::chrono::seconds shortest_heartbeat{1};
  static constexpr std::chrono::minutes longest_heartbeat{10};
  std::chrono::milliseconds heartbeat{0};  ///< for both sides, within these two; beyond them it counts as one of them
  net::tcp::endpoint seen;                 ///< the peer's address, from outside
  std::uint16_t reflect_port = 0;  ///< central's second reflecting port, beside this one; 0: it reflects nothing
  link_ticket ticket{};            ///< for reflect_probe

  static void layout(auto& self, auto& io) {
    io(self.heartbeat, self.seen, self.reflect_port, self.ticket);
    io.require([&] { return self.heartbeat.count() != 0; });
  }
};

/// Either way, last of all: why this link ends.
struct goodbye {
  static constexpr std::uint8_t kind = 3;
  errc why = errc::canceled;

  static void layout(auto& self, auto& io) { io(self.why); }
};

/// Either way: answered at once by a pong with the same token.
struct ping {
  static constexpr std::uint8_t kind = 4;
  std::uint64_t token = 0;

  static void layout(auto& self, auto& io) { io(self.token); }
};

struct pong {
  static constexpr std::uint8_t kind = 5;
  std::uint64_t token = 0;

  static void layout(auto& self, auto& io) { io(self.token); }
};

/// Client to central: a grant that it holds.
struct present_grant {
  static constexpr std::uint8_t kind = 6;
  bytes grant;  ///< trust::signed_grant

  static void layout(auto& self, auto& io) { io(wire::at_most(self.grant, trust::largest_statement)); }
};

/// Central to client: what became of it; errc 0 is good.
struct grant_result {
  static constexpr std::uint8_t kind = 7;
  trust::grant_id grant{};
  std::uint16_t code = 0;

  static void layout(auto& self, auto& io) { io(self.grant, self.code); }
};

/// Server to central: what it revoked.
struct present_revocations {
  static constexpr std::uint8_t kind = 8;
  bytes list;  ///< trust::signed_revocations

  static void layout(auto& self, auto& io) { io(wire::at_most(self.list, trust::largest_statement)); }
};

/// Central to server: the list with this serial is in force, or why it is not.
struct revocations_result {
  static constexpr std::uint8_t kind = 9;
  std::uint64_t serial = 0;
  std::uint16_t code = 0;
  bytes later{};  ///< with serial_too_low: the list that is in force, as the server once presented it

  static void layout(auto& self, auto& io) {
    io(self.serial, self.code, wire::at_most(self.later, trust::largest_statement));
  }
};

/// Central to client: a server of one of its grants, now and whenever it changes.
struct presence {
  static constexpr std::uint8_t kind = 10;
  identity::peer_id server;
  presence_state state = presence_state::offline;
  trust::method_set methods{};            ///< that the server serves
  trust::link_nonce nonce{};              ///< as the server drew it; zeroes where it has no link
  std::chrono::milliseconds interval{0};  ///< of a server that polls
  net::tcp::endpoint seen;                ///< from where the server's windows are, and from where it dials

  static void layout(auto& self, auto& io) {
    io(self.server, wire::within(self.state, presence_state::offline, presence_state::polling), self.methods,
       self.nonce, self.interval, self.seen);
  }
};

/// Client to central: servers may dial me there. WO 2004/034190, non-listening server, step B.
struct door {
  static constexpr std::uint8_t kind = 11;
  bytes record;  ///< trust::signed_address

  static void layout(auto& self, auto& io) { io(wire::at_most(self.record, trust::largest_statement)); }
};

/// Central to client: the dial-back proved it, or why not; errc 0 is good.
struct door_result {
  static constexpr std::uint8_t kind = 12;
  std::uint16_t code = 0;

  static void layout(auto& self, auto& io) { io(self.code); }
};

/// A server that polls is expected back within so long: what says more counts as this.
inline constexpr std::chrono::hours longest_interval{24};

/// Server to central: whom may I dial? WO 2004/034190, non-listening server, step B.
struct roster_request {
  static constexpr std::uint8_t kind = 13;
  roster_version since;
  std::chrono::milliseconds interval{0};  ///< 0: keep me told while the link lasts; else: I come back after so long

  static void layout(auto& self, auto& io) { io(self.since, self.interval); }
};

/// Central to server: the clients with a proved door, whole or what changed.
struct roster_update {
  static constexpr std::uint8_t kind = 14;
  static constexpr std::size_t most_entries = 128;  // keeps the message within a frame
  bool snapshot = false;                            ///< forget what was there
  bool more = false;                                ///< the next message goes on
  roster_version version;                           ///< of the content, once nothing more follows
  std::vector<roster_entry> entries;

  static void layout(auto& self, auto& io) {
    io(self.snapshot, self.more, self.version, wire::list<std::uint8_t>(self.entries, most_entries));
  }
};

/// Client to central. WO 2004/034190, just-in-time listening, step B.
struct request {
  static constexpr std::uint8_t kind = 15;
  bytes signed_request;  ///< trust::signed_request

  static void layout(auto& self, auto& io) { io(wire::at_most(self.signed_request, trust::largest_statement)); }
};

/// Central to server: the request as it came, and from where. WO 2004/034190, just-in-time listening, step C.
struct command {
  static constexpr std::uint8_t kind = 16;
  static constexpr std::size_t most_seen = 2;
  std::vector<net::tcp::endpoint> seen;  ///< the client's addresses: of its link, and of the other family if reflected
  bytes signed_request;

  static void layout(auto& self, auto& io) {
    io(wire::list<std::uint8_t>(self.seen, most_seen), wire::at_most(self.signed_request, trust::largest_statement));
    io.require([&] { return !self.seen.empty(); });
  }
};

/// Server to central to client, unchanged. WO 2004/034190, just-in-time listening, steps E and F.
struct answer {
  static constexpr std::uint8_t kind = 17;
  trust::request_id id{};
  bool last = false;    ///< no other listener will follow for this request
  bytes signed_answer;  ///< trust::signed_answer; empty with `last`: the window is closed, and central need not wait

  static void layout(auto& self, auto& io) {
    io(self.id, self.last, wire::at_most(self.signed_answer, trust::largest_statement));
  }
};

/// Central to client: central itself cannot do it.
struct failure {
  static constexpr std::uint8_t kind = 18;
  trust::request_id id{};
  errc why = errc::exchange_timeout;

  static void layout(auto& self, auto& io) { io(self.id, self.why); }
};

/// Server to central: its new nonce for window requests; the one before stays good for what is on its way.
struct renewed_nonce {
  static constexpr std::uint8_t kind = 19;
  trust::link_nonce nonce{};

  static void layout(auto& self, auto& io) { io(self.nonce); }
};

/// Either peer to central: a port of its own has closed, and this is what it cost. For central's account; it is the
/// sender's own word.
struct exposure_report {
  static constexpr std::uint8_t kind = 20;
  static constexpr std::chrono::nanoseconds longest = std::chrono::hours(24);  ///< of one report: a door sends several
  std::chrono::nanoseconds open{0};
  std::uint16_t listeners = 0;
  std::uint16_t strangers = 0;

  static void layout(auto& self, auto& io) {
    io(self.open, self.listeners, self.strangers);
    io.require([&] { return self.open <= longest; });
  }
};

/// Central to peer: a reflecting connection of its came from there.
struct reflected {
  static constexpr std::uint8_t kind = 21;
  link_ticket ticket{};
  std::uint64_t number = 0;
  net::tcp::endpoint seen;

  static void layout(auto& self, auto& io) { io(self.ticket, self.number, self.seen); }
};

/// Peer to central: connect once to an endpoint of mine that you have reflected, from ports that it has not seen.
struct dial_back {
  static constexpr std::uint8_t kind = 22;
  net::tcp::endpoint at;

  static void layout(auto& self, auto& io) { io(self.at); }
};

/// Server to central to client, before the last answer to a request that is to be explained; central adds its own
/// steps.
struct trace {
  static constexpr std::uint8_t kind = 23;
  trust::request_id id{};
  bytes signed_trace;              ///< trust::signed_trace; empty where the server said nothing
  trust::traced_steps of_central;  ///< empty from the server

  static void layout(auto& self, auto& io) {
    io(self.id, wire::at_most(self.signed_trace, trust::largest_statement), self.of_central);
  }
};

/// Server to central: its invites, all that there are. Whoever comes with one of them is passed on to it.
struct announce_invites {
  static constexpr std::uint8_t kind = 24;
  static constexpr std::size_t most = 256;
  std::vector<trust::invite_id> ids;

  static void layout(auto& self, auto& io) { io(wire::list<std::uint16_t>(self.ids, most)); }
};

/// Redeemer to central, after hello: for the server that gave out the invite.
struct redeem {
  static constexpr std::uint8_t kind = 25;
  identity::peer_id server;
  trust::invite_id invite{};
  bytes sealed;  ///< trust::signed_redemption, sealed by a key that central does not know

  static void layout(auto& self, auto& io) {
    io(self.server, self.invite, wire::at_most(self.sealed, trust::longest_redemption));
  }
};

/// Central to server: a redemption as it came.
struct redemption {
  static constexpr std::uint8_t kind = 26;
  link_ticket ticket{};  ///< for the answer
  trust::invite_id invite{};
  bytes sealed;

  static void layout(auto& self, auto& io) {
    io(self.ticket, self.invite, wire::at_most(self.sealed, trust::longest_redemption));
  }
};

/// Server to central to redeemer, unchanged.
struct redeemed {
  static constexpr std::uint8_t kind = 27;
  link_ticket ticket{};
  std::uint16_t code = 0;  ///< 0, or the errc that kept the server from an answer which the client could believe
  bytes sealed{};          ///< trust::signed_redemption_answer, sealed; empty with a code

  static void layout(auto& self, auto& io) {
    io(self.ticket, self.code, wire::at_most(self.sealed, trust::longest_redemption_answer));
  }
};

/// Either way, after a message that somebody waits for: it says nothing. A segment that is lost as the last one is sent
/// again after 200 ms at the soonest; where another one follows it, after little more than a round trip (RFC 8985
/// section 6.2).
struct follow_up {
  static constexpr std::uint8_t kind = 28;

  static void layout(auto&, auto&) {}
};

/// Redeemer to central, after hello: a server goes over to the key of this link. The answer is `redeemed`, without a
/// word of anybody's.
struct succeed {
  static constexpr std::uint8_t kind = 29;
  static constexpr std::size_t longest = 512;
  bytes said;  ///< trust::signed_succession

  static void layout(auto& self, auto& io) { io(wire::at_most(self.said, longest)); }
};

/// All that a link carries.
using message_kinds =
    std::variant<hello, welcome, goodbye, ping, pong, present_grant, grant_result, present_revocations,
                 revocations_result, presence, door, door_result, roster_request, roster_update, request, command,
                 answer, failure, renewed_nonce, exposure_report, reflected, dial_back, trace, announce_invites, redeem,
                 redemption, redeemed, follow_up, succeed>;

/// One of them, for std::get_if, std::get and std::visit. What a variant of so many does with all of its kinds is
/// compiled once: its copy, its move and its end.
struct message : message_kinds {
  /// @tparam Kind  one of message_kinds
  template <class Kind>
    requires requires { Kind::kind; }
  message(Kind what);
  message(const message& other);
  message(message&& other) noexcept;
  message& operator=(const message& other);
  message& operator=(message&& other) noexcept;
  ~message();
};

/// True for a message that a window waits for.
bool is_urgent(const message& what);

/// True for a message whose receiver checks a signature or two: it takes him as long as a hundred others.
bool is_signed(const message& what);

/// The octets of a message's frame.
bytes to_frame(const message& what);

/// The message in a frame. Errors: unknown_message, message_truncated, message_malformed.
result<message> parse(const wire::frame& from);

}  // namespace ajar::signalling

#ifdef AJAR_HEADER_ONLY
#include <ajar/signalling/impl/message.ipp>
#endif
