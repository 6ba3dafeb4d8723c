// SPDX-License-Identifier: BSL-1.0
// window - for how long is a door open, and how long does a client wait for it? Each role in a thread of its own,
// windows that the server opens.
//
//   bench_window --help
//
// On loopback, or with the roles in network namespaces, behind whatever is between these: tests/natlab/figures.py.
// Figures of each window: from the request to the authenticated session, at the client; the exposure of the port, from
// before listen() until after close(), at the server; and whether the first SYN found it open. The baseline is taken in
// the same run, between the windows: the bare listen, accept and close of one thread on loopback, which no window on
// this machine can go below. The intruder has the client's own address, and is there first at each port that the
// server opens: how many ports does he cost, and does the client come through all the same?
#include "bench.hpp"

#include <ajar.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <atomic>
#include <mutex>
#include <optional>

namespace {

using namespace std::chrono_literals;
using bench::loop;
using bench::samples;
using nanoseconds = std::chrono::nanoseconds;

struct settings {
  std::size_t count = 1000;
  std::chrono::milliseconds pause{0};
  bool json = false;
  bool intruder = false;
  bench::place central{}, server{}, client{};
};

// listen, a connection, accept, close; everything slow before. Nothing where the system refuses.
std::optional<nanoseconds> floor_once() {
  const int port = ::socket(AF_INET, SOCK_STREAM, 0);
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  bool ok = ::bind(port, address, size) == 0 && ::getsockname(port, address, &size) == 0;
  const auto begun = ajar::clock::now();
  ok = ok && ::listen(port, 1) == 0;
  (void)::connect(peer, address, size);
  const int accepted = ok ? ::accept(port, nullptr, nullptr) : -1;
  ::close(port);
  const auto took = ajar::clock::now() - begun;
  ::close(accepted);
  ::close(peer);
  return accepted >= 0 ? std::optional(took) : std::nullopt;
}

// What the server says of its windows, as they end.
struct seen {
  std::mutex lock;
  std::vector<nanoseconds> exposures;
  std::size_t second_tries = 0;

  void clear() {
    const std::scoped_lock held(lock);
    exposures.clear();
    second_tries = 0;
  }
};

ajar::awaitable<void> keep_exposures(ajar::server& server, seen& into) {
  for (;;) {
    auto guest = co_await server.accept();
    if (!guest) co_return;
    const std::scoped_lock held(into.lock);
    if (!guest->info().window) continue;
    into.exposures.push_back(guest->info().window->exposure);
    into.second_tries += guest->info().window->listeners > 1 ? 1 : 0;
  }
}

// Both are started at once: wait until central knows the server.
ajar::awaitable<void> await_server(ajar::client& client, ajar::peer_id home) {
  ajar::connect_options way;
  for (int i = 0; i < 500; ++i) {
    way.until(ajar::clock::now() + 5s);
    auto session = co_await client.connect(home, way);
    if (session || session.error() != ajar::errc::server_offline) co_return;
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + 10ms);
    (void)slept;
  }
}

// Connects to each port that the server opens, before anybody else can, and says nothing.
class intruder {
 public:
  ajar::telling::step_sink sink() {
    return [this](const ajar::telling::step& one) {
      if (one.what != "opened a port") return;
      if (!active) return;
      const auto port = one.detail.substr(one.detail.rfind(':') + 1);
      ajar::net::tcp_stream stream(context_);
      std::error_code error;
      stream.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port))}, error);
      if (!error) came_.push_back(std::move(stream));
      ++tried_;
    };
  }
  std::size_t tried() const { return tried_; }
  std::atomic<bool> active = false;

 private:
  asio::io_context context_;
  std::vector<ajar::net::tcp_stream> came_;
  std::atomic<std::size_t> tried_ = 0;
};

struct beside_an_intruder {
  samples session;
  std::size_t crossed = 0;
  std::size_t most_ports = 0;
};

ajar::awaitable<void> come_all_the_same(ajar::client& client, ajar::peer_id home, std::size_t count,
                                        const intruder& other, beside_an_intruder& into) {
  ajar::connect_options way;
  for (std::size_t i = 0; i < count; ++i) {
    way.until(ajar::clock::now() + 10s);
    const auto ports = other.tried();
    const auto begun = ajar::clock::now();
    auto session = co_await client.connect(home, way);
    if (session) into.session.add(ajar::clock::now() - begun);
    if (!session) fmt::print(stderr, "window: {}\n", ajar::explain(session.error()));
    into.crossed += session && session->path() == ajar::sessions::path::crossing ? 1 : 0;
    into.most_ports = std::max(into.most_ports, other.tried() - ports);
  }
}

int report(const settings& how, beside_an_intruder& seen) {
  const auto session = seen.session.size() > 0 ? seen.session.json() : std::string("null");
  if (how.json) {
    fmt::print(R"({{"machine":"{}","requests":{},"crossed":{},"most_ports":{},"unit":"us","session":{}}})"
               "\n",
               bench::machine(), how.count, seen.crossed, seen.most_ports, session);
  } else {
    fmt::print("{} requests, an intruder at each port: {} came by a crossing, after {} ports at most; {}\n", how.count,
               seen.crossed, seen.most_ports, bench::machine());
    fmt::print("request to authenticated session, us: {}\n", session);
  }
  return seen.crossed * 100 >= how.count * 99 && seen.most_ports <= 3 ? 0 : 1;
}

struct figures {
  samples session;
  samples exposure;
  samples floor;
  std::size_t failed = 0;
};

ajar::awaitable<void> measure(ajar::client& client, ajar::peer_id home, settings how, figures& into, seen& at_server) {
  constexpr std::size_t warm_up = 20;
  ajar::connect_options way;
  for (std::size_t i = 0; i < how.count + warm_up; ++i) {
    way.over(ajar::by::window).until(ajar::clock::now() + 5s);
    const auto begun = ajar::clock::now();
    auto session = co_await client.connect(home, way);
    const auto took = ajar::clock::now() - begun;
    if (how.pause > 0ms) {
      auto slept = co_await ajar::sleep_until(ajar::clock::now() + how.pause);
      (void)slept;
    }
    if (i + 1 == warm_up) at_server.clear();
    if (i < warm_up) continue;
    if (!session) {
      if (++into.failed == 1) fmt::print(stderr, "window: {}\n", ajar::explain(session.error()));
      continue;
    }
    into.session.add(took);
    if (const auto bare = floor_once()) into.floor.add(*bare);
  }
}

std::function<ajar::result<std::uint64_t>()> logins() {
  return [count = std::uint64_t{0}]() mutable { return ajar::result<std::uint64_t>(++count); };
}

ajar::signed_grant grant_for(const ajar::identity::key& guest, const ajar::identity::key& home) {
  ajar::grant terms;
  terms.client = guest.id();
  terms.not_after = ajar::wall_now() + 24h;
  terms.methods = ajar::trust::method::window;
  terms.lan = true;
  terms.sessions = 1000;
  terms.windows_a_minute = 65535;
  terms.windows_a_day = 1'000'000'000;
  terms.listening = 10min;
  return ajar::signed_grant::sign(std::move(terms), home);
}

int run(const settings& how) {
  const auto home = ajar::identity::key::generate();
  const auto guest = ajar::identity::key::generate();
  const auto grant = grant_for(guest, home);
  const bool alone = how.central.space.empty();
  intruder other;
  beside_an_intruder beside;
  figures all;
  seen at_server;

  // on one machine both ends wait for one instant, each on its own processor: on one they would wait for each other
  const auto at = [&](unsigned processor) { return alone ? std::optional(processor) : std::nullopt; };
  loop central_loop(how.central, at(0));
  loop server_loop(how.server, at(0));
  loop client_loop(how.client, at(1));
  ajar::central_options served({how.central.address, 0}, ajar::switchboard::admission::of({home.id()}));
  if (!alone || how.intruder) served.reflect_port(0);
  ajar::central central({central_loop.executor()}, ajar::identity::key::generate(), served);
  if (!central_loop.call([&] { return central.open(); })) return 1;
  central.start();
  ajar::server_options opens(central.url());
  opens.methods(ajar::trust::method::window).logins(logins()).grants([&](const auto&) { return grant; });
  opens.listening(10min);
  if (how.intruder) opens.cloak(ajar::windows::cloak::compare).on_step(other.sink());
  ajar::server server(server_loop.executor(), home, opens);
  const auto held = ajar::client_options().logins(logins()).grants({{central.url(), "home", grant}});
  ajar::client client(client_loop.executor(), guest, held);

  server_loop.call([&] {
    server.start();
    server.spawn(keep_exposures(server, at_server));
  });
  client_loop.call([&] { client.start(); });
  client_loop.run(await_server(client, home.id()));
  other.active = true;
  client_loop.run(how.intruder ? come_all_the_same(client, home.id(), how.count, other, beside)
                               : measure(client, home.id(), how, all, at_server));
  client_loop.run(client.stop());
  server_loop.run(server.stop());
  central_loop.run(central.stop());
  if (how.intruder) return report(how, beside);
  for (const auto one : at_server.exposures) all.exposure.add(one);
  if (all.session.size() == 0 || all.exposure.size() == 0 || all.floor.size() == 0) {
    fmt::print(stderr, "window: no window came about\n");
    return 1;
  }

  const auto found = 1 - static_cast<double>(at_server.second_tries) / static_cast<double>(all.exposure.size());
  if (how.json) {
    fmt::print(R"({{"machine":"{}","windows":{},"failed":{},"first_syn":{:.4f},"unit":"us",)", bench::machine(),
               all.session.size(), all.failed, found);
    fmt::print(R"("session":{},"exposure":{},"floor":{}}})"
               "\n",
               all.session.json(), all.exposure.json(), all.floor.json());
    return all.failed == 0 ? 0 : 1;
  }
  fmt::print("{} windows {}, {} failed; {}\n", all.session.size(), alone ? "on loopback" : "between namespaces",
             all.failed, bench::machine());
  fmt::print("{}{}{}{}", samples::head(), all.session.line("request to authenticated session"),
             all.exposure.line("exposure of the port"), all.floor.line("floor: listen, accept, close"));
  fmt::print("exposure is {:.1f} times the floor; the first SYN found the port open in {:.1f} %\n",
             all.exposure.microseconds(0.5) / all.floor.microseconds(0.5), found * 100);
  return all.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  cxxopts::Options options("bench_window", "for how long is a door open, and how long does a client wait for it?");
  options.add_options()("count", "windows", cxxopts::value<std::size_t>()->default_value("1000"))(
      "pause", "ms between two", cxxopts::value<std::uint32_t>()->default_value("0"))(
      "intruder", "somebody is first at every port")("central", "NAMESPACE@ADDRESS; by default loopback",
                                                     cxxopts::value<std::string>())(
      "server", "NAMESPACE@ADDRESS", cxxopts::value<std::string>())("client", "NAMESPACE@ADDRESS",
                                                                    cxxopts::value<std::string>());
  const auto given = bench::read_words(std::move(options), count, words);
  settings how;
  how.count = std::max(std::size_t{1}, given["count"].as<std::size_t>());
  how.pause = bench::milliseconds_of(given, "pause");
  how.json = given.count("json") > 0;
  how.intruder = given.count("intruder") > 0;
  how.central = bench::place_of(given, "central");
  how.server = bench::place_of(given, "server");
  how.client = bench::place_of(given, "client");
  return run(how);
}
