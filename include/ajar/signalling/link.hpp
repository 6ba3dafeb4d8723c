// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/link.hpp - messages both ways between one peer and central, kept honest by a heartbeat.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/rate_limit.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/network.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/tls/stream.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::signalling {

/// What becomes of a message; an error ends the link.
using message_handler = std::function<result<>(const message&)>;

/// A link, on either side of it. One coroutine receives; send() may be called at any time and never waits.
///
/// An idle link owns no buffer. Moves, does not copy. When it goes, or another one is assigned to it, it ends: without
/// a goodbye, unless close() has said one. One that was moved from answers moved_from, and has no peer() and no
/// stream(). Threads: the stream's executor only.
class link {
 public:
  explicit link(tls::stream stream);
  link(link&& other) noexcept = default;
  link& operator=(link&& other) noexcept;
  link(const link&) = delete;
  link& operator=(const link&) = delete;
  ~link();

  /// Send a message; it leaves at once where the transport takes it, and what is urgent is followed up.
  /// Errors: limit_reached (the other side takes nothing any more: the link is closed), the stream's own.
  result<> send(const message& what);

  /// Wait for the next message of any kind.
  /// @param until  absolute, monotonic
  /// Errors: link_timeout, unknown_message and parse()'s, eof, the stream's own, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<message>> receive(time_point until = never);

  /// While run() goes on: wait until all that was sent has left for the transport. Who has much to say says a part, and
  /// waits for this. Errors: why the link ended, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> drained();

  /// Receive until the link ends; pings are answered, and sent, meanwhile.
  ///
  /// @param interval  of the heartbeat
  /// @param handler   gets everything but the heartbeat
  /// @return why it ended: link_timeout, a goodbye's code, the handler's error, the stream's own, canceled
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<std::error_code> run(clock::duration interval, message_handler handler);

  /// After close() without run(): wait a moment for the other side to take the goodbye.
  [[nodiscard]] awaitable<void> part();

  /// Why it ended, or is about to.
  const std::optional<std::error_code>& ended() const noexcept;

  /// Say why, and end run() with that; it waits a moment for the other side to take the goodbye.
  void close(errc why);

  /// Messages that come faster end the link with too_many_requests: of any kind, pings too. By default none do.
  void limit(rate_limit of_messages);

  /// Before run(): how long the first message took to be answered.
  void greeted_in(clock::duration time);
  /// The shortest round trip so far.
  std::optional<clock::duration> round_trip() const;
  identity::peer_id peer() const;
  tls::stream& stream() noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

/// True where whoever answered is not the central that was dialled: a captive portal, a proxy, another program or
/// another central. Anybody can be that, and it says nothing of central.
inline bool is_foreign(const std::error_code& why) {
  for (const auto cause :
       {errc::not_tls, errc::tls_version, errc::handshake_failed, errc::alpn_mismatch, errc::alpn_missing,
        errc::certificate_missing, errc::certificate_malformed, errc::wrong_key, errc::refused_by_peer}) {
    if (why == cause) return true;
  }
  return false;
}

/// A link to central, by one address of its name after the other.
///
/// TCP connects to whichever answers first. Who takes the connection and is not central, or stays silent, has a fair
/// part of the time and no more: what is left of it, by the addresses that are left. Threads: one executor. Outlives
/// next().
class central_dial {
 public:
  /// @param until  absolute, monotonic
  central_dial(std::shared_ptr<net::network> over, identity::key self, identity::url central, time_point until)
      : over_(std::move(over)), self_(std::move(self)), central_(std::move(central)), until_(until) {}

  /// The link by the next address where TLS proves that it is central's; nothing is said yet. Errors: resolve's,
  /// dial_first's, tls::secure's; with several addresses the first one's. Cancellation: terminal.
  [[nodiscard]] awaitable<result<link>> next();

  /// Until when the last link has time for its greeting.
  time_point until() const noexcept { return part_; }
  /// That link ended without a word of central's. @return is there another address?
  bool goes_on(const std::error_code& why);
  /// Why the first address failed.
  const std::error_code& why() const noexcept { return why_; }
  /// What is waited for, as the error of whoever waits no longer: name_unanswered, dial_timeout or handshake_timeout.
  errc late() const noexcept { return late_; }

 private:
  void begin_part(net::transport& with);

  std::shared_ptr<net::network> over_;
  identity::key self_;
  identity::url central_;
  time_point until_;
  time_point part_ = never;
  std::optional<std::vector<net::tcp::endpoint>> left_;
  std::error_code why_;
  errc late_ = errc::name_unanswered;
};

/// A peer's link to central after TLS; nothing is said yet: the first of a central_dial.
///
/// @param until  absolute, monotonic
/// Errors: central_dial::next's. Cancellation: terminal.
[[nodiscard]] awaitable<result<link>> dial_link(std::shared_ptr<net::network> over, identity::key self,
                                                identity::url central, time_point until);

}  // namespace ajar::signalling

#ifdef AJAR_HEADER_ONLY
#include <ajar/signalling/impl/link.ipp>
#endif
