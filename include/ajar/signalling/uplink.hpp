// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/uplink.hpp - a peer's own link to central: dialled, greeted, kept up.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/network.hpp>
#include <ajar/signalling/link.hpp>

#include <functional>
#include <optional>
#include <string>

namespace ajar::signalling {

/// What a peer tells of itself, and how it behaves towards central.
class uplink_options {
 public:
  explicit uplink_options(role who, trust::method_set methods = {}) : who_(who), methods_(methods) {}

  /// Where the next login number comes from: kept on disk before it is used (state::folder::next_login).
  uplink_options& logins(std::function<result<std::uint64_t>()> source) {
    logins_ = std::move(source);
    return *this;
  }
  /// A server's nonce for the window requests of a link, drawn anew for each login.
  uplink_options& nonces(std::function<trust::link_nonce()> source) {
    nonces_ = std::move(source);
    return *this;
  }
  /// Come by at intervals, instead of standing: leave() ends a visit.
  uplink_options& visit_every(std::chrono::milliseconds interval) {
    interval_ = interval;
    return *this;
  }
  /// For looking up the name, connecting, shaking hands and being welcomed together; several addresses of a name share
  /// it (central_dial).
  uplink_options& greet_within(std::chrono::milliseconds time) {
    greet_within_ = time;
    return *this;
  }

  /// What central is reached over; by default this machine's TCP.
  uplink_options& network(std::shared_ptr<net::network> over) {
    network_ = std::move(over);
    return *this;
  }

  role who() const noexcept { return who_; }
  trust::method_set methods() const noexcept { return methods_; }
  result<std::uint64_t> next_login() const { return logins_(); }
  trust::link_nonce next_nonce() const { return nonces_ ? nonces_() : trust::link_nonce{}; }
  std::optional<std::chrono::milliseconds> interval() const noexcept { return interval_; }
  std::chrono::milliseconds greet_within() const noexcept { return greet_within_; }
  const std::shared_ptr<net::network>& network() const noexcept { return network_; }

 private:
  role who_;
  trust::method_set methods_;
  std::function<result<std::uint64_t>()> logins_;
  std::function<trust::link_nonce()> nonces_;
  std::optional<std::chrono::milliseconds> interval_;
  std::chrono::milliseconds greet_within_{10'000};
  std::shared_ptr<net::network> network_ = net::sockets();
};

/// What an uplink tells its owner, on the uplink's executor.
class uplink_events {
 public:
  virtual ~uplink_events() = default;
  /// The link is up: present what central has to know. It remembers nothing of an earlier link.
  virtual void linked(const welcome& greeting) = 0;
  /// A message, not of the heartbeat. An error ends the link.
  virtual result<> received(const message& what) = 0;
  /// The link went, or could not be made; `again_in` is how long it waits, nothing where it gives up.
  virtual void lost(const std::error_code& why, std::optional<std::chrono::milliseconds> again_in) = 0;
};

/// True for the causes that another attempt does not mend: what central itself has said, behind its key, and what is
/// wrong with our own state. Whatever else answers at its address can end nothing (is_foreign).
/// @param admitted  were we linked before? Then an admission list that lacks us may only be wrong for a moment.
inline bool is_final(const std::error_code& why, bool admitted) {
  if (why == errc::not_admitted) return !admitted;
  for (const auto cause : {errc::evicted, errc::login_too_low, errc::unknown_version, errc::state_damaged,
                           errc::state_permissions, errc::canceled}) {
    if (why == cause) return true;
  }
  return false;
}

/// True for the causes that time mends slowly, if at all: somebody else answers, or central has no reason to serve us.
inline bool is_hopeless(const std::error_code& why) {
  for (const auto cause : {errc::not_admitted, errc::grant_expired, errc::grant_revoked}) {
    if (why == cause) return true;
  }
  return is_foreign(why);
}

/// Dials central, logs in, and hands on what comes, again and again until there is no point in it.
///
/// Threads: one executor. The owner joins run() before the uplink goes.
class uplink {
 public:
  uplink(identity::key self, identity::url central, uplink_options how, uplink_events& events)
      : self_(std::move(self)), central_(std::move(central)), how_(std::move(how)), events_(events) {}
  uplink(const uplink&) = delete;
  uplink& operator=(const uplink&) = delete;

  /// Keep the link up. @return the cause that is final (is_final), such as evicted or not_admitted
  /// Between attempts it waits for up to 20 s; for up to 5 minutes where that is hopeless (is_hopeless). The waits
  /// begin small again when a link has lived. Cancellation: terminal.
  [[nodiscard]] awaitable<std::error_code> run();

  /// Send over the link. Errors: link_lost where there is none now, link::send's.
  result<> send(const message& what);

  /// End a visit: the next one begins after the interval of visit_every().
  void leave();
  /// Say goodbye to central, if it is there.
  void close();

  bool is_up() const noexcept { return link_.has_value(); }
  /// What a link that is not there yet waits for, as the error of whoever waits no longer: central_dial::late().
  errc late() const noexcept { return attempt_ ? attempt_->late() : errc::dial_timeout; }
  const identity::url& central() const noexcept { return central_; }
  /// The address of this end of the link: what reaches central reaches others, mostly.
  std::optional<net::address> local_address();
  /// Central's own end of the link: where its other ports are, too.
  std::optional<net::tcp::endpoint> central_endpoint();
  std::optional<clock::duration> round_trip() const { return link_ ? link_->round_trip() : std::nullopt; }

 private:
  struct greeted {
    link up;
    welcome greeting;
  };
  awaitable<result<greeted>> reach();
  awaitable<result<greeted>> greet(link up);
  awaitable<std::error_code> serve(welcome greeting);

  // A cancellation leaves run() by an exception: the link goes then, too.
  struct unlinked {
    explicit unlinked(std::optional<link>& which) : which_(which) {}
    unlinked(const unlinked&) = delete;
    unlinked& operator=(const unlinked&) = delete;
    ~unlinked() { which_.reset(); }
    std::optional<link>& which_;
  };

  identity::key self_;
  identity::url central_;
  uplink_options how_;
  uplink_events& events_;
  std::optional<link> link_;
  std::optional<central_dial> attempt_;
  bool left_ = false;
};

}  // namespace ajar::signalling

#ifdef AJAR_HEADER_ONLY
#include <ajar/signalling/impl/uplink.ipp>
#endif
