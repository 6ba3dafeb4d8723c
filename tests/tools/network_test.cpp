// SPDX-License-Identifier: BSL-1.0
#include <tools/network.hpp>

#include <doctest/doctest.h>
#include <algorithm>
#include <tools/status_json.hpp>

namespace network_test {

using namespace tools;
using ajar::net::filtering;
using ajar::net::mapping;

namespace {

const auto four = asio::ip::make_address("198.51.100.2");
const auto six = asio::ip::make_address("2001:db8::1");

std::string table(mapping maps, filtering filters) {
  ajar::net::reflection of;
  of.v4 = ajar::net::reflected{four, maps, filters, 1, false};
  return network_table(json_of(of));
}

}  // namespace

TEST_CASE("a person is told of both families what is there, and what it means") {
  ajar::net::reflection of;
  of.v4 = ajar::net::reflected{four, mapping::random, filtering::unknown, 1, true};
  of.v6 = ajar::net::reflected{six, mapping::none, filtering::port_dependent, 1, false};
  CHECK(network_table(json_of(of)) ==
        "IPv4  198.51.100.2\n"
        "      mapping    random                a NAT with another port for everybody: only a peer that can be reached "
        "helps\n"
        "      filtering  unknown               not known: nobody has tried\n"
        "      a firewall lets out only connections to port 443\n"
        "IPv6  2001:db8::1\n"
        "      mapping    none                  no NAT: address and port are seen as they are\n"
        "      filtering  port-dependent        only who was called is let in, port for port\n");
}

TEST_CASE("where central is not reached by a family, that is what a person is told") {
  CHECK(network_table(json_of(ajar::net::reflection())) ==
        "IPv4  central is not reached\nIPv6  central is not reached\n");
}

TEST_CASE("each mapping and each filtering has a meaning of its own") {
  std::vector<std::string> all;
  for (const auto maps : {mapping::none, mapping::preserving, mapping::stable, mapping::step, mapping::random}) {
    all.push_back(table(maps, filtering::endpoint_independent));
    CHECK(all.back().find("not known") == std::string::npos);
  }
  for (const auto filters : {filtering::address_dependent, filtering::port_dependent}) {
    all.push_back(table(mapping::none, filters));
    CHECK(all.back().find("not known") == std::string::npos);
  }
  std::ranges::sort(all);
  CHECK(std::ranges::adjacent_find(all) == all.end());
  CHECK(table(mapping::unknown, filtering::unknown).find("not known: too few of central's answers") !=
        std::string::npos);
}

TEST_CASE("a process that lies reaches no terminal through the table") {
  auto lies = json_of(ajar::net::reflection());
  lies["ipv4"] = {{"outside", "\x1b[2J"}, {"mapping", "\x1b]0;"}, {"filtering", "x\n"}, {"only_443", false}};
  const auto text = network_table(lies);
  CHECK(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(std::ranges::count(text, '\n') == 4);
}

}  // namespace network_test
