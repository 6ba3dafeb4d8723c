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

ajar::awaitable<ajar::result<ajar::net::tcp_stream>> dial(ajar::net::tcp::endpoint at,
                                                          std::optional<asio::ip::address> from = std::nullopt);

// What comes until the other side ends it, and how it ended.
ajar::awaitable<std::error_code> read_to_end(ajar::net::tcp_stream& from);

// What is reached by this machine's TCP; tests in memory have their own.
using shared_network = std::shared_ptr<ajar::net::network>;

// A link after TLS; nothing is said yet.
ajar::awaitable<ajar::result<link>> dial_link(ajar::identity::key self, ajar::url central,
                                              shared_network over = ajar::net::sockets());

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
ajar::awaitable<std::error_code> await_end(link& from);

ajar::awaitable<ajar::result<ajar::signalling::welcome>> log_in(link& up, ajar::signalling::role who,
                                                                std::uint64_t login = 1);

// A client that is linked, and whose server is there.
struct visitor {
  ajar::identity::key self;
  ajar::trust::signed_grant grant;
  link up;
  ajar::signalling::presence server;

  ajar::trust::window_request body(std::chrono::milliseconds budget = ajar::windows::longest_window) const;
  ajar::trust::request_id ask(const ajar::trust::window_request& what);
  ajar::trust::request_id ask() { return ask(body()); }
};

ajar::awaitable<ajar::result<visitor>> arrive(ajar::url central, ajar::identity::key self,
                                              ajar::trust::signed_grant grant,
                                              shared_network over = ajar::net::sockets());

// The server's next answer, whatever it says; its signature is checked.
ajar::awaitable<ajar::result<ajar::trust::window_answer>> await_answer(visitor& who, ajar::time_point until = soon());

// A server that echoes, and a client's key: who comes, and how, is the test.
struct served {
  explicit served(const std::function<void(ajar::server_options&)>& adjust = {});

  const ajar::peer_id& id() const { return here.home.key.id(); }

  place here;
  watch steps;
  std::optional<ajar::server> home;
  ajar::identity::key client = ajar::identity::key::generate();
};

ajar::awaitable<void> stop(served& all);

ajar::awaitable<ajar::result<visitor>> arrive(served& all, terms with = {});

// TLS at a window, as the client is to do it.
ajar::awaitable<ajar::result<ajar::tls::stream>> secure_at(ajar::net::tcp::endpoint at, ajar::identity::key self,
                                                           ajar::peer_id server,
                                                           std::string_view alpn = ajar::tls::alpn::session,
                                                           std::optional<asio::ip::address> from = std::nullopt);

// Through a window, with whatever claim.
ajar::awaitable<ajar::result<ajar::session>> enter_at(ajar::net::tcp::endpoint at, ajar::identity::key self,
                                                      ajar::peer_id server, ajar::trust::request_id nonce,
                                                      ajar::trust::grant_id grant,
                                                      std::optional<asio::ip::address> from = std::nullopt);

}  // namespace village
