// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/response.hpp - one request at the server: what is known of it, and what the client is told.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/stamp.hpp>
#include <ajar/rendezvous/respond_options.hpp>
#include <ajar/rendezvous/window_ports.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/windows/arrival.hpp>
#include <ajar/windows/plan.hpp>
#include <ajar/windows/report.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

/// A command whose request bears its client's signature.
struct opened_command {
  trust::signed_request asked;
  std::vector<net::address> seen;  ///< the client's addresses, by central
  time_point received{};

  /// Errors: signature_invalid, request_malformed.
  static result<opened_command> open(const signalling::command& what, time_point received) {
    auto asked = trust::signed_request::open(what.signed_request);
    if (!asked) return fail(asked.error());
    opened_command made{std::move(*asked), {}, received};
    for (const auto& at : what.seen) made.seen.push_back(net::unmapped(at.address()));
    return made;
  }
};

/// What a response needs of the server. Every call is on the server's executor.
class respond_policy {
 public:
  virtual ~respond_policy() = default;
  /// What permits a window, and the place that it takes while it is under way.
  struct permit {
    trust::signed_grant given;
    place taken;
  };
  /// May a window be opened for this request? It uses up the request.
  virtual result<permit> may_open(const trust::signed_request& asked) = 0;
  /// The last word before a session, when the client has proved itself. @return the session's place
  virtual result<place> may_enter(const trust::grant_id& grant, const identity::peer_id& client) = 0;
  /// Send over the link to central, if there is one.
  virtual result<> send(const signalling::message& what) = 0;
  /// Where this server is; without an address where there is no link.
  virtual vantage here() = 0;
  /// A client is elsewhere, and central sees this server at loopback (vantage::is_hidden).
  virtual void is_hidden() = 0;
  /// To central and back.
  virtual clock::duration central_round_trip() = 0;
  /// What is kept of the client.
  virtual windows::arrival& met(const identity::peer_id& client) = 0;
  /// Run what goes on beside a response, until it has ended or the grant is taken back.
  virtual void carry_on(const trust::grant_id& grant, awaitable<void> work) = 0;
  /// A window is closed, under this grant; this is what it cost.
  virtual void account(const trust::grant_id& grant, const windows::report& cost) = 0;
};

namespace detail {

// Those who came to a window, have not shown their key within handshake_part, and may still do so.
struct late_guests {
  explicit late_guests(const asio::any_io_executor& executor) : changed(executor), over(executor) {}
  notifier changed;
  notifier over;  // the response has ended: nobody is let in any more
  std::size_t under_way = 0;
  std::optional<sessions::session> came;
};

// One request under way.
struct response {
  std::shared_ptr<respond_policy> policy;
  identity::key self;
  respond_options how;
  trust::signed_request asked;
  std::vector<net::address> seen;  // the client's, by central
  std::uint64_t received_us = 0;
  bool lan = false;
  place taken{};       // among the windows under way
  time_point until{};  // of the rungs
  std::uint8_t attempt = 0;
  unsigned lost = 0;  // listeners, to strangers
  windows::report cost{};
  bool is_settled = false;
  std::string reason{};                          // why there is no way, for a person
  std::shared_ptr<trust::traced_steps> trace{};  // where the client wants to know
  std::shared_ptr<late_guests> late{};           // where another listener may follow

  const trust::window_request& body() const { return asked.body(); }
  identity::peer_id client() const { return asked.signer(); }
  bool told() const { return attempt > 0; }

  trust::window_answer answer() const {
    trust::window_answer made;
    made.id = body().id;
    made.client = client();
    made.received_us = received_us;
    return made;
  }
  void report(std::string_view phrase, const std::error_code& why) const {
    telling::report_trouble(how.steps, phrase, short_name(client()) + ": " + why.message());
  }
  void send(const trust::signed_answer& signed_one) const {
    if (trace && trace->sent_us == 0) trace->sent_us = signed_one.body().sent_us;
    (void)policy->send(signalling::answer{signed_one.body().id, false, signed_one.octets()});
  }
  // What its ports have cost goes to the server's account, once.
  void settle() {
    if (cost.listeners > 0 && !std::exchange(is_settled, true)) policy->account(body().grant, cost);
  }
  // Nothing more comes for this request; a client that was told nothing yet is told why.
  void conclude(const std::error_code& end) const {
    if (end && !told()) refuse(end);
    if (trace && trace->sent_us != 0) {
      const auto told = trust::signed_trace::sign({body().id, client(), *trace}, self);
      (void)policy->send(signalling::trace{body().id, told.octets(), {}});
    }
    (void)policy->send(signalling::answer{body().id, true, {}});
  }

 private:
  void refuse(const std::error_code& end) const {
    auto refusal = answer();
    const bool ours = end.category() == category();
    const auto otherwise = is_shortage(end) ? errc::server_busy : errc::window_refused;
    refusal.code = static_cast<std::uint16_t>(ours ? end.value() : static_cast<int>(otherwise));
    refusal.reason = reason;
    refusal.sent_us = stamp_of(clock::now());
    send(trust::signed_answer::sign(std::move(refusal), self));
  }
};
using shared_response = std::shared_ptr<response>;

// However a request ends.
class settled_at_the_end {
 public:
  explicit settled_at_the_end(shared_response what) : what_(std::move(what)) {}
  settled_at_the_end(const settled_at_the_end&) = delete;
  settled_at_the_end& operator=(const settled_at_the_end&) = delete;
  ~settled_at_the_end() { what_->settle(); }

 private:
  shared_response what_;
};

// The claim must be of this window, and the grant must still hold.
inline sessions::entry_check check_of(const shared_response& to) {
  return [to](const sessions::claim& claimed, const identity::peer_id& client) -> result<place> {
    if (claimed.nonce != to->body().id || claimed.grant != to->body().grant) return fail(errc::proof_invalid);
    return to->policy->may_enter(claimed.grant, client);
  };
}

inline bool is_seen(const response& to, const net::address& at) {
  return std::ranges::find(to.seen, net::unmapped(at)) != to.seen.end();
}

// What the client says of itself, as far as central has seen it too: nobody is dialled on another's word.
inline windows::end_facts client_facts(const response& to, bool& withheld) {
  const auto& body = to.body();
  windows::end_facts made{body.network, body.rungs, body.binds_443, {}, {}};
  for (const bool v6 : {false, true}) {
    auto& one = made.network.of(v6);
    if (one && !is_seen(to, one->outside)) one.reset();
  }
  for (const auto& at : to.seen) {
    auto& one = made.network.of(at.is_v6());
    if (!one) one = net::reflected{at};
  }
  for (const auto& at : body.outside) {
    const auto scope = net::scope_of(at.address());
    const bool permitted = scope == net::scope::global || (scope == net::scope::local && to.lan);
    if (permitted && is_seen(to, at.address())) made.outside.push_back(at);
    withheld = withheld || !permitted || !is_seen(to, at.address());
  }
  for (const auto& at : body.local) {
    if (to.lan && net::scope_of(at.address()) == net::scope::local) made.local.push_back(at);
  }
  return made;
}

inline vantage here_for(const response& to) {
  auto made = to.policy->here();
  made.others = to.seen;
  made.lan = to.lan;
  return made;
}

inline windows::end_facts server_facts(const response& to, window_ports& ports, const asio::any_io_executor& executor) {
  const auto here = here_for(to);
  windows::end_facts made;
  if (here.mirror && !here.is_hidden()) made.network = here.mirror->known();
  if (here.advertised) {  // anybody is let in there; what leaves from there may be seen elsewhere
    made.network.of(here.advertised->is_v6()) =
        net::reflected{*here.advertised, net::mapping::preserving, net::filtering::endpoint_independent};
    made.rungs &= static_cast<std::uint8_t>(~trust::bit_of(trust::rung_kind::crossing));
  }
  made.binds_443 = ports.binds_443(executor);
  made.outside = ports.outside();
  made.local = ports.local();
  return made;
}

// The steps of this request, kept for the client; the server's own sink gets them too.
inline telling::step_sink tracing(std::shared_ptr<trust::traced_steps> into, telling::step_sink next) {
  return [into = std::move(into), next = std::move(next)](const telling::step& one) {
    into->add(trust::traced_step::of(one));
    if (next) next(one);
  };
}

}  // namespace detail

}  // namespace ajar::rendezvous
