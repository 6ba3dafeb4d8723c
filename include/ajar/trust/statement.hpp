// SPDX-License-Identifier: BSL-1.0
// ajar/trust/statement.hpp - octets that one key has signed: how every promise in ajar travels.
#pragma once

#include <ajar/identity/key.hpp>
#include <ajar/trust/fields.hpp>

#include <concepts>

namespace ajar::trust {

/// No statement is longer: what a stranger sends is bounded before it is looked at.
inline constexpr std::size_t largest_statement = 24 * 1024;

/// A kind of statement: its fields, how they travel, and the name that keeps its signatures apart from others'.
template <class Body>
concept statement_body = wire::laid_out<Body> && requires {
  { Body::domain } -> std::convertible_to<std::string_view>;
  { Body::version } -> std::convertible_to<std::uint8_t>;
  { Body::malformed } -> std::convertible_to<errc>;
};

namespace detail {

template <statement_body Body>
bytes to_be_signed(bytes_view octets) {
  constexpr std::string_view domain = Body::domain;
  bytes message(domain.begin(), domain.end());
  message.push_back(0);
  message.insert(message.end(), octets.begin(), octets.end());
  return message;
}

}  // namespace detail

/// A statement whose signature fits. It is made by `sign` or `open` alone, and kept as it was received.
///
/// Octets: version u8, signer's key 32, the body's fields, signature 64. The signature covers domain, a zero octet, and
/// everything before the signature.
template <statement_body Body>
class statement {
 public:
  const Body& body() const noexcept { return body_; }
  const crypto::public_key& signer_key() const noexcept { return signer_; }
  identity::peer_id signer() const { return identity::peer_id::of(signer_); }
  const bytes& octets() const noexcept { return octets_; }

  static statement sign(Body body, const identity::key& by) {
    bytes octets;
    wire::writer out(octets);
    out.number(static_cast<std::uint8_t>(Body::version)).fixed(by.public_part());
    wire::put(out, body);
    const auto signature = by.sign(detail::to_be_signed<Body>(octets));
    out.fixed(signature);
    return statement(std::move(body), by.public_part(), std::move(octets));
  }

  /// What somebody says that a key has signed. To check that costs far more than to read it, so whoever has no use for
  /// such a statement refuses it first.
  struct unchecked {
    Body body;
    crypto::public_key signer_key{};

    identity::peer_id signer() const { return identity::peer_id::of(signer_key); }
  };

  /// Read octets alone. Errors: the body's `malformed`, unknown_version.
  static result<unchecked> read(bytes_view octets) {
    if (octets.size() > largest_statement || octets.size() < 1 + 32 + signature_size) return fail(Body::malformed);
    const auto content = octets.first(octets.size() - signature_size);
    wire::reader in(content);
    if (in.number<std::uint8_t>() != Body::version) return fail(errc::unknown_version);
    const auto signer = in.fixed<32>();
    auto body = wire::take<Body>(in);
    if (!in.finish()) return fail(Body::malformed);
    return unchecked{std::move(body), signer};
  }

  /// Read octets, and check the signature. Who signed is known then, not whether he may: that is the caller's question.
  /// Errors: the body's `malformed`, unknown_version, signature_invalid.
  static result<statement> open(bytes_view octets) {
    auto said = read(octets);
    if (!said) return fail(said.error());
    const auto content = octets.first(octets.size() - signature_size);
    crypto::signature signature{};
    std::copy(octets.end() - signature_size, octets.end(), signature.begin());
    auto fits = crypto::verify(said->signer_key, detail::to_be_signed<Body>(content), signature);
    if (!fits) return fail(fits.error());
    return statement(std::move(said->body), said->signer_key, bytes(octets.begin(), octets.end()));
  }

 private:
  static constexpr std::size_t signature_size = 64;

  statement(Body body, const crypto::public_key& signer, bytes octets)
      : body_(std::move(body)), signer_(signer), octets_(std::move(octets)) {}

  Body body_;
  crypto::public_key signer_;
  bytes octets_;
};

}  // namespace ajar::trust
