// SPDX-License-Identifier: BSL-1.0
// bridge - the raw octets of sessions for programs that know nothing of ajar: how curl, nghttp, h2load and a forge of
// frames talk to our file service, and nghttpd to our client. For tests only: it does listen.
//
// bridge to-session STATE PORTFILE     each connection to a port of loopback becomes a session with the only server
// that
//                                      STATE has a grant for; the port is written to PORTFILE
// bridge from-session STATE URL PORT   a server at the central of URL: each session becomes a connection to PORT
// bridge get STATE PATH COUNT          ask the only server of STATE for PATH so often at once; the body, if all are
// equal
#include <ajar.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/state/held_grants.hpp>
#include <ajar/state/issued_grants.hpp>
#include <ajar/streams/multiplexer.hpp>
#include <asio/co_spawn.hpp>

#include <fmt/format.h>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/write.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using ajar::net::tcp_stream;

// Both directions of one connection; it goes when either has ended.
struct joint {
  joint(ajar::session one, tcp_stream other) : session(std::move(one)), plain(std::move(other)) {}
  ajar::session session;
  tcp_stream plain;
};

ajar::awaitable<void> to_plain(std::shared_ptr<joint> both) {
  ajar::bytes room(64 * 1024);
  for (;;) {
    auto count = co_await both->session.read_some(room);
    if (!count) break;
    auto [error, written] =
        co_await asio::async_write(both->plain, asio::buffer(room.data(), *count), ajar::use_values);
    (void)written;
    if (error) break;
  }
  std::error_code ignored;
  both->plain.shutdown(tcp_stream::shutdown_send, ignored);
}

ajar::awaitable<void> to_session(std::shared_ptr<joint> both) {
  ajar::bytes room(64 * 1024);
  for (;;) {
    auto [error, count] = co_await both->plain.async_read_some(asio::buffer(room), ajar::use_values);
    if (error) break;
    const auto got = ajar::bytes_view(room).first(count);
    auto sent = co_await both->session.write(got);
    if (!sent) break;
  }
  auto parted = co_await both->session.shutdown(ajar::clock::now() + std::chrono::seconds(30));
  (void)parted;
}

void join(ajar::session session, tcp_stream plain, const asio::any_io_executor& executor) {
  const auto both = std::make_shared<joint>(std::move(session), std::move(plain));
  asio::co_spawn(executor, to_plain(both), asio::detached);
  asio::co_spawn(executor, to_session(both), asio::detached);
}

ajar::awaitable<void> dial_session(ajar::client& client, ajar::peer_id server, tcp_stream plain) {
  const auto executor = co_await asio::this_coro::executor;
  auto session = co_await client.connect(server);
  if (!session) {
    fmt::print(stderr, "bridge: {}\n", ajar::explain(session.error()));
    co_return;
  }
  join(std::move(*session), std::move(plain), executor);
}

ajar::awaitable<void> accept_plain(ajar::net::tcp::acceptor& acceptor, ajar::client& client, ajar::peer_id server) {
  const auto executor = co_await asio::this_coro::executor;
  for (;;) {
    tcp_stream plain(executor);
    auto [error] = co_await acceptor.async_accept(plain, ajar::use_values);
    if (error) co_return;
    asio::co_spawn(executor, dial_session(client, server, std::move(plain)), asio::detached);
  }
}

ajar::awaitable<void> dial_plain(ajar::session session, std::uint16_t port) {
  const auto executor = co_await asio::this_coro::executor;
  const ajar::net::endpoint there("127.0.0.1", port);
  auto plain = co_await ajar::net::dial(there, ajar::clock::now() + std::chrono::seconds(30));
  if (plain) join(std::move(session), std::move(*plain), executor);
}

ajar::awaitable<void> accept_sessions(ajar::server& server, std::uint16_t port) {
  for (;;) {
    auto session = co_await server.accept();
    if (!session) co_return;
    server.spawn(dial_plain(std::move(*session), port));
  }
}

using namespace ajar::streams;

ajar::awaitable<void> get(multiplexer& streams, std::string path, ajar::result<ajar::bytes>& into) {
  const request what("GET", std::move(path));
  auto asked = co_await streams.open(what);
  if (!asked) {
    into = ajar::fail(asked.error());
    co_return;
  }
  auto head = co_await asked->answer(ajar::clock::now() + std::chrono::seconds(20));
  if (!head || !head->ok()) {
    into = ajar::fail(head ? make_error_code(ajar::errc::file_not_found) : head.error());
    co_return;
  }
  ajar::bytes room(64 * 1024);
  ajar::bytes all;
  for (;;) {
    auto count = co_await asked->read_some(room, ajar::clock::now() + std::chrono::seconds(20));
    if (!count && count.error() == ajar::errc::eof) break;
    if (!count) {
      into = ajar::fail(count.error());
      co_return;
    }
    all.insert(all.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  into = std::move(all);
}

ajar::awaitable<void> get_all(ajar::client& client, ajar::peer_id server, std::string path,
                              std::vector<ajar::result<ajar::bytes>>& all) {
  auto session = co_await client.connect(server);
  co_await client.stop();
  if (!session) {
    for (auto& one : all) one = ajar::fail(session.error());
    co_return;
  }
  multiplexer streams(std::move(*session), http_role::client);
  ajar::task_group group(streams.get_executor());
  for (auto& one : all) group.spawn(get(streams, path, one));
  co_await group.join();
  auto parted = co_await streams.shutdown(ajar::clock::now() + std::chrono::seconds(30));
  (void)parted;
}

template <class T>
T must(ajar::result<T> value) {
  if (!value) throw std::system_error(value.error());
  return std::move(*value);
}

void run_to_session(const std::string& folder, const std::string& port_file) {
  asio::io_context context(1);
  const auto state = must(ajar::state::folder::open(folder));
  const auto key = must(state.load_key());
  const auto grants = must(ajar::state::held_grants(state, key.id()).list()).good;
  ajar::client client(context.get_executor(), key,
                      ajar::client_options().grants({grants.at(0).file}).logins([&] { return state.next_login(); }));
  client.start();
  ajar::net::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  asio::co_spawn(context, accept_plain(acceptor, client, grants.at(0).file.grant.signer()), asio::detached);
  std::ofstream(port_file + ".new") << acceptor.local_endpoint().port() << "\n";
  std::filesystem::rename(port_file + ".new", port_file);
  context.run();
}

void run_from_session(const std::string& folder, const std::string& url, std::uint16_t port) {
  asio::io_context context(1);
  const auto state = must(ajar::state::folder::open(folder));
  const auto key = must(state.load_key());
  ajar::state::issued_grants issued(state, key.id());
  ajar::server server(
      context.get_executor(), key,
      ajar::server_options(must(ajar::identity::parse_url(url)))
          .logins([&] { return state.next_login(); })
          .grants([&](const ajar::trust::grant_id& id) { return issued.find(id); })
          .on_step([](const ajar::telling::step& one) { fmt::print(stderr, "{} {}\n", one.letter, one.what); }));
  server.start();
  asio::co_spawn(context, accept_sessions(server, port), asio::detached);
  context.run();
}

void run_get(const std::string& folder, const std::string& path, std::size_t count) {
  asio::io_context context(1);
  const auto state = must(ajar::state::folder::open(folder));
  const auto key = must(state.load_key());
  const auto grants = must(ajar::state::held_grants(state, key.id()).list()).good;
  ajar::client client(context.get_executor(), key,
                      ajar::client_options().grants({grants.at(0).file}).logins([&] { return state.next_login(); }));
  client.start();
  std::vector<ajar::result<ajar::bytes>> all(count, ajar::fail(ajar::errc::canceled));
  asio::co_spawn(context, get_all(client, grants.at(0).file.grant.signer(), path, all), asio::detached);
  context.run();
  for (const auto& one : all) {
    if (must(one) != *all[0]) throw std::runtime_error("two answers differ");
  }
  fmt::print("{}", ajar::as_text(*all.at(0)));
}

}  // namespace

int main(int count, char** words) {
  try {
    const std::vector<std::string> all(words + 1, words + count);
    if (all.size() == 3 && all[0] == "to-session") return run_to_session(all[1], all[2]), 0;
    if (all.size() == 4 && all[0] == "from-session") {
      return run_from_session(all[1], all[2], static_cast<std::uint16_t>(std::stoi(all[3]))), 0;
    }
    if (all.size() == 4 && all[0] == "get") return run_get(all[1], all[2], std::stoul(all[3])), 0;
    fmt::print(stderr, "bridge to-session STATE PORTFILE | from-session STATE URL PORT | get STATE PATH COUNT\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "bridge: {}\n", error.what());
  }
  return 1;
}
