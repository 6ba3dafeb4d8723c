// SPDX-License-Identifier: BSL-1.0
// ajar/trust/window_request.hpp - a client asks a server for a window, and the server's answer; central cannot forge
// either.
#pragma once

#include <ajar/trust/grant.hpp>

namespace ajar::trust {

using request_id = std::array<std::uint8_t, 16>;

/// What central draws anew for each link of a server: it makes a request fresh without clocks.
using link_nonce = std::array<std::uint8_t, 32>;

/// Which end opens the port.
enum class opener : std::uint8_t {
  server = 1,  ///< WO 2004/034190, just-in-time listening, steps B to G
  client = 2,  ///< its variation: the client listens and the server connects
};

/// Signed by the client: statement<window_request>. Carried verbatim to the server.
struct window_request {
  static constexpr std::string_view domain = "ajar window request/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::request_malformed;
  static constexpr std::size_t most_endpoints = 4;

  request_id id{};
  identity::peer_id server;
  link_nonce nonce{};
  grant_id grant{};
  opener who = opener::server;
  bool roam = false;                          ///< the client comes from another address than central sees
  std::uint16_t budget_ms = 0;                ///< how long the client will wait
  std::vector<net::tcp::endpoint> endpoints;  ///< where the client listens, for opener::client

  void encode(wire::writer& out) const {
    out.fixed(id).fixed(server.octets()).fixed(nonce).fixed(grant);
    out.number(static_cast<std::uint8_t>(who)).number(static_cast<std::uint8_t>(roam)).number(budget_ms);
    out.number(static_cast<std::uint8_t>(endpoints.size()));
    for (const auto& at : endpoints) encode_endpoint(out, at);
  }

  static window_request decode(wire::reader& in) {
    window_request made;
    made.id = in.fixed<16>();
    made.server = identity::peer_id(in.fixed<32>());
    made.nonce = in.fixed<32>();
    made.grant = in.fixed<16>();
    const auto who = in.number<std::uint8_t>();
    made.roam = decode_flag(in);
    made.budget_ms = in.number<std::uint16_t>();
    const auto count = in.number<std::uint8_t>();
    made.who = who == 2 ? opener::client : opener::server;
    const bool listens = made.who == opener::client;
    if (who < 1 || who > 2 || count > most_endpoints || listens != (count > 0)) in.refuse(malformed);
    for (int i = 0; i < count && !in.failed(); ++i) made.endpoints.push_back(decode_endpoint(in));
    return made;
  }
};

/// Signed by the server: statement<window_answer>. One request may have several, one for each listener after a
/// stranger.
struct window_answer {
  static constexpr std::string_view domain = "ajar window answer/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;
  static constexpr std::size_t most_endpoints = 4;

  request_id id{};
  identity::peer_id client;
  std::uint16_t code = 0;                     ///< 0, or the errc of a refusal
  std::uint8_t attempt = 1;                   ///< the listeners of a request count up
  std::uint16_t budget_ms = 0;                ///< how long the window stays open at most
  std::vector<net::tcp::endpoint> endpoints;  ///< where the server listens; none where the client does

  void encode(wire::writer& out) const {
    out.fixed(id).fixed(client.octets()).number(code).number(attempt).number(budget_ms);
    out.number(static_cast<std::uint8_t>(endpoints.size()));
    for (const auto& at : endpoints) encode_endpoint(out, at);
  }

  static window_answer decode(wire::reader& in) {
    window_answer made;
    made.id = in.fixed<16>();
    made.client = identity::peer_id(in.fixed<32>());
    made.code = in.number<std::uint16_t>();
    made.attempt = in.number<std::uint8_t>();
    made.budget_ms = in.number<std::uint16_t>();
    const auto count = in.number<std::uint8_t>();
    if (count > most_endpoints || made.attempt == 0 || (made.code != 0 && count > 0)) in.refuse(malformed);
    for (int i = 0; i < count && !in.failed(); ++i) made.endpoints.push_back(decode_endpoint(in));
    return made;
  }
};

using signed_request = statement<window_request>;
using signed_answer = statement<window_answer>;

}  // namespace ajar::trust
