// SPDX-License-Identifier: BSL-1.0
// ajar/signalling/uplink.hpp - a peer's own link to central: dialled, greeted, kept up.
#pragma once

#include <ajar/identity/url.hpp>
#include <ajar/net/backoff.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/signalling/link.hpp>

#include <functional>
#include <optional>
#include <string>

namespace ajar::signalling {

/// What a peer tells of itself, and how it behaves towards central.
class uplink_options {
 public:
  uplink_options(role who, std::uint8_t methods) : who_(who), methods_(methods) {}

  /// Where the next login number comes from: kept on disk before it is used (identity::state_directory::next_login).
  uplink_options& logins(std::function<result<std::uint64_t>()> source) {
    logins_ = std::move(source);
    return *this;
  }
  /// Come by at intervals, instead of standing: leave() ends a visit.
  uplink_options& visit_every(std::chrono::milliseconds interval) {
    interval_ = interval;
    return *this;
  }
  /// For connecting, shaking hands and being welcomed together.
  uplink_options& greet_within(std::chrono::milliseconds time) {
    greet_within_ = time;
    return *this;
  }

  /// The local address to dial from; by default the one that the routes give.
  uplink_options& from(std::optional<net::address> source) {
    if (source) dialling_.from(*source);
    return *this;
  }

  role who() const noexcept { return who_; }
  std::uint8_t methods() const noexcept { return methods_; }
  result<std::uint64_t> next_login() const { return logins_(); }
  std::optional<std::chrono::milliseconds> interval() const noexcept { return interval_; }
  std::chrono::milliseconds greet_within() const noexcept { return greet_within_; }
  const net::dial_options& dialling() const noexcept { return dialling_; }

 private:
  role who_;
  std::uint8_t methods_;
  std::function<result<std::uint64_t>()> logins_;
  std::optional<std::chrono::milliseconds> interval_;
  std::chrono::milliseconds greet_within_{10'000};
  net::dial_options dialling_;
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

/// True for the causes that another attempt does not mend: the operator has to do something.
inline bool is_final(const std::error_code& why) {
  for (const auto cause :
       {errc::evicted, errc::login_too_low, errc::not_admitted, errc::unknown_version, errc::wrong_key, errc::not_tls,
        errc::tls_version, errc::alpn_mismatch, errc::alpn_missing, errc::certificate_malformed, errc::refused_by_peer,
        errc::state_damaged, errc::state_permissions, errc::canceled}) {
    if (why == cause) return true;
  }
  return false;
}

namespace detail {

struct greeted {
  link up;
  welcome greeting;
};

inline awaitable<result<greeted>> greet(identity::key self, identity::url central, uplink_options how) {
  auto stream = co_await net::dial(central.at, never, how.dialling());
  if (!stream) co_return fail(stream.error());
  tls::stream<net::tcp_stream> secured(std::move(*stream), self.tls(), tls::side::client,
                                       identity::expect(central.id, tls::alpn::link));
  auto shaken = co_await secured.handshake(never);
  if (!shaken) co_return fail(shaken.error());
  const auto login = how.next_login();
  if (!login) co_return fail(login.error());
  link up(std::move(secured));
  const auto asked_at = clock::now();
  auto sent = up.send(hello{protocol_version, how.who(), how.methods(), *login});
  if (!sent) co_return fail(sent.error());
  auto got = co_await up.receive();
  if (!got) co_return fail(got.error());
  if (const auto* last = std::get_if<goodbye>(&*got)) co_return fail(last->why);
  const auto* greeting = std::get_if<welcome>(&*got);
  if (!greeting) co_return fail(errc::unexpected_message);
  // the answer may have waited for central, which TCP's acknowledgement has not
  clock::duration answered_in = clock::now() - asked_at;
  const auto kernel = net::shortest_round_trip(up.stream().lowest_layer());
  up.greeted_in(kernel ? std::min<clock::duration>(answered_in, *kernel) : answered_in);
  welcome kept = *greeting;
  co_return greeted{std::move(up), std::move(kept)};
}

}  // namespace detail

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
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<std::error_code> run() {
    constexpr std::chrono::milliseconds first{250};
    constexpr std::chrono::milliseconds longest{20'000};
    const unlinked at_the_end{link_};
    net::backoff pause(first, longest);
    for (;;) {
      left_ = false;
      auto attempt = detail::greet(self_, central_, how_);
      auto greeted = co_await before(clock::now() + how_.greet_within(), errc::dial_timeout, std::move(attempt));
      std::error_code why = greeted ? std::error_code() : greeted.error();
      if (greeted) {
        pause.reset();
        const auto greeting = greeted->greeting;
        link_.emplace(std::move(greeted->up));
        why = co_await serve(greeting);
        link_.reset();
      }
      if (is_final(why) && !left_) {
        events_.lost(why, std::nullopt);
        co_return why;
      }
      const auto wait = left_ ? *how_.interval() : pause.next();
      events_.lost(why, wait);
      auto slept = co_await sleep_until(clock::now() + wait);
      if (!slept) co_return slept.error();
    }
  }

  /// Send over the link. Errors: link_lost where there is none now, link::send's.
  result<> send(const message& what) {
    if (!link_) return fail(errc::link_lost);
    return link_->send(what);
  }

  /// End a visit: the next one begins after the interval of visit_every().
  void leave() {
    left_ = how_.interval().has_value();
    close();
  }
  /// Say goodbye to central, if it is there.
  void close() {
    if (link_) link_->close(errc::canceled);
  }

  bool is_up() const noexcept { return link_.has_value(); }
  const identity::url& central() const noexcept { return central_; }
  /// The address of this end of the link: what reaches central reaches others, mostly.
  std::optional<net::address> local_address() {
    if (!link_) return std::nullopt;
    std::error_code error;
    const auto at = link_->stream().lowest_layer().local_endpoint(error);
    return error ? std::nullopt : std::optional(net::unmapped(at.address()));
  }
  /// Central's own end of the link: where its other ports are, too.
  std::optional<net::tcp::endpoint> central_endpoint() {
    if (!link_) return std::nullopt;
    std::error_code error;
    const auto at = link_->stream().lowest_layer().remote_endpoint(error);
    return error ? std::nullopt : std::optional(net::tcp::endpoint(net::unmapped(at.address()), at.port()));
  }
  std::optional<clock::duration> round_trip() const { return link_ ? link_->round_trip() : std::nullopt; }

 private:
  awaitable<std::error_code> serve(welcome greeting) {
    net::set_user_timeout(link_->stream().lowest_layer(), greeting.heartbeat * 5 / 2);
    auto handler = [this](const message& what) { return events_.received(what); };
    events_.linked(greeting);
    auto why = co_await link_->run(greeting.heartbeat, handler);
    if (why == errc::eof || why == errc::truncated) co_return make_error_code(errc::link_lost);
    co_return why;
  }

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
  bool left_ = false;
};

}  // namespace ajar::signalling
