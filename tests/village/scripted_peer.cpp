// SPDX-License-Identifier: BSL-1.0
#include "scripted_peer.hpp"

namespace village {

ajar::awaitable<ajar::result<ajar::net::tcp_stream>> dial(ajar::net::tcp::endpoint at,
                                                          std::optional<asio::ip::address> from) {
  ajar::net::dial_options how;
  if (from) how.from(*from);
  const ajar::net::endpoint to(at);
  auto stream = co_await ajar::net::dial(to, soon(), how);
  co_return stream;
}

ajar::awaitable<std::error_code> read_to_end(ajar::net::tcp_stream& from) {
  std::array<std::uint8_t, 512> room{};
  for (;;) {
    auto [error, count] = co_await from.async_read_some(asio::buffer(room), ajar::use_values);
    (void)count;
    if (error) co_return error;
  }
}

ajar::awaitable<ajar::result<link>> dial_link(ajar::identity::key self, ajar::url central, shared_network over) {
  return ajar::signalling::dial_link(std::move(over), std::move(self), std::move(central), soon());
}

ajar::awaitable<std::error_code> await_end(link& from) {
  auto got = co_await await_message<ajar::signalling::goodbye>(from);
  co_return got ? ajar::make_error_code(got->why) : got.error();
}

ajar::awaitable<ajar::result<ajar::signalling::welcome>> log_in(link& up, ajar::signalling::role who,
                                                                std::uint64_t login) {
  constexpr auto methods = ajar::trust::method::outbound | ajar::trust::method::window;
  (void)up.send(ajar::signalling::hello{ajar::signalling::protocol_version, who, methods, login});
  auto got = co_await await_message<ajar::signalling::welcome>(up);
  co_return got;
}

ajar::awaitable<ajar::result<visitor>> arrive(ajar::url central, ajar::identity::key self,
                                              ajar::trust::signed_grant grant, shared_network over) {
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

ajar::awaitable<ajar::result<ajar::trust::window_answer>> await_answer(visitor& who, ajar::time_point until) {
  auto got = co_await await_message<ajar::signalling::answer>(who.up, until);
  if (!got) co_return ajar::fail(got.error());
  auto opened = ajar::trust::signed_answer::open(got->signed_answer);
  if (!opened) co_return ajar::fail(opened.error());
  if (opened->signer() != who.server.server) co_return ajar::fail(ajar::errc::answer_forged);
  co_return opened->body();
}

ajar::awaitable<void> stop(served& all) {
  co_await all.home->stop();
  co_await all.here.central.stop();
}

ajar::awaitable<ajar::result<visitor>> arrive(served& all, terms with) {
  const auto grant = all.here.home.issue(all.client.id(), with);
  auto came = co_await arrive(all.here.central.url(), all.client, grant);
  co_return std::move(came);
}

ajar::awaitable<ajar::result<ajar::tls::stream>> secure_at(ajar::net::tcp::endpoint at, ajar::identity::key self,
                                                           ajar::peer_id server, std::string_view alpn,
                                                           std::optional<asio::ip::address> from) {
  auto stream = co_await dial(at, from);
  if (!stream) co_return ajar::fail(stream.error());
  auto expected = ajar::identity::expect(server, alpn);
  auto securing = ajar::tls::secure(ajar::net::transport(std::move(*stream)), self.tls(), ajar::tls::side::client,
                                    std::move(expected), soon());
  auto secured = co_await std::move(securing);
  co_return std::move(secured);
}

ajar::awaitable<ajar::result<ajar::session>> enter_at(ajar::net::tcp::endpoint at, ajar::identity::key self,
                                                      ajar::peer_id server, ajar::trust::request_id nonce,
                                                      ajar::trust::grant_id grant,
                                                      std::optional<asio::ip::address> from) {
  auto securing = secure_at(at, self, server, ajar::tls::alpn::session, from);
  auto secured = co_await std::move(securing);
  if (!secured) co_return ajar::fail(secured.error());
  auto entering =
      ajar::sessions::enter(std::move(*secured), std::move(self), ajar::sessions::path::window, nonce, grant, soon());
  auto guest = co_await std::move(entering);
  co_return std::move(guest);
}

ajar::trust::window_request visitor::body(std::chrono::milliseconds budget) const {
  ajar::trust::window_request made;
  made.id = ajar::crypto::random_octets<16>();
  made.server = server.server;
  made.nonce = server.nonce;
  made.grant = grant.body().id;
  made.budget_ms = static_cast<std::uint16_t>(budget.count());
  return made;
}

ajar::trust::request_id visitor::ask(const ajar::trust::window_request& what) {
  (void)up.send(ajar::signalling::request{ajar::trust::signed_request::sign(what, self).octets()});
  return what.id;
}

served::served(const std::function<void(ajar::server_options&)>& adjust) : steps(here.context) {
  auto options = here.server_options();
  options.window_time(ajar::windows::longest_window).on_step(steps.sink("server "));
  if (adjust) adjust(options);
  home.emplace(here.context.get_executor(), here.home.key, options);
  home->start();
  home->spawn(serve_echo(*home));
}

}  // namespace village
