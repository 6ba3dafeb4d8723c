// SPDX-License-Identifier: BSL-1.0
// stranger_probe - what does somebody see who is told a port, and sends SYNs to it before, during and after a window or
// a crossing?
//
//   stranger_probe --help
//
// The stranger sends N SYNs a second (2000) with a raw socket, and notes what comes back to each: nothing, a reset, or
// SYN and ACK. Before and after he has to get a reset, as from any closed port; during a cloaked window nothing; during
// a crossing resets. SYNs within 0.3 ms of an edge are on neither side of it. Exits 1 where it was otherwise, or where
// the stranger was slower than 1000 a second. --as drops root's privileges for the server. Needs root.
#include "bench.hpp"

#include <ajar/core/deadline.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/windows/crossing.hpp>
#include <ajar/windows/window.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>

namespace {

using namespace std::chrono_literals;
using namespace ajar;
using bench::loop;

struct settings {
  std::size_t count = 500;
  unsigned rate = 2000;
  bool crossing = false;
  bool json = false;
  bench::place server{}, client{}, stranger{};
};

enum class reply : std::uint8_t { none, reset, accepted };

struct knock {
  time_point sent{};
  reply got = reply::none;
};

// Sends SYNs to one port at a time, from ports of its own that no socket has.
class flooder {
 public:
  flooder(const bench::place& from, net::address to, unsigned rate)
      : from_(from.address), to_(std::move(to)), pause_(std::chrono::nanoseconds(1s) / rate), on_(from) {
    on_.call([this] {
      const int family = to_.is_v6() ? AF_INET6 : AF_INET;
      socket_ = ::socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
      if (socket_ < 0) {
        fmt::print(stderr, "no raw socket: root is needed\n");
        std::exit(1);
      }
      const int large = 8 << 20;
      (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
    });
  }
  ~flooder() { ::close(socket_); }
  flooder(const flooder&) = delete;
  flooder& operator=(const flooder&) = delete;

  void begin(std::uint16_t port) {
    knocks_.clear();
    stop_ = false;
    ended_ = std::promise<void>();
    asio::post(on_.executor(), [this, port] {
      flood(port);
      ended_.set_value();
    });
  }
  // What became of each SYN.
  std::vector<knock> end() {
    stop_ = true;
    ended_.get_future().get();
    return std::move(knocks_);
  }

 private:
  void flood(std::uint16_t port) {
    auto next = clock::now();
    while (!stop_) {
      const auto now = clock::now();
      if (now >= next) {
        send(port);
        next = std::max(next + pause_, now);
      }
      hear(port);
    }
    const auto until = clock::now() + 20ms;  // answers that are under way
    while (clock::now() < until) hear(port);
  }

  // The number of a SYN is its sequence number, and the answer acknowledges the next one.
  void send(std::uint16_t port) {
    tcphdr syn{};
    syn.source = htons(static_cast<std::uint16_t>(20'000 + knocks_.size() % 40'000));
    syn.dest = htons(port);
    syn.seq = htonl(static_cast<std::uint32_t>(knocks_.size()));
    syn.doff = 5;
    syn.syn = 1;
    syn.window = htons(64'000);
    syn.check = checksum(syn);
    const net::tcp::endpoint to(to_, 0);
    const auto sent = clock::now();
    const auto count = ::sendto(socket_, &syn, sizeof syn, 0, to.data(), static_cast<socklen_t>(to.size()));
    if (count == sizeof syn) knocks_.push_back({sent, reply::none});
  }

  std::uint16_t checksum(const tcphdr& of) const {
    bytes summed;
    const auto add = [&](const net::address& one) {
      if (one.is_v6()) {
        for (const auto octet : one.to_v6().to_bytes()) summed.push_back(octet);
      } else {
        for (const auto octet : one.to_v4().to_bytes()) summed.push_back(octet);
      }
    };
    add(from_);
    add(to_);
    for (const int octet : {0, int{IPPROTO_TCP}, 0, static_cast<int>(sizeof of)}) {
      summed.push_back(static_cast<std::uint8_t>(octet));
    }
    const auto* header = reinterpret_cast<const std::uint8_t*>(&of);
    summed.insert(summed.end(), header, header + sizeof of);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < summed.size(); i += 2) sum += (std::uint32_t{summed[i]} << 8U) + summed[i + 1];
    while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
    return htons(static_cast<std::uint16_t>(~sum));
  }

  void hear(std::uint16_t port) {
    std::uint8_t packet[256];
    for (;;) {
      const auto size = ::recv(socket_, packet, sizeof packet, 0);
      if (size < 0) return;
      const std::size_t skipped = to_.is_v6() ? 0 : (packet[0] & 15U) * 4U;
      tcphdr got{};
      if (static_cast<std::size_t>(size) < skipped + sizeof got) continue;
      std::memcpy(&got, packet + skipped, sizeof got);
      const auto number = ntohl(got.ack_seq) - 1;
      if (ntohs(got.source) != port || number >= knocks_.size()) continue;
      knocks_[number].got = got.syn ? reply::accepted : reply::reset;
    }
  }

  net::address from_, to_;
  std::chrono::nanoseconds pause_;
  int socket_ = -1;
  std::vector<knock> knocks_;
  std::atomic<bool> stop_ = false;
  std::promise<void> ended_;
  loop on_;
};

// From when until when it was open, or crossing.
struct span {
  time_point begun{}, ended{};
  windows::cloak cloak = windows::cloak::none;
  std::uint64_t drops = 0;
  bool good = false;
};

awaitable<result<net::tcp_stream>> let_in(net::tcp_stream stream) { co_return std::move(stream); }

awaitable<void> listen_once(windows::bound_port port, net::address expected, time_point opens, span& into) {
  windows::listening how{port.local_endpoint(),       windows::expected_source::of(expected),
                         windows::on_stranger::close, 1,
                         windows::cloak::automatic,   {port}};
  windows::announcement announcing = [opens](std::uint8_t, const net::tcp::endpoint&) -> result<windows::announced> {
    windows::announced made([] {});
    made.opening(opens);
    return made;
  };
  auto opening = windows::open_window<net::tcp_stream>(std::move(how), opens + 200ms, std::move(announcing), let_in);
  auto came = co_await std::move(opening);
  into = {came.cost.opened, came.cost.closed, came.cost.cloak, came.cost.drops, came.guest.has_value()};
}

awaitable<void> dial_at(net::tcp::endpoint to, net::address from, time_point at) {
  auto slept = co_await sleep_until(at);
  if (!slept) co_return;
  net::dial_options how;
  how.from(from);
  net::endpoint named(to);
  auto stream = co_await net::dial(named, at + 200ms, std::move(how));
  (void)stream;
}

awaitable<void> cross_once(windows::crossing_plan plan, time_point start, span* into) {
  auto crossing = windows::cross(std::move(plan), start + 400ms);
  auto came = co_await std::move(crossing);
  if (into) *into = {start, clock::now(), windows::cloak::none, 0, came.has_value()};
  auto slept = co_await sleep_until(clock::now() + 2ms);
  (void)slept;
}

struct tally {
  std::size_t sent = 0, resets = 0, accepts = 0;
  void add(const knock& one) {
    ++sent;
    resets += one.got == reply::reset ? 1 : 0;
    accepts += one.got == reply::accepted ? 1 : 0;
  }
};

struct figures {
  tally before, during, after;
  std::size_t good = 0;
  std::uint64_t drops = 0;
  double least_rate = 1e9;
  windows::cloak cloak = windows::cloak::none;

  void add(const std::vector<knock>& knocks, const span& of) {
    constexpr auto edge = 300us;
    for (const auto& one : knocks) {
      if (one.sent < of.begun - edge) before.add(one);
      if (one.sent > of.begun + edge && one.sent < of.ended - edge) during.add(one);
      if (one.sent > of.ended + edge) after.add(one);
    }
    good += of.good ? 1 : 0;
    drops += of.drops;
    cloak = of.cloak;
    const std::chrono::duration<double> took = knocks.back().sent - knocks.front().sent;
    least_rate = std::min(least_rate, static_cast<double>(knocks.size()) / took.count());
  }
};

void one_window(const settings& how, loop& server_loop, loop& client_loop, flooder& knocking, figures& into) {
  auto port = server_loop.call([&] { return windows::bind_port(server_loop.executor(), {how.server.address, 0}); });
  if (!port) return;
  const auto at = port->local_endpoint();
  span seen;
  knocking.begin(at.port());
  const auto opens = clock::now() + 20ms;
  std::promise<void> ended;
  asio::co_spawn(server_loop.executor(), listen_once(*port, how.client.address, opens, seen),
                 [&](std::exception_ptr) { ended.set_value(); });
  client_loop.run(dial_at(at, how.client.address, opens + 30ms));
  ended.get_future().get();
  std::this_thread::sleep_for(20ms);
  into.add(knocking.end(), seen);
  server_loop.call([&] { port = fail(errc::canceled); });
}

void one_crossing(const settings& how, loop& server_loop, loop& client_loop, flooder& knocking, figures& into) {
  auto ours = server_loop.call([&] { return windows::bind_port(server_loop.executor(), {how.server.address, 0}); });
  auto theirs = client_loop.call([&] { return windows::bind_port(client_loop.executor(), {how.client.address, 0}); });
  if (!ours || !theirs) return;
  span seen;
  knocking.begin(ours->local_endpoint().port());
  const auto start = clock::now() + 20ms;
  const auto gap = windows::redial_grid::gap_for(20ms);
  windows::crossing_plan names(start, gap, windows::crossing_side::names);
  windows::crossing_plan follows(start, gap, windows::crossing_side::follows);
  names.pair(*ours, theirs->local_endpoint());
  follows.pair(*theirs, ours->local_endpoint());
  std::promise<void> ended;
  asio::co_spawn(server_loop.executor(), cross_once(std::move(names), start, &seen),
                 [&](std::exception_ptr) { ended.set_value(); });
  client_loop.run(cross_once(std::move(follows), start, nullptr));
  ended.get_future().get();
  std::this_thread::sleep_for(20ms);
  into.add(knocking.end(), seen);
  server_loop.call([&] { ours = fail(errc::canceled); });
  client_loop.call([&] { theirs = fail(errc::canceled); });
}

int run(const settings& how) {
  loop server_loop(how.server);
  loop client_loop(how.client);
  flooder knocking(how.stranger, how.server.address, how.rate);
  figures all;
  for (std::size_t i = 0; i < how.count; ++i) {
    (how.crossing ? one_crossing : one_window)(how, server_loop, client_loop, knocking, all);
  }
  const auto all_reset = [](const tally& one) { return one.sent > 0 && one.resets == one.sent; };
  const bool during =
      how.crossing ? all_reset(all.during) : all.during.sent > 0 && all.during.resets + all.during.accepts == 0;
  const bool as_promised = during && all_reset(all.before) && all_reset(all.after) && all.least_rate >= 1000;
  const auto* what = how.crossing ? "crossings" : "windows";
  if (how.json) {
    const auto part = [](const tally& one) {
      return fmt::format(R"({{"syns":{},"resets":{},"accepted":{}}})", one.sent, one.resets, one.accepts);
    };
    fmt::print(R"({{"machine":"{}","{}":{},"came":{},"cloak":"{}","drops":{},"least_rate":{:.0f},)", bench::machine(),
               what, how.count, all.good, windows::to_string(all.cloak), all.drops, all.least_rate);
    fmt::print(R"("before":{},"during":{},"after":{},"as_promised":{}}})"
               "\n",
               part(all.before), part(all.during), part(all.after), as_promised);
  } else {
    fmt::print("{} {}, in {} of them the expected end came through; cloak: {}; at least {:.0f} SYNs a second; {}\n",
               how.count, what, all.good, windows::to_string(all.cloak), all.least_rate, bench::machine());
    for (const auto& [name, one] :
         {std::pair("before", &all.before), std::pair("during", &all.during), std::pair("after", &all.after)}) {
      fmt::print("{:<8}{:>8} SYNs{:>8} resets{:>8} accepted\n", name, one->sent, one->resets, one->accepts);
    }
    fmt::print("{}\n", as_promised ? "as promised" : "NOT as promised");
  }
  return as_promised ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  cxxopts::Options options("stranger_probe", "what somebody sees who is told a port, and sends SYNs to it");
  options.add_options()("count", "windows or crossings", cxxopts::value<std::size_t>()->default_value("500"))(
      "rate", "SYNs a second", cxxopts::value<unsigned>()->default_value("2000"))(
      "crossing", "crossings instead of cloaked windows")("as", "the uid of the server",
                                                          cxxopts::value<std::uint32_t>()->default_value("0"))(
      "server", "NAMESPACE@ADDRESS", cxxopts::value<std::string>()->default_value(""))(
      "client", "NAMESPACE@ADDRESS", cxxopts::value<std::string>()->default_value(""))(
      "stranger", "NAMESPACE@ADDRESS", cxxopts::value<std::string>()->default_value(""));
  const auto given = bench::read_words(std::move(options), count, words);
  settings how;
  how.count = std::max(std::size_t{1}, given["count"].as<std::size_t>());
  how.rate = std::clamp(given["rate"].as<unsigned>(), 1U, 20'000U);
  how.crossing = given.count("crossing") > 0;
  how.json = given.count("json") > 0;
  how.server = bench::place::parse(given["server"].as<std::string>());
  how.server.user = given["as"].as<std::uint32_t>();
  how.client = bench::place::parse(given["client"].as<std::string>());
  how.stranger = bench::place::parse(given["stranger"].as<std::string>());
  return run(how);
}
