// SPDX-License-Identifier: BSL-1.0
// A client or a server that speaks to central by hand, so that it can do what ajar's own never do.
#pragma once

#include <ajar/sessions/handshake.hpp>
#include <ajar/signalling/link.hpp>

#include "watch.hpp"

namespace village {

using ajar::signalling::link;

inline ajar::time_point soon() { return ajar::clock::now() + 20s; }

inline asio::ip::address elsewhere() { return asio::ip::make_address("127.0.0.9"); }

inline ajar::awaitable<ajar::result<ajar::net::tcp_stream>> dial(ajar::net::tcp::endpoint at,
                                                                 std::optional<asio::ip::address> from = std::nullopt) {
  ajar::net::dial_options how;
  if (from) how.from(*from);
  const ajar::net::endpoint to(at);
  auto stream = co_await ajar::net::dial(to, soon(), how);
  co_return stream;
}

// What comes until the other side ends it, and how it ended.
inline ajar::awaitable<std::error_code> read_to_end(ajar::net::tcp_stream& from) {
  std::array<std::uint8_t, 512> room{};
  for (;;) {
    auto [error, count] = co_await from.async_read_some(asio::buffer(room), ajar::use_values);
    (void)count;
    if (error) co_return error;
  }
}

// What is reached by this machine's TCP; tests in memory have their own.
using shared_network = std::shared_ptr<ajar::net::network>;

// A link after TLS; nothing is said yet.
inline ajar::awaitable<ajar::result<link>> dial_link(ajar::identity::key self, ajar::url central,
                                                     shared_network over = ajar::net::sockets()) {
  return ajar::signalling::dial_link(std::move(over), std::move(self), std::move(central), soon());
}

// The next message of this kind; others are passed over. Errors: a goodbye's.
template <class Kind>
ajar::awaitable<ajar::result<Kind>> await_message(link& from, ajar::time_point until = soon()) {
  for (;;) {
    auto got = co_await from.receive(until);
    if (!got) co_return ajar::fail(got.error());
    if (const auto* wanted = std::get_if<Kind>(&*got)) co_return *wanted;
    if (const auto* asked = std::get_if<ajar::signalling::ping>(&*got)) {
      (void)from.send(ajar::signalling::pong{asked->token});
    }
    if (const auto* last = std::get_if<ajar::signalling::goodbye>(&*got)) co_return ajar::fail(last->why);
  }
}

// Why the other side ends the link: its goodbye, or how the stream ended.
inline ajar::awaitable<std::error_code> await_end(link& from) {
  auto got = co_await await_message<ajar::signalling::goodbye>(from);
  co_return got ? ajar::make_error_code(got->why) : got.error();
}

inline ajar::awaitable<ajar::result<ajar::signalling::welcome>> log_in(link& up, ajar::signalling::role who,
                                                                       std::uint64_t login = 1) {
  constexpr std::uint8_t methods = 3;
  (void)up.send(ajar::signalling::hello{ajar::signalling::protocol_version, who, methods, login});
  auto got = co_await await_message<ajar::signalling::welcome>(up);
  co_return got;
}

// A client that is linked, and whose server is there.
struct visitor {
  ajar::identity::key self;
  ajar::trust::signed_grant grant;
  link up;
  ajar::signalling::presence server;

  ajar::trust::window_request body(std::chrono::milliseconds budget = ajar::windows::longest_window) const {
    ajar::trust::window_request made;
    made.id = ajar::crypto::random_octets<16>();
    made.server = server.server;
    made.nonce = server.nonce;
    made.grant = grant.body().id;
    made.budget_ms = static_cast<std::uint16_t>(budget.count());
    return made;
  }
  ajar::trust::request_id ask(const ajar::trust::window_request& what) {
    (void)up.send(ajar::signalling::request{ajar::trust::signed_request::sign(what, self).octets()});
    return what.id;
  }
  ajar::trust::request_id ask() { return ask(body()); }
};

inline ajar::awaitable<ajar::result<visitor>> arrive(ajar::url central, ajar::identity::key self,
                                                     ajar::trust::signed_grant grant,
                                                     shared_network over = ajar::net::sockets()) {
  auto up = co_await dial_link(self, central, over);
  if (!up) co_return ajar::fail(up.error());
  auto greeted = co_await log_in(*up, ajar::signalling::role::client);
  if (!greeted) co_return ajar::fail(greeted.error());
  (void)up->send(ajar::signalling::present_grant{grant.octets()});
  ajar::signalling::presence server;
  while (server.state != ajar::signalling::presence_state::online) {
    auto told = co_await await_message<ajar::signalling::presence>(*up);
    if (!told) co_return ajar::fail(told.error());
    server = *told;
  }
  co_return visitor{std::move(self), std::move(grant), std::move(*up), std::move(server)};
}

// The server's next answer, whatever it says; its signature is checked.
inline ajar::awaitable<ajar::result<ajar::trust::window_answer>> await_answer(visitor& who,
                                                                              ajar::time_point until = soon()) {
  auto got = co_await await_message<ajar::signalling::answer>(who.up, until);
  if (!got) co_return ajar::fail(got.error());
  auto opened = ajar::trust::signed_answer::open(got->signed_answer);
  if (!opened) co_return ajar::fail(opened.error());
  if (opened->signer() != who.server.server) co_return ajar::fail(ajar::errc::answer_forged);
  co_return opened->body();
}

// A server that echoes, and a client's key: who comes, and how, is the test.
struct served {
  explicit served(const std::function<void(ajar::server_options&)>& adjust = {}) : steps(here.context) {
    auto options = here.server_options();
    options.window_time(ajar::windows::longest_window).on_step(steps.sink("server "));
    if (adjust) adjust(options);
    home.emplace(here.context.get_executor(), here.home.key, options);
    home->start();
    home->spawn(serve_echo(*home));
  }

  const ajar::peer_id& id() const { return here.home.key.id(); }

  place here;
  watch steps;
  std::optional<ajar::server> home;
  ajar::identity::key client = ajar::identity::key::generate();
};

inline ajar::awaitable<void> stop(served& all) {
  co_await all.home->stop();
  co_await all.here.central.stop();
}

inline ajar::awaitable<ajar::result<visitor>> arrive(served& all, terms with = {}) {
  const auto grant = all.here.home.issue(all.client.id(), with);
  auto came = co_await arrive(all.here.central.url(), all.client, grant);
  co_return std::move(came);
}

// TLS at a window, as the client is to do it.
inline ajar::awaitable<ajar::result<ajar::tls::stream>> secure_at(
    ajar::net::tcp::endpoint at, ajar::identity::key self, ajar::peer_id server,
    std::string_view alpn = ajar::tls::alpn::session, std::optional<asio::ip::address> from = std::nullopt) {
  auto stream = co_await dial(at, from);
  if (!stream) co_return ajar::fail(stream.error());
  auto expected = ajar::identity::expect(server, alpn);
  auto securing = ajar::tls::secure(ajar::net::transport(std::move(*stream)), self.tls(), ajar::tls::side::client,
                                    std::move(expected), soon());
  auto secured = co_await std::move(securing);
  co_return std::move(secured);
}

// Through a window, with whatever claim.
inline ajar::awaitable<ajar::result<ajar::session>> enter_at(ajar::net::tcp::endpoint at, ajar::identity::key self,
                                                             ajar::peer_id server, ajar::trust::request_id nonce,
                                                             ajar::trust::grant_id grant,
                                                             std::optional<asio::ip::address> from = std::nullopt) {
  auto securing = secure_at(at, self, server, ajar::tls::alpn::session, from);
  auto secured = co_await std::move(securing);
  if (!secured) co_return ajar::fail(secured.error());
  auto entering =
      ajar::sessions::enter(std::move(*secured), std::move(self), ajar::sessions::path::window, nonce, grant, soon());
  auto guest = co_await std::move(entering);
  co_return std::move(guest);
}

}  // namespace village
