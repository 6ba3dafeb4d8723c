// SPDX-License-Identifier: BSL-1.0
// ajar/trust/invite.hpp - a string that makes whoever has it a client, or a server that central serves, once.
#pragma once

#include <ajar/crypto/mac.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/trust/fields.hpp>

#include <string>
#include <string_view>

namespace ajar::trust {

/// What central sees of an invite: derived from its secret, which it does not tell.
using invite_id = std::array<std::uint8_t, 16>;

/// Where to redeem it, at whom, by what secret, and until when. Whoever reads it may use it: it is sent like a
/// password.
struct invite {
  identity::url central;
  identity::peer_id server;  ///< who gave it out: a server, whose client it makes; or central (invites_server())
  secret<16> token;
  wall_time not_after{};
};

/// True where central itself gave it out: it makes whoever has it a server that central serves, and nobody's client.
inline bool invites_server(const invite& what) { return what.server == what.central.id; }

/// What both ends know by an invite's secret: HKDF-SHA256 with the peer id of whoever gave it out as salt. He keeps
/// these, not the secret.
struct invite_keys {
  invite_id id{};
  secret<32> to_server;
  secret<32> to_client;

  static invite_keys of(const secret<16>& token, const identity::peer_id& server) {
    const auto salt = server.octets();
    invite_keys made;
    const auto id = crypto::derive<16>(token.reveal(), salt, "ajar invite/1 id");
    std::ranges::copy(id.reveal(), made.id.begin());
    made.to_server = crypto::derive<32>(token.reveal(), salt, "ajar invite/1 to server");
    made.to_client = crypto::derive<32>(token.reveal(), salt, "ajar invite/1 to client");
    return made;
  }
};

namespace detail {

inline constexpr std::string_view invite_begin = "ajar1";  // 1 is no digit of base32
inline constexpr std::uint8_t invite_version = 1;
inline constexpr std::size_t invite_sum = 5;
inline constexpr std::size_t longest_host = 253;  // RFC 1035 section 2.3.4

}  // namespace detail

/// One word of letters and digits: ajar1, and in base32: version u8, central's host text, port u16, central's peer id
/// 32, server's peer id 32, secret 16, time, and the first 40 bits of SHA-256 of all that.
inline std::string to_text(const invite& what) {
  bytes octets;
  wire::writer out(octets);
  out.number(detail::invite_version).text(what.central.at.host()).number(what.central.at.port());
  out.fixed(what.central.id.octets()).fixed(what.server.octets()).fixed(what.token.reveal());
  wire::put(out, what.not_after);
  const auto digest = crypto::hash(octets);
  out.fixed(bytes_view(digest).first(detail::invite_sum));
  auto text = std::string(detail::invite_begin) + to_base32(octets);
  wipe(octets);
  return text;
}

/// Read such a word; spaces, line ends, dashes and case do not matter.
///
/// Errors: invite_malformed (it is none, or of another kind), invite_mistyped (a character was changed, lost or added),
/// unknown_version.
inline result<invite> parse_invite(std::string_view text) {
  constexpr std::size_t longest = 1024;
  if (text.size() > longest) return fail(errc::invite_malformed);
  std::string word;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '-') continue;
    word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (!word.starts_with(detail::invite_begin)) return fail(errc::invite_malformed);
  auto octets = from_base32(std::string_view(word).substr(detail::invite_begin.size()));
  if (!octets || octets->size() <= detail::invite_sum) return fail(errc::invite_mistyped);
  const auto content = bytes_view(*octets).first(octets->size() - detail::invite_sum);
  const auto sum = bytes_view(*octets).last(detail::invite_sum);
  const auto digest = crypto::hash(content);
  if (!std::ranges::equal(sum, bytes_view(digest).first(detail::invite_sum))) return fail(errc::invite_mistyped);

  wire::reader in(content);
  if (in.number<std::uint8_t>() != detail::invite_version) return fail(errc::unknown_version);
  const auto host = in.text(detail::longest_host);
  const auto port = in.number<std::uint16_t>();
  invite made;
  made.central.id = identity::peer_id(in.fixed<32>());
  made.server = identity::peer_id(in.fixed<32>());
  auto token = in.fixed<16>();
  made.token = secret<16>(token);
  wipe(token);
  made.not_after = wire::take<wall_time>(in);
  const bool whole = in.finish().has_value();
  wipe(*octets);
  auto at = net::parse_endpoint(net::to_string(net::endpoint(host, port)));
  if (!whole || !at || port == 0) return fail(errc::invite_malformed);
  made.central.at = std::move(*at);
  return made;
}

}  // namespace ajar::trust
