// SPDX-License-Identifier: BSL-1.0
// crossing - how long after the start instant do two ends that connect to each other at once have a connection, and how
// often at the first try?
//
//   bench_crossing --help
//
// On loopback, where the SYNs are signed, or between network namespaces: tests/natlab/figures.py. Each end has a thread
// of its own and binds fresh ports, which it knows without central: both NATs must keep ports, and the addresses are
// those seen from outside. No port listens at any time. The floor is half a round trip at the end whose SYN comes last.
#include "bench.hpp"

#include <ajar/windows/crossing.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/crypto/random.hpp>

#include <optional>

namespace {

using namespace std::chrono_literals;
using namespace ajar;
using bench::loop;
using bench::samples;

struct settings {
  std::size_t count = 1000;
  std::chrono::milliseconds rtt{0};
  std::chrono::milliseconds budget{800};
  bool json = false;
  bench::place server{}, client{};
  std::optional<net::address> server_outside{}, client_outside{};
};

// What one end has for one crossing.
struct end {
  bench::place where;
  net::address outside;
  std::vector<windows::bound_port> ports{};
  std::optional<clock::duration> took{};  // from the start to the established connection
  unsigned tries = 0;
};

awaitable<void> go(end& one, std::vector<net::tcp::endpoint> to, windows::crossing_plan plan, time_point start,
                   time_point until) {
  for (std::size_t i = 0; i < to.size(); ++i) plan.pair(one.ports[i], to[i]);
  auto crossing = windows::cross(std::move(plan), until);
  auto came = co_await std::move(crossing);
  if (!came) co_return;
  one.took = came->established - start;
  one.tries = came->tries;
  // both first octets are consumed: the other end may go once it has them too
  auto slept = co_await sleep_until(clock::now() + 5ms);
  (void)slept;
}

std::vector<net::tcp::endpoint> outside_of(const end& one) {
  std::vector<net::tcp::endpoint> made;
  for (const auto& port : one.ports) made.emplace_back(one.outside, port.local_endpoint().port());
  return made;
}

int run(const settings& how) {
  loop server_loop(how.server);
  loop client_loop(how.client);
  const bool near = how.server.space.empty();
  samples took;
  std::size_t first_try = 0, failed = 0;
  for (std::size_t i = 0; i < how.count; ++i) {
    end server{how.server, how.server_outside.value_or(how.server.address)};
    end client{how.client, how.client_outside.value_or(how.client.address)};
    const auto bind = [](loop& on, end& one) {
      auto made = on.call([&] { return windows::bind_ports(on.executor(), one.where.address, 2); });
      if (made) one.ports = std::move(*made);
      return made.has_value();
    };
    if (!bind(server_loop, server) || !bind(client_loop, client)) {
      fmt::print(stderr, "crossing: cannot bind there\n");
      return 1;
    }
    const auto start = clock::now() + 10ms;
    const auto until = start + how.budget;
    const auto gap = windows::redial_grid::gap_for(how.rtt);
    windows::crossing_plan ours(start, gap, windows::crossing_side::names);
    windows::crossing_plan theirs(start, gap, windows::crossing_side::follows);
    if (near) {
      const auto key = crypto::random_octets<16>();
      ours.signed_by(key);
      theirs.signed_by(key);
    }
    std::promise<void> ended;
    asio::co_spawn(server_loop.executor(), go(server, outside_of(client), std::move(ours), start, until),
                   [&](std::exception_ptr) { ended.set_value(); });
    client_loop.run(go(client, outside_of(server), std::move(theirs), start, until));
    ended.get_future().get();
    server_loop.call([&] { server.ports.clear(); });
    client_loop.call([&] { client.ports.clear(); });
    if (!server.took || !client.took) {
      ++failed;
      continue;
    }
    took.add(std::max(*server.took, *client.took));
    first_try += std::max(server.tries, client.tries) == 1 ? 1 : 0;
  }
  if (took.size() == 0) {
    fmt::print(stderr, "crossing: no connection came about\n");
    return 1;
  }
  const auto first = static_cast<double>(first_try) / static_cast<double>(how.count);
  if (how.json) {
    fmt::print(R"({{"machine":"{}","crossings":{},"failed":{},"first_try":{:.4f},"unit":"us","up":{}}})"
               "\n",
               bench::machine(), took.size(), failed, first, took.json());
  } else {
    fmt::print("{} crossings {}, {} failed; {}\n", took.size(), near ? "on loopback" : "between namespaces", failed,
               bench::machine());
    fmt::print("{}{}", samples::head(), took.line("start to connection, at both ends"));
    fmt::print("{:.1f} % at the first try\n", first * 100);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  cxxopts::Options options("bench_crossing", "how soon two ends that connect to each other at once have a connection");
  options.add_options()("count", "crossings", cxxopts::value<std::size_t>()->default_value("1000"))(
      "rtt", "ms of the way between the ends", cxxopts::value<std::uint32_t>()->default_value("0"))(
      "budget", "ms for one", cxxopts::value<std::uint32_t>()->default_value("800"))(
      "server", "NAMESPACE@ADDRESS; by default loopback", cxxopts::value<std::string>())("client", "NAMESPACE@ADDRESS",
                                                                                         cxxopts::value<std::string>())(
      "server-outside", "the server's address as it is seen", cxxopts::value<std::string>())(
      "client-outside", "the client's", cxxopts::value<std::string>());
  const auto given = bench::read_words(std::move(options), count, words);
  settings how;
  how.count = std::max(std::size_t{1}, given["count"].as<std::size_t>());
  how.rtt = bench::milliseconds_of(given, "rtt");
  how.budget = bench::milliseconds_of(given, "budget");
  how.json = given.count("json") > 0;
  how.server = bench::place_of(given, "server");
  how.client = bench::place_of(given, "client");
  const auto outside = [&](const std::string& option) -> std::optional<net::address> {
    if (given.count(option) == 0) return std::nullopt;
    return bench::place::parse("@" + given[option].as<std::string>()).address;
  };
  how.server_outside = outside("server-outside");
  how.client_outside = outside("client-outside");
  return run(how);
}
