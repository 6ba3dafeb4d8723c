// SPDX-License-Identifier: BSL-1.0
// ajar/testing/network.hpp - a network in memory: hosts, listeners, paths with delay, and paths that fail.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/net/endpoint.hpp>
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
  [[nodiscard]] awaitable<result<stream>> accept() {
    auto place = place_;
    while (place->waiting.empty()) {
      if (!place->open) co_return fail(errc::canceled);
      auto changed = co_await place->changed.wait();
      if (!changed) co_return fail(changed.error());
    }
    auto arrived = std::move(place->waiting.front());
    place->waiting.pop_front();
    co_return arrived;
  }

  net::tcp::endpoint local_endpoint() const { return place_->at; }

  /// Streams that were not accepted yet are reset.
  void close() {
    if (!place_) return;
    place_->open = false;
    for (auto& one : place_->waiting) one.reset();
    place_->waiting.clear();
    place_->changed.notify();
  }

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

  /// What every later stream is like; its delays are the paths'.
  network& with(const pair_options& how) { return options_ = how, *this; }
  /// Let a name stand for an address.
  network& name(const std::string& host, const net::address& at) { return names_[host] = at, *this; }

  /// Octets from `from` to `to` take so long: later streams do.
  void delay(const net::address& from, const net::address& to, clock::duration takes) { path(from, to).delay = takes; }
  /// Both directions lose everything, silently: streams go dead, dials get no answer.
  void black_hole(const net::address& a, const net::address& b) { *path(a, b).lost = *path(b, a).lost = true; }
  /// Every stream between the two ends at once and without a goodbye; dials get no answer, as in a black hole.
  void cut(const net::address& a, const net::address& b) {
    for (auto& one : streams_) {
      const auto end = one.lock();
      if (end && is_between(*end, a, b)) end->lose();
    }
    black_hole(a, b);
  }
  /// The two reach each other again.
  void mend(const net::address& a, const net::address& b) { *path(a, b).lost = *path(b, a).lost = false; }

  /// Listen on an address and port; port 0 takes a free one. Errors: bind_failed where somebody listens there.
  result<network_listener> listen(net::tcp::endpoint on) {
    if (on.port() == 0) on.port(next_port_++);
    auto& place = listeners_[on];
    const auto there = place.lock();
    if (there && there->open) return fail(errc::bind_failed);
    auto made = std::make_shared<network_listener::place>(executor_, on);
    place = made;
    return network_listener(std::move(made));
  }

  /// Dial from an address to a name or address.
  ///
  /// Errors: name_not_found, dial_refused (nobody listens there: a round trip later), dial_timeout, canceled.
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<result<stream>> dial(net::address from, net::endpoint to, time_point until) {
    auto operation = connect(std::move(from), std::move(to));
    auto made = co_await before(until, errc::dial_timeout, std::move(operation));
    co_return made;
  }

 private:
  struct path_state {
    clock::duration delay{};
    std::shared_ptr<bool> lost = std::make_shared<bool>(false);
  };

  static bool is_between(const detail::end& end, const net::address& a, const net::address& b) {
    const auto here = end.here.address();
    const auto there = end.there.address();
    return (here == a && there == b) || (here == b && there == a);
  }

  path_state& path(const net::address& from, const net::address& to) { return paths_[{from, to}]; }

  result<net::tcp::endpoint> find(const net::endpoint& to) const {
    const auto named = names_.find(to.host());
    if (named != names_.end()) return net::tcp::endpoint(named->second, to.port());
    std::error_code error;
    const auto numeric = asio::ip::make_address(to.host(), error);
    if (error) return fail(errc::name_not_found);
    return net::tcp::endpoint(numeric, to.port());
  }

  awaitable<result<stream>> connect(net::address from, net::endpoint name) {
    const auto to = find(name);
    if (!to) co_return fail(to.error());
    auto& there = path(from, to->address());
    auto& back = path(to->address(), from);
    auto sent = co_await pass(there);
    if (!sent) co_return fail(sent.error());
    auto made = knock(net::tcp::endpoint(from, next_port_++), *to);
    auto answered = co_await pass(back);
    if (!answered) co_return fail(answered.error());
    co_return made;
  }

  // One packet on its way; a lost one never arrives.
  awaitable<result<>> pass(path_state& on) {
    const auto arrival = *on.lost ? never : clock::now() + on.delay;
    auto arrived = co_await sleep_until(arrival);
    co_return arrived;
  }

  result<stream> knock(const net::tcp::endpoint& from, const net::tcp::endpoint& to) {
    const auto listener = listeners_[to].lock();
    if (!listener || !listener->open) return fail(errc::dial_refused);
    auto how = options_;
    how.delay(path(from.address(), to.address()).delay, path(to.address(), from.address()).delay);
    auto ends = make_stream_pair(executor_, how);
    name_end(ends.first, from, to);
    name_end(ends.second, to, from);
    listener->waiting.push_back(std::move(ends.second));
    listener->changed.notify();
    return std::move(ends.first);
  }

  void name_end(stream& one, const net::tcp::endpoint& here, const net::tcp::endpoint& there) {
    one.state()->here = here;
    one.state()->there = there;
    one.state()->out->lost = path(here.address(), there.address()).lost;
    std::erase_if(streams_, [](const auto& other) { return other.expired(); });
    streams_.push_back(one.state());
  }

  asio::any_io_executor executor_;
  pair_options options_;
  std::map<std::string, net::address> names_;
  std::map<std::pair<net::address, net::address>, path_state> paths_;
  std::map<net::tcp::endpoint, std::weak_ptr<network_listener::place>> listeners_;
  std::vector<std::weak_ptr<detail::end>> streams_;
  std::uint16_t next_port_ = 49152;  // RFC 6335 section 6: the dynamic ports begin here
};

}  // namespace ajar::testing
