// SPDX-License-Identifier: BSL-1.0
#include <ajar/rendezvous/window_ports.hpp>

#include <doctest/doctest.h>
#include <ajar/testing/run.hpp>

namespace window_ports_test {

using namespace ajar;
using rendezvous::vantage;

namespace {

net::address at(const char* text) { return asio::ip::make_address(text); }

vantage at_loopback(std::vector<net::address> others) {
  return {nullptr, at("127.0.0.1"), at("127.0.0.1"), std::move(others)};
}

}  // namespace

TEST_CASE("who is linked over loopback is hidden from those who are elsewhere") {
  CHECK(at_loopback({at("192.0.2.7")}).is_hidden());
  CHECK(at_loopback({at("192.0.2.7"), at("2001:db8::7")}).is_hidden());
  CHECK(!at_loopback({at("127.0.0.1")}).is_hidden());
  CHECK(!at_loopback({at("192.0.2.7"), at("::1")}).is_hidden());
  CHECK(!at_loopback({}).is_hidden());  // nothing is known of the other end
  CHECK(!at_loopback({net::address()}).is_hidden());
  auto seen = at_loopback({at("192.0.2.7")});
  seen.link_seen = at("198.51.100.1");
  CHECK(!seen.is_hidden());
}

TEST_CASE("who is hidden tells the address that was named for its windows") {
  auto from = at_loopback({at("192.0.2.7")});
  from.link_at = at("198.51.100.1");
  const auto shown = rendezvous::unhidden(from);
  CHECK(shown.link_at == at("198.51.100.1"));
  CHECK(shown.link_seen == at("198.51.100.1"));
  CHECK(!shown.mirror);
}

TEST_CASE("who is hidden tells no loopback, and no address of its site to those who may not have one") {
  auto from = at_loopback({at("127.0.0.9")});  // the routes to it begin at loopback
  from.lan = true;
  CHECK(!rendezvous::unhidden(from).link_at);
  const auto alone = rendezvous::unhidden(at_loopback({at("192.0.2.7")}));
  CHECK((!alone.link_at || net::scope_of(*alone.link_at) == net::scope::global));
}

TEST_CASE("ports for those who are elsewhere are not at loopback, and those for this host are") {
  const auto bind = [](std::vector<net::address> others) {
    asio::io_context context;
    return testing::run(context, rendezvous::bind_window_ports(at_loopback(std::move(others)), never))->outside();
  };
  for (const auto& one : bind({at("192.0.2.7")})) CHECK(!one.address().is_loopback());
  const auto here = bind({at("127.0.0.1")});
  REQUIRE(here.size() == 2);
  CHECK(here.front().address() == at("127.0.0.1"));
}

TEST_CASE("ports are taken from a range, and the router's address is told where it forwards them") {
  asio::io_context context;
  auto from = at_loopback({at("127.0.0.1")});
  const windows::port_range among{40000, 40999};
  from.ports = std::make_shared<windows::port_lender>(among);
  for (const auto& one : testing::run(context, rendezvous::bind_window_ports(from, never))->outside()) {
    CHECK(among.contains(one.port()));
  }
  from.advertised = at("198.51.100.1");
  const auto made = testing::run(context, rendezvous::bind_window_ports(from, never));
  const auto outside = made->outside();
  REQUIRE(outside.size() == 2);
  for (const auto& one : outside) {
    CHECK(one.address() == at("198.51.100.1"));
    CHECK(among.contains(one.port()));
    auto* held = made->find(one);
    REQUIRE(held);
    CHECK(held->port.local_endpoint() == net::tcp::endpoint(at("127.0.0.1"), one.port()));
  }
  CHECK(made->local().empty());
}

}  // namespace window_ports_test
