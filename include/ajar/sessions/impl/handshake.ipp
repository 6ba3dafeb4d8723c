// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/impl/handshake.ipp - what ajar/sessions/handshake.hpp declares.
#pragma once

#include <ajar/sessions/handshake.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/wire/frame.hpp>

#include <array>
#include <utility>

namespace ajar::sessions {

namespace detail {

inline constexpr std::size_t longest_proof = 256;

inline awaitable<result<wire::frame>> read_frame(tls::stream& stream) {
  std::array<std::uint8_t, wire::frame_header_size> octets{};
  auto done = co_await stream.read(octets);
  if (!done) co_return fail(done.error());
  const auto header = wire::parse_frame_header(octets);
  if (!header) co_return fail(header.error());
  if (header->length > longest_proof) co_return fail(errc::message_too_long);
  wire::frame frame;
  frame.kind = header->kind;
  frame.payload.resize(header->length);
  done = co_await stream.read(frame.payload);
  if (!done) co_return fail(done.error());
  co_return std::move(frame);
}

inline bytes frame_of(std::uint8_t kind, bytes_view payload) {
  bytes octets;
  wire::append_frame(octets, kind, payload);
  return octets;
}

inline bytes refusal(const std::error_code& why) {
  const bool ours = why.category() == category();
  bytes payload;
  wire::writer out(payload);
  out.number(static_cast<std::uint16_t>(ours ? why.value() : static_cast<int>(errc::proof_invalid)));
  return frame_of(refused_kind, payload);
}

// The other side is told why before the connection ends.
inline awaitable<void> refuse(tls::stream& stream, std::error_code why, time_point until) {
  const auto octets = refusal(why);
  auto sent = co_await stream.write(octets, until);
  if (sent) {
    sent = co_await stream.shutdown(until);
  }
  stream.close();
}

inline net::tcp::endpoint remote_of(tls::stream& stream) {
  return stream.lowest_layer().remote_endpoint().value_or(net::tcp::endpoint());
}

inline awaitable<result<>> prove_and_check(tls::stream& stream, identity::key self, proof_terms terms) {
  const auto mine = to_be_proved(terms, proof_role::client, stream.exporter().reveal());
  const claim sent{terms.path, terms.nonce, terms.grant, self.sign(mine)};
  const auto payload = sent.encode();
  const auto octets = frame_of(claim::kind, payload);
  auto written = co_await stream.write(octets);
  if (!written) co_return written;
  auto frame = co_await read_frame(stream);
  if (!frame) co_return fail(frame.error());
  wire::reader in(frame->payload);
  if (frame->kind == refused_kind) {
    const auto why = errc_from_wire(in.number<std::uint16_t>());
    co_return fail(in.finish() ? why : errc::message_malformed);
  }
  if (frame->kind != accepted_kind) co_return fail(errc::unexpected_message);
  const auto signature = in.fixed<64>();
  if (!in.finish()) co_return fail(errc::message_malformed);
  const auto theirs = to_be_proved(terms, proof_role::server, stream.exporter().reveal());
  if (!crypto::verify(stream.peer_key(), theirs, signature)) co_return fail(errc::proof_invalid);
  co_return result<>{};
}

inline awaitable<result<claim>> read_claim(tls::stream& stream) {
  auto frame = co_await read_frame(stream);
  if (!frame) co_return fail(frame.error());
  if (frame->kind != claim::kind) co_return fail(errc::unexpected_message);
  co_return claim::decode(frame->payload);
}

}  // namespace detail

AJAR_DECL awaitable<result<session>> enter(tls::stream stream, identity::key self, path over, session_nonce nonce,
                                           trust::grant_id grant, deadline until) {
  const auto server = identity::peer_id::of(stream.peer_key());
  const proof_terms terms{over, nonce, grant, self.id(), server};
  auto exchange = detail::prove_and_check(stream, self, terms);
  auto done = co_await before(until, errc::handshake_timeout, std::move(exchange));
  if (!done) {
    stream.close();
    co_return fail(done.error());
  }
  session_info about{server, over, nonce, grant, detail::remote_of(stream), std::nullopt};
  co_return session(std::move(stream), std::move(about));
}

AJAR_DECL awaitable<result<session>> let_in(tls::stream stream, identity::key self, path over, entry_check enters,
                                            deadline until) {
  constexpr std::chrono::milliseconds for_refusal{200};
  const auto client = identity::peer_id::of(stream.peer_key());
  auto reading = detail::read_claim(stream);
  auto claimed = co_await before(until, errc::handshake_timeout, std::move(reading));
  proof_terms terms{over, {}, {}, client, self.id()};
  result<place> fits;
  if (!claimed) {
    fits = fail(claimed.error());
  } else {
    terms.nonce = claimed->nonce;
    terms.grant = claimed->grant;
    const auto theirs = to_be_proved(terms, proof_role::client, stream.exporter().reveal());
    if (claimed->path != over || !crypto::verify(stream.peer_key(), theirs, claimed->signature)) {
      fits = fail(errc::proof_invalid);
    } else {
      fits = enters(*claimed, client);
    }
  }
  if (!fits) {
    auto told = detail::refuse(stream, fits.error(), clock::now() + for_refusal);
    co_await std::move(told);
    co_return fail(fits.error());
  }
  const auto mine = to_be_proved(terms, proof_role::server, stream.exporter().reveal());
  const auto signature = self.sign(mine);
  const auto octets = detail::frame_of(accepted_kind, signature);
  auto written = co_await stream.write(octets, until);
  if (!written) {
    stream.close();
    co_return fail(written.error());
  }
  stream.when_closed([held = std::move(*fits)](const tls::traffic&) {});
  session_info about{client, over, terms.nonce, terms.grant, detail::remote_of(stream), std::nullopt};
  co_return session(std::move(stream), std::move(about));
}

}  // namespace ajar::sessions
