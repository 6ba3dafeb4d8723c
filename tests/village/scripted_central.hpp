// SPDX-License-Identifier: BSL-1.0
// A central that does what a test says: it has a key of its own, and nobody else's.
#pragma once

#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>

#include "scripted_peer.hpp"

namespace village {

// Where a role and a scripted central meet: on loopback, as windows need sockets, or in memory, where hours take
// milliseconds.
struct meeting {
  enum class kind { loopback, memory };
  explicit meeting(kind where);

  void run(ajar::awaitable<void> what);

  std::optional<ajar::testing::manual_clock> time;
  asio::io_context context;
  ajar::testing::network world{context.get_executor()};
  ajar::net::tcp::endpoint at_central;
  ajar::net::tcp::endpoint at_role;
  shared_network of_central;
  shared_network of_role;
};

class scripted_central {
 public:
  explicit scripted_central(asio::io_context& context) : scripted_central(context, ajar::net::sockets(), loopback()) {}
  explicit scripted_central(meeting& in) : scripted_central(in.context, in.of_central, in.at_central) {}

  ajar::url url() const { return {ajar::net::endpoint(port_->local_endpoint()), key.id()}; }

  // The next link, up to its hello, which is not answered.
  ajar::awaitable<ajar::result<link>> hear();

  // The next link, welcomed.
  ajar::awaitable<ajar::result<link>> welcome();

  ajar::signalling::welcome greeting() const { return {15s, loopback(7)}; }

  // Nobody dials for so long.
  ajar::awaitable<bool> is_left_alone(std::chrono::seconds within);

  ajar::identity::key key = ajar::identity::key::generate();
  ajar::trust::link_nonce nonce = ajar::crypto::random_octets<32>();  // then that of the server which came last

 private:
  scripted_central(asio::io_context& context, const shared_network& over, const ajar::net::tcp::endpoint& at);

  ajar::awaitable<ajar::result<ajar::net::transport>> accept(ajar::time_point until);

  std::shared_ptr<ajar::net::port> port_;
};

// What an accepting socket of a test's own gets.
bool has_guest(asio::ip::tcp::acceptor& port);
ajar::awaitable<ajar::result<ajar::net::tcp_stream>> accept(asio::ip::tcp::acceptor& port);

}  // namespace village
