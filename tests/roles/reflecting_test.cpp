// SPDX-License-Identifier: BSL-1.0
#include <ajar/central.hpp>

#include <ajar/core/deadline.hpp>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asio/co_spawn.hpp>
#include <asio/write.hpp>
#include <cstdlib>

#include "village/scripted_central.hpp"

namespace reflecting_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

// A central that reflects, and a client that it serves, by hand.
struct mirror {
  mirror()
      : node({context.get_executor()}, identity::key::generate(),
             central_options(village::loopback(), switchboard::admission::open()).reflect_port(0)) {
    REQUIRE(node.open());
    node.start();
  }
  net::tcp::endpoint second_port() const { return village::loopback(node.reflect_port().value()); }

  asio::io_context context;
  village::owner home;
  identity::key key = identity::key::generate();
  central node;
};

struct guest {
  village::link up;
  signalling::welcome greeting;
};

awaitable<result<guest>> arrive(mirror& all) {
  auto up = co_await village::dial_link(all.key, all.node.url());
  if (!up) co_return fail(up.error());
  auto greeted = co_await village::log_in(*up, signalling::role::client);
  if (!greeted) co_return fail(greeted.error());
  (void)up->send(signalling::present_grant{all.home.issue(all.key.id()).octets()});
  auto graded = co_await village::await_message<signalling::grant_result>(*up);
  if (!graded) co_return fail(graded.error());
  co_return guest{std::move(*up), std::move(*greeted)};
}

// A probe by hand. @return the connection that carried it
awaitable<result<net::tcp_stream>> probe(net::tcp::endpoint to, bytes octets) {
  auto stream = co_await village::dial(to);
  if (!stream) co_return stream;
  auto [error, count] = co_await asio::async_write(*stream, asio::buffer(octets), use_values);
  if (error) co_return fail(error);
  co_return std::move(*stream);
}

bytes octets_of(const signalling::link_ticket& ticket, std::uint64_t number) {
  const auto whole = signalling::reflect_probe{ticket, number}.encode();
  return {whole.begin(), whole.end()};
}

awaitable<void> reflect(mirror& all) {
  auto me = co_await arrive(all);
  REQUIRE(me);
  CHECK(me->greeting.reflect_port == all.second_port().port());
  std::uint64_t number = 1;
  for (const auto& to : {all.node.local_endpoint(), all.second_port()}) {
    auto carried = co_await probe(to, octets_of(me->greeting.ticket, ++number));
    REQUIRE(carried);
    auto told = co_await village::await_message<signalling::reflected>(me->up);
    REQUIRE(told);
    CHECK(told->number == number);
    CHECK(told->seen == carried->local_endpoint());
  }
  co_await all.node.stop();
}

// What is no probe, or names no link, or not with that link's own ticket, is told to nobody.
awaitable<void> reflect_nothing(mirror& all) {
  auto me = co_await arrive(all);
  REQUIRE(me);
  auto guessed = me->greeting.ticket;
  guessed.back() ^= 1;
  auto elsewhere = me->greeting.ticket;
  elsewhere[3] = 99;  // no such shard
  auto nobody = me->greeting.ticket;
  nobody[11] ^= 0x7f;  // no such link
  auto longer = octets_of(me->greeting.ticket, 4);
  longer[0] = 'S';
  std::uint64_t number = 10;
  for (const auto& ticket : {guessed, elsewhere, nobody}) {
    auto carried = co_await probe(all.second_port(), octets_of(ticket, ++number));
    REQUIRE(carried);
  }
  auto no_probe = co_await probe(all.second_port(), longer);
  REQUIRE(no_probe);
  auto ended = co_await village::read_to_end(*no_probe);
  CHECK(ended);
  // and then one that is good: it is the first of which anything is told
  auto carried = co_await probe(all.second_port(), octets_of(me->greeting.ticket, 77));
  REQUIRE(carried);
  auto told = co_await village::await_message<signalling::reflected>(me->up);
  REQUIRE(told);
  CHECK(told->number == 77);
  co_await all.node.stop();
}

awaitable<void> dial_back(mirror& all) {
  auto me = co_await arrive(all);
  REQUIRE(me);
  asio::ip::tcp::acceptor mine(all.context, village::loopback());
  asio::ip::tcp::acceptor victim(all.context, net::tcp::endpoint(village::elsewhere(), 0));
  (void)me->up.send(signalling::dial_back{victim.local_endpoint()});
  (void)me->up.send(signalling::dial_back{mine.local_endpoint()});
  auto accepting = village::accept(mine);
  auto came = co_await before(village::soon(), errc::link_timeout, std::move(accepting));
  CHECK(came);
  CHECK(!village::has_guest(victim));  // central has never seen this peer there
  co_await all.node.stop();
}

awaitable<void> flood_dial_backs(mirror& all) {
  auto me = co_await arrive(all);
  REQUIRE(me);
  asio::ip::tcp::acceptor mine(all.context, village::loopback());
  for (int i = 0; i < 100; ++i) (void)me->up.send(signalling::dial_back{mine.local_endpoint()});
  int came = 0;
  for (;;) {
    auto accepting = village::accept(mine);
    const auto patience = came == 0 ? clock::duration(20s) : 100ms;
    auto one = co_await before(clock::now() + patience, errc::link_timeout, std::move(accepting));
    if (!one) break;
    ++came;
  }
  CHECK(came >= 1);
  CHECK(came <= 6);
  co_await all.node.stop();
}

// ---- ajar's own peers

struct town : mirror {
  explicit town(telling::step_sink watched = village::steps("server "), std::optional<net::address> advertised = {}) {
    server_options options(node.url());
    options.logins(village::logins()).grants([this](const trust::grant_id& id) { return home.find(id); });
    options.cloak(windows::cloak::compare).on_step(std::move(watched));
    if (advertised) options.advertise(*advertised);
    host.emplace(context.get_executor(), home.key, options);
    host->start();
    host->spawn(village::serve_echo(*host));
    client_options own;
    own.grants({{node.url(), "home", home.issue(key.id())}})
        .logins(village::logins())
        .on_step(village::steps("client "));
    visitor.emplace(context.get_executor(), key, own);
    visitor->start();
  }
  std::optional<server> host;
  std::optional<client> visitor;
};

awaitable<void> stop(town& all) {
  co_await all.visitor->stop();
  co_await all.host->stop();
  co_await all.node.stop();
}

awaitable<void> look(town& all) {
  auto looking = all.visitor->network(all.home.key.id(), village::soon());
  auto known = co_await std::move(looking);
  REQUIRE(known);
  REQUIRE(known->v4.has_value());
  CHECK(known->v4->maps == net::mapping::none);
  CHECK(known->v4->outside == village::loopback().address());
  CHECK(!known->v4->only_443);
  CHECK(!known->v6);
  auto nobody = all.visitor->network(identity::key::generate().id(), village::soon());
  auto none = co_await std::move(nobody);
  REQUIRE(!none);
  CHECK(none.error() == errc::no_grant);
  co_await stop(all);
}

awaitable<result<>> visit(town& all, by way) {
  connect_options how;
  how.over(way).until(village::soon());
  const auto id = all.home.key.id();
  auto session = co_await all.visitor->connect(id, how);
  if (!session) co_return fail(session.error());
  if (way == by::crossing) CHECK(session->path() == sessions::path::crossing);
  auto greeted = co_await village::greet(*session);
  co_return greeted;
}

// Somebody with the client's own address who is told each port, and is there first.
struct stranger {
  asio::io_context context;
  std::vector<net::tcp_stream> came;

  telling::step_sink sink() {
    return [this](const telling::step& one) {
      if (one.what != "opened a port") return;
      const auto port = one.detail.substr(one.detail.rfind(':') + 1);
      net::tcp_stream stream(context);
      std::error_code error;
      stream.connect(village::loopback(static_cast<std::uint16_t>(std::stoi(port))), error);
      CHECK_MESSAGE(!error, one.detail);
      came.push_back(std::move(stream));
    };
  }
};

awaitable<void> be_there_first(town& all, stranger& who) {
  connect_options how;
  how.until(village::soon());
  const auto id = all.home.key.id();
  auto session = co_await all.visitor->connect(id, how);
  CHECK_MESSAGE(session, session.error().message());
  if (session) CHECK(session->path() == sessions::path::crossing);
  CHECK(who.came.size() == 3);
  CHECK(all.host->exposed().listeners == 3);
  CHECK(all.host->exposed().strangers == 3);
  CHECK(all.host->exposed().windows == 1);
  co_await stop(all);
}

// The reason beside a session, and beside the error: a port that is forwarded to the server is no way to cross.
awaitable<void> be_told_why(town& all, bool crosses) {
  std::vector<std::string> told;
  connect_options how;
  how.over(by::crossing).until(village::soon()).reason([&](const std::string& why) { told.push_back(why); });
  const auto id = all.home.key.id();
  auto session = co_await all.visitor->connect(id, how);
  REQUIRE(told.size() > 1);
  CHECK(told.front().empty());  // nothing is known yet
  if (crosses) {
    CHECK_MESSAGE(session, session.error().message());
    CHECK(told.back() == "the ports of both ends are foretold: both connect at one instant");
  } else {
    REQUIRE(!session);
    CHECK(session.error() == errc::window_refused);
    CHECK(told.back() == "one of the two ends is not willing to go the ways that there are");
  }
  co_await stop(all);
}

awaitable<void> explain(town& all) {
  std::vector<rendezvous::timeline> told;
  connect_options how;
  how.until(village::soon()).explain([&](const rendezvous::timeline& one) { told.push_back(one); });
  const auto id = all.home.key.id();
  auto session = co_await all.visitor->connect(id, how);
  CHECK_MESSAGE(session, session.error().message());
  REQUIRE(told.size() == 1);
  std::string letters;
  std::size_t parties[3] = {};
  for (const auto& one : told[0]) {
    if (one.said.letter != 0) letters += static_cast<char>(one.said.letter);
    ++parties[static_cast<std::size_t>(one.who)];
    CHECK(!one.said.trouble);
  }
  CHECK(letters.front() == 'B');
  for (const char step : std::string("BCDEFG")) CHECK(letters.find(step) != std::string::npos);
  for (const auto count : parties) CHECK(count >= 3);
  // one clock for all: nothing is told before it is asked for
  CHECK(std::ranges::is_sorted(told[0], {}, &rendezvous::told_step::at));
  // a refusal is explained too
  how.over(by::window).until(clock::now() + 20s);
  all.home.issued.clear();
  auto refused = co_await all.visitor->connect(id, how);
  CHECK(refused.error() == errc::grant_unknown);
  REQUIRE(told.size() == 2);
  CHECK(std::ranges::any_of(told[1], [](const rendezvous::told_step& one) {
    return one.who == rendezvous::party::server && one.said.trouble;
  }));
  co_await stop(all);
}

// When the server opened its port, and when it told so; and that its network has changed.
struct order {
  telling::step_sink sink() {
    return [this](const telling::step& one) {
      if (one.what == "opened a port") opened = one.at;
      if (one.what == "told central") told = one.at;
      if (one.what != "the network has changed") return;
      ++changes;
      if (changed) changed->notify();
    };
  }
  // A server that has not met a client on this network opens its port before it answers; else just in time.
  bool is_of_strangers() const { return opened < told; }

  time_point opened{};
  time_point told{};
  int changes = 0;
  notifier* changed = nullptr;
};

constexpr bool as_strangers = true;

awaitable<bool> meets(town& all, order& seen, bool how) {
  auto visiting = visit(all, by::window);
  auto came = co_await std::move(visiting);
  co_return came&& seen.is_of_strangers() == how;
}

// Other addresses: the server measures anew, and forgets how far away its clients were.
awaitable<void> move(town& all, order& seen, std::string& wrong) {
  notifier changed(co_await asio::this_coro::executor);
  seen.changed = &changed;
  auto first = co_await meets(all, seen, as_strangers);
  if (!first) wrong = "the first window";
  auto second = co_await meets(all, seen, !as_strangers);
  if (!second) wrong = "the second window";
  if (seen.changes != 0) wrong = "a change that there was not";
  if (std::system("ip addr add 192.0.2.1/32 dev lo") != 0) wrong = "ip addr add";  // scope global
  const auto until = village::soon();
  while (seen.changes == 0 && clock::now() < until) {
    auto waiting = changed.wait();
    auto woken = co_await before(until, errc::dial_timeout, std::move(waiting));
    if (!woken) wrong = "nobody has told of the change";
  }
  auto third = co_await meets(all, seen, as_strangers);
  if (!third) wrong = "the first window in the new network";
  auto fourth = co_await meets(all, seen, !as_strangers);
  if (!fourth) wrong = "the second window in the new network";
  co_await stop(all);
  seen.changed = nullptr;
}

// In a network namespace of its own. @return what was wrong
std::string moves() {
  int told[2] = {};
  if (::pipe(told) != 0) return "pipe";
  const auto child = ::fork();
  if (child == 0) {
    std::string wrong;
    try {
      if (::unshare(CLONE_NEWNET) != 0 || std::system("ip link set lo up") != 0) wrong = "no namespace";
      if (wrong.empty()) {
        order seen;
        town all(seen.sink());
        testing::run(all.context, move(all, seen, wrong));
      }
    } catch (...) {
      wrong = "an exception";
    }
    const auto written = ::write(told[1], wrong.data(), wrong.size());
    ::_exit(written == static_cast<ssize_t>(wrong.size()) ? 0 : 1);
  }
  ::close(told[1]);
  char text[200] = {};
  const auto count = ::read(told[0], text, sizeof text);
  ::close(told[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return "the child has died";
  return std::string(text, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
}

awaitable<void> cross(town& all) {
  const auto before_it = village::own_sockets();
  constexpr int times = 20;
  for (int i = 0; i < times; ++i) {
    auto visiting = visit(all, by::crossing);
    auto came = co_await std::move(visiting);
    CHECK_MESSAGE(came, came.error().message());
  }
  CHECK(all.host->exposed().listeners == 0);
  CHECK(village::own_sockets().listening == before_it.listening);
  co_await stop(all);
}

}  // namespace

TEST_CASE("central tells a peer where its probes come from, by both of its ports") {
  mirror all;
  testing::run(all.context, reflect(all));
}

TEST_CASE("central tells nobody of a probe that has not the ticket of his link") {
  mirror all;
  testing::run(all.context, reflect_nothing(all));
}

TEST_CASE("central dials a peer back, and nobody else on its word") {
  mirror all;
  testing::run(all.context, dial_back(all));
}

TEST_CASE("a peer that asks for a hundred dial-backs gets some") {
  mirror all;
  testing::run(all.context, flood_dial_backs(all));
}

TEST_CASE("a client knows how it looks from outside") {
  town all;
  testing::run(all.context, look(all));
}

TEST_CASE("a stranger who is always there first costs three listeners, and then nobody listens") {
  stranger who;
  town all(who.sink());
  testing::run(all.context, be_there_first(all, who));
}

TEST_CASE("a client is told why there is a way, by the server's word") {
  town all;
  testing::run(all.context, be_told_why(all, true));
}

TEST_CASE("a client is told why there is no way, by the server's word") {
  town all(village::steps("server "), village::loopback().address());
  testing::run(all.context, be_told_why(all, false));
}

TEST_CASE("a window is explained by all three who took part") {
  town all;
  testing::run(all.context, explain(all));
}

TEST_CASE("a server whose network changes measures anew, and forgets how it has met its clients") {
  if (::getuid() != 0 || std::system("command -v ip >/dev/null") != 0) {
    MESSAGE("skipped: it takes root and iproute2");
    return;
  }
  const auto wrong = moves();
  CHECK_MESSAGE(wrong.empty(), wrong);
}

TEST_CASE("on one machine a crossing connects each time, and nobody listens") {
  town all;
  testing::run(all.context, cross(all));
}

}  // namespace reflecting_test
