// SPDX-License-Identifier: BSL-1.0
// Two people, and two ends in memory that have shaken hands: what the tests above TLS share.
#pragma once

#include <ajar/core/task_group.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/testing/stream_pair.hpp>
#include <ajar/tls/stream.hpp>

#include <memory>

namespace secured {

using ajar::tls::stream;

struct people {
  ajar::identity::key client = ajar::identity::key::generate();
  ajar::identity::key server = ajar::identity::key::generate();
};

struct ends {
  ends(stream first, stream second) : client(std::move(first)), server(std::move(second)) {}
  stream client;  // of TLS; whoever that is
  stream server;
  ajar::result<> server_shook = ajar::fail(ajar::errc::canceled);
};

inline ajar::awaitable<void> accept(std::shared_ptr<ends> both) {
  auto done = co_await both->server.handshake(ajar::never);
  both->server_shook = done;
  if (!done) both->server.close();
}

template <class Stream>  // in memory, or of TCP
ajar::awaitable<ajar::result<std::shared_ptr<ends>>> pair(people who, std::string_view alpn,
                                                          std::pair<Stream, Stream> raw) {
  const auto executor = co_await asio::this_coro::executor;
  auto both = std::make_shared<ends>(stream(std::move(raw.first), who.client.tls(), ajar::tls::side::client,
                                            ajar::identity::expect(who.server.id(), alpn)),
                                     stream(std::move(raw.second), who.server.tls(), ajar::tls::side::server,
                                            ajar::identity::expect(who.client.id(), alpn)));
  ajar::task_group group(executor);
  group.spawn(accept(both));
  auto done = co_await both->client.handshake(ajar::never);
  if (!done) both->client.close();
  co_await group.join();
  if (!done) co_return ajar::fail(done.error());
  if (!both->server_shook) co_return ajar::fail(both->server_shook.error());
  co_return both;
}

}  // namespace secured
