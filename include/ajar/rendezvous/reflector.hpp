// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/reflector.hpp - how this peer looks from outside, as central tells it: its NAT, its firewall.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/classify.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/net/reflection.hpp>
#include <ajar/net/transport.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/windows/port_pool.hpp>
#include <ajar/windows/report.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

/// What a reflector needs of its owner, and whether it may listen for a moment.
class reflector_options {
 public:
  /// @param send  over the link to central
  reflector_options(std::function<result<>(const signalling::message&)> send, bool listens)
      : send_(std::move(send)), listens_(listens) {}

  /// The local address for windows of its family; by default the one that the routes give.
  reflector_options& from(std::optional<net::address> source) {
    source_ = std::move(source);
    return *this;
  }
  /// Told when the network has changed and was measured anew.
  reflector_options& moved(std::function<void()> sink) {
    moved_ = std::move(sink);
    return *this;
  }
  /// Told what each port that was open for a moment cost.
  reflector_options& account(std::function<void(const windows::report&)> sink) {
    account_ = std::move(sink);
    return *this;
  }

 private:
  friend class reflector;
  std::function<result<>(const signalling::message&)> send_;
  bool listens_;
  std::optional<net::address> source_;
  std::function<void(const windows::report&)> account_;
  std::function<void()> moved_;
};

/// Learns mapping and filtering (net::reflection) by short connections to two ports of central, and by central's own to
/// a port of ours. It is asked once for each network, not for each window.
///
/// Threads: one executor. Source: RFC 5780 section 4, with TCP (RFC 5382) instead of UDP.
class reflector : public std::enable_shared_from_this<reflector> {
 public:
  reflector(const asio::any_io_executor& executor, reflector_options how) : how_(std::move(how)), changed_(executor) {}

  /// The link is up.
  /// @param central     its own end of the link
  /// @param round_trip  to it: where it is short, nobody needs to know what a firewall lets in
  void linked(const signalling::welcome& greeting, const net::tcp::endpoint& central, clock::duration round_trip);
  void unlinked();
  /// Central told where a probe came from.
  void received(const signalling::reflected& what);

  /// The last result; empty before the first.
  const net::reflection& known() const noexcept { return known_; }
  bool is_measured() const noexcept { return measured_; }
  /// Does central reflect at all?
  bool is_possible() const noexcept { return second_port_ != 0 && !centrals_.empty(); }

  /// Wait for the first measurement of this link, if there is to be one. Cancellation: terminal.
  [[nodiscard]] awaitable<void> settled(time_point until);

  /// Find central's address of the other family, if its name has one, and measure. Cancellation: terminal.
  [[nodiscard]] awaitable<void> begin(net::endpoint central);

  /// Measure anew whenever this machine's network has changed, for as long as it is let. Cancellation: terminal.
  [[nodiscard]] awaitable<void> follow();

  /// Measure both families anew. @return what is known then; nothing of a family that does not reach central
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<net::reflection> measure(time_point until);

  /// Where a fresh connection from a local port to central's link port seems to come from: also foretells where the
  /// port's next connections seem to come from, where the mapping is stable.
  /// Errors: dial's, dial_timeout, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<net::tcp::endpoint>> outside_of(windows::bound_port& port, time_point until);

  /// The local address that reaches a peer there. Nothing where no route does.
  std::optional<net::address> local_address_to(const net::tcp::endpoint& there) const;
  std::optional<net::address> local_address(bool v6) const;

 private:
  // A probe that reached central.
  struct seen_probe {
    std::optional<net::tcp::endpoint> seen;  // what central told of it, if that came in time
    bool again = false;                      // it took more than one SYN
  };
  using shared_seen = std::shared_ptr<std::vector<std::optional<seen_probe>>>;

  // Until when a probe is connected, and until when central's word of it comes: that may have been lost, and be sent
  // again.
  struct probe_times {
    time_point connected;
    time_point told;
  };

  // What a round of probes gave.
  struct sampled {
    std::vector<net::sample> samples;
    bool second_reached = false;  // central's port for reflecting alone
  };

  awaitable<result<seen_probe>> probe(windows::bound_port port, net::tcp::endpoint to, probe_times until);
  awaitable<result<net::tcp::endpoint>> ask(net::tcp_stream stream, std::uint64_t number);
  awaitable<void> keep(windows::bound_port port, net::tcp::endpoint to, shared_seen into, std::size_t which,
                       probe_times until);
  time_point measured_by() const;
  awaitable<sampled> take_samples(net::address from, net::tcp::endpoint central, probe_times until);
  awaitable<std::optional<net::reflected>> measure_family(net::tcp::endpoint central, time_point until);
  awaitable<net::filtering> measure_filtering(net::address from, net::tcp::endpoint central, net::reflected known,
                                              time_point until);
  awaitable<void> await_dial_back(net::address from, net::tcp::endpoint central, bool after_use,
                                  std::shared_ptr<std::optional<bool>> arrived, time_point until);

  reflector_options how_;
  mutable notifier changed_;
  signalling::link_ticket ticket_{};
  std::uint16_t second_port_ = 0;
  std::vector<net::tcp::endpoint> centrals_;
  std::map<std::uint64_t, std::optional<net::tcp::endpoint>> waiting_;
  net::reflection known_;
  bool measured_ = false;
  clock::duration round_trip_{0};
};

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/reflector.ipp>
#endif
