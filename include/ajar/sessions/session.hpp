// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/session.hpp - an authenticated stream between a client and a server, and all that is known about it.
#pragma once

#include <ajar/net/endpoint.hpp>
#include <ajar/sessions/proof.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/windows/report.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace ajar::sessions {

/// Who is there, and how they came.
struct session_info {
  identity::peer_id peer;
  sessions::path path = sessions::path::window;
  session_nonce nonce{};
  trust::grant_id grant{};
  net::tcp::endpoint remote;
  std::optional<windows::report> window;  ///< at the end that opened it: what it cost
};

/// A session: a TLS stream, with all its operations, of which is known who is at its other end, and how they came.
///
/// Its owner may cut it from elsewhere (a grant that ended): every operation then fails with that cause, and as a rule
/// the other side's do too. Moves, does not copy. One that was moved from answers moved_from, and knows nobody; one
/// that another is assigned to ends. Threads: its executor only.
class session : public tls::stream {
 public:
  session(tls::stream from, session_info info)
      : tls::stream(std::move(from)), info_(std::make_unique<session_info>(std::move(info))) {}

  const session_info& info() const noexcept {
    static const session_info none;
    return info_ ? *info_ : none;
  }
  const identity::peer_id& peer() const noexcept { return info().peer; }
  sessions::path path() const noexcept { return info().path; }
  /// What the window cost, where this end opened it; set by whoever opened it.
  void set_window(const windows::report& cost) {
    if (info_) info_->window = cost;
  }

  /// A session as its owner keeps it in sight: it may be gone.
  class sight : public tls::stream::sight {
   public:
    const session_info& info() const noexcept { return info_; }

   private:
    friend class session;
    explicit sight(const session& of) : tls::stream::sight(of.tls::stream::watch()), info_(of.info()) {}
    session_info info_;
  };
  sight watch() const { return sight(*this); }

 private:
  std::unique_ptr<session_info> info_;  // a session is small, and moves often
};

}  // namespace ajar::sessions
