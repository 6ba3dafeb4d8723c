// SPDX-License-Identifier: BSL-1.0
// window - for how long is a door open, and how long does a client wait for it? On loopback, each role in a thread of
// its own, windows that the server opens.
//
//   bench_window [--count N] [--json]
//
// Two figures for each window: from the request to the authenticated session, at the client; and the exposure of the
// port, from before listen() until after close(), at the server. The baseline is taken in the same run, between the
// windows: the bare listen, accept and close of one thread, which no window on this machine can go below.
#include <ajar.hpp>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

namespace {

using namespace std::chrono_literals;
using nanoseconds = std::chrono::nanoseconds;

// A role's thread.
class loop {
 public:
  loop() : busy_(asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
  ~loop() {
    busy_.reset();
    context_.stop();
    thread_.join();
  }
  asio::any_io_executor executor() { return context_.get_executor(); }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy_;
  std::thread thread_;
};

class samples {
 public:
  void add(nanoseconds one) { all_.push_back(one); }
  std::size_t size() const { return all_.size(); }
  // 0.5 is the median; nearest rank.
  double microseconds(double quantile) {
    std::ranges::sort(all_);
    const auto rank = static_cast<std::size_t>(quantile * static_cast<double>(all_.size() - 1) + 0.5);
    return static_cast<double>(all_.at(rank).count()) / 1000;
  }

 private:
  std::vector<nanoseconds> all_;
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

ajar::awaitable<void> keep_exposures(ajar::server& server, std::vector<nanoseconds>& exposures, std::mutex& lock) {
  for (;;) {
    auto guest = co_await server.accept();
    if (!guest) co_return;
    const std::scoped_lock held(lock);
    if (guest->info().window) exposures.push_back(guest->info().window->exposure);
  }
}

struct figures {
  samples session;
  samples exposure;
  samples floor;
  std::size_t failed = 0;
};

ajar::awaitable<void> measure(ajar::client& client, ajar::peer_id home, std::size_t count, figures& into,
                              std::vector<nanoseconds>& exposures, std::mutex& lock, std::promise<void>& done) {
  constexpr std::size_t warm_up = 20;
  ajar::connect_options how;
  for (std::size_t i = 0; i < count + warm_up; ++i) {
    how.over(ajar::by::window).until(ajar::clock::now() + 5s);
    const auto begun = ajar::clock::now();
    auto session = co_await client.connect(home, how);
    const auto took = ajar::clock::now() - begun;
    if (i < warm_up) continue;
    if (i == warm_up) {
      const std::scoped_lock held(lock);
      exposures.clear();
    }
    if (!session) {
      if (++into.failed == 1) fmt::print(stderr, "window: {}\n", ajar::explain(session.error()));
      continue;
    }
    into.session.add(took);
    if (const auto bare = floor_once()) into.floor.add(*bare);
  }
  done.set_value();
}

void print(const char* what, samples& all) {
  fmt::print("{:<38}{:>10.1f}{:>10.1f}{:>10.1f}{:>10.1f}\n", what, all.microseconds(0.5), all.microseconds(0.9),
             all.microseconds(0.99), all.microseconds(1));
}

std::string json_of(samples& all) {
  return fmt::format(R"({{"median":{:.1f},"p90":{:.1f},"p99":{:.1f},"max":{:.1f}}})", all.microseconds(0.5),
                     all.microseconds(0.9), all.microseconds(0.99), all.microseconds(1));
}

std::string machine() {
  utsname about{};
  ::uname(&about);
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && !line.starts_with("model name")) {
  }
  const auto colon = line.find(": ");
  return fmt::format("{} threads of {}, Linux {}, {}", std::thread::hardware_concurrency(),
                     colon == std::string::npos ? "an unknown processor" : line.substr(colon + 2), about.release,
                     __VERSION__);
}

std::function<ajar::result<std::uint64_t>()> logins() {
  return [count = std::uint64_t{0}]() mutable { return ajar::result<std::uint64_t>(++count); };
}

ajar::signed_grant grant_for(const ajar::identity::key& guest, const ajar::identity::key& home) {
  ajar::grant terms;
  terms.client = guest.id();
  terms.not_after = ajar::wall_now() + 24h;
  terms.methods = static_cast<std::uint8_t>(ajar::trust::method::window);
  terms.sessions = 1000;
  terms.windows_a_minute = 65535;
  return ajar::signed_grant::sign(std::move(terms), home);
}

int run(std::size_t count, bool json) {
  const auto home = ajar::identity::key::generate();
  const auto guest = ajar::identity::key::generate();
  const auto grant = grant_for(guest, home);
  figures all;
  std::vector<nanoseconds> exposures;
  std::mutex lock;

  loop central_loop;
  loop server_loop;
  loop client_loop;
  ajar::central central(
      {central_loop.executor()}, ajar::identity::key::generate(),
      ajar::central_options({asio::ip::address_v4::loopback(), 0}, ajar::switchboard::admission::of({home.id()})));
  if (!central.open()) return 1;
  central.start();
  ajar::server server(
      server_loop.executor(), home,
      ajar::server_options(central.url()).methods(false, true).logins(logins()).grants([&](const auto&) {
        return grant;
      }));
  ajar::client client(client_loop.executor(), guest,
                      ajar::client_options().logins(logins()).grants({{central.url(), "home", grant}}));

  std::promise<void> served;
  asio::co_spawn(
      server_loop.executor(),
      [](ajar::server& one, std::vector<nanoseconds>& into, std::mutex& held) -> ajar::awaitable<void> {
        one.start();
        auto keeping = keep_exposures(one, into, held);
        co_await std::move(keeping);
      }(server, exposures, lock),
      [&](std::exception_ptr) { served.set_value(); });
  std::promise<void> measured;
  asio::co_spawn(client_loop.executor(), measure(client, home.id(), count, all, exposures, lock, measured),
                 asio::detached);
  measured.get_future().wait();

  for (auto* stopping : {&client_loop, &server_loop, &central_loop}) {
    std::promise<void> stopped;
    auto stop = stopping == &client_loop ? client.stop() : stopping == &server_loop ? server.stop() : central.stop();
    asio::co_spawn(stopping->executor(), std::move(stop), [&](std::exception_ptr) { stopped.set_value(); });
    stopped.get_future().wait();
  }
  served.get_future().wait();
  for (const auto one : exposures) all.exposure.add(one);
  if (all.session.size() == 0 || all.exposure.size() == 0 || all.floor.size() == 0) {
    fmt::print(stderr, "window: no window came about\n");
    return 1;
  }

  if (json) {
    fmt::print(R"({{"machine":"{}","windows":{},"failed":{},"unit":"us","session":{},"exposure":{},"floor":{}}})"
               "\n",
               machine(), all.session.size(), all.failed, json_of(all.session), json_of(all.exposure),
               json_of(all.floor));
    return all.failed == 0 ? 0 : 1;
  }
  fmt::print("{} windows on loopback, {} failed; {}\n", all.session.size(), all.failed, machine());
  fmt::print("{:<38}{:>10}{:>10}{:>10}{:>10}\n", "microseconds", "median", "p90", "p99", "max");
  print("request to authenticated session", all.session);
  print("exposure of the port", all.exposure);
  print("floor: listen, accept, close", all.floor);
  fmt::print("exposure is {:.1f} times the floor\n", all.exposure.microseconds(0.5) / all.floor.microseconds(0.5));
  return all.failed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  std::size_t windows = 1000;
  bool json = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--json") {
      json = true;
    } else if (word == "--count" && i + 1 < count) {
      windows = std::max(1UL, std::strtoul(words[++i], nullptr, 10));
    } else {
      fmt::print(stderr, "window: [--count N] [--json]\n");
      return 2;
    }
  }
  return run(windows, json);
}
