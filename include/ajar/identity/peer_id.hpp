// SPDX-License-Identifier: BSL-1.0
// ajar/identity/peer_id.hpp - the name of a key, and thereby of whoever holds it.
#pragma once

#include <ajar/crypto/compare.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/tls/certificate.hpp>

#include <compare>
#include <functional>

namespace ajar::identity {

/// SHA-256 of an Ed25519 SubjectPublicKeyInfo (as RFC 7469 section 2.4 pins keys): 32 octets, shown in base32.
class peer_id {
 public:
  using octets_type = std::array<std::uint8_t, 32>;

  peer_id() = default;
  explicit peer_id(const octets_type& octets) noexcept : octets_(octets) {}

  static peer_id of(const crypto::public_key& key) { return peer_id(crypto::hash(tls::spki_of(key))); }

  const octets_type& octets() const noexcept { return octets_; }
  auto operator<=>(const peer_id&) const = default;

 private:
  octets_type octets_{};
};

/// 52 characters of base32 in groups of 13, joined by dashes.
inline std::string to_string(const peer_id& id) {
  const auto text = to_base32(id.octets());
  std::string grouped;
  for (std::size_t at = 0; at < text.size(); at += 13) {
    if (at != 0) grouped += '-';
    grouped += text.substr(at, 13);
  }
  return grouped;
}

/// The first group alone: enough for a person to tell peers apart in a log, never for a decision.
inline std::string short_name(const peer_id& id) { return to_base32(id.octets()).substr(0, 13); }

/// Read an id; dashes and case do not matter. Errors: peer_id_malformed.
inline result<peer_id> parse_peer_id(std::string_view text) {
  constexpr std::size_t longest = 80;
  const auto octets = text.size() <= longest ? from_base32(text) : std::nullopt;
  peer_id::octets_type value{};
  if (!octets || octets->size() != value.size()) return fail(errc::peer_id_malformed);
  std::copy(octets->begin(), octets->end(), value.begin());
  return peer_id(value);
}

/// True where a key is the one that an id names.
inline bool names(const peer_id& id, const crypto::public_key& key) {
  return crypto::equal(id.octets(), peer_id::of(key).octets());
}

}  // namespace ajar::identity

template <>
struct std::hash<ajar::identity::peer_id> {
  std::size_t operator()(const ajar::identity::peer_id& id) const noexcept {
    std::size_t value = 0;  // the octets are a hash already
    std::memcpy(&value, id.octets().data(), sizeof value);
    return value;
  }
};
