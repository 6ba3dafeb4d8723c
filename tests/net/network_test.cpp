// SPDX-License-Identifier: BSL-1.0
#include <ajar/net/network.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <ajar/core/descriptor.hpp>
#include <ajar/testing/run.hpp>

#include <array>
#include <optional>
#include <vector>

#include "../no_descriptors.hpp"

namespace network_test {

using namespace ajar;
using net::sharing;
using net::tcp;

namespace {

const tcp::endpoint any_port{asio::ip::address_v4::loopback(), 0};

struct machine {
  result<std::shared_ptr<net::port>> listen(const tcp::endpoint& at, sharing shared) {
    net::listen_options how;
    how.shared = shared;
    return net::sockets()->listen(context.get_executor(), at, how);
  }

  asio::io_context context;
};

// As another process of this user would, which knows nothing of ajar.
bool can_share(const tcp::endpoint& at) {
  asio::io_context context;
  tcp::acceptor other(context);
  other.open(at.protocol());
  const int on = 1;
  REQUIRE(::setsockopt(other.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
  std::error_code error;
  other.bind(at, error);
  if (!error) other.listen(1, error);
  return !error;
}

}  // namespace

TEST_CASE("nobody else has a port that is begun or alone") {
  machine here;
  for (const auto first : {sharing::none, sharing::begin}) {
    const auto taken = here.listen(any_port, first);
    REQUIRE(taken);
    const auto at = (*taken)->local_endpoint();
    CHECK(here.listen(at, sharing::begin).error() == errc::bind_failed);
    CHECK(here.listen(at, sharing::none).error() == errc::bind_failed);
    if (first == sharing::none) CHECK(!can_share(at));
  }
  tcp::acceptor other(here.context);
  other.open(tcp::v4());
  const int on = 1;
  REQUIRE(::setsockopt(other.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
  other.bind(any_port);
  other.listen();
  CHECK(here.listen(other.local_endpoint(), sharing::begin).error() == errc::bind_failed);
}

TEST_CASE("what comes to a port that several share is spread over them") {
  machine here;
  std::vector<std::shared_ptr<net::port>> ports;
  ports.push_back(here.listen(any_port, sharing::begin).value());
  const auto at = ports[0]->local_endpoint();
  for (int i = 0; i < 2; ++i) ports.push_back(here.listen(at, sharing::join).value());
  std::array<int, 3> came{};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    asio::co_spawn(here.context, net::accept_each(ports[i], [&came, i](net::transport) { ++came[i]; }), asio::detached);
  }
  std::vector<tcp::socket> all;
  for (int i = 0; i < 96; ++i) {
    all.emplace_back(here.context).connect(at);
    here.context.poll();
  }
  while (came[0] + came[1] + came[2] < 96) here.context.run_one();
  for (const auto count : came) CHECK(count > 0);
  for (const auto& one : ports) one->close();
  here.context.run();
}

TEST_CASE("a connection for which there is no descriptor waits until there is one, and that is told") {
  machine here;
  const auto port = here.listen(any_port, sharing::none).value();
  tcp::socket caller(here.context);
  caller.connect(port->local_endpoint());
  std::optional<no_descriptors> none(std::in_place);
  int told = 0;
  int came = 0;
  const auto come = [&](net::transport) {
    ++came;
    port->close();
  };
  const auto trouble = [&](const std::error_code& why) {
    CHECK(why == std::errc::too_many_files_open);
    if (++told == 2) none.reset();
  };
  asio::co_spawn(here.context, net::accept_each(port, come, trouble), asio::detached);
  here.context.run();
  CHECK(told == 2);  // it was looked for again, and not all the time
  CHECK(came == 1);
}

TEST_CASE("the last descriptors are left to what a process does itself") {
  machine here;
  const auto port = here.listen(any_port, sharing::none).value();
  tcp::socket caller(here.context);
  caller.connect(port->local_endpoint());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const auto free = static_cast<rlim_t>(descriptor(::fcntl(0, F_DUPFD_CLOEXEC, 0)).get());
  const auto limit = [&](rlim_t most) {
    const rlimit now{most, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
  };
  limit(free + descriptors_of_its_own);
  int told = 0;
  int came = 0;
  const auto come = [&](net::transport) {
    ++came;
    port->close();
  };
  const auto trouble = [&](const std::error_code& why) {
    CHECK(why == std::errc::too_many_files_open);
    CHECK(descriptor(::fcntl(0, F_DUPFD_CLOEXEC, 0)));
    if (++told == 2) limit(free + descriptors_of_its_own + 1);
  };
  asio::co_spawn(here.context, net::accept_each(port, come, trouble), asio::detached);
  here.context.run();
  limit(before.rlim_cur);
  CHECK(told == 2);
  CHECK(came == 1);
}

TEST_CASE("a port for which there is no descriptor is not told as taken") {
  machine here;
  REQUIRE(here.listen(any_port, sharing::none));  // whatever is opened once is open now
  const no_descriptors none;
  CHECK(here.listen(any_port, sharing::none).error() == std::errc::too_many_files_open);
}

TEST_CASE("the address towards another host is one of this machine, of its family") {
  for (const auto* text : {"127.0.0.1", "127.8.9.10"}) {
    const auto there = asio::ip::make_address(text);
    CHECK(net::source_towards(there) == asio::ip::make_address("127.0.0.1"));
  }
  const auto v6 = asio::ip::make_address("::1");
  const auto here = net::source_towards(v6);  // nothing where the machine has no IPv6
  CHECK((!here || *here == v6));
}

}  // namespace network_test
