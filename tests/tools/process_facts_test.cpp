// SPDX-License-Identifier: BSL-1.0
#include <tools/process_facts.hpp>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <fstream>
#include <string>

namespace process_facts_test {

TEST_CASE("a socket that listens is counted while it does") {
  const auto before = tools::listening_sockets();
  REQUIRE(before);
  asio::io_context context;
  asio::ip::tcp::acceptor port(context, {asio::ip::address_v4::loopback(), 0});
  CHECK(tools::listening_sockets() == *before + 1);
  port.close();
  CHECK(tools::listening_sockets() == before);
}

TEST_CASE("the mode of seccomp is the one that /proc tells") {
  std::ifstream file("/proc/self/status");
  std::string word;
  int number = -1;
  while (file >> word) {
    if (word == "Seccomp:") file >> number;
  }
  const char* const names[] = {"none", "strict", "filter"};
  REQUIRE(number >= 0);
  CHECK(tools::seccomp_mode() == names[number]);
}

TEST_CASE("where nothing forbids it, it may listen") { CHECK(tools::may_listen()); }

TEST_CASE("the limit of open files is raised to what the system permits") {
  rlimit before_it{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_it) == 0);
  const rlimit low{std::min<rlim_t>(before_it.rlim_max, 200), before_it.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(tools::descriptor_limit() == low.rlim_cur);
  CHECK(tools::raise_descriptor_limit() == before_it.rlim_max);
  CHECK(tools::descriptor_limit() == before_it.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before_it) == 0);
}

}  // namespace process_facts_test
