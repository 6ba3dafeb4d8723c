// SPDX-License-Identifier: BSL-1.0
// ajar/windows/impl/port_pool.ipp - what ajar/windows/port_pool.hpp declares.
#pragma once

#include <ajar/windows/port_pool.hpp>

#include <ajar/core/shortage.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/net/dial.hpp>

#include <asio/ip/v6_only.hpp>
#include <type_traits>

namespace ajar::windows {

namespace detail {

using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

template <class Socket>
result<Socket> bind_silent(const asio::any_io_executor& executor, const net::tcp::endpoint& local) {
  Socket made(executor);
  std::error_code error;
  made.open(local.protocol(), error);
  if (!error && local.protocol() == net::tcp::v6()) made.set_option(asio::ip::v6_only(true), error);
  if (!error) made.set_option(asio::socket_base::reuse_address(true), error);
  if constexpr (std::is_same_v<Socket, asio::ip::tcp::acceptor>) {
    if (!error) made.set_option(reuse_port(true), error);  // for a decoy beside it (windows/cloak.hpp)
  }
  if (!error) made.bind(local, error);
  if (error) return fail(shortage_or(error, errc::bind_failed));
  return made;
}

AJAR_DECL result<net::tcp_stream> bind_stream(const asio::any_io_executor& executor, const net::tcp::endpoint& local) {
  return bind_silent<net::tcp_stream>(executor, local);
}

AJAR_DECL result<asio::ip::tcp::acceptor> bind_acceptor(const asio::any_io_executor& executor,
                                                        const net::tcp::endpoint& local) {
  return bind_silent<asio::ip::tcp::acceptor>(executor, local);
}

}  // namespace detail

AJAR_DECL result<net::tcp_stream> bound_port::fresh() const {
  auto made = detail::bind_stream(holder_->get_executor(), at_);
  if (!made) return fail(made.error());
  auto ready = net::prepare(*made);
  if (!ready) return fail(ready.error());
  return made;
}

AJAR_DECL result<asio::ip::tcp::acceptor> bound_port::acceptor() const {
  return detail::bind_acceptor(holder_->get_executor(), at_);
}

AJAR_DECL result<bound_port> bind_port(const asio::any_io_executor& executor, const net::tcp::endpoint& local) {
  auto holder = detail::bind_stream(executor, local);
  if (!holder) return fail(holder.error());
  return bound_port(std::move(*holder));
}

struct port_lender::loan {
  loan(std::shared_ptr<port_lender> lender, std::uint16_t which) : of(std::move(lender)), port(which) {}
  loan(const loan&) = delete;
  loan& operator=(const loan&) = delete;
  ~loan() { of->lent_.erase(port); }
  std::shared_ptr<port_lender> of;
  std::uint16_t port;
};

AJAR_DECL result<bound_port> port_lender::lend(const asio::any_io_executor& executor, const net::address& local) {
  std::uint32_t begin = 0;
  for (const auto octet : crypto::random_octets<4>()) begin = begin << 8U | octet;
  for (std::uint32_t i = 0; i < among_.size(); ++i) {
    const auto offset = (begin % among_.size() + i) % among_.size();
    const auto port = static_cast<std::uint16_t>(among_.first + offset);
    if (lent_.contains(port)) continue;
    auto holder = detail::bind_stream(executor, {local, port});
    if (!holder && is_shortage(holder.error())) return fail(holder.error());
    if (!holder) continue;
    lent_.insert(port);
    return bound_port(std::move(*holder), std::make_shared<const loan>(shared_from_this(), port));
  }
  return fail(errc::bind_failed);
}

AJAR_DECL result<std::vector<bound_port>> bind_ports(const asio::any_io_executor& executor, const net::address& local,
                                                     std::size_t count) {
  std::vector<bound_port> made;
  for (std::size_t i = 0; i < count; ++i) {
    auto one = bind_port(executor, {local, 0});
    if (!one) return fail(one.error());
    made.push_back(std::move(*one));
  }
  return made;
}

}  // namespace ajar::windows
