// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/dial.hpp>

#include <doctest/doctest.h>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "../no_descriptors.hpp"

namespace dial_test {

using namespace ajar;
using asio::ip::tcp;

namespace {

tcp::acceptor listen_on(asio::io_context& context, const char* address = "127.0.0.1", std::uint16_t port = 0) {
  return {context, net::tcp::endpoint(asio::ip::make_address(address), port)};
}

time_point soon() { return clock::now() + std::chrono::seconds(30); }

}  // namespace

TEST_CASE("a dial reaches a listener, without Nagle's delay and non-blocking") {
  asio::io_context context;
  auto listener = listen_on(context);
  auto stream = testing::run(context, net::dial(net::endpoint(listener.local_endpoint()), soon()));
  REQUIRE(stream.has_value());
  asio::ip::tcp::no_delay set;
  stream->get_option(set);
  CHECK(set.value());
  CHECK(stream->non_blocking());
}

TEST_CASE("a dial from an address of one's own arrives from it") {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto source = asio::ip::make_address("127.0.0.9");
  auto stream = testing::run(
      context, net::dial(net::endpoint(listener.local_endpoint()), soon(), net::dial_options().from(source)));
  REQUIRE(stream.has_value());
  CHECK(listener.accept().remote_endpoint().address() == source);
}

TEST_CASE("a dial to a closed port is refused, to a bad name not found, from a foreign address impossible") {
  asio::io_context context;
  auto listener = listen_on(context);
  const net::endpoint at(listener.local_endpoint());
  const auto foreign = net::dial_options().from(asio::ip::make_address("192.0.2.1"));
  CHECK(testing::run(context, net::dial(at, soon(), foreign)).error() == errc::bind_failed);
  listener.close();
  CHECK(testing::run(context, net::dial(at, soon())).error() == errc::dial_refused);
  const auto unknown = testing::run(context, net::dial(net::endpoint("no-such-host.invalid", 1), soon())).error();
  CHECK(net::is_of_name(unknown));  // a machine without DNS gets no answer
}

TEST_CASE("a name's addresses are those that its source gives, and so is its error") {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto at = listener.local_endpoint();
  net::dial_options how;
  how.names([at](const std::string& host) -> result<std::vector<net::address>> {
    if (host != "here.test") return fail(errc::name_unanswered);
    return std::vector{at.address()};
  });
  auto stream = testing::run(context, net::dial(net::endpoint("here.test", at.port()), soon(), how));
  REQUIRE(stream);
  CHECK(stream->remote_endpoint() == at);
  CHECK(testing::run(context, net::dial(net::endpoint("other.test", 1), soon(), how)).error() == errc::name_unanswered);
  how.names([](const std::string&) { return std::vector<net::address>(); });
  CHECK(testing::run(context, net::dial(net::endpoint("none.test", 1), soon(), how)).error() == errc::name_not_found);
  CHECK(testing::run(context, net::resolve(net::endpoint("127.0.0.1", 7)))->front().port() == 7);
  CHECK(testing::run(context, net::resolve(net::endpoint("localhost", 7)))->front().address().is_loopback());
}

namespace {

// A source that says nothing until it is let.
struct silence {
  net::name_source source() const {
    return [kept = asked, open = opened](const std::string&) -> result<std::vector<net::address>> {
      ++*kept;
      open.wait();
      return fail(errc::name_not_found);
    };
  }
  std::shared_ptr<std::atomic<unsigned>> asked = std::make_shared<std::atomic<unsigned>>(0);
  std::promise<void> gate;
  std::shared_future<void> opened = gate.get_future().share();
};

awaitable<void> ask(net::name_source from, std::error_code& into) {
  auto found = co_await net::resolve(net::endpoint("silent.test", 1), std::move(from));
  if (!found) into = found.error();
}

// More than there are threads for; then they are let.
awaitable<void> ask_many(silence& of, unsigned most) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<std::error_code> ends(most + 4);
  task_group asking(executor);
  for (auto& end : ends) asking.spawn(ask(of.source(), end));
  while (*of.asked < most) {
    auto passed = co_await yield(patience::shares_core);
    REQUIRE(passed);
  }
  for (int i = 0; i < 1000; ++i) {
    auto passed = co_await yield(patience::shares_core);
    REQUIRE(passed);
  }
  CHECK(*of.asked == most);
  of.gate.set_value();
  co_await asking.join();
  CHECK(*of.asked == ends.size());
  for (const auto& end : ends) CHECK(end == errc::name_not_found);
}

}  // namespace

TEST_CASE("a look-up that is silent is told as one, and holds up neither a cancellation nor the end of the process") {
  silence none;
  {
    asio::io_context context;
    const net::endpoint silent("silent.test", 1);
    const auto how = net::dial_options().names(none.source());
    const auto until = clock::now() + std::chrono::milliseconds(20);
    CHECK(testing::run(context, net::dial(silent, until, how)).error() == errc::name_unanswered);
    auto cancelled =
        before(clock::now() + std::chrono::milliseconds(20), errc::read_timeout, net::resolve(silent, none.source()));
    CHECK(testing::run(context, std::move(cancelled)).error() == errc::read_timeout);
  }  // the context is gone, and its look-ups are not
  while (*none.asked < 2) std::this_thread::yield();
  none.gate.set_value();
}

TEST_CASE("of many look-ups some wait until others are done") {
  asio::io_context context;
  silence none;
  testing::run(context, ask_many(none, net::most_lookups));
}

TEST_CASE("a dial for which there is no descriptor left does not blame the way") {
  asio::io_context context;
  auto listener = listen_on(context);
  const net::endpoint at(listener.local_endpoint());
  (void)testing::run(context, net::dial(at, soon()));  // whatever is opened once is open now
  const no_descriptors none;
  CHECK(testing::run(context, net::dial(at, soon())).error() == std::errc::too_many_files_open);
  const net::endpoint named("no-such-host.invalid", 1);  // nor the name
  CHECK(testing::run(context, net::dial(named, soon())).error() == std::errc::too_many_files_open);
}

TEST_CASE("a dial that gets no answer ends at its deadline") {
  asio::io_context context;
  tcp::acceptor full(context);
  full.open(net::tcp::v4());
  full.bind({asio::ip::make_address("127.0.0.1"), 0});
  full.listen(0);
  const net::endpoint at(full.local_endpoint());
  // the queue of a listener with backlog 0 holds one: what comes then gets no answer
  auto first = testing::run(context, net::dial(at, soon()));
  auto second = testing::run(context, net::dial(at, clock::now() + std::chrono::milliseconds(20)));
  REQUIRE(first.has_value());
  CHECK(second.error() == errc::dial_timeout);
}

TEST_CASE("a SYN that is not answered is followed by another, long before the kernel sends one") {
  asio::io_context context;
  asio::ip::tcp::acceptor full(context, tcp::v4());
  full.bind({asio::ip::make_address("127.0.0.1"), 0});
  full.listen(0);
  const auto at = full.local_endpoint();
  auto first = testing::run(context, net::dial(net::endpoint(at), soon()));
  REQUIRE(first.has_value());
  unsigned tries = 0;
  const auto fresh = [&]() -> result<net::tcp_stream> {
    if (++tries == 3) (void)full.accept();  // now there is room
    net::tcp_stream made(context, tcp::v4());
    REQUIRE(net::prepare(made));
    return made;
  };
  const auto begun = clock::now();
  const net::dial_times often{begun, soon(), std::chrono::milliseconds(5)};
  auto stream = testing::run(context, net::dial_from(fresh, at, often));
  REQUIRE(stream.has_value());
  CHECK(tries == 3);
  CHECK(clock::now() - begun >= std::chrono::milliseconds(10));
  const auto until = clock::now() + std::chrono::milliseconds(20);
  auto late = testing::run(context, net::dial_from(fresh, at, {clock::now(), until, std::chrono::milliseconds(5)}));
  CHECK(late.error() == errc::dial_timeout);
  CHECK(clock::now() >= until);
}

TEST_CASE("a dial that comes a little too early is tried again until somebody listens") {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto at = listener.local_endpoint();
  listener.close();
  unsigned tries = 0;
  const auto fresh = [&]() -> result<net::tcp_stream> {
    if (++tries == 4) listener = listen_on(context, "127.0.0.1", at.port());
    net::tcp_stream made(context, tcp::v4());
    REQUIRE(net::prepare(made));
    return made;
  };
  const auto begun = clock::now();
  const net::dial_times early{begun, soon(), {}, std::chrono::microseconds(200)};
  auto stream = testing::run(context, net::dial_from(fresh, at, early));
  REQUIRE(stream.has_value());
  CHECK(tries == 4);
  CHECK(clock::now() - begun >= std::chrono::microseconds(200 + 400 + 800));
  listener.close();
  const net::dial_times never_open{
      clock::now(), clock::now() + std::chrono::milliseconds(20), {}, std::chrono::milliseconds(1)};
  auto refused = testing::run(context, net::dial_from(fresh, at, never_open));
  CHECK(refused.error() == errc::dial_refused);
  CHECK(tries <= 4 + 5);
}

TEST_CASE("a dial at an instant leaves no earlier, and tells what is wrong as any dial does") {
  asio::io_context context;
  auto listener = listen_on(context);
  const auto at = clock::now() + std::chrono::milliseconds(2);
  auto stream = testing::run(context, net::dial_at(listener.local_endpoint(), {at, soon()}));
  REQUIRE(stream.has_value());
  CHECK(clock::now() >= at);
  CHECK(stream->remote_endpoint() == listener.local_endpoint());
  const auto closed = listener.local_endpoint();
  listener.close();
  auto refused = testing::run(context, net::dial_at(closed, {clock::now(), soon()}));
  REQUIRE(!refused);
  CHECK(refused.error() == errc::dial_refused);
  const net::dial_options foreign = net::dial_options().from(asio::ip::make_address("192.0.2.1"));
  auto unbound = testing::run(context, net::dial_at(closed, {clock::now(), soon()}, foreign));
  REQUIRE(!unbound);
  CHECK(unbound.error() == errc::bind_failed);
}

}  // namespace dial_test
