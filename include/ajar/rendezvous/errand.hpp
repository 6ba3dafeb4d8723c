// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/errand.hpp - what a client needs to get one session by a window.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/clock_offset.hpp>
#include <ajar/net/dial_options.hpp>
#include <ajar/rendezvous/answers.hpp>
#include <ajar/rendezvous/passage.hpp>
#include <ajar/rendezvous/timeline.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/signalling/uplink.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/trust/grant.hpp>
#include <ajar/windows/report.hpp>

#include <functional>
#include <memory>

namespace ajar::rendezvous {

/// One client's way to one server. All of it is there before the first step.
struct errand {
  identity::key self;
  trust::signed_grant grant;               ///< its signer is the server
  std::shared_ptr<signalling::uplink> up;  ///< to the central that both are linked to
  std::shared_ptr<answers> inboxes;        ///< gets what comes over that link
  signalling::presence presence;           ///< of the server, as central told it
  vantage here;                            ///< this end
  net::dial_options dialling;
  std::uint8_t rungs = trust::every_rung;  ///< that we take
  bool roam = false;                       ///< our address may be another than central sees
  time_point until;
  windows::cloak cloak = windows::cloak::automatic;
  telling::step_sink steps;
  std::function<void(const windows::report&)> account{};  ///< gets what each window of ours cost
  std::shared_ptr<net::clock_filter> server_clock{};      ///< as earlier requests have seen it; may be nothing
  timeline_sink explain{};                                ///< gets the steps of all three parties at the end
  reason_sink reason{};                                   ///< gets why the server plans so, or refuses

  const identity::peer_id& server() const noexcept { return presence.server; }
};
using shared_errand = std::shared_ptr<const errand>;

/// How long a client waits for what comes of a request; central keeps it for so long.
inline constexpr std::chrono::seconds patience{5};

/// Sign a request under the server's nonce. Errors: method_not_granted, server_offline.
result<trust::signed_request> sign_request(const errand& about, const window_ports& ports, bool binds_443);

/// The server's own answer to this request of ours. Errors: answer_forged, what the server refuses with, what central
/// said instead.
inline result<trust::window_answer> check_answer(const errand& about, const trust::request_id& id,
                                                 const answers::one& came) {
  const auto& what = came.what;
  if (!what) return fail(what.error() == errc::signature_invalid ? errc::answer_forged : what.error());
  const auto& body = what->body();
  if (what->signer() != about.server() || body.id != id || body.client != about.self.id()) {
    return fail(errc::answer_forged);
  }
  if (body.code != 0) return fail(errc_from_wire(body.code));
  return body;
}

/// Over a connection of a window: TLS with the server's key, then our proof, in authentication_time. Cancellation:
/// terminal.
[[nodiscard]] awaitable<result<sessions::session>> enter(shared_errand about, passage through, trust::request_id id);

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/errand.ipp>
#endif
