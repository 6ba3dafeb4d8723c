// SPDX-License-Identifier: BSL-1.0
// streams - many requests and two-way streams over one session, all in one process.
//
//   build/release/examples/streams
#include <ajar/streams/multiplexer.hpp>

#include <ajar.hpp>
#include <ajar/core/task_group.hpp>

#include "tools/one_process.hpp"

#include <fmt/format.h>
#include <asio/write.hpp>

namespace {

using namespace ajar::streams;

// [server]
// One request: an answer with a body, or, for CONNECT, octets both ways.
ajar::awaitable<void> answer(stream one) {
  if (one.asked().method() != "CONNECT") {
    (void)one.respond(response(200).with("content-type", "text/plain"), "you asked for " + one.asked().path());
    co_return;  // what was answered whole is sent, though the stream goes
  }
  (void)one.respond(response(200));
  std::array<std::uint8_t, 4096> octets{};
  for (;;) {
    auto count = co_await one.read_some(octets);
    if (!count) break;
    const auto got = ajar::bytes_view(octets).first(*count);
    auto written = co_await one.write(got);  // waits while the other side takes nothing
    if (!written) break;
  }
  (void)one.finish();
}

ajar::awaitable<void> serve_session(ajar::session guest) {
  multiplexer streams(std::move(guest), http_role::server);
  ajar::task_group answers(streams.get_executor());
  for (;;) {
    auto asked = co_await streams.accept();
    if (!asked) break;
    answers.spawn(answer(std::move(*asked)));
  }
  co_await answers.join();
}
// [server]

// [client]
ajar::awaitable<void> ask(multiplexer& streams, std::string path) {
  const request what("GET", std::move(path));
  auto asked = co_await streams.open(what);
  if (!asked) co_return;
  auto head = co_await asked->answer(std::chrono::seconds(5));
  if (!head) {
    fmt::print("{}\n", ajar::explain(head.error()));
    co_return;
  }
  std::string text(100, '\0');
  auto count = co_await asked->async_read_some(asio::buffer(text), ajar::use_awaitable);
  fmt::print("{}: {}\n", head->status(), text.substr(0, count));
}

ajar::awaitable<void> echo(multiplexer& streams) {
  const auto what = request::connect("echo");
  auto both_ways = co_await streams.open(what, true);
  if (!both_ways) co_return;
  const std::string hello = "hello";
  auto sent = co_await asio::async_write(*both_ways, asio::buffer(hello), ajar::use_awaitable);
  std::string back(sent, '\0');
  auto count = co_await both_ways->async_read_some(asio::buffer(back), ajar::use_awaitable);
  fmt::print("echo: {}\n", back.substr(0, count));
}

ajar::awaitable<void> visit(ajar::client& client, ajar::peer_id home) {
  auto session = co_await client.connect(home);
  if (!session) {
    fmt::print("{}\n", ajar::explain(session.error()));
    co_return;
  }
  multiplexer streams(std::move(*session), http_role::client);
  ajar::task_group requests(streams.get_executor());
  for (const char* path : {"/one", "/two", "/three"}) requests.spawn(ask(streams, path));
  co_await requests.join();
  co_await echo(streams);
  auto took = co_await streams.ping(std::chrono::seconds(1));
  if (took) fmt::print("a round trip took {} us\n", took->count() / 1000);
  auto parted = co_await streams.shutdown(std::chrono::seconds(1));
  (void)parted;
}
// [client]

ajar::awaitable<void> serve(ajar::server& server) {
  for (;;) {
    auto guest = co_await server.accept();
    if (!guest) co_return;
    server.spawn(serve_session(std::move(*guest)));
  }
}

}  // namespace

int main() { return tools::one_process().run(serve, visit) ? 0 : 1; }
