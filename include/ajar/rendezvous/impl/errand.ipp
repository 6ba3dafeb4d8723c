// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/errand.ipp - what ajar/rendezvous/errand.hpp declares.
#pragma once

#include <ajar/rendezvous/errand.hpp>

#include <ajar/core/stamp.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/rendezvous/timetable.hpp>
#include <ajar/sessions/handshake.hpp>

#include <algorithm>
#include <utility>

namespace ajar::rendezvous {

AJAR_DECL result<trust::signed_request> sign_request(const errand& about, const window_ports& ports, bool binds_443) {
  if (!about.grant.body().permits(trust::method::window)) return fail(errc::method_not_granted);
  if (about.presence.state != signalling::presence_state::online) return fail(errc::server_offline);
  trust::window_request body;
  body.id = crypto::random_octets<16>();
  body.server = about.server();
  body.nonce = about.presence.nonce;
  body.grant = about.grant.body().id;
  body.rungs = about.rungs;
  body.roam = about.roam;
  body.binds_443 = binds_443;
  body.explain = static_cast<bool>(about.explain);
  body.budget_ms = static_cast<std::uint16_t>(std::chrono::milliseconds(patience).count());
  const auto round_trip = about.up ? about.up->round_trip() : std::nullopt;
  body.central_us = in_microseconds(round_trip.value_or(clock::duration(0)));
  if (about.here.mirror) body.network = about.here.mirror->known();
  body.outside = ports.outside();
  body.local = ports.local();
  body.sent_us = stamp_of(clock::now());
  return trust::signed_request::sign(std::move(body), about.self);
}

AJAR_DECL awaitable<result<sessions::session>> enter(shared_errand about, passage through, trust::request_id id) {
  const auto until = std::min<time_point>(about->until, clock::now() + authentication_time);
  const auto which = tls_side_of(through.kind, window_end::client);
  const auto path = path_of(through.kind);
  const auto kept = std::move(through.kept);
  auto expected = identity::expect(about->server(), tls::alpn::session);
  auto securing = tls::secure(std::move(through.stream), about->self.tls(), which, std::move(expected), until);
  auto secured = co_await std::move(securing);
  if (!secured) co_return fail(secured.error());
  const auto grant = about->grant.body().id;
  auto entering = sessions::enter(std::move(*secured), about->self, path, id, grant, until);
  auto guest = co_await std::move(entering);
  co_return guest;
}

}  // namespace ajar::rendezvous
