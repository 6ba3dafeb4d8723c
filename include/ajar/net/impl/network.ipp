// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/network.ipp - what ajar/net/network.hpp declares.
#pragma once

#include <ajar/net/network.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/shortage.hpp>

#include <sys/socket.h>
#include <asio/ip/v6_only.hpp>
#include <utility>

namespace ajar::net {

namespace detail {

inline awaitable<result<transport>> as_transport(awaitable<result<tcp_stream>> dialling) {
  auto stream = co_await std::move(dialling);
  if (!stream) co_return fail(stream.error());
  co_return transport(std::move(*stream));
}

using shared_acceptor = std::shared_ptr<asio::ip::tcp::acceptor>;

// Whoever has gone again by now is no error: nobody waits because of him. Whoever there is no room for waits outside.
inline awaitable<result<transport>> accept_one(shared_acceptor at) {
  for (;;) {
    auto [failed] = co_await at->async_wait(asio::socket_base::wait_read, use_values);
    if (failed || !at->is_open()) co_return fail(errc::canceled);
    auto room = room_for_a_peer(at->native_handle());
    if (!room) co_return fail(shortage_or(room.error(), room.error()));
    tcp_stream stream(at->get_executor());
    std::error_code error;
    at->accept(stream, error);
    if (!error && prepare(stream)) co_return transport(std::move(stream));
    const bool gone = !error || error == std::errc::resource_unavailable_try_again ||
                      error == std::errc::connection_aborted || error == std::errc::interrupted;
    if (!gone) co_return fail(shortage_or(error, error));
  }
}

class tcp_port final : public port {
 public:
  explicit tcp_port(const asio::any_io_executor& on) : at_(std::make_shared<asio::ip::tcp::acceptor>(on)) {}
  tcp_port(const tcp_port&) = delete;
  tcp_port& operator=(const tcp_port&) = delete;
  ~tcp_port() override { close(); }

  result<> open(const tcp::endpoint& at, const listen_options& how) {
    std::error_code error;
    at_->open(at.protocol(), error);
    if (!error) at_->set_option(asio::socket_base::reuse_address(true), error);
    if (!error && how.shared == sharing::join && !share()) return fail(errc::bind_failed);
    if (!error && at.protocol() == tcp::v6()) at_->set_option(asio::ip::v6_only(!how.both_families), error);
    if (!error) at_->bind(at, error);
    // not before: with it, another process of this user could have the port already, and each would get a part
    if (!error && how.shared == sharing::begin && !share()) return fail(errc::bind_failed);
    if (!error) at_->non_blocking(true, error);
    if (!error) at_->listen(how.backlog, error);
    if (error) return fail(shortage_or(error, errc::bind_failed));
    return {};
  }

  awaitable<result<transport>> accept() override { return accept_one(at_); }
  tcp::endpoint local_endpoint() const override {
    std::error_code ignored;
    return at_->local_endpoint(ignored);
  }
  void close() override {
    std::error_code ignored;
    at_->close(ignored);
  }
  bool is_open() const override { return at_->is_open(); }

 private:
  bool share() {
    const int on = 1;
    return ::setsockopt(at_->native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  }

  shared_acceptor at_;  // whoever waits for a connection holds it, too
};

class tcp_network final : public network {
 public:
  explicit tcp_network(std::optional<address> source) {
    if (source) how_.from(*source);
  }
  awaitable<result<transport>> dial(endpoint to, time_point until) override {
    return as_transport(net::dial(std::move(to), until, how_));
  }
  awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name) override {
    return net::resolve(std::move(name));
  }
  awaitable<result<transport>> dial_first(std::vector<tcp::endpoint> all, time_point until) override {
    return as_transport(net::dial_first(std::move(all), until, how_));
  }
  awaitable<result<transport>> dial_at(tcp::endpoint to, dial_times when) override {
    return as_transport(net::dial_at(std::move(to), when, how_));
  }
  result<std::shared_ptr<port>> listen(const asio::any_io_executor& on, const tcp::endpoint& at,
                                       listen_options how) override {
    auto made = std::make_shared<tcp_port>(on);
    auto opened = made->open(at, how);
    if (!opened) return fail(opened.error());
    return made;
  }
  bool has_sockets() const noexcept override { return true; }

 private:
  dial_options how_;
};

}  // namespace detail

AJAR_DECL std::optional<address> source_towards(const address& there) {
  const tcp::endpoint to(there, 9);  // RFC 863; a socket of UDP sends nothing where it connects
  const descriptor asking(::socket(to.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  tcp::endpoint from;
  auto size = static_cast<socklen_t>(from.capacity());
  if (!asking || ::connect(asking.get(), to.data(), static_cast<socklen_t>(to.size())) != 0) return std::nullopt;
  if (::getsockname(asking.get(), from.data(), &size) != 0 || from.address().is_unspecified()) return std::nullopt;
  return from.address();
}

AJAR_DECL std::shared_ptr<network> sockets(std::optional<address> source) {
  return std::make_shared<detail::tcp_network>(std::move(source));
}

AJAR_DECL awaitable<void> accept_each(std::shared_ptr<port> at, std::function<void(transport)> come,
                                      trouble_sink trouble) {
  constexpr std::chrono::milliseconds pause{50};
  while (at->is_open()) {
    auto accepting = at->accept();
    auto peer = co_await std::move(accepting);
    if (peer) {
      come(std::move(*peer));
      continue;
    }
    if (is_canceled(peer.error())) co_return;
    if (trouble) trouble(peer.error());
    auto paused = co_await sleep_until(clock::now() + pause);
    if (!paused) co_return;
  }
}

}  // namespace ajar::net
