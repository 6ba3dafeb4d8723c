// SPDX-License-Identifier: BSL-1.0
// Two multiplexers over a session in memory.
#pragma once

#include <ajar/streams/multiplexer.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/stream_pair.hpp>

#include <doctest/doctest.h>
#include "../tls/secured_pair.hpp"

namespace joined {

using ajar::sessions::session;
using ajar::streams::multiplexer;

inline ajar::bytes pattern(std::size_t count, std::size_t seed = 0) {
  ajar::bytes octets(count);
  for (std::size_t i = 0; i < count; ++i) octets[i] = static_cast<std::uint8_t>((i + seed) * 31 + (i >> 8));
  return octets;
}

struct sessions {
  explicit sessions(const ajar::testing::pair_options& how = ajar::testing::pair_options()) {
    auto raw = ajar::testing::make_stream_pair(context.get_executor(), how);
    auto both = time.run(context, secured::pair(who, ajar::tls::alpn::session, std::move(raw)));
    REQUIRE(both.has_value());
    client_session = std::make_unique<session>(std::move((*both)->client), about(who.server.id()));
    server_session = std::make_unique<session>(std::move((*both)->server), about(who.client.id()));
  }

  static ajar::sessions::session_info about(const ajar::identity::peer_id& peer) {
    ajar::sessions::session_info made;
    made.peer = peer;
    return made;
  }

  template <class T>
  T run(ajar::awaitable<T> operation) {
    return time.run(context, std::move(operation));
  }
  void run(ajar::awaitable<void> operation) { time.run(context, std::move(operation)); }
  void settle() { time.settle(context); }

  ajar::testing::manual_clock time;
  asio::io_context context;
  secured::people who;
  std::unique_ptr<session> client_session;
  std::unique_ptr<session> server_session;
};

struct pair : sessions {
  explicit pair(const ajar::testing::pair_options& how = ajar::testing::pair_options())
      : sessions(how),
        client(std::move(*client_session), ajar::streams::http_role::client),
        server(std::move(*server_session), ajar::streams::http_role::server) {}

  multiplexer client;
  multiplexer server;
};

}  // namespace joined
