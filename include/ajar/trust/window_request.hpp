// SPDX-License-Identifier: BSL-1.0
// ajar/trust/window_request.hpp - a client asks a server for a window, and the server's answer; central cannot forge
// either.
#pragma once

#include <ajar/trust/grant.hpp>
#include <ajar/trust/rung.hpp>

#include <algorithm>
#include <string>

namespace ajar::trust {

using request_id = std::array<std::uint8_t, 16>;

/// What central draws anew for each link of a server: it makes a request fresh without clocks.
using link_nonce = std::array<std::uint8_t, 32>;

/// Signed by the client: statement<window_request>. Carried verbatim to the server, which plans the way through.
struct window_request {
  static constexpr std::string_view domain = "ajar window request/2";
  static constexpr std::uint8_t version = 2;
  static constexpr errc malformed = errc::request_malformed;
  static constexpr std::size_t most_endpoints = 4;  // two ports of each family

  request_id id{};
  identity::peer_id server;
  link_nonce nonce{};
  grant_id grant{};
  std::uint8_t rungs = every_rung;          ///< bits of rung_kind: what the client is able and willing to do
  bool roam = false;                        ///< the client comes from another address than central sees
  bool binds_443 = false;                   ///< it could use its own port 443
  bool explain = false;                     ///< it wants the server's steps
  std::uint16_t budget_ms = 0;              ///< how long it will wait
  std::uint64_t sent_us = 0;                ///< on its own clock, which begins anywhere
  std::uint32_t central_us = 0;             ///< its round trip to central
  net::reflection network;                  ///< how its connections look from outside
  std::vector<net::tcp::endpoint> outside;  ///< of the ports that it has bound for this window, as far as foretold
  std::vector<net::tcp::endpoint> local;    ///< the same ports on its own network, for a server on the same site

  void encode(wire::writer& out) const {
    const unsigned flags = (roam ? 1U : 0U) | (binds_443 ? 2U : 0U) | (explain ? 4U : 0U);
    out.fixed(id).fixed(server.octets()).fixed(nonce).fixed(grant);
    out.number(rungs).number(static_cast<std::uint8_t>(flags)).number(budget_ms).number(sent_us).number(central_us);
    encode_reflection(out, network);
    encode_endpoints(out, outside);
    encode_endpoints(out, local);
  }

  static window_request decode(wire::reader& in) {
    window_request made;
    made.id = in.fixed<16>();
    made.server = identity::peer_id(in.fixed<32>());
    made.nonce = in.fixed<32>();
    made.grant = in.fixed<16>();
    made.rungs = in.number<std::uint8_t>();
    const auto flags = in.number<std::uint8_t>();
    if (made.rungs == 0 || made.rungs > every_rung || flags > 7) in.refuse(malformed);
    made.roam = (flags & 1U) != 0;
    made.binds_443 = (flags & 2U) != 0;
    made.explain = (flags & 4U) != 0;
    made.budget_ms = in.number<std::uint16_t>();
    made.sent_us = in.number<std::uint64_t>();
    made.central_us = in.number<std::uint32_t>();
    made.network = decode_reflection(in);
    made.outside = decode_endpoints(in, most_endpoints);
    made.local = decode_endpoints(in, most_endpoints);
    return made;
  }
};

/// To one request: one for each listener that a stranger may close, and one for the way without a listener.
inline constexpr int most_answers = 4;

/// Signed by the server: statement<window_answer>. One request may have several, where strangers came to a listener.
struct window_answer {
  static constexpr std::string_view domain = "ajar window answer/2";
  static constexpr std::uint8_t version = 2;
  static constexpr errc malformed = errc::message_malformed;
  static constexpr std::size_t most_rungs = 4;
  static constexpr std::size_t longest_reason = 240;

  request_id id{};
  identity::peer_id client;
  std::uint16_t code = 0;           ///< 0, or the errc of a refusal
  std::uint8_t attempt = 1;         ///< the answers to a request count up
  std::uint16_t budget_ms = 0;      ///< from the first rung's start to the end of the window
  std::uint64_t received_us = 0;    ///< when the request came, on the server's clock, which begins anywhere
  std::uint64_t sent_us = 0;        ///< when this left
  std::uint32_t round_trip_us = 0;  ///< between the two, as the server believes
  std::string reason;               ///< of the plan or the refusal, for a person: printable ASCII
  std::vector<rung> rungs;          ///< to be tried one after the other, each until the next one's start

  void encode(wire::writer& out) const {
    out.fixed(id).fixed(client.octets()).number(code).number(attempt).number(budget_ms);
    out.number(received_us).number(sent_us).number(round_trip_us).text(reason);
    out.number(static_cast<std::uint8_t>(rungs.size()));
    for (const auto& one : rungs) one.encode(out);
  }

  static window_answer decode(wire::reader& in) {
    window_answer made;
    made.id = in.fixed<16>();
    made.client = identity::peer_id(in.fixed<32>());
    made.code = in.number<std::uint16_t>();
    made.attempt = in.number<std::uint8_t>();
    made.budget_ms = in.number<std::uint16_t>();
    made.received_us = in.number<std::uint64_t>();
    made.sent_us = in.number<std::uint64_t>();
    made.round_trip_us = in.number<std::uint32_t>();
    made.reason = in.text(longest_reason);
    const bool printable = std::ranges::all_of(made.reason, [](char c) { return c >= ' ' && c <= '~'; });
    const auto count = in.number<std::uint8_t>();
    const bool fits = made.code == 0 ? count > 0 && count <= most_rungs : count == 0;
    if (!printable || !fits || made.attempt == 0) in.refuse(malformed);
    for (int i = 0; i < count && !in.failed(); ++i) made.rungs.push_back(rung::decode(in));
    return made;
  }
};

using signed_request = statement<window_request>;
using signed_answer = statement<window_answer>;

}  // namespace ajar::trust
