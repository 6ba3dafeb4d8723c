// SPDX-License-Identifier: BSL-1.0
// A central that does what a test says: it has a key of its own, and nobody else's.
#pragma once

#include "scripted_peer.hpp"

namespace village {

class scripted_central {
 public:
  explicit scripted_central(asio::io_context& context) : port_(context, loopback()) { port_.non_blocking(true); }

  ajar::url url() const { return {ajar::net::endpoint(port_.local_endpoint()), key.id()}; }

  // The next link, up to its hello, which is not answered.
  ajar::awaitable<ajar::result<link>> hear();

  // The next link, welcomed.
  ajar::awaitable<ajar::result<link>> welcome();

  ajar::signalling::welcome greeting() const { return {15s, loopback(7)}; }

  // Somebody dials again, and nobody has accepted it.
  bool is_dialled() { return has_guest(port_); }
  static bool has_guest(asio::ip::tcp::acceptor& port);

  static ajar::awaitable<ajar::result<ajar::net::tcp_stream>> accept(asio::ip::tcp::acceptor& port);

  ajar::identity::key key = ajar::identity::key::generate();
  ajar::trust::link_nonce nonce = ajar::crypto::random_octets<32>();  // then that of the server which came last

 private:
  asio::ip::tcp::acceptor port_;
};

}  // namespace village
