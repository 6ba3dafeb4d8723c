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
template message::message(succeed);
#endif

AJAR_DECL bool is_urgent(const message& what) {
  return std::holds_alternative<request>(what) || std::holds_alternative<command>(what) ||
         std::holds_alternative<answer>(what) || std::holds_alternative<reflected>(what) ||
         std::holds_alternative<dial_back>(what);
}

AJAR_DECL bool is_signed(const message& what) {
  return std::holds_alternative<present_grant>(what) || std::holds_alternative<present_revocations>(what) ||
         std::holds_alternative<door>(what) || std::holds_alternative<request>(what) ||
         std::holds_alternative<command>(what) || std::holds_alternative<answer>(what) ||
         std::holds_alternative<trace>(what) || std::holds_alternative<redeem>(what) ||
         std::holds_alternative<redemption>(what) || std::holds_alternative<redeemed>(what) ||
         std::holds_alternative<succeed>(what);
}

AJAR_DECL bytes to_frame(const message& what) {
  bytes payload;
  wire::writer out(payload);
  std::uint8_t kind = 0;
  std::visit(
      [&](const auto& one) {
        wire::put(out, one);
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
    if (!made && Kind::kind == from.kind) made.emplace(wire::take<Kind>(in));
  };
  (attempt(std::type_identity<std::variant_alternative_t<Index, message_kinds>>()), ...);
  if (!made) return fail(errc::unknown_message);
  const auto whole = in.finish();
  if (!whole) return fail(whole.error());
  return std::move(*made);
}

}  // namespace detail

AJAR_DECL result<message> parse(const wire::frame& from) {
  return detail::parse(from, std::make_index_sequence<std::variant_size_v<message_kinds>>());
}

}  // namespace ajar::signalling
