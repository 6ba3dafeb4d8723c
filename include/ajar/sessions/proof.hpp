// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/proof.hpp - the second check of who is there, independent of the TLS library.
#pragma once

#include <ajar/trust/window_request.hpp>
#include <ajar/wire/frame.hpp>

namespace ajar::sessions {

inline constexpr std::uint16_t proof_version = 1;

/// How two peers came together.
enum class path : std::uint8_t {
  outbound = 1,        ///< the server dialled the client's door
  window = 2,          ///< the client dialled the server's window
  window_reverse = 3,  ///< the server dialled the client's window
  crossing = 4,        ///< both dialled at one instant
};

constexpr std::string_view to_string(path which) {
  switch (which) {
    case path::outbound:
      return "outbound";
    case path::window:
      return "window";
    case path::window_reverse:
      return "window-reverse";
    case path::crossing:
      return "crossing";
  }
  return "unknown";
}

/// The method of a grant that a path needs.
constexpr trust::method method_of(path which) {
  return which == path::outbound ? trust::method::outbound : trust::method::window;
}

/// Which end signs. It never depends on who dialled.
enum class proof_role : std::uint8_t { client = 1, server = 2 };

using session_nonce = std::array<std::uint8_t, 16>;

/// What both ends sign. The exporter ties it to this one TLS connection, the rest to this one purpose.
struct proof_terms {
  sessions::path path = sessions::path::window;
  session_nonce nonce{};  ///< a window's request id; outbound: drawn by the client
  trust::grant_id grant{};
  identity::peer_id client;
  identity::peer_id server;
};

/// "ajar auth/1", 0, version u16, ALPN counted, path u8, role u8, nonce 16, grant id 16, exporter 32, client's id 32,
/// server's id 32.
inline bytes to_be_proved(const proof_terms& terms, proof_role who, std::span<const std::uint8_t, 32> exporter) {
  constexpr std::string_view domain = "ajar auth/1";
  bytes octets;
  wire::writer out(octets);
  out.fixed(as_bytes(domain)).number(std::uint8_t{0}).number(proof_version).text(tls::alpn::session);
  out.number(static_cast<std::uint8_t>(terms.path)).number(static_cast<std::uint8_t>(who));
  out.fixed(terms.nonce).fixed(terms.grant).fixed(exporter);
  out.fixed(terms.client.octets()).fixed(terms.server.octets());
  return octets;
}

/// The client's first message on a session: version u16, path u8, nonce 16, grant id 16, signature 64.
struct claim {
  static constexpr std::uint8_t kind = 1;
  static constexpr std::size_t size = 2 + 1 + 16 + 16 + 64;
  sessions::path path = sessions::path::window;
  session_nonce nonce{};
  trust::grant_id grant{};
  crypto::signature signature{};

  static void layout(auto& self, auto& io) {
    auto version = proof_version;
    io(version);
    io.require([&] { return version == proof_version; }, errc::unknown_version);
    io(wire::within(self.path, sessions::path::outbound, sessions::path::crossing), self.nonce, self.grant,
       self.signature);
  }

  bytes encode() const {
    bytes octets;
    wire::writer out(octets);
    wire::put(out, *this);
    return octets;
  }
  /// Errors: unknown_version, message_truncated, message_malformed.
  static result<claim> decode(bytes_view octets) {
    wire::reader in(octets);
    auto made = wire::take<claim>(in);
    const auto whole = in.finish();
    if (!whole) return fail(whole.error());
    return made;
  }
};

/// The server's answer to a good claim: its signature 64.
inline constexpr std::uint8_t accepted_kind = 2;
/// Either end's answer to a bad one: errc u16.
inline constexpr std::uint8_t refused_kind = 3;

}  // namespace ajar::sessions
