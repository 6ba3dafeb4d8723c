// SPDX-License-Identifier: BSL-1.0
// ajar/testing/network.hpp - a network in memory: hosts, listeners, paths with delay, and paths that fail.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/net/network.hpp>
#include <ajar/testing/stream_pair.hpp>

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace ajar::testing {

class network;

/// A listener on a testing::network. Nobody can reach it any more once it is closed or gone.
class network_listener {
 public:
  network_listener(network_listener&&) = default;
  network_listener& operator=(network_listener&&) = delete;
  ~network_listener() { close(); }

  /// The next stream; its remote_endpoint() says from where. Errors: canceled (also by close()). Cancellation:
  /// terminal.
  [[nodiscard]] awaitable<result<stream>> accept();

  net::tcp::endpoint local_endpoint() const { return place_->at; }

  /// Streams that were not accepted yet are reset.
  void close();

 private:
  friend class network;
  struct place {
    place(const asio::any_io_executor& executor, const net::tcp::endpoint& on) : changed(executor), at(on) {}
    notifier changed;
    net::tcp::endpoint at;
    std::deque<stream> waiting;
    bool open = true;
  };
  explicit network_listener(std::shared_ptr<place> at) : place_(std::move(at)) {}

  std::shared_ptr<place> place_;
};

/// Hosts that dial and listen, all on one executor, with delays by ajar::clock: a testing::manual_clock moves them.
///
/// Every path is open and without delay until it is told otherwise. Threads: one. Outlives what it made.
/// Example: tests/testing/network_test.cpp.
class network {
 public:
  explicit network(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  /// This network as the host at an address knows it: what a role is given (server_options::over, and the like). A
  /// port at the unspecified address is opened at the host's.
  std::shared_ptr<net::network> host(const net::address& at);

  /// What every later stream is like; its delays are the paths'.
  network& with(const pair_options& how) { return options_ = how, *this; }
  /// Let a name stand for an address, beside those that it stands for already.
  network& name(const std::string& host, const net::address& at) { return names_[host].push_back(at), *this; }
  /// All addresses of a name, in the order of name(); a numeric one is itself. Errors: name_not_found.
  result<std::vector<net::tcp::endpoint>> resolve(const net::endpoint& name) const;

  /// Octets from `from` to `to` take so long: later streams do.
  void delay(const net::address& from, const net::address& to, clock::duration takes) { path(from, to).delay = takes; }
  /// Both directions lose everything, silently: streams go dead, dials get no answer.
  void black_hole(const net::address& a, const net::address& b) { *path(a, b).lost = *path(b, a).lost = true; }
  /// Every stream between the two ends at once and without a goodbye; dials get no answer, as in a black hole.
  void cut(const net::address& a, const net::address& b);
  /// The streams that are there between the two lose everything from now on, silently and for good: as where a machine
  /// is gone without a word, or a NAT has forgotten them. Others come about as before.
  void strand(const net::address& a, const net::address& b);
  /// The two reach each other again.
  void mend(const net::address& a, const net::address& b) { *path(a, b).lost = *path(b, a).lost = false; }

  /// Listen on an address and port; port 0 takes a free one. Errors: bind_failed where somebody listens there.
  result<network_listener> listen(net::tcp::endpoint on);

  /// Dial from an address to a name or address: to those of a name one after the other, until one answers.
  ///
  /// Errors: name_not_found, dial_refused (nobody listens there: a round trip later), dial_timeout, canceled.
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<result<stream>> dial(net::address from, net::endpoint to, time_point until);
  /// The same with addresses that were looked up. Errors: dial_refused, dial_timeout, canceled.
  [[nodiscard]] awaitable<result<stream>> dial_first(net::address from, std::vector<net::tcp::endpoint> all,
                                                     time_point until);

 private:
  struct path_state {
    clock::duration delay{};
    std::shared_ptr<bool> lost = std::make_shared<bool>(false);
  };

  path_state& path(const net::address& from, const net::address& to) { return paths_[{from, to}]; }

  awaitable<result<stream>> connect(net::address from, net::endpoint name);
  awaitable<result<stream>> connect_first(net::address from, std::vector<net::tcp::endpoint> all);
  // One packet on its way; a lost one never arrives.
  awaitable<result<>> pass(path_state& on);
  result<stream> knock(const net::tcp::endpoint& from, const net::tcp::endpoint& to);
  void name_end(stream& one, const net::tcp::endpoint& here, const net::tcp::endpoint& there);

  asio::any_io_executor executor_;
  pair_options options_;
  std::map<std::string, std::vector<net::address>> names_;
  std::map<std::pair<net::address, net::address>, path_state> paths_;
  std::map<net::tcp::endpoint, std::weak_ptr<network_listener::place>> listeners_;
  std::vector<std::weak_ptr<detail::end>> streams_;
  std::uint16_t next_port_ = 49152;  // RFC 6335 section 6: the dynamic ports begin here
};

}  // namespace ajar::testing

#ifdef AJAR_HEADER_ONLY
#include <ajar/testing/impl/network.ipp>
#endif
