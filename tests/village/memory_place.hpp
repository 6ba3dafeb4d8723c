// SPDX-License-Identifier: BSL-1.0
// A central, a server that dials, and clients with a door, on a network in memory: hours take milliseconds.
#pragma once

#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>

#include "watch.hpp"

namespace village {

struct memory_place {
  memory_place() : steps(context) { start_central(); }

  // Always with the same key.
  void start_central();
  void start_server(std::function<void(ajar::server_options&)> adjust = {});
  // A client with a door, and the grant it comes by.
  ajar::client client(const ajar::identity::key& key, ajar::trust::signed_grant grant);

  void run(ajar::awaitable<void> what) { time.run(context, std::move(what)); }

  ajar::testing::manual_clock time;
  asio::io_context context;
  ajar::testing::network world{context.get_executor()};
  ajar::net::address at_central = asio::ip::make_address("198.51.100.1");
  ajar::net::address at_server = asio::ip::make_address("192.0.2.1");
  ajar::net::address at_client = asio::ip::make_address("203.0.113.1");
  watch steps;
  owner home;
  ajar::identity::key central_key = ajar::identity::key::generate();
  std::optional<ajar::central> central;
  std::optional<ajar::server> server;
};

}  // namespace village
