// SPDX-License-Identifier: BSL-1.0
// What do many streams over one session cost, against the session alone, and how long does a small request wait beside
// bulk?
//
// bench_streams --help
//
// One process, one thread, a real session on loopback: TLS 1.3 with both keys proved. Rounds interleave all cases, and
// each ratio is that of two neighbouring rounds. The floor is the bare session: 64 KiB writes, 64 KiB reads.
#include "bench.hpp"

#include <nghttp2/nghttp2.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/streams/multiplexer.hpp>

#include <fmt/format.h>
#include <malloc.h>
#include <algorithm>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <map>

using namespace ajar;

using namespace ajar::streams;

namespace {

struct settings {
  std::size_t megabytes = 256;
  int rounds = 9;
  bool json = false;
};

struct ends {
  sessions::session client;
  sessions::session server;
};

using tls_stream = tls::stream;

awaitable<void> shake(tls_stream& one, bool& ok) {
  auto done = co_await one.handshake(clock::now() + std::chrono::seconds(5));
  ok = done.has_value();
}

sessions::session as_session(tls_stream from, const identity::key& peer) {
  sessions::session_info about;
  about.peer = peer.id();
  return {std::move(from), about};
}

ends connect(asio::io_context& context) {
  net::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  net::tcp_stream dialled(context);
  dialled.connect(acceptor.local_endpoint());
  net::tcp_stream accepted = acceptor.accept();
  if (!net::prepare(dialled) || !net::prepare(accepted)) throw std::runtime_error("no loopback");
  const auto client = identity::key::generate();
  const auto server = identity::key::generate();
  tls_stream first(std::move(dialled), client.tls(), tls::side::client,
                   identity::expect(server.id(), tls::alpn::session));
  tls_stream second(std::move(accepted), server.tls(), tls::side::server,
                    identity::expect(client.id(), tls::alpn::session));
  bool one = false, other = false;
  asio::co_spawn(context, shake(first, one), asio::detached);
  asio::co_spawn(context, shake(second, other), asio::detached);
  context.run();
  context.restart();
  if (!one || !other) throw std::runtime_error("no handshake");
  return {as_session(std::move(first), server), as_session(std::move(second), client)};
}

class zeroes final : public body_source {
 public:
  explicit zeroes(std::uint64_t size) : left_(size) {}
  result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, into.size()));
    std::memset(into.data(), 0x5a, count);
    left_ -= count;
    return count;
  }

 private:
  std::uint64_t left_;
};

// ---- the session alone

awaitable<void> bare_write(sessions::session& to, std::uint64_t size) {
  const bytes piece(64 * 1024, 0x5a);
  while (size > 0) {
    const auto now = bytes_view(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(size, piece.size())));
    auto done = co_await to.write(now);
    if (!done) co_return;
    size -= now.size();
  }
}

awaitable<void> bare_read(sessions::session& from, std::uint64_t size, asio::io_context& context) {
  bytes room(64 * 1024);
  while (size > 0) {
    auto count = co_await from.read_some(room);
    if (!count) break;
    size -= *count;
  }
  context.stop();
}

double bare(std::uint64_t size) {
  asio::io_context context(1);
  auto two = connect(context);
  const auto begun = clock::now();
  asio::co_spawn(context, bare_write(two.server, size), asio::detached);
  asio::co_spawn(context, bare_read(two.client, size, context), asio::detached);
  context.run();
  return static_cast<double>(size) / std::chrono::duration<double>(clock::now() - begun).count();
}

// ---- streams

awaitable<void> serve_one(stream one, bool push) {
  const auto size = std::stoull(one.asked().path().substr(1));
  if (!push || size < 1024) {
    (void)one.respond(response(200), std::make_unique<zeroes>(size));
    co_return;
  }
  (void)one.respond(response(200));
  const bytes piece(64 * 1024, 0x5a);
  for (auto left = size; left > 0;) {
    const auto now = bytes_view(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size())));
    auto done = co_await one.write(now);
    if (!done) co_return;
    left -= now.size();
  }
  (void)one.finish();
}

awaitable<void> serve(multiplexer& server, bool push) {
  task_group answers(server.get_executor());
  for (;;) {
    auto asked = co_await server.accept();
    if (!asked) co_return;
    answers.spawn(serve_one(std::move(*asked), push));
  }
}

awaitable<void> fetch(multiplexer& client, std::uint64_t size, int& left, asio::io_context& context) {
  const request what("GET", "/" + std::to_string(size));
  auto asked = co_await client.open(what);
  bytes room(64 * 1024);
  while (asked) {
    auto count = co_await asked->read_some(room);
    if (!count) break;
  }
  if (--left == 0) context.stop();
}

double over_streams(int count, std::uint64_t size, bool push) {
  asio::io_context context(1);
  auto two = connect(context);
  multiplexer client(std::move(two.client), http_role::client);
  multiplexer server(std::move(two.server), http_role::server);
  asio::co_spawn(context, serve(server, push), asio::detached);
  int left = count;
  const auto begun = clock::now();
  for (int i = 0; i < count; ++i) {
    asio::co_spawn(context, fetch(client, size / static_cast<unsigned>(count), left, context), asio::detached);
  }
  context.run();
  return static_cast<double>(size) / std::chrono::duration<double>(clock::now() - begun).count();
}

// ---- small requests, alone and beside bulk

awaitable<void> ask_often(multiplexer& client, int times, std::vector<double>& us, asio::io_context& context) {
  bytes room(1024);
  for (int i = -times / 10; i < times; ++i) {  // the first ones warm up
    const request what("GET", "/100");
    const auto begun = clock::now();
    auto asked = co_await client.open(what);
    while (asked) {
      auto count = co_await asked->read_some(room);
      if (!count) break;
    }
    if (i >= 0) us.push_back(std::chrono::duration<double, std::micro>(clock::now() - begun).count());
    auto slept = co_await sleep_until(clock::now() + std::chrono::microseconds(200));
    (void)slept;
  }
  context.stop();
}

std::vector<double> small_beside(int bulk, int times) {
  asio::io_context context(1);
  auto two = connect(context);
  multiplexer client(std::move(two.client), http_role::client);
  multiplexer server(std::move(two.server), http_role::server);
  asio::co_spawn(context, serve(server, false), asio::detached);
  int left = 1 << 30;
  for (int i = 0; i < bulk; ++i) {
    asio::co_spawn(context, fetch(client, std::uint64_t{1} << 50, left, context), asio::detached);
  }
  std::vector<double> us;
  asio::co_spawn(context, ask_often(client, times, us, context), asio::detached);
  context.run();
  return us;
}

// ---- memory

awaitable<void> hold(multiplexer& client, std::size_t count, std::vector<stream>& held, asio::io_context& context) {
  for (std::size_t i = 0; i < count; ++i) {
    const request what("GET", "/silent");
    auto asked = co_await client.open(what);
    if (asked) held.push_back(std::move(*asked));
  }
  auto answered = co_await client.ping(clock::now() + std::chrono::seconds(1));  // the server has seen them all
  (void)answered;
  context.stop();
}

awaitable<void> take(multiplexer& server, std::vector<stream>& held) {
  for (;;) {
    auto asked = co_await server.accept();
    if (!asked) co_return;
    held.push_back(std::move(*asked));
  }
}

struct heap_use {
  double session = 0;   // octets, both ends, with HTTP/2 at rest
  double a_stream = 0;  // the same for one open stream
};

heap_use measure_heap() {
  constexpr std::size_t count = 200;
  asio::io_context context(1);
  auto two = connect(context);
  std::vector<stream> asked, taken;
  asked.reserve(count);
  taken.reserve(count);
  const auto before = ::mallinfo2().uordblks;
  auto client = std::make_unique<multiplexer>(std::move(two.client), http_role::client);
  auto server = std::make_unique<multiplexer>(std::move(two.server), http_role::server);
  asio::co_spawn(context, take(*server, taken), asio::detached);
  asio::co_spawn(context, hold(*client, 0, asked, context), asio::detached);
  context.run();
  context.restart();
  const auto at_rest = ::mallinfo2().uordblks;
  asio::co_spawn(context, hold(*client, count, asked, context), asio::detached);
  context.run();
  const auto with_streams = ::mallinfo2().uordblks;
  return {static_cast<double>(at_rest - before), static_cast<double>(with_streams - at_rest) / count};
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

void print_line(const settings& how, std::string_view name, std::string_view unit, const std::vector<double>& values,
                std::string_view target) {
  const auto median = quantile(values, 0.5), p99 = quantile(values, 0.99);
  const auto least = quantile(values, 0), most = quantile(values, 1);
  if (how.json) {
    fmt::print(
        "{{\"name\":\"{}\",\"unit\":\"{}\",\"least\":{:.3f},\"median\":{:.3f},\"p99\":{:.3f},\"most\":{:.3f}}}\n", name,
        unit, least, median, p99, most);
  } else {
    fmt::print("{:<36} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f}  {:<8} {}\n", name, least, median, p99, most, unit, target);
  }
}

settings parse(int count, char** words) {
  cxxopts::Options options("bench_streams", "what many streams over one session cost, against the session alone");
  options.add_options()("megabytes", "MiB a case", cxxopts::value<std::size_t>()->default_value("256"))(
      "rounds", "of all cases", cxxopts::value<int>()->default_value("9"));
  const auto given = bench::read_words(std::move(options), count, words);
  settings made;
  made.megabytes = std::max(std::size_t{1}, given["megabytes"].as<std::size_t>());
  made.rounds = std::max(1, given["rounds"].as<int>());
  made.json = given.count("json") > 0;
  return made;
}

}  // namespace

int main(int count, char** words) {
  try {
    const auto how = parse(count, words);
    const auto size = std::uint64_t{how.megabytes} << 20;
    struct one_case {
      const char* name;
      int streams;
      bool push;
      const char* target;
    };
    const one_case cases[] = {{"1 stream, pulled", 1, false, ">= 0.85"},
                              {"10 streams, pulled", 10, false, ">= 0.85"},
                              {"100 streams, pulled", 100, false, ">= 0.80"},
                              {"1 stream, 64 KiB writes", 1, true, ""}};
    std::map<std::string_view, std::vector<double>> ratios;
    std::vector<double> alone;
    for (int round = 0; round < how.rounds; ++round) {
      for (const auto& one : cases) {
        const auto base = bare(size);
        const auto rate = over_streams(one.streams, size, one.push);
        alone.push_back(base / 1e6);
        ratios[one.name].push_back(rate / ((base + bare(size)) / 2));
      }
    }
    if (!how.json) {
      fmt::print("{}, nghttp2 {}; {} MiB a case, {} rounds, one thread for both ends\n\n", bench::machine(),
                 nghttp2_version(0)->version_str, how.megabytes, how.rounds);
      fmt::print("{:<36} {:>9} {:>9} {:>9} {:>9}\n", "", "least", "median", "p99", "most");
    }
    print_line(how, "the session alone", "MB/s", alone, "floor");
    for (const auto& one : cases) {
      print_line(how, one.name, "x", ratios[one.name], one.target);
    }
    print_line(how, "100 octets, alone", "us", small_beside(0, 2000), "floor");
    print_line(how, "100 octets beside 10 bulk streams", "us", small_beside(10, 2000), "p99 <= 2000");
    const auto heap = measure_heap();
    print_line(how, "heap of HTTP/2 at rest, both ends", "octets", {heap.session}, "");
    print_line(how, "heap of an open stream, both ends", "octets", {heap.a_stream}, "");
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_streams: {}\n", error.what());
    return 2;
  }
}
