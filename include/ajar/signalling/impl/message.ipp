// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/impl/message.ipp - what ajar/signalling/message.hpp declares.
#pragma once

#include <ajar/signalling/message.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace ajar::signalling {

template <class Kind>
  requires requires { Kind::kind; }
message::message(Kind what) : message_kinds(std::in_place_type<Kind>, std::move(what)) {}
AJAR_DECL message::message(const message& other) = default;
AJAR_DECL message::message(message&& other) noexcept = default;
AJAR_DECL message& message::operator=(const message& other) = default;
AJAR_DECL message& message::operator=(message&& other) noexcept = default;
AJAR_DECL message::~message() = default;

#ifndef AJAR_HEADER_ONLY
template message::message(hello);
template message::message(welcome);
template message::message(goodbye);
template message::message(ping);
template message::message(pong);
template message::message(present_grant);
template message::message(grant_result);
template message::message(present_revocations);
template message::message(revocations_result);
template message::message(presence);
template message::message(door);
template message::message(door_result);
template message::message(roster_request);
template message::message(roster_update);
template message::message(request);
template message::message(command);
template message::message(answer);
template message::message(failure);
template message::message(renewed_nonce);
template message::message(exposure_report);
template message::message(reflected);
template message::message(dial_back);
template message::message(trace);
template message::message(announce_invites);
template message::message(redeem);
template message::message(redemption);
template message::message(redeemed);
template message::message(follow_up);
#endif

AJAR_DECL bool is_urgent(const message& what) {
  return std::holds_alternative<request>(what) || std::holds_alternative<command>(what) ||
         std::holds_alternative<answer>(what) || std::holds_alternative<reflected>(what) ||
         std::holds_alternative<dial_back>(what);
}

AJAR_DECL bytes to_frame(const message& what) {
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
  (attempt(std::type_identity<std::variant_alternative_t<Index, message_kinds>>()), ...);
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

AJAR_DECL result<message> parse(const wire::frame& from) {
  return detail::parse(from, std::make_index_sequence<std::variant_size_v<message_kinds>>());
}

AJAR_DECL void hello::encode(wire::writer& out) const {
  out.number(version).number(static_cast<std::uint8_t>(who)).number(methods).number(login).fixed(nonce);
}
AJAR_DECL hello hello::decode(wire::reader& in) {
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
  made.nonce = in.fixed<32>();
  if (who < 1 || who > 3) in.refuse(errc::message_malformed);
  return made;
}

AJAR_DECL void welcome::encode(wire::writer& out) const {
  detail::encode_milliseconds(out, heartbeat);
  trust::encode_endpoint(out, seen);
  out.number(reflect_port).fixed(ticket);
}
AJAR_DECL welcome welcome::decode(wire::reader& in) {
  welcome made;
  made.heartbeat = detail::decode_milliseconds(in);
  made.seen = trust::decode_endpoint(in);
  made.reflect_port = in.number<std::uint16_t>();
  made.ticket = in.fixed<28>();
  if (made.heartbeat.count() == 0) in.refuse(errc::message_malformed);
  return made;
}

AJAR_DECL void goodbye::encode(wire::writer& out) const { out.number(static_cast<std::uint16_t>(why)); }
AJAR_DECL goodbye goodbye::decode(wire::reader& in) { return goodbye{errc_from_wire(in.number<std::uint16_t>())}; }

AJAR_DECL void ping::encode(wire::writer& out) const { out.number(token); }
AJAR_DECL ping ping::decode(wire::reader& in) { return ping{in.number<std::uint64_t>()}; }

AJAR_DECL void pong::encode(wire::writer& out) const { out.number(token); }
AJAR_DECL pong pong::decode(wire::reader& in) { return pong{in.number<std::uint64_t>()}; }

AJAR_DECL void present_grant::encode(wire::writer& out) const { out.sized(grant); }
AJAR_DECL present_grant present_grant::decode(wire::reader& in) { return present_grant{detail::decode_statement(in)}; }

AJAR_DECL void grant_result::encode(wire::writer& out) const { out.fixed(grant).number(code); }
AJAR_DECL grant_result grant_result::decode(wire::reader& in) {
  grant_result made;
  made.grant = in.fixed<16>();
  made.code = in.number<std::uint16_t>();
  return made;
}

AJAR_DECL void present_revocations::encode(wire::writer& out) const { out.sized(list); }
AJAR_DECL present_revocations present_revocations::decode(wire::reader& in) {
  return present_revocations{detail::decode_statement(in)};
}

AJAR_DECL void revocations_result::encode(wire::writer& out) const { out.number(serial).number(code).sized(later); }
AJAR_DECL revocations_result revocations_result::decode(wire::reader& in) {
  revocations_result made;
  made.serial = in.number<std::uint64_t>();
  made.code = in.number<std::uint16_t>();
  made.later = detail::decode_statement(in);
  return made;
}

AJAR_DECL void presence::encode(wire::writer& out) const {
  out.fixed(server.octets()).number(static_cast<std::uint8_t>(state)).number(methods).fixed(nonce);
  detail::encode_milliseconds(out, interval);
  trust::encode_endpoint(out, seen);
}
AJAR_DECL presence presence::decode(wire::reader& in) {
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

AJAR_DECL void door::encode(wire::writer& out) const { out.sized(record); }
AJAR_DECL door door::decode(wire::reader& in) { return door{detail::decode_statement(in)}; }

AJAR_DECL void door_result::encode(wire::writer& out) const { out.number(code); }
AJAR_DECL door_result door_result::decode(wire::reader& in) { return door_result{in.number<std::uint16_t>()}; }

AJAR_DECL void roster_request::encode(wire::writer& out) const {
  detail::encode_version(out, since);
  detail::encode_milliseconds(out, interval);
}
AJAR_DECL roster_request roster_request::decode(wire::reader& in) {
  roster_request made;
  made.since = detail::decode_version(in);
  made.interval = detail::decode_milliseconds(in);
  return made;
}

AJAR_DECL void roster_update::encode(wire::writer& out) const {
  out.number(static_cast<std::uint8_t>(snapshot)).number(static_cast<std::uint8_t>(more));
  detail::encode_version(out, version);
  out.number(static_cast<std::uint8_t>(entries.size()));
  for (const auto& one : entries) {
    out.fixed(one.client.octets()).number(static_cast<std::uint8_t>(one.present));
    if (one.present) out.fixed(one.grant).sized(one.record);
  }
}
AJAR_DECL roster_update roster_update::decode(wire::reader& in) {
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

AJAR_DECL void request::encode(wire::writer& out) const { out.sized(signed_request); }
AJAR_DECL request request::decode(wire::reader& in) { return request{detail::decode_statement(in)}; }

AJAR_DECL void command::encode(wire::writer& out) const {
  trust::encode_endpoints(out, seen);
  out.sized(signed_request);
}
AJAR_DECL command command::decode(wire::reader& in) {
  command made;
  made.seen = trust::decode_endpoints(in, most_seen);
  if (made.seen.empty()) in.refuse(errc::message_malformed);
  made.signed_request = detail::decode_statement(in);
  return made;
}

AJAR_DECL void answer::encode(wire::writer& out) const {
  out.fixed(id).number(static_cast<std::uint8_t>(last)).sized(signed_answer);
}
AJAR_DECL answer answer::decode(wire::reader& in) {
  answer made;
  made.id = in.fixed<16>();
  made.last = trust::decode_flag(in);
  made.signed_answer = detail::decode_statement(in);
  return made;
}

AJAR_DECL void failure::encode(wire::writer& out) const { out.fixed(id).number(static_cast<std::uint16_t>(why)); }
AJAR_DECL failure failure::decode(wire::reader& in) {
  failure made;
  made.id = in.fixed<16>();
  made.why = errc_from_wire(in.number<std::uint16_t>());
  return made;
}

AJAR_DECL void exposure_report::encode(wire::writer& out) const {
  out.number(static_cast<std::uint64_t>(open.count())).number(listeners).number(strangers);
}
AJAR_DECL exposure_report exposure_report::decode(wire::reader& in) {
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

AJAR_DECL void reflected::encode(wire::writer& out) const {
  out.fixed(ticket).number(number);
  trust::encode_endpoint(out, seen);
}
AJAR_DECL reflected reflected::decode(wire::reader& in) {
  reflected made;
  made.ticket = in.fixed<28>();
  made.number = in.number<std::uint64_t>();
  made.seen = trust::decode_endpoint(in);
  return made;
}

AJAR_DECL void dial_back::encode(wire::writer& out) const { trust::encode_endpoint(out, at); }
AJAR_DECL dial_back dial_back::decode(wire::reader& in) { return dial_back{trust::decode_endpoint(in)}; }

AJAR_DECL void trace::encode(wire::writer& out) const {
  out.fixed(id).sized(signed_trace);
  of_central.encode(out);
}
AJAR_DECL trace trace::decode(wire::reader& in) {
  trace made;
  made.id = in.fixed<16>();
  made.signed_trace = detail::decode_statement(in);
  made.of_central = trust::traced_steps::decode(in);
  return made;
}

AJAR_DECL void renewed_nonce::encode(wire::writer& out) const { out.fixed(nonce); }
AJAR_DECL renewed_nonce renewed_nonce::decode(wire::reader& in) { return renewed_nonce{in.fixed<32>()}; }

AJAR_DECL void announce_invites::encode(wire::writer& out) const {
  out.number(static_cast<std::uint16_t>(ids.size()));
  for (const auto& id : ids) out.fixed(id);
}
AJAR_DECL announce_invites announce_invites::decode(wire::reader& in) {
  announce_invites made;
  const auto count = in.number<std::uint16_t>();
  if (count > most) in.refuse(errc::message_malformed);
  for (int i = 0; i < count && !in.failed(); ++i) made.ids.push_back(in.fixed<16>());
  return made;
}

AJAR_DECL void redeem::encode(wire::writer& out) const { out.fixed(server.octets()).fixed(invite).sized(sealed); }
AJAR_DECL redeem redeem::decode(wire::reader& in) {
  redeem made;
  made.server = identity::peer_id(in.fixed<32>());
  made.invite = in.fixed<16>();
  made.sealed = detail::decode_octets(in, trust::longest_redemption);
  return made;
}

AJAR_DECL void redemption::encode(wire::writer& out) const { out.fixed(ticket).fixed(invite).sized(sealed); }
AJAR_DECL redemption redemption::decode(wire::reader& in) {
  redemption made;
  made.ticket = in.fixed<28>();
  made.invite = in.fixed<16>();
  made.sealed = detail::decode_octets(in, trust::longest_redemption);
  return made;
}

AJAR_DECL void redeemed::encode(wire::writer& out) const { out.fixed(ticket).number(code).sized(sealed); }
AJAR_DECL redeemed redeemed::decode(wire::reader& in) {
  redeemed made;
  made.ticket = in.fixed<28>();
  made.code = in.number<std::uint16_t>();
  made.sealed = detail::decode_octets(in, trust::longest_redemption_answer);
  return made;
}

AJAR_DECL void follow_up::encode(wire::writer&) const {}
AJAR_DECL follow_up follow_up::decode(wire::reader&) { return {}; }

}  // namespace ajar::signalling
