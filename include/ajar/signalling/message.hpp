// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/message.hpp - what travels on a link between a peer and central.
#pragma once

#include <ajar/trust/address_record.hpp>
#include <ajar/trust/redemption.hpp>
#include <ajar/trust/window_trace.hpp>
#include <ajar/wire/frame.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ajar::signalling {

/// The version of all messages here. Another one is answered by goodbye{unknown_version}.
inline constexpr std::uint16_t protocol_version = 3;

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

  bool operator==(const roster_version&) const = default;
};

/// One change of a roster.
struct roster_entry {
  identity::peer_id client;
  bool present = false;  ///< false: it is gone, and the rest is empty
  trust::grant_id grant{};
  bytes record;  ///< trust::signed_address, as the client signed it
};

/// Peer to central, first of all.
struct hello {
  static constexpr std::uint8_t kind = 1;
  std::uint16_t version = protocol_version;
  role who = role::client;
  std::uint8_t methods = 0;  ///< a server's: bits of trust::method that it serves
  std::uint64_t login = 0;   ///< the peer's own counter: a higher one evicts

  void encode(wire::writer& out) const;
  static hello decode(wire::reader& in);
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
  trust::link_nonce nonce{};
  std::chrono::milliseconds heartbeat{0};  ///< for both sides
  net::tcp::endpoint seen;                 ///< the peer's address, from outside
  std::uint16_t reflect_port = 0;  ///< central's second reflecting port, beside this one; 0: it reflects nothing
  link_ticket ticket{};            ///< for reflect_probe

  void encode(wire::writer& out) const;
  static welcome decode(wire::reader& in);
};

/// Either way, last of all: why this link ends.
struct goodbye {
  static constexpr std::uint8_t kind = 3;
  errc why = errc::canceled;

  void encode(wire::writer& out) const;
  static goodbye decode(wire::reader& in);
};

/// Either way: answered at once by a pong with the same token.
struct ping {
  static constexpr std::uint8_t kind = 4;
  std::uint64_t token = 0;

  void encode(wire::writer& out) const;
  static ping decode(wire::reader& in);
};

struct pong {
  static constexpr std::uint8_t kind = 5;
  std::uint64_t token = 0;

  void encode(wire::writer& out) const;
  static pong decode(wire::reader& in);
};

/// Client to central: a grant that it holds.
struct present_grant {
  static constexpr std::uint8_t kind = 6;
  bytes grant;  ///< trust::signed_grant

  void encode(wire::writer& out) const;
  static present_grant decode(wire::reader& in);
};

/// Central to client: what became of it; errc 0 is good.
struct grant_result {
  static constexpr std::uint8_t kind = 7;
  trust::grant_id grant{};
  std::uint16_t code = 0;

  void encode(wire::writer& out) const;
  static grant_result decode(wire::reader& in);
};

/// Server to central: what it revoked.
struct present_revocations {
  static constexpr std::uint8_t kind = 8;
  bytes list;  ///< trust::signed_revocations

  void encode(wire::writer& out) const;
  static present_revocations decode(wire::reader& in);
};

/// Central to server: the list with this serial is in force, or why it is not.
struct revocations_result {
  static constexpr std::uint8_t kind = 9;
  std::uint64_t serial = 0;
  std::uint16_t code = 0;
  bytes later{};  ///< with serial_too_low: the list that is in force, as the server once presented it

  void encode(wire::writer& out) const;
  static revocations_result decode(wire::reader& in);
};

/// Central to client: a server of one of its grants, now and whenever it changes.
struct presence {
  static constexpr std::uint8_t kind = 10;
  identity::peer_id server;
  presence_state state = presence_state::offline;
  std::uint8_t methods = 0;               ///< that the server serves
  trust::link_nonce nonce{};              ///< for window requests; zeroes where it has no link
  std::chrono::milliseconds interval{0};  ///< of a server that polls
  net::tcp::endpoint seen;                ///< from where the server's windows are, and from where it dials

  void encode(wire::writer& out) const;
  static presence decode(wire::reader& in);
};

/// Client to central: servers may dial me there. WO 2004/034190, non-listening server, step B.
struct door {
  static constexpr std::uint8_t kind = 11;
  bytes record;  ///< trust::signed_address

  void encode(wire::writer& out) const;
  static door decode(wire::reader& in);
};

/// Central to client: the dial-back proved it, or why not; errc 0 is good.
struct door_result {
  static constexpr std::uint8_t kind = 12;
  std::uint16_t code = 0;

  void encode(wire::writer& out) const;
  static door_result decode(wire::reader& in);
};

/// Server to central: whom may I dial? WO 2004/034190, non-listening server, step B.
struct roster_request {
  static constexpr std::uint8_t kind = 13;
  roster_version since;
  std::chrono::milliseconds interval{0};  ///< 0: keep me told while the link lasts; else: I come back after so long

  void encode(wire::writer& out) const;
  static roster_request decode(wire::reader& in);
};

/// Central to server: the clients with a proved door, whole or what changed.
struct roster_update {
  static constexpr std::uint8_t kind = 14;
  static constexpr std::size_t most_entries = 128;  // keeps the message within a frame
  bool snapshot = false;                            ///< forget what was there
  bool more = false;                                ///< the next message goes on
  roster_version version;                           ///< of the content, once nothing more follows
  std::vector<roster_entry> entries;

  void encode(wire::writer& out) const;
  static roster_update decode(wire::reader& in);
};

/// Client to central. WO 2004/034190, just-in-time listening, step B.
struct request {
  static constexpr std::uint8_t kind = 15;
  bytes signed_request;  ///< trust::signed_request

  void encode(wire::writer& out) const;
  static request decode(wire::reader& in);
};

/// Central to server: the request as it came, and from where. WO 2004/034190, just-in-time listening, step C.
struct command {
  static constexpr std::uint8_t kind = 16;
  static constexpr std::size_t most_seen = 2;
  std::vector<net::tcp::endpoint> seen;  ///< the client's addresses: of its link, and of the other family if reflected
  bytes signed_request;

  void encode(wire::writer& out) const;
  static command decode(wire::reader& in);
};

/// Server to central to client, unchanged. WO 2004/034190, just-in-time listening, steps E and F.
struct answer {
  static constexpr std::uint8_t kind = 17;
  trust::request_id id{};
  bool last = false;    ///< no other listener will follow for this request
  bytes signed_answer;  ///< trust::signed_answer; empty with `last`: the window is closed, and central need not wait

  void encode(wire::writer& out) const;
  static answer decode(wire::reader& in);
};

/// Central to client: central itself cannot do it.
struct failure {
  static constexpr std::uint8_t kind = 18;
  trust::request_id id{};
  errc why = errc::exchange_timeout;

  void encode(wire::writer& out) const;
  static failure decode(wire::reader& in);
};

/// Central to server: a new nonce for window requests; the one before stays good for what is on its way.
struct renewed_nonce {
  static constexpr std::uint8_t kind = 19;
  trust::link_nonce nonce{};

  void encode(wire::writer& out) const;
  static renewed_nonce decode(wire::reader& in);
};

/// Either peer to central: a port of its own has closed, and this is what it cost. For central's account; it is the
/// sender's own word.
struct exposure_report {
  static constexpr std::uint8_t kind = 20;
  static constexpr std::chrono::nanoseconds longest = std::chrono::hours(24);  ///< of one report: a door sends several
  std::chrono::nanoseconds open{0};
  std::uint16_t listeners = 0;
  std::uint16_t strangers = 0;

  void encode(wire::writer& out) const;
  static exposure_report decode(wire::reader& in);
};

/// Central to peer: a reflecting connection of its came from there.
struct reflected {
  static constexpr std::uint8_t kind = 21;
  link_ticket ticket{};
  std::uint64_t number = 0;
  net::tcp::endpoint seen;

  void encode(wire::writer& out) const;
  static reflected decode(wire::reader& in);
};

/// Peer to central: connect once to an endpoint of mine that you have reflected, from ports that it has not seen.
struct dial_back {
  static constexpr std::uint8_t kind = 22;
  net::tcp::endpoint at;

  void encode(wire::writer& out) const;
  static dial_back decode(wire::reader& in);
};

/// Server to central to client, before the last answer to a request that is to be explained; central adds its own
/// steps.
struct trace {
  static constexpr std::uint8_t kind = 23;
  trust::request_id id{};
  bytes signed_trace;              ///< trust::signed_trace; empty where the server said nothing
  trust::traced_steps of_central;  ///< empty from the server

  void encode(wire::writer& out) const;
  static trace decode(wire::reader& in);
};

/// Server to central: its invites, all that there are. Whoever comes with one of them is passed on to it.
struct announce_invites {
  static constexpr std::uint8_t kind = 24;
  static constexpr std::size_t most = 256;
  std::vector<trust::invite_id> ids;

  void encode(wire::writer& out) const;
  static announce_invites decode(wire::reader& in);
};

/// Redeemer to central, after hello: for the server that gave out the invite.
struct redeem {
  static constexpr std::uint8_t kind = 25;
  identity::peer_id server;
  trust::invite_id invite{};
  bytes sealed;  ///< trust::signed_redemption, sealed by a key that central does not know

  void encode(wire::writer& out) const;
  static redeem decode(wire::reader& in);
};

/// Central to server: a redemption as it came.
struct redemption {
  static constexpr std::uint8_t kind = 26;
  link_ticket ticket{};  ///< for the answer
  trust::invite_id invite{};
  bytes sealed;

  void encode(wire::writer& out) const;
  static redemption decode(wire::reader& in);
};

/// Server to central to redeemer, unchanged.
struct redeemed {
  static constexpr std::uint8_t kind = 27;
  link_ticket ticket{};
  std::uint16_t code = 0;  ///< 0, or the errc that kept the server from an answer which the client could believe
  bytes sealed{};          ///< trust::signed_redemption_answer, sealed; empty with a code

  void encode(wire::writer& out) const;
  static redeemed decode(wire::reader& in);
};

/// Either way, after a message that somebody waits for: it says nothing. A segment that is lost as the last one is sent
/// again after 200 ms at the soonest; where another one follows it, after little more than a round trip (RFC 8985
/// section 6.2).
struct follow_up {
  static constexpr std::uint8_t kind = 28;

  void encode(wire::writer& out) const;
  static follow_up decode(wire::reader& in);
};

using message = std::variant<hello, welcome, goodbye, ping, pong, present_grant, grant_result, present_revocations,
                             revocations_result, presence, door, door_result, roster_request, roster_update, request,
                             command, answer, failure, renewed_nonce, exposure_report, reflected, dial_back, trace,
                             announce_invites, redeem, redemption, redeemed, follow_up>;

/// True for a message that a window waits for.
inline bool is_urgent(const message& what) {
  return std::holds_alternative<request>(what) || std::holds_alternative<command>(what) ||
         std::holds_alternative<answer>(what) || std::holds_alternative<reflected>(what) ||
         std::holds_alternative<dial_back>(what);
}

/// The octets of a message's frame.
inline bytes to_frame(const message& what) {
  bytes payload;
  wire::writer out(payload);
  std::uint8_t kind = 0;
  std::visit(
      [&](const auto& one) {
        one.encode(out);
        kind = one.kind;
      },
      what);
  bytes octets;
  wire::append_frame(octets, kind, payload);
  return octets;
}

namespace detail {

template <std::size_t... Index>
result<message> parse(const wire::frame& from, std::index_sequence<Index...>) {
  std::optional<message> made;
  wire::reader in(from.payload);
  const auto attempt = [&]<class Kind>(std::type_identity<Kind>) {
    if (!made && Kind::kind == from.kind) made.emplace(Kind::decode(in));
  };
  (attempt(std::type_identity<std::variant_alternative_t<Index, message>>()), ...);
  if (!made) return fail(errc::unknown_message);
  const auto whole = in.finish();
  if (!whole) return fail(whole.error());
  return std::move(*made);
}

inline bytes decode_octets(wire::reader& in, std::size_t most) {
  const auto octets = in.sized(most);
  return {octets.begin(), octets.end()};
}
// The longest signed statement that a link carries; a frame has room for it and what stands beside it.
inline bytes decode_statement(wire::reader& in) { return decode_octets(in, trust::largest_statement); }

inline void encode_milliseconds(wire::writer& out, std::chrono::milliseconds time) {
  out.number(static_cast<std::uint32_t>(time.count()));
}
inline std::chrono::milliseconds decode_milliseconds(wire::reader& in) {
  return std::chrono::milliseconds(in.number<std::uint32_t>());
}

inline void encode_version(wire::writer& out, const roster_version& version) {
  out.number(version.epoch).number(version.number);
}
inline roster_version decode_version(wire::reader& in) {
  roster_version made;
  made.epoch = in.number<std::uint64_t>();
  made.number = in.number<std::uint64_t>();
  return made;
}

}  // namespace detail

/// The message in a frame. Errors: unknown_message, message_truncated, message_malformed.
inline result<message> parse(const wire::frame& from) {
  return detail::parse(from, std::make_index_sequence<std::variant_size_v<message>>());
}

inline void hello::encode(wire::writer& out) const {
  out.number(version).number(static_cast<std::uint8_t>(who)).number(methods).number(login);
}
inline hello hello::decode(wire::reader& in) {
  hello made;
  made.version = in.number<std::uint16_t>();
  if (made.version != protocol_version) {
    in.rest();  // only the version is told then: what follows may be anything
    return made;
  }
  const auto who = in.number<std::uint8_t>();
  made.who = static_cast<role>(who);
  made.methods = in.number<std::uint8_t>();
  made.login = in.number<std::uint64_t>();
  if (who < 1 || who > 3) in.refuse(errc::message_malformed);
  return made;
}

inline void welcome::encode(wire::writer& out) const {
  out.fixed(nonce);
  detail::encode_milliseconds(out, heartbeat);
  trust::encode_endpoint(out, seen);
  out.number(reflect_port).fixed(ticket);
}
inline welcome welcome::decode(wire::reader& in) {
  welcome made;
  made.nonce = in.fixed<32>();
  made.heartbeat = detail::decode_milliseconds(in);
  made.seen = trust::decode_endpoint(in);
  made.reflect_port = in.number<std::uint16_t>();
  made.ticket = in.fixed<28>();
  if (made.heartbeat.count() == 0) in.refuse(errc::message_malformed);
  return made;
}

inline void goodbye::encode(wire::writer& out) const { out.number(static_cast<std::uint16_t>(why)); }
inline goodbye goodbye::decode(wire::reader& in) { return goodbye{errc_from_wire(in.number<std::uint16_t>())}; }

inline void ping::encode(wire::writer& out) const { out.number(token); }
inline ping ping::decode(wire::reader& in) { return ping{in.number<std::uint64_t>()}; }

inline void pong::encode(wire::writer& out) const { out.number(token); }
inline pong pong::decode(wire::reader& in) { return pong{in.number<std::uint64_t>()}; }

inline void present_grant::encode(wire::writer& out) const { out.sized(grant); }
inline present_grant present_grant::decode(wire::reader& in) { return present_grant{detail::decode_statement(in)}; }

inline void grant_result::encode(wire::writer& out) const { out.fixed(grant).number(code); }
inline grant_result grant_result::decode(wire::reader& in) {
  grant_result made;
  made.grant = in.fixed<16>();
  made.code = in.number<std::uint16_t>();
  return made;
}

inline void present_revocations::encode(wire::writer& out) const { out.sized(list); }
inline present_revocations present_revocations::decode(wire::reader& in) {
  return present_revocations{detail::decode_statement(in)};
}

inline void revocations_result::encode(wire::writer& out) const { out.number(serial).number(code).sized(later); }
inline revocations_result revocations_result::decode(wire::reader& in) {
  revocations_result made;
  made.serial = in.number<std::uint64_t>();
  made.code = in.number<std::uint16_t>();
  made.later = detail::decode_statement(in);
  return made;
}

inline void presence::encode(wire::writer& out) const {
  out.fixed(server.octets()).number(static_cast<std::uint8_t>(state)).number(methods).fixed(nonce);
  detail::encode_milliseconds(out, interval);
  trust::encode_endpoint(out, seen);
}
inline presence presence::decode(wire::reader& in) {
  presence made;
  made.server = identity::peer_id(in.fixed<32>());
  const auto state = in.number<std::uint8_t>();
  made.state = static_cast<presence_state>(state);
  made.methods = in.number<std::uint8_t>();
  made.nonce = in.fixed<32>();
  made.interval = detail::decode_milliseconds(in);
  made.seen = trust::decode_endpoint(in);
  if (state > 2) in.refuse(errc::message_malformed);
  return made;
}

inline void door::encode(wire::writer& out) const { out.sized(record); }
inline door door::decode(wire::reader& in) { return door{detail::decode_statement(in)}; }

inline void door_result::encode(wire::writer& out) const { out.number(code); }
inline door_result door_result::decode(wire::reader& in) { return door_result{in.number<std::uint16_t>()}; }

inline void roster_request::encode(wire::writer& out) const {
  detail::encode_version(out, since);
  detail::encode_milliseconds(out, interval);
}
inline roster_request roster_request::decode(wire::reader& in) {
  roster_request made;
  made.since = detail::decode_version(in);
  made.interval = detail::decode_milliseconds(in);
  return made;
}

inline void roster_update::encode(wire::writer& out) const {
  out.number(static_cast<std::uint8_t>(snapshot)).number(static_cast<std::uint8_t>(more));
  detail::encode_version(out, version);
  out.number(static_cast<std::uint8_t>(entries.size()));
  for (const auto& one : entries) {
    out.fixed(one.client.octets()).number(static_cast<std::uint8_t>(one.present));
    if (one.present) out.fixed(one.grant).sized(one.record);
  }
}
inline roster_update roster_update::decode(wire::reader& in) {
  constexpr std::size_t longest_record = 160;  // an address record has at most 124 octets
  roster_update made;
  made.snapshot = trust::decode_flag(in);
  made.more = trust::decode_flag(in);
  made.version = detail::decode_version(in);
  const auto count = in.number<std::uint8_t>();
  if (count > most_entries) in.refuse(errc::message_malformed);
  for (int i = 0; i < count && !in.failed(); ++i) {
    roster_entry one;
    one.client = identity::peer_id(in.fixed<32>());
    one.present = trust::decode_flag(in);
    if (one.present) {
      one.grant = in.fixed<16>();
      const auto record = in.sized(longest_record);
      one.record.assign(record.begin(), record.end());
    }
    made.entries.push_back(std::move(one));
  }
  return made;
}

inline void request::encode(wire::writer& out) const { out.sized(signed_request); }
inline request request::decode(wire::reader& in) { return request{detail::decode_statement(in)}; }

inline void command::encode(wire::writer& out) const {
  trust::encode_endpoints(out, seen);
  out.sized(signed_request);
}
inline command command::decode(wire::reader& in) {
  command made;
  made.seen = trust::decode_endpoints(in, most_seen);
  if (made.seen.empty()) in.refuse(errc::message_malformed);
  made.signed_request = detail::decode_statement(in);
  return made;
}

inline void answer::encode(wire::writer& out) const {
  out.fixed(id).number(static_cast<std::uint8_t>(last)).sized(signed_answer);
}
inline answer answer::decode(wire::reader& in) {
  answer made;
  made.id = in.fixed<16>();
  made.last = trust::decode_flag(in);
  made.signed_answer = detail::decode_statement(in);
  return made;
}

inline void failure::encode(wire::writer& out) const { out.fixed(id).number(static_cast<std::uint16_t>(why)); }
inline failure failure::decode(wire::reader& in) {
  failure made;
  made.id = in.fixed<16>();
  made.why = errc_from_wire(in.number<std::uint16_t>());
  return made;
}

inline void exposure_report::encode(wire::writer& out) const {
  out.number(static_cast<std::uint64_t>(open.count())).number(listeners).number(strangers);
}
inline exposure_report exposure_report::decode(wire::reader& in) {
  exposure_report made;
  const auto open = in.number<std::uint64_t>();
  made.listeners = in.number<std::uint16_t>();
  made.strangers = in.number<std::uint16_t>();
  if (open > static_cast<std::uint64_t>(longest.count())) {
    in.refuse(errc::message_malformed);
  } else {
    made.open = std::chrono::nanoseconds(open);
  }
  return made;
}

inline void reflected::encode(wire::writer& out) const {
  out.fixed(ticket).number(number);
  trust::encode_endpoint(out, seen);
}
inline reflected reflected::decode(wire::reader& in) {
  reflected made;
  made.ticket = in.fixed<28>();
  made.number = in.number<std::uint64_t>();
  made.seen = trust::decode_endpoint(in);
  return made;
}

inline void dial_back::encode(wire::writer& out) const { trust::encode_endpoint(out, at); }
inline dial_back dial_back::decode(wire::reader& in) { return dial_back{trust::decode_endpoint(in)}; }

inline void trace::encode(wire::writer& out) const {
  out.fixed(id).sized(signed_trace);
  of_central.encode(out);
}
inline trace trace::decode(wire::reader& in) {
  trace made;
  made.id = in.fixed<16>();
  made.signed_trace = detail::decode_statement(in);
  made.of_central = trust::traced_steps::decode(in);
  return made;
}

inline void renewed_nonce::encode(wire::writer& out) const { out.fixed(nonce); }
inline renewed_nonce renewed_nonce::decode(wire::reader& in) { return renewed_nonce{in.fixed<32>()}; }

inline void announce_invites::encode(wire::writer& out) const {
  out.number(static_cast<std::uint16_t>(ids.size()));
  for (const auto& id : ids) out.fixed(id);
}
inline announce_invites announce_invites::decode(wire::reader& in) {
  announce_invites made;
  const auto count = in.number<std::uint16_t>();
  if (count > most) in.refuse(errc::message_malformed);
  for (int i = 0; i < count && !in.failed(); ++i) made.ids.push_back(in.fixed<16>());
  return made;
}

inline void redeem::encode(wire::writer& out) const { out.fixed(server.octets()).fixed(invite).sized(sealed); }
inline redeem redeem::decode(wire::reader& in) {
  redeem made;
  made.server = identity::peer_id(in.fixed<32>());
  made.invite = in.fixed<16>();
  made.sealed = detail::decode_octets(in, trust::longest_redemption);
  return made;
}

inline void redemption::encode(wire::writer& out) const { out.fixed(ticket).fixed(invite).sized(sealed); }
inline redemption redemption::decode(wire::reader& in) {
  redemption made;
  made.ticket = in.fixed<28>();
  made.invite = in.fixed<16>();
  made.sealed = detail::decode_octets(in, trust::longest_redemption);
  return made;
}

inline void redeemed::encode(wire::writer& out) const { out.fixed(ticket).number(code).sized(sealed); }
inline redeemed redeemed::decode(wire::reader& in) {
  redeemed made;
  made.ticket = in.fixed<28>();
  made.code = in.number<std::uint16_t>();
  made.sealed = detail::decode_octets(in, trust::longest_redemption_answer);
  return made;
}

inline void follow_up::encode(wire::writer&) const {}
inline follow_up follow_up::decode(wire::reader&) { return {}; }

}  // namespace ajar::signalling
