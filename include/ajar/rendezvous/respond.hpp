// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/respond.hpp - a server does what a client asked for through central: opens a window, or visits one.
#pragma once

#include <ajar/core/step.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/trust/grant.hpp>
#include <ajar/trust/window_request.hpp>
#include <ajar/windows/window.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ajar::rendezvous {

/// How a server responds.
struct respond_options {
  std::chrono::milliseconds window_time = windows::default_window;  ///< at most windows::longest_window
  windows::on_stranger on_stranger = windows::on_stranger::close_and_reopen;
  net::dial_options dialling;
  step_sink steps;
};

/// What a response needs of the server. Every call is on the server's executor.
class respond_policy {
 public:
  virtual ~respond_policy() = default;
  /// May a window be opened for this request? It uses up the request. @return the grant that permits it
  virtual result<trust::signed_grant> may_open(const trust::signed_request& asked) = 0;
  /// The last word before a session, when the client has proved itself.
  virtual result<> may_enter(const trust::grant_id& grant, const identity::peer_id& client) = 0;
  /// Send over the link to central, if there is one.
  virtual result<> send(const signalling::message& what) = 0;
  /// Where to bind; nothing where there is no link.
  virtual std::optional<net::address> window_address() = 0;
  /// Our address, as central sees it.
  virtual net::address seen() = 0;
  /// A window is closed; this is what it cost.
  virtual void account(const windows::report& cost) = 0;
};

namespace detail {

// One request under way.
struct response {
  std::shared_ptr<respond_policy> policy;
  identity::key self;
  respond_options how;
  trust::signed_request asked;
  net::address seen;  // the client's, by central
  time_point until;
  bool told = false;  // the client knows a port

  const trust::window_request& body() const { return asked.body(); }
  identity::peer_id client() const { return asked.signer(); }

  trust::window_answer answer() const {
    trust::window_answer made;
    made.id = body().id;
    made.client = client();
    return made;
  }
  void report(std::string_view phrase, const std::error_code& why) const {
    report_trouble(how.steps, phrase, short_name(client()) + ": " + why.message());
  }
  void send(const trust::signed_answer& signed_one, bool last) const {
    (void)policy->send(signalling::answer{signed_one.body().id, last, signed_one.octets()});
  }
  void refuse(const std::error_code& why) const {
    auto refusal = answer();
    const bool ours = why.category() == category();
    refusal.code = static_cast<std::uint16_t>(ours ? why.value() : static_cast<int>(errc::window_refused));
    send(trust::signed_answer::sign(std::move(refusal), self), true);
  }
};
using shared_response = std::shared_ptr<response>;

// The claim must be of this window, in time, and the grant must still hold.
inline sessions::entry_check check_of(const shared_response& to) {
  return [to](const sessions::claim& claimed, const identity::peer_id& client) -> result<> {
    if (claimed.nonce != to->body().id || claimed.grant != to->body().grant) return fail(errc::proof_invalid);
    if (clock::now() >= to->until) return fail(errc::window_timeout);
    return to->policy->may_enter(claimed.grant, client);
  };
}

inline awaitable<result<sessions::session>> admit(shared_response to, net::tcp_stream stream, tls::side which,
                                                  sessions::path way) {
  auto expected = identity::expect(to->client(), tls::alpn::session);
  auto securing = sessions::secure(std::move(stream), which, to->self, std::move(expected), to->until);
  auto secured = co_await std::move(securing);
  if (!secured) co_return fail(secured.error());
  auto check = check_of(to);
  auto entering = sessions::let_in(std::move(*secured), to->self, way, std::move(check), to->until);
  auto guest = co_await std::move(entering);
  co_return guest;
}

// Sign while the port is bound and not open; open, then send.
inline result<std::function<void()>> announce(const shared_response& to, std::uint8_t attempt, bool last,
                                              const net::tcp::endpoint& at) {
  auto body = to->answer();
  body.attempt = attempt;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(to->until - clock::now());
  body.budget_ms = static_cast<std::uint16_t>(std::max<std::int64_t>(left.count(), 0));
  body.endpoints.emplace_back(to->policy->seen(), at.port());
  const auto signed_one = std::make_shared<trust::signed_answer>(trust::signed_answer::sign(std::move(body), to->self));
  return std::function<void()>([to, signed_one, at, last] {
    to->told = true;
    to->send(*signed_one, last);
    report_step(to->how.steps, "D", "opened a port", net::to_string(at));
    report_step(to->how.steps, "E", "told central");
  });
}

// WO 2004/034190, just-in-time listening, steps D, E and G.
inline awaitable<result<sessions::session>> open_for(shared_response to) {
  const auto local = to->policy->window_address();
  if (!local) co_return fail(errc::link_lost);
  windows::plan plan{net::tcp::endpoint(*local, 0),
                     to->body().roam ? windows::expected_source::anywhere() : windows::expected_source::of(to->seen),
                     to->how.on_stranger};
  const auto most = plan.policy == windows::on_stranger::close ? std::uint8_t{1} : plan.most_listeners;
  windows::announcement announcing = [to, most](std::uint8_t attempt, const net::tcp::endpoint& at) {
    return announce(to, attempt, attempt >= most, at);
  };
  auto admission = [to](net::tcp_stream stream) {
    report_step(to->how.steps, "G", "somebody connected, the port is closed");
    return admit(to, std::move(stream), tls::side::server, sessions::path::window);
  };
  auto opening = windows::open_window<sessions::session>(std::move(plan), to->until, std::move(announcing), admission);
  auto came = co_await std::move(opening);
  if (to->told) {
    (void)to->policy->send(signalling::answer{to->body().id, true, {}});
  } else if (!came.guest) {
    to->refuse(came.guest.error());
  }
  if (came.cost.listeners > 0) to->policy->account(came.cost);
  if (came.guest) came.guest->set_window(came.cost);
  co_return std::move(came.guest);
}

// Only the address that central saw, so that nobody is dialled on another's word.
inline result<net::tcp::endpoint> endpoint_of(const response& to, const trust::signed_grant& given) {
  for (const auto& at : to.body().endpoints) {
    const auto scope = net::scope_of(at.address());
    const bool reachable = scope == net::scope::global || (scope == net::scope::local && given.body().lan);
    if (reachable && net::unmapped(at.address()) == net::unmapped(to.seen)) return at;
  }
  return fail(errc::address_not_permitted);
}

// The variation: the client opens the port and the server connects.
inline awaitable<result<sessions::session>> visit_client(shared_response to, trust::signed_grant given) {
  const auto where = endpoint_of(*to, given);
  if (!where) {
    to->refuse(where.error());
    co_return fail(where.error());
  }
  to->send(trust::signed_answer::sign(to->answer(), to->self), true);
  report_step(to->how.steps, "G", "dial the client's window", net::to_string(*where));
  net::endpoint at(*where);
  auto stream = co_await net::dial(at, to->until, to->how.dialling);
  if (!stream) co_return fail(stream.error());
  auto entering = admit(to, std::move(*stream), tls::side::client, sessions::path::window_reverse);
  auto guest = co_await std::move(entering);
  co_return guest;
}

}  // namespace detail

/// Carry out one command of central's, if its request is good; the client gets a signed answer in any case in which it
/// signed the request.
///
/// @return the session, or why there is none: what is wrong with the request (signature_invalid, message_malformed,
/// those of respond_policy::may_open), address_not_permitted, those of windows::open_window, net::dial,
/// sessions::secure and sessions::let_in Cancellation: terminal. Source: WO 2004/034190, just-in-time listening, steps
/// C, D, E and G.
[[nodiscard]] inline awaitable<result<sessions::session>> respond(std::shared_ptr<respond_policy> policy,
                                                                  identity::key self, respond_options how,
                                                                  signalling::command what) {
  auto asked = trust::signed_request::open(what.signed_request);
  if (!asked) {
    report_trouble(how.steps, "refused a command", asked.error().message());
    co_return fail(asked.error());
  }
  const auto to = std::make_shared<detail::response>(detail::response{
      std::move(policy), std::move(self), std::move(how), std::move(*asked), what.seen.address(), time_point()});
  auto given = to->policy->may_open(to->asked);
  if (!given) {
    to->report("refused a window", given.error());
    to->refuse(given.error());
    co_return fail(given.error());
  }
  to->until = clock::now() + std::min(to->how.window_time, std::chrono::milliseconds(to->body().budget_ms));
  const bool ours = to->body().who == trust::opener::server;
  auto work = ours ? detail::open_for(to) : detail::visit_client(to, std::move(*given));
  auto guest = co_await std::move(work);
  if (!guest) to->report("no session came of a window", guest.error());
  co_return guest;
}

}  // namespace ajar::rendezvous
