// SPDX-License-Identifier: BSL-1.0
// one_shot - a window by itself, without central: a file goes through a port that is open for one client and for
// microseconds, between two processes that know each other's key.
//
//   build/release/examples/one_shot [FILE]
//
// The parent is the server: it binds a random port, opens it for the child's key alone, and closes it at the first
// connection. The child fetches the file over mutual TLS 1.3. The kernel is asked for the listening sockets of the
// server before, during and after.
#include <ajar/net/dial.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/windows/listener.hpp>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ajar/identity/key.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using ajar::awaitable;
using ajar::bytes;
using ajar::result;
using stream = ajar::tls::stream;
using namespace std::chrono_literals;

const auto loopback = asio::ip::make_address("127.0.0.1");

constexpr auto at_most = 800ms;  // for a port to be open

// The kernel's word: sockets in the state LISTEN (0A in /proc/net/tcp) with this local port.
int listening(std::uint16_t port) {
  std::ifstream table("/proc/self/net/tcp");
  std::string line;
  int count = 0;
  const auto wanted = fmt::format("0100007F:{:04X} 00000000:0000 0A", port);
  while (std::getline(table, line)) count += line.find(wanted) != std::string::npos ? 1 : 0;
  return count;
}

bytes contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// One line through a pipe: ids and the port, which central carries otherwise.
std::string line_from(int pipe) {
  std::string line;
  for (char c = 0; ::read(pipe, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

void line_to(int pipe, const std::string& line) {
  const auto whole = line + "\n";
  if (::write(pipe, whole.data(), whole.size()) < 0) std::perror("one_shot: pipe");
}

awaitable<result<>> give(ajar::windows::listener& door, ajar::identity::key self, ajar::identity::peer_id client,
                         bytes file) {
  const ajar::time_point until = ajar::clock::now() + at_most;
  auto guest = co_await door.accept(until);
  if (!guest) co_return ajar::fail(guest.error());
  auto expected = ajar::identity::expect(client, ajar::tls::alpn::session);
  stream session(std::move(*guest), self.tls(), ajar::tls::side::server, expected);
  auto known = co_await session.handshake(until);
  if (!known) co_return known;
  auto sent = co_await session.write(file);
  if (!sent) co_return sent;
  auto ended = co_await session.shutdown(5s);
  co_return ended;
}

awaitable<result<bytes>> fetch(ajar::net::endpoint at, ajar::identity::key self, ajar::identity::peer_id server) {
  auto connection = co_await ajar::net::dial(at, at_most);
  if (!connection) co_return ajar::fail(connection.error());
  auto expected = ajar::identity::expect(server, ajar::tls::alpn::session);
  stream session(std::move(*connection), self.tls(), ajar::tls::side::client, expected);
  auto known = co_await session.handshake(at_most);
  if (!known) co_return ajar::fail(known.error());
  bytes file;
  bytes piece(64 * 1024);
  for (;;) {
    auto count = co_await session.read_some(piece, 10s);
    if (!count && count.error() == ajar::errc::eof) break;
    if (!count) co_return ajar::fail(count.error());
    file.insert(file.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  auto ended = co_await session.shutdown(5s);
  if (!ended) co_return ajar::fail(ended.error());
  co_return file;
}

template <class T>
result<T> run(awaitable<result<T>> operation, asio::io_context& context) {
  result<T> value = ajar::fail(ajar::errc::canceled);
  asio::co_spawn(context, std::move(operation), [&](std::exception_ptr thrown, result<T> got) {
    if (thrown) std::rethrow_exception(thrown);
    value = std::move(got);
  });
  context.run();
  return value;
}

int client(int from_server, int to_server, const std::string& original) {
  const auto self = ajar::identity::key::generate();
  line_to(to_server, to_string(self.id()));
  const auto server = ajar::identity::parse_peer_id(line_from(from_server));
  const auto at = ajar::net::parse_endpoint(line_from(from_server));
  if (!server || !at) return 1;
  asio::io_context context;
  const auto begun = ajar::clock::now();
  const auto file = run(fetch(*at, self, *server), context);
  if (!file) {
    fmt::print(stderr, "one_shot: client: {}\n", ajar::explain(file.error()));
    return 1;
  }
  const auto took = std::chrono::duration<double, std::milli>(ajar::clock::now() - begun).count();
  const bool same = *file == contents(original);
  fmt::print("client  {} octets in {:.1f} ms, {}\n", file->size(), took, same ? "identical" : "DIFFERENT");
  return same ? 0 : 1;
}

int server(int from_client, int to_client, const std::string& path) {
  const auto self = ajar::identity::key::generate();
  const auto guest = ajar::identity::parse_peer_id(line_from(from_client));
  asio::io_context context;
  auto door =
      ajar::windows::listen_once(context.get_executor(), ajar::windows::expected_source::of(loopback), {loopback, 0});
  if (!guest || !door) return 1;
  const auto port = door->local_endpoint().port();
  auto file = contents(path);
  const int before = listening(port);
  line_to(to_client, to_string(self.id()));
  if (const auto opened = door->open(); !opened) return 1;
  line_to(to_client, ajar::net::to_string(door->local_endpoint()));
  const int during = listening(port);
  const auto given = run(give(*door, self, *guest, std::move(file)), context);
  const int after = listening(port);
  if (!given) {
    fmt::print(stderr, "one_shot: server: {}\n", ajar::explain(given.error()));
    return 1;
  }
  const auto exposure = std::chrono::duration<double, std::micro>(door->report().exposure).count();
  fmt::print("server  the port was open for {:.0f} us, closed because: {}\n", exposure,
             ajar::windows::to_string(door->report().why));
  fmt::print("kernel  sockets listening at that port: {} before, {} during, {} after\n", before, during, after);
  return before == 0 && during == 1 && after == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string path = count > 1 ? arguments[1] : arguments[0];
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    fmt::print(stderr, "one_shot: {} is no file that can be read: name one, as in one_shot README.md\n",
               ajar::escaped(path));
    return 2;
  }
  int down[2];
  int up[2];
  if (::pipe(down) != 0 || ::pipe(up) != 0) return 1;
  fmt::print("file    {} ({} octets)\n", ajar::escaped(path), std::filesystem::file_size(path));
  std::fflush(stdout);
  const auto child = ::fork();
  if (child < 0) return 1;
  if (child == 0) {
    ::close(up[0]);
    ::close(down[1]);
    return client(down[0], up[1], path);
  }
  ::close(up[1]);
  ::close(down[0]);
  const int served = server(up[0], down[1], path);
  ::close(down[1]);
  int status = 1;
  ::waitpid(child, &status, 0);
  return served == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
