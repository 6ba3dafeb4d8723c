// SPDX-License-Identifier: BSL-1.0
// ten_lines - the server and the client of README.md: a greeting over a session, all in one process.
//
//   build/release/examples/ten_lines
#include "tools/one_process.hpp"

#include <fmt/format.h>
#include <asio/read.hpp>
#include <asio/write.hpp>

namespace {

// [answer]
ajar::awaitable<void> answer(ajar::session guest) {
  const std::string text = "hello " + short_name(guest.peer());
  auto sent = co_await guest.write(ajar::as_bytes(text));
  if (!sent) co_return;
  auto parted = co_await guest.shutdown(std::chrono::seconds(2));
  (void)parted;
}
// [answer]

// [server]
ajar::awaitable<void> serve(ajar::server& server) {
  for (;;) {
    auto guest = co_await server.accept("greeting");  // no port is open while this waits
    if (!guest) co_return;                            // guest.error() says why
    server.spawn(answer(std::move(*guest)));          // a session: who, over which path, exposed how long
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
  fmt::print("{} octets over {}: {}\n", count, to_string(session->path()), text);
}
// [client]

}  // namespace

int main() { return tools::one_process().run(serve, visit) ? 0 : 1; }
