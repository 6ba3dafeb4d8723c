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

  static void layout(auto& self, auto& io) {
    io(self.id, self.server, self.nonce, self.grant, self.rungs, wire::bits(self.roam, self.binds_443, self.explain),
       self.budget_ms, self.sent_us, self.central_us, self.network,
       wire::list<std::uint8_t>(self.outside, most_endpoints), wire::list<std::uint8_t>(self.local, most_endpoints));
    io.require([&] { return self.rungs != 0 && self.rungs <= every_rung; }, malformed);
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

  static void layout(auto& self, auto& io) {
    io(self.id, self.client, self.code, self.attempt, self.budget_ms, self.received_us, self.sent_us,
       self.round_trip_us, wire::at_most(self.reason, longest_reason),
       wire::list<std::uint8_t>(self.rungs, most_rungs));
    const auto fits = [&] {
      return self.rungs.empty() == (self.code != 0) && self.attempt != 0 && is_printable(self.reason);
    };
    io.require(fits, malformed);
  }
};

using signed_request = statement<window_request>;
using signed_answer = statement<window_answer>;

}  // namespace ajar::trust
