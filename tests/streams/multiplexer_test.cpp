// SPDX-License-Identifier: BSL-1.0
#include <ajar/streams/multiplexer.hpp>

#include <ajar/core/moved_from.hpp>
#include <ajar/core/task_group.hpp>

#include "joined.hpp"

#include <asio/read.hpp>
#include <asio/write.hpp>

#include "../lifetimes.hpp"
#include "forge.hpp"

namespace multiplexer_test {

using namespace ajar;
using namespace std::chrono_literals;
using namespace ajar::streams;
using ajar::testing::pair_options;
using joined::pattern;

namespace {

class pattern_source final : public body_source {
 public:
  explicit pattern_source(std::size_t size) : octets_(pattern(size)) {}
  result<std::size_t> read(std::span<std::uint8_t> into) override {
    const auto count = std::min(into.size(), octets_.size() - at_);
    std::copy_n(octets_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  bytes octets_;
  std::size_t at_ = 0;
};

// What the tests' server does with a request, by its path:
//   /NUMBER  a pulled body of so many octets      /push/NUMBER  the same, written piece by piece
//   /silent  nothing, for ever                    /drop         ends the stream without an answer
//   CONNECT  sends back what comes
awaitable<void> echo(stream& one) {
  bytes piece(5000);
  for (;;) {
    auto count = co_await one.read_some(piece);
    if (!count) break;
    auto written = co_await one.write(bytes_view(piece).first(*count));
    if (!written) break;
  }
  (void)one.finish();
}

awaitable<void> push(stream& one, std::size_t size) {
  const auto octets = pattern(size);
  bytes_view left = octets;
  while (!left.empty()) {
    const auto piece = left.first(std::min<std::size_t>(left.size(), 40'000));
    auto written = co_await one.write(piece);
    if (!written) co_return;
    left = left.subspan(piece.size());
  }
  (void)one.finish();
}

struct served {
  int requests = 0;
  std::optional<std::error_code> ended;
  std::vector<std::error_code> streams;
};

awaitable<void> answer(stream one, std::shared_ptr<served> seen) {
  ++seen->requests;
  const auto path = one.asked().path();
  if (one.asked().method() == "CONNECT") {
    (void)one.respond(response(200));
    co_await echo(one);
  } else if (path == "/silent") {
    auto done = co_await one.ended();
    seen->streams.push_back(done ? std::error_code() : done.error());
  } else if (path.starts_with("/push/")) {
    (void)one.respond(response(200));
    co_await push(one, static_cast<std::size_t>(std::stoul(path.substr(6))));
  } else if (path != "/drop") {
    (void)one.respond(response(200), std::make_unique<pattern_source>(std::stoul(path.substr(1))));
  }
}

awaitable<void> serve(joined::multiplexer& server, std::shared_ptr<served> seen) {
  task_group answers(server.get_executor());
  for (;;) {
    auto asked = co_await server.accept();
    if (!asked) {
      seen->ended = asked.error();
      break;
    }
    answers.spawn(answer(std::move(*asked), seen));
  }
  co_await answers.join();
}

struct house : joined::pair {
  explicit house(const pair_options& how = pair_options()) : pair(how), group(context.get_executor()) {
    group.spawn(serve(server, seen));
  }
  ~house() {
    client.close();
    server.close();
    group.cancel();
    settle();
  }
  std::shared_ptr<served> seen = std::make_shared<served>();
  task_group group;
};

awaitable<result<bytes>> read_all(stream& from, std::size_t room = 10'000) {
  bytes all;
  bytes piece(room);
  for (;;) {
    auto count = co_await from.read_some(piece);
    if (!count && count.error() == errc::eof) co_return all;
    if (!count) co_return fail(count.error());
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

awaitable<result<bytes>> get(joined::multiplexer& client, std::string path, std::size_t room = 10'000) {
  const request what("GET", std::move(path));
  auto opened = co_await client.open(what);
  if (!opened) co_return fail(opened.error());
  auto head = co_await opened->answer(clock::now() + 1h);
  if (!head) co_return fail(head.error());
  if (!head->ok()) co_return fail(errc::answer_unexpected);
  auto body = co_await read_all(*opened, room);
  co_return body;
}

struct gathered {
  int done = 0;
  int whole = 0;
};

awaitable<void> get_one_of_many(joined::multiplexer& client, std::size_t size, std::shared_ptr<gathered> into) {
  const auto path = "/" + std::to_string(size);
  auto got = co_await get(client, path);
  ++into->done;
  if (got && *got == pattern(size)) ++into->whole;
}

awaitable<void> get_many(joined::multiplexer& client, int count, std::shared_ptr<gathered> into) {
  task_group all(client.get_executor());
  for (int i = 0; i < count; ++i)
    all.spawn(get_one_of_many(client, 1000 + static_cast<std::size_t>(i % 1000) * 37, into));
  co_await all.join();
}

awaitable<result<stream>> open(joined::multiplexer& client, std::string path, bool body_follows = false) {
  const request what("GET", std::move(path));
  auto opened = co_await client.open(what, body_follows);
  co_return opened;
}

}  // namespace

TEST_CASE("a request is answered, by a pulled body and by a written one") {
  house two;
  for (const std::size_t size : std::initializer_list<std::size_t>{0, 1, 16375, 16376, 1'000'000}) {
    for (const char* how : {"/", "/push/"}) {
      CAPTURE(size);
      CAPTURE(how);
      const auto got = two.run(get(two.client, how + std::to_string(size)));
      REQUIRE_MESSAGE(got, got.error().message());
      CHECK((*got == pattern(size)));
    }
  }
  CHECK(two.client.streams() == 0);
  CHECK(two.server.streams() == 0);
}

TEST_CASE("bodies are whole whatever the reads, the writes and the buffers") {
  for (const std::size_t room : std::initializer_list<std::size_t>{1, 7, 100, 16384, 70'000}) {
    CAPTURE(room);
    house two(pair_options().short_reads(1 + room % 777).short_writes(1 + room % 555).buffer(900));
    const auto got = two.run(get(two.client, "/60000", room));
    REQUIRE_MESSAGE(got, got.error().message());
    CHECK((*got == pattern(60'000)));
  }
}

TEST_CASE("the client of a session asks, whoever dialled") {
  joined::sessions two;
  // TLS's client is HTTP/2's server, as on an outbound session
  joined::multiplexer server(std::move(*two.client_session), http_role::server);
  joined::multiplexer client(std::move(*two.server_session), http_role::client);
  auto seen = std::make_shared<served>();
  task_group group(two.context.get_executor());
  group.spawn(serve(server, seen));
  const auto got = two.run(get(client, "/5000"));
  REQUIRE(got);
  CHECK(got->size() == 5000);
  client.close();
  server.close();
  group.cancel();
  two.settle();
}

TEST_CASE("many streams at once, and more than the other side takes") {
  house two;
  auto seen = std::make_shared<gathered>();
  two.run(get_many(two.client, 1000, seen));
  CHECK(seen->done == 1000);
  CHECK(seen->whole == 1000);
  CHECK(two.seen->requests == 1000);
}

TEST_CASE("thousands of streams opened at once are all answered") {
  const int many = std::getenv("AJAR_LONG") ? 10'000 : 2500;  // ./dev test --long
  house two;
  auto seen = std::make_shared<gathered>();
  two.run(get_many(two.client, many, seen));
  CHECK(seen->whole == many);
}

namespace {

awaitable<result<std::size_t>> through_asio(joined::multiplexer& client, const bytes& octets, bytes& back) {
  const auto what = request::connect("echo");
  auto opened = co_await client.open(what, true);
  if (!opened) co_return fail(opened.error());
  auto head = co_await opened->answer();
  if (!head) co_return fail(head.error());
  auto [wrote, sent] = co_await asio::async_write(*opened, asio::buffer(octets), use_values);
  if (wrote) co_return fail(wrote);
  back.resize(octets.size());
  auto [read, got] = co_await asio::async_read(*opened, asio::buffer(back), use_values);
  if (read) co_return fail(read);
  (void)opened->finish();
  std::array<std::uint8_t, 1> more{};
  auto [end, none] = co_await opened->async_read_some(asio::buffer(more), use_values);
  if (end != asio::error::eof || none != 0) co_return fail(errc::answer_unexpected);
  co_return sent + got;
}

}  // namespace

TEST_CASE("a two-way stream is an Asio stream, and half of it can be closed") {
  house two(pair_options().buffer(200'000));
  const auto octets = pattern(150'000);
  bytes back;
  const auto done = two.run(through_asio(two.client, octets, back));
  REQUIRE_MESSAGE(done, done.error().message());
  CHECK((back == octets));
}

TEST_CASE("a round trip is measured, and none of it is the server's work") {
  house two(pair_options().delay(30ms, 20ms));
  const auto took = two.run(two.client.ping(clock::now() + 1s));
  REQUIRE(took);
  CHECK(*took == 50ms);
  CHECK(two.run(two.client.ping(clock::now() + 10ms)).error() == errc::stream_timeout);
}

TEST_CASE("each way to end a stream has its own error") {
  house two;
  SUBCASE("nobody answers") {
    auto opened = two.run(open(two.client, "/silent"));
    REQUIRE(opened);
    CHECK(two.run(opened->answer(clock::now() + 1s)).error() == errc::stream_timeout);
    opened->reset();
    two.settle();
    REQUIRE(two.seen->streams.size() == 1);
    CHECK(two.seen->streams[0] == errc::stream_reset);
  }
  SUBCASE("the server drops it") { CHECK(two.run(get(two.client, "/drop")).error() == errc::stream_reset); }
  SUBCASE("the client lets it go") {
    {
      auto opened = two.run(open(two.client, "/silent"));
      REQUIRE(opened);
      two.settle();
    }
    two.settle();
    REQUIRE(two.seen->streams.size() == 1);
    CHECK(two.seen->streams[0] == errc::stream_reset);
    CHECK(two.server.streams() == 0);
  }
  SUBCASE("the session is closed") {
    auto opened = two.run(open(two.client, "/silent"));
    REQUIRE(opened);
    two.client.close();
    CHECK(two.run(opened->answer()).error() == errc::canceled);
    CHECK(two.run(get(two.client, "/1")).error() == errc::canceled);
    two.settle();
    CHECK(two.seen->streams.at(0) == errc::truncated);
    CHECK(two.seen->ended == errc::truncated);
  }
  // the others are not touched
  if (!two.seen->ended) CHECK(two.run(get(two.client, "/100")).has_value());
}

TEST_CASE("a session that its owner cuts ends its streams with that cause, at the other side too") {
  joined::sessions two;
  const auto sight = two.server_session->watch();
  joined::multiplexer client(std::move(*two.client_session), http_role::client);
  joined::multiplexer server(std::move(*two.server_session), http_role::server);
  auto seen = std::make_shared<served>();
  task_group group(two.context.get_executor());
  group.spawn(serve(server, seen));
  auto opened = two.run(open(client, "/silent"));
  REQUIRE(opened);
  two.settle();
  sight.cut(errc::grant_revoked);
  two.settle();
  CHECK(seen->ended == errc::grant_revoked);
  CHECK(seen->streams.at(0) == errc::grant_revoked);
  CHECK(two.run(opened->answer()).error() == errc::grant_revoked);
  CHECK(two.run(open(client, "/1")).error() == errc::grant_revoked);
}

TEST_CASE("a cut in the midst of bodies is told, to who reads and to who sends") {
  joined::sessions two;
  const auto sight = two.server_session->watch();
  joined::multiplexer client(std::move(*two.client_session), http_role::client);
  joined::multiplexer server(std::move(*two.server_session), http_role::server);
  auto seen = std::make_shared<served>();
  task_group group(two.context.get_executor());
  group.spawn(serve(server, seen));
  auto coming = two.run(open(client, "/10000000"));  // more than its window: the sender waits for the reader
  auto going = two.run(open(client, "/silent", true));
  REQUIRE(coming);
  REQUIRE(going);
  auto sent = std::make_shared<std::optional<result<>>>();
  static const auto much = pattern(10'000'000);
  asio::co_spawn(two.context, going->write(much),
                 [sent](const std::exception_ptr&, result<> done) { sent->emplace(done); });
  two.settle();
  REQUIRE(!sent->has_value());
  const auto at = clock::now();
  sight.cut(errc::grant_revoked);
  two.settle();
  REQUIRE(sent->has_value());
  CHECK((*sent)->error() == errc::grant_revoked);
  CHECK(two.run(read_all(*coming)).error() == errc::grant_revoked);
  CHECK(clock::now() == at);
}

TEST_CASE("a graceful end lets streams end, and takes no further one") {
  house two(pair_options().delay(10ms, 10ms));
  auto opened = two.run(open(two.client, "/300000"));
  REQUIRE(opened);
  auto body = std::make_shared<std::optional<result<bytes>>>();
  auto shut = std::make_shared<std::optional<result<>>>();
  asio::co_spawn(two.context, two.client.shutdown(clock::now() + 10s),
                 [shut](const std::exception_ptr&, result<> done) { shut->emplace(done); });
  two.settle();
  CHECK(two.run(open(two.client, "/1")).error() == errc::session_draining);
  const auto got = two.run(read_all(*opened));
  REQUIRE_MESSAGE(got, got.error().message());
  CHECK(got->size() == 300'000);
  two.time.advance(two.context, 1s);
  REQUIRE(shut->has_value());
  CHECK_MESSAGE(shut->value(), shut->value().error().message());
  CHECK(two.seen->ended == errc::eof);
}

TEST_CASE("a graceful end has a deadline") {
  house two;
  auto opened = two.run(open(two.client, "/silent"));
  REQUIRE(opened);
  CHECK(two.run(two.client.shutdown(clock::now() + 1s)).error() == errc::stream_timeout);
  CHECK(two.run(opened->answer()).error() == errc::session_draining);
  two.settle();
  CHECK(two.seen->ended == errc::eof);
}

TEST_CASE("a session without streams ends gracefully too") {
  house two;
  CHECK(two.run(two.client.shutdown(clock::now() + 1s)).has_value());
  two.settle();
  CHECK(two.seen->ended == errc::eof);
}

TEST_CASE("a slow reader holds up its own stream, and little memory") {
  house two;
  auto slow = two.run(open(two.client, "/20000000"));
  REQUIRE(slow);
  two.settle();
  for (int i = 0; i < 5; ++i) {
    const auto got = two.run(get(two.client, "/700000"));
    REQUIRE(got);
    CHECK(got->size() == 700'000);
  }
  bytes room(64'000'000);
  std::size_t there = 0;
  for (auto some = slow->try_read(room); some; some = slow->try_read(room)) there += *some;
  CHECK(there <= window_tuner::stream_start);
  const auto rest = two.run(read_all(*slow));
  REQUIRE(rest);
  CHECK(rest->size() + there == 20'000'000);
}

TEST_CASE("a peer that says nothing any more is given up while streams wait for it") {
  house two;
  auto opened = two.run(open(two.client, "/silent"));
  REQUIRE(opened);
  two.settle();
  two.server.lowest_layer().target<testing::stream>()->on_send([](bytes& octets) {
    octets.clear();
    return testing::fate::deliver;
  });
  const auto begun = clock::now();
  CHECK(two.run(opened->answer()).error() == errc::read_timeout);
  CHECK(clock::now() - begun <= 45s);
}

TEST_CASE("a peer that was stopped, and whose kernel answers, is given up only after ten minutes") {
  asio::io_context context;
  const secured::people who;
  asio::ip::tcp::acceptor port(context, {asio::ip::address_v4::loopback(), 0});
  std::pair<net::tcp_stream, net::tcp_stream> raw(context, context);
  raw.first.connect(port.local_endpoint());
  port.accept(raw.second);
  REQUIRE(net::prepare(raw.first));
  REQUIRE(net::prepare(raw.second));
  auto both = testing::run(context, secured::pair(who, tls::alpn::session, std::move(raw)));
  REQUIRE(both);
  context.restart();
  testing::manual_clock time;
  multiplexer client(joined::session(std::move((*both)->client), joined::sessions::about(who.server.id())),
                     http_role::client);
  auto opened = time.run(context, open(client, "/"));
  REQUIRE(opened);
  time.advance(context, 9min);
  CHECK(client.streams() == 1);
  time.advance(context, 2min);
  CHECK(client.streams() == 0);
  CHECK(time.run(context, opened->answer()).error() == errc::read_timeout);
}

TEST_CASE("a peer that takes nothing any more is given up too") {
  house two(pair_options().buffer(20'000));
  two.client.lowest_layer().target<testing::stream>()->state()->limits.read_most = 0;  // its reader sleeps
  auto opened = two.run(open(two.client, "/20000000"));
  two.time.advance(two.context, 60s);
  CHECK(two.seen->ended.has_value());
}

TEST_CASE("far away the window grows to what the path holds") {
  house two(pair_options().delay(50ms, 50ms).buffer(64 * 1024 * 1024));
  const auto begun = clock::now();
  const auto got = two.run(get(two.client, "/40000000", 65536));
  REQUIRE(got);
  CHECK(got->size() == 40'000'000);
  // with a window of 256 KiB it would take 15 s; it doubles each round trip
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun);
  CHECK(took < 2500ms);
}

TEST_CASE("cancelling a read leaves the stream as it was") {
  house two(pair_options().delay(10ms, 10ms));
  auto opened = two.run(open(two.client, "/100"));
  REQUIRE(opened);
  bytes room(1000);
  CHECK(two.run(opened->read_some(room, clock::now() + 1ms)).error() == errc::stream_timeout);
  const auto got = two.run(read_all(*opened));
  REQUIRE(got);
  CHECK((*got == pattern(100)));
}

// --- a client that is none of ours

TEST_CASE("frames made by hand are answered, and a flood ends the session") {
  joined::sessions two;
  joined::multiplexer server(std::move(*two.server_session), http_role::server);
  auto seen = std::make_shared<served>();
  task_group group(two.context.get_executor());
  group.spawn(serve(server, seen));
  auto& raw = *two.client_session;
  auto first = forge::preface();
  forge::operator+=(first, forge::ask(1, forge::get("/100")));
  REQUIRE(raw.put(first));
  two.settle();
  CHECK(seen->requests == 1);
  for (int i = 0; i < 1000 && !seen->ended; ++i) {
    bytes pings;
    for (int k = 0; k < 100; ++k) forge::operator+=(pings, forge::frame(forge::ping, 0, 0, bytes(8)));
    if (!raw.put(pings) || !two.run(raw.drain())) break;
    two.settle();
    bytes room(100'000);
    while (two.run(raw.read_some(room, clock::now()))) {
    }
  }
  CHECK(seen->ended == errc::http2_flood);
}

// ---- it goes at each suspension, it was moved from, it is replaced, its user's code throws

namespace {

// Everything that a client does on one stream and with its session, as long as both are there.
struct conversation {
  std::optional<joined::multiplexer> client;
  std::optional<stream> one;
  bytes room = bytes(3000);
};
using shared_conversation = std::shared_ptr<conversation>;

awaitable<void> exchange(shared_conversation all) {
  if (!all->one) co_return;
  auto head = co_await all->one->answer(clock::now() + 1h);
  if (!head || !all->one) co_return;
  auto written = co_await all->one->write(all->room);
  if (!written || !all->one) co_return;
  auto read = co_await all->one->read_some(all->room);
  if (!read || !all->one) co_return;
  auto sent = co_await all->one->async_write_some(asio::buffer(all->room), use_values);
  if (std::get<0>(sent) || !all->one) co_return;
  auto [error, count] = co_await all->one->async_read_some(asio::buffer(all->room), use_values);
  (void)count;
  if (error || !all->one) co_return;
  (void)all->one->finish();
  while (all->one) {
    auto rest = co_await all->one->read_some(all->room);
    if (!rest) break;
  }
  if (!all->one) co_return;
  auto ended = co_await all->one->ended();
  (void)ended;
}

awaitable<void> converse(shared_conversation all) {
  if (!all->client) co_return;
  auto took = co_await all->client->ping(clock::now() + 1h);
  if (!took || !all->client) co_return;
  const auto what = request::connect("echo");
  auto opened = co_await all->client->open(what, true);
  if (!opened || !all->client) co_return;
  all->one.emplace(std::move(*opened));
  co_await exchange(all);
  if (!all->client) co_return;
  auto parted = co_await all->client->shutdown(clock::now() + 5s);
  (void)parted;
}

enum class who_goes { client, stream, server };

struct streams_going : joined::sessions {
  explicit streams_going(who_goes who)
      : sessions(pair_options().buffer(1500).short_reads(900)), one(time, context, begin(), goes(who)) {}
  streams_going(const streams_going&) = delete;
  streams_going& operator=(const streams_going&) = delete;
  ~streams_going() {
    all->one.reset();
    all->client.reset();
    server.reset();
    settle();
  }

  awaitable<void> begin() {
    all->client.emplace(std::move(*client_session), http_role::client);
    server = std::make_shared<joined::multiplexer>(std::move(*server_session), http_role::server);
    asio::co_spawn(context, serve_while_there(context.get_executor(), server->accept(), server), asio::detached);
    return converse(all);
  }
  static awaitable<void> serve_while_there(asio::any_io_executor on, awaitable<result<stream>> first,
                                           std::weak_ptr<joined::multiplexer> from) {
    task_group answers(on);
    const auto seen = std::make_shared<served>();
    auto asked = co_await std::move(first);
    while (asked) {
      answers.spawn(answer(std::move(*asked), seen));
      auto next = accept_if_there(from);
      asked = co_await std::move(next);
    }
    co_await answers.join();
  }
  static awaitable<result<stream>> accept_if_there(const std::weak_ptr<joined::multiplexer>& from) {
    const auto there = from.lock();
    return there ? there->accept() : answer_moved_from<stream>();
  }
  std::function<void()> goes(who_goes who) {
    if (who == who_goes::stream) return [this] { all->one.reset(); };
    if (who == who_goes::server) return [this] { server.reset(); };
    return [this] { all->client.reset(); };
  }

  shared_conversation all = std::make_shared<conversation>();
  std::shared_ptr<joined::multiplexer> server;
  lifetimes::trial one;
};

awaitable<std::error_code> why_not(awaitable<result<stream>> work) {
  auto opened = co_await std::move(work);
  co_return opened ? std::error_code() : opened.error();
}

class broken_source final : public body_source {
 public:
  result<std::size_t> read(std::span<std::uint8_t>) override { throw std::runtime_error("broken"); }
};

awaitable<void> answer_by_throwing(joined::multiplexer& server, std::error_code& ended) {
  auto asked = co_await server.accept();
  REQUIRE(asked);
  (void)asked->respond(response(200), std::make_unique<broken_source>());
  auto next = co_await server.accept();
  REQUIRE(!next);
  ended = next.error();
}

}  // namespace

TEST_CASE("a multiplexer, a stream or the other side may go at every suspension of all that is done with them") {
  for (const auto who : {who_goes::client, who_goes::stream, who_goes::server}) {
    CAPTURE(static_cast<int>(who));
    const auto runs = lifetimes::drop_at_each([who] { return std::make_unique<streams_going>(who); });
    CHECK(runs > 10);
  }
}

TEST_CASE("a multiplexer and a stream that were moved from answer with an error") {
  house two;
  auto one = two.run(open(two.client, "/silent"));
  REQUIRE(one);
  auto taken = std::move(*one);
  CHECK(two.run(one->answer()).error() == errc::moved_from);
  bytes room(10);
  CHECK(two.run(one->read_some(room)).error() == errc::moved_from);
  CHECK(two.run(one->write(room)).error() == errc::moved_from);
  CHECK(two.run(one->ended()).error() == errc::moved_from);
  CHECK(one->try_read(room).error() == errc::moved_from);
  CHECK(one->finish().error() == errc::moved_from);
  CHECK(one->respond(response(200)).error() == errc::moved_from);
  CHECK(one->respond(response(200), "text").error() == errc::moved_from);
  CHECK(one->respond(response(200), std::make_unique<pattern_source>(10)).error() == errc::moved_from);
  one->reset();
  CHECK(one->asked().path() == request().path());
  std::error_code error;
  asio::async_read(*one, asio::buffer(room), [&](std::error_code how, std::size_t) { error = how; });
  two.settle();
  CHECK(error == errc::moved_from);

  auto all = std::move(two.client);
  CHECK(two.run(why_not(two.client.open(request("GET", "/1")))) == errc::moved_from);
  CHECK(two.run(why_not(two.client.accept())) == errc::moved_from);
  CHECK(two.run(two.client.ping(never)).error() == errc::moved_from);
  CHECK(two.run(two.client.shutdown(never)).error() == errc::moved_from);
  CHECK(two.client.streams() == 0);
  CHECK(!two.client.round_trip());
  CHECK(all.streams() == 1);
}

TEST_CASE("to assign to a multiplexer or a stream ends the old one") {
  house two;
  auto first = two.run(open(two.client, "/silent"));
  auto second = two.run(open(two.client, "/silent"));
  REQUIRE(first);
  REQUIRE(second);
  two.settle();
  *first = std::move(*second);
  two.settle();
  CHECK(two.seen->streams == std::vector<std::error_code>{errc::stream_reset});
  CHECK(two.client.streams() == 1);

  auto raw = ajar::testing::make_stream_pair(two.context.get_executor());
  auto others = two.time.run(two.context, secured::pair(two.who, tls::alpn::session, std::move(raw)));
  REQUIRE(others.has_value());
  two.client = joined::multiplexer(
      joined::session(std::move((*others)->client), joined::sessions::about(two.who.server.id())), http_role::client);
  two.settle();
  CHECK(two.seen->ended.has_value());
  CHECK(two.run(first->ended()).error() == errc::canceled);
  CHECK(two.client.streams() == 0);
}

TEST_CASE("what the source of a body throws ends that session with a cause, and leaves the thread alone") {
  joined::pair two;
  std::error_code ended;
  asio::co_spawn(two.context, answer_by_throwing(two.server, ended), asio::detached);
  const auto got = two.run(get(two.client, "/1"));
  REQUIRE(!got);
  two.settle();
  CHECK(ended == errc::stream_reset);
  two.client.close();
  two.server.close();
  two.settle();
}

}  // namespace multiplexer_test
