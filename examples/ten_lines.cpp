// SPDX-License-Identifier: BSL-1.0
// ten_lines - the server and the client of README.md: a greeting over a session, all in one process.
//
//   build/release/examples/ten_lines
#include <ajar.hpp>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

namespace {

// [answer]
ajar::awaitable<void> answer(ajar::session guest) {
  const std::string text = "hello " + short_name(guest.peer());
  auto sent = co_await guest.write(ajar::as_bytes(text));
  if (!sent) co_return;
  auto parted = co_await guest.shutdown(ajar::clock::now() + std::chrono::seconds(2));
  (void)parted;
}
// [answer]

// [server]
ajar::awaitable<void> serve(ajar::server& server) {
  for (;;) {
    auto guest = co_await server.accept();    // no port is open while this waits
    if (!guest) co_return;                    // guest.error() says why
    server.spawn(answer(std::move(*guest)));  // a session: who, over which path, exposed how long
  }
}
// [server]

// [client]
ajar::awaitable<void> visit(ajar::client& client, ajar::peer_id home) {
  auto session = co_await client.connect(home);  // the best path that works
  if (!session) {
    fmt::print("{}\n", ajar::explain(session.error()));
    co_return;
  }
  std::string text(19, '\0');
  auto count = co_await asio::async_read(*session, asio::buffer(text), ajar::use_awaitable);
  fmt::print("{} octets over {}: {}\n", count, to_string(session->way()), text);
}
// [client]

std::function<ajar::result<std::uint64_t>()> logins() {
  return [count = std::uint64_t{0}]() mutable { return ajar::result<std::uint64_t>(++count); };
}

ajar::awaitable<void> all(ajar::central& central, ajar::server& server, ajar::client& client, ajar::peer_id home) {
  auto visiting = visit(client, home);
  co_await std::move(visiting);
  co_await client.stop();
  co_await server.stop();
  co_await central.stop();
}

}  // namespace

int main() {
  asio::io_context context;
  const auto executor = context.get_executor();
  const auto home = ajar::identity::key::generate();
  const auto guest = ajar::identity::key::generate();

  ajar::central central(
      {executor}, ajar::identity::key::generate(),
      ajar::central_options({asio::ip::address_v4::loopback(), 0}, ajar::switchboard::admission::of({home.id()})));
  if (!central.open()) return 1;
  central.start();

  ajar::grant terms;
  terms.client = guest.id();
  terms.not_after = ajar::wall_now() + std::chrono::hours(1);
  terms.methods = static_cast<std::uint8_t>(ajar::trust::method::window);
  terms.sessions = 1;
  terms.windows_a_minute = 60;
  const auto grant = ajar::signed_grant::sign(terms, home);

  ajar::server server(executor, home,
                      ajar::server_options(central.url()).logins(logins()).grants([&](const auto&) { return grant; }));
  server.start();
  asio::co_spawn(context, serve(server), asio::detached);

  ajar::client client(executor, guest,
                      ajar::client_options().logins(logins()).grants({{central.url(), "home", grant}}));
  asio::co_spawn(context, all(central, server, client, home.id()), asio::detached);
  context.run();
}
