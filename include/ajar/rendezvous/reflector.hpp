// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/reflector.hpp - how this peer looks from outside, as central tells it: its NAT, its firewall.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/net/classify.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/route_watch.hpp>
#include <ajar/signalling/message.hpp>
#include <ajar/windows/listener.hpp>
#include <ajar/windows/plan.hpp>
#include <ajar/windows/policy.hpp>
#include <ajar/windows/redial_grid.hpp>

#include <array>
#include <asio/ip/udp.hpp>
#include <asio/write.hpp>
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
  void linked(const signalling::welcome& greeting, const net::tcp::endpoint& central, clock::duration round_trip) {
    ticket_ = greeting.ticket;
    second_port_ = greeting.reflect_port;
    centrals_ = {central};
    round_trip_ = round_trip;
  }
  void unlinked() {
    second_port_ = 0;
    known_ = net::reflection();
    measured_ = false;
    changed_.notify();
  }
  /// Central told where a probe came from.
  void received(const signalling::reflected& what) {
    const auto at = waiting_.find(what.number);
    if (at == waiting_.end() || at->second) return;
    at->second = net::tcp::endpoint(net::unmapped(what.seen.address()), what.seen.port());
    changed_.notify();
  }

  /// The last result; empty before the first.
  const net::reflection& known() const noexcept { return known_; }
  bool is_measured() const noexcept { return measured_; }
  /// Does central reflect at all?
  bool is_possible() const noexcept { return second_port_ != 0 && !centrals_.empty(); }

  /// Wait for the first measurement of this link, if there is to be one. Cancellation: terminal.
  [[nodiscard]] awaitable<void> settled(time_point until) {
    const auto kept_alive = shared_from_this();
    while (is_possible() && !measured_ && clock::now() < until) {
      auto change = changed_.wait();
      auto changed = co_await before(until, errc::dial_timeout, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return;
    }
  }

  /// Find central's address of the other family, if its name has one, and measure. Cancellation: terminal.
  [[nodiscard]] awaitable<void> begin(net::endpoint central) {
    const auto until = measured_by();
    if (!is_possible()) co_return;
    auto resolving = net::resolve(central);
    auto all = co_await before(until, errc::dial_timeout, std::move(resolving));
    if (all && centrals_.size() == 1) {
      const bool v6 = centrals_.front().address().is_v6();
      const auto other = std::ranges::find_if(*all, [&](const auto& one) { return one.address().is_v6() != v6; });
      if (other != all->end()) centrals_.push_back(*other);
    }
    auto measuring = measure(until);
    (void)co_await std::move(measuring);
  }

  /// Measure anew whenever this machine's network has changed, for as long as it is let. Cancellation: terminal.
  [[nodiscard]] awaitable<void> follow() {
    const auto executor = changed_.get_executor();
    auto watch = net::route_watch::open(executor);
    while (watch) {
      auto waiting = watch->changed();
      auto changed = co_await std::move(waiting);
      if (!changed) co_return;
      if (!is_possible()) continue;  // the next link measures
      auto measuring = measure(measured_by());
      (void)co_await std::move(measuring);
      if (how_.moved_) how_.moved_();
    }
  }

  /// Measure both families anew. @return what is known then; nothing of a family that does not reach central
  /// Cancellation: terminal.
  [[nodiscard]] awaitable<net::reflection> measure(time_point until) {
    const auto kept_alive = shared_from_this();
    net::reflection made;
    const auto centrals = centrals_;
    for (const auto& central : centrals) {
      if (!is_possible()) break;
      auto measuring = measure_family(central, until);
      auto one = co_await std::move(measuring);
      if (one) made.of(central.address().is_v6()) = *one;
    }
    if (is_possible()) known_ = made;
    measured_ = true;
    changed_.notify();
    co_return made;
  }

  /// Where a fresh connection from a local port to central's link port seems to come from: also foretells where the
  /// port's next connections seem to come from, where the mapping is stable.
  /// Errors: dial's, dial_timeout, canceled. Cancellation: terminal.
  [[nodiscard]] awaitable<result<net::tcp::endpoint>> outside_of(windows::bound_port& port, time_point until) {
    const auto kept_alive = shared_from_this();
    const bool v6 = port.local_endpoint().address().is_v6();
    const auto central = std::ranges::find_if(centrals_, [&](const auto& one) { return one.address().is_v6() == v6; });
    if (central == centrals_.end() || !is_possible()) co_return fail(errc::dial_unreachable);
    auto probing = probe(port, *central, {until, until});
    auto told = co_await std::move(probing);
    if (!told) co_return fail(told.error());
    if (!told->seen) co_return fail(errc::dial_timeout);
    co_return *told->seen;
  }

  /// The local address that reaches a peer there. Nothing where no route does.
  std::optional<net::address> local_address_to(const net::tcp::endpoint& there) const {
    if (how_.source_ && how_.source_->is_v6() == there.address().is_v6()) return how_.source_;
    asio::ip::udp::socket asking(changed_.get_executor());
    std::error_code error;
    asking.connect(asio::ip::udp::endpoint(there.address(), there.port()), error);  // sends nothing
    if (error) return std::nullopt;
    const auto at = asking.local_endpoint(error);
    return error ? std::nullopt : std::optional(at.address());
  }
  std::optional<net::address> local_address(bool v6) const {
    for (const auto& central : centrals_) {
      if (central.address().is_v6() == v6) return local_address_to(central);
    }
    return std::nullopt;
  }

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

  // One connection from a bound port to a port of central, with a SYN again and again where nobody answers; central
  // says over the link where it came from.
  awaitable<result<seen_probe>> probe(windows::bound_port port, net::tcp::endpoint to, probe_times until) {
    const auto tries = std::make_shared<unsigned>(0);
    std::function<result<net::tcp_stream>()> fresh = [port, tries] {
      ++*tries;
      return port.fresh();
    };
    const net::dial_times when{clock::now(), until.connected, windows::redial_grid::gap_for(round_trip_)};
    auto dialling = net::dial_from(std::move(fresh), to, when);
    auto stream = co_await std::move(dialling);
    if (!stream) co_return fail(stream.error());
    std::uint64_t number = 0;
    for (const auto octet : crypto::random_octets<8>()) number = (number << 8) | octet;
    waiting_.emplace(number, std::nullopt);
    auto asking = ask(std::move(*stream), number);
    auto seen = co_await before(until.told, errc::dial_timeout, std::move(asking));
    waiting_.erase(number);
    if (!seen && is_canceled(seen.error())) co_return fail(seen.error());
    co_return seen_probe{seen ? std::optional(*seen) : std::nullopt, *tries > 1};
  }

  awaitable<result<net::tcp::endpoint>> ask(net::tcp_stream stream, std::uint64_t number) {
    const auto octets = signalling::reflect_probe{ticket_, number}.encode();
    auto [unsent, count] = co_await asio::async_write(stream, asio::buffer(octets), use_values);
    if (unsent) co_return fail(unsent);
    // the end is a segment of its own, after which the other kernel misses one that was lost before it
    std::error_code ignored;
    stream.shutdown(net::tcp_stream::shutdown_send, ignored);
    for (;;) {
      const auto seen = waiting_.at(number);
      if (seen) co_return *seen;
      auto changed = co_await changed_.wait();
      if (!changed) co_return fail(changed.error());
    }
  }

  awaitable<void> keep(windows::bound_port port, net::tcp::endpoint to, shared_seen into, std::size_t which,
                       probe_times until) {
    auto probing = probe(std::move(port), to, until);
    auto told = co_await std::move(probing);
    if (told) (*into)[which] = *told;
  }

  // What a round of probes gave.
  struct sampled {
    std::vector<net::sample> samples;
    bool second_reached = false;  // central's port for reflecting alone
  };

  time_point measured_by() const {
    constexpr std::chrono::seconds patience{5};
    return clock::now() + patience + round_trip_ * 10;
  }

  // The SYNs leave in this order: it tells how a NAT counts.
  awaitable<sampled> take_samples(net::address from, net::tcp::endpoint central, probe_times until) {
    const auto executor = changed_.get_executor();
    const net::tcp::endpoint second(central.address(), second_port_);
    const auto told = std::make_shared<std::vector<std::optional<seen_probe>>>(4);
    std::vector<net::sample> asked;
    sampled taken;
    auto ports = windows::bind_ports(executor, from, 2);
    if (!ports) co_return taken;
    task_group probes(executor);
    for (auto& port : *ports) {
      for (const auto& to : {central, second}) {
        const auto which = asked.size();
        asked.push_back({port.local_endpoint(), to, {}});
        probes.spawn(shared_from_this(), keep(port, to, told, which, until));
      }
    }
    co_await probes.join();
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto& one = (*told)[i];
      taken.second_reached = taken.second_reached || (one && asked[i].to == second);
      if (!one || !one->seen) continue;
      asked[i].seen = *one->seen;
      asked[i].again = one->again;
      taken.samples.push_back(asked[i]);
    }
    co_return taken;
  }

  awaitable<std::optional<net::reflected>> measure_family(net::tcp::endpoint central, time_point until) {
    constexpr int rounds = 3;  // packets get lost
    constexpr std::size_t whole = 4;
    constexpr std::chrono::milliseconds spare{300};  // five more SYNs
    constexpr std::chrono::milliseconds sent_again{1000};
    const auto from = local_address_to(central);
    if (!from) co_return std::nullopt;
    std::vector<net::sample> samples;
    bool only_443 = false;
    bool enough = false;
    for (int round = 0; round < rounds && !enough; ++round) {
      const auto connected = std::min<time_point>(until, clock::now() + round_trip_ * 4 + spare);
      const probe_times patience{connected, std::min<time_point>(until, connected + sent_again)};
      auto taking = take_samples(*from, central, patience);
      auto taken = co_await std::move(taking);
      if (taken.samples.size() < samples.size()) continue;
      samples = std::move(taken.samples);
      only_443 = !taken.second_reached && central.port() == windows::https_port && samples.size() == whole / 2;
      const bool smooth = std::ranges::none_of(samples, &net::sample::again);  // else a step may look like chance
      const bool judged = smooth || net::classify(samples).maps != net::mapping::random;
      enough = only_443 || (samples.size() == whole && judged);
    }
    if (samples.empty()) co_return std::nullopt;
    net::reflected made;
    made.outside = samples.front().seen.address();
    const auto judged = net::classify(samples);
    made.maps = judged.maps;
    made.step = judged.step;
    made.only_443 = only_443;
    const bool asked_for = how_.listens_ && round_trip_ >= windows::short_round_trip;
    if (asked_for && !only_443 && net::is_predictable(made.maps)) {
      auto filtering = measure_filtering(*from, central, made, until);
      made.filters = co_await std::move(filtering);
    }
    co_return made;
  }

  // Two ports at once: one that has never sent anything, where there is no NAT, and one that has sent to central.
  awaitable<net::filtering> measure_filtering(net::address from, net::tcp::endpoint central, net::reflected known,
                                              time_point until) {
    const auto executor = changed_.get_executor();
    const auto fresh = std::make_shared<std::optional<bool>>();
    const auto used = std::make_shared<std::optional<bool>>();
    task_group both(executor);
    if (known.maps == net::mapping::none)
      both.spawn(shared_from_this(), await_dial_back(from, central, false, fresh, until));
    both.spawn(shared_from_this(), await_dial_back(from, central, true, used, until));
    co_await both.join();
    co_return net::filtered(*fresh, *used);
  }

  awaitable<void> await_dial_back(net::address from, net::tcp::endpoint central, bool after_use,
                                  std::shared_ptr<std::optional<bool>> arrived, time_point until) {
    constexpr std::chrono::milliseconds margin{100};
    constexpr std::chrono::milliseconds near{300};
    const auto executor = changed_.get_executor();
    auto ports = windows::bind_ports(executor, from, 1);
    if (!ports) co_return;
    auto& port = ports->front();
    auto door = windows::listen_once(port, windows::expected_source::of(central.address()));
    if (!door) co_return;
    auto at = port.local_endpoint();
    if (after_use) {
      auto seeing = outside_of(port, until);
      auto seen = co_await std::move(seeing);
      if (!seen) co_return;
      at = *seen;
    }
    // the SYN comes after a round trip, and the connection stands after two: a port is open for less than a second
    const auto asked = clock::now();
    if (round_trip_ > near) {
      if (!how_.send_(signalling::dial_back{at})) co_return;
      auto slept = co_await sleep_until(asked + round_trip_ / 2);
      if (!slept) co_return;
    }
    const auto opened = door->open();
    if (!opened || (round_trip_ <= near && !how_.send_(signalling::dial_back{at}))) co_return;
    const auto longest = std::min<time_point>(until, clock::now() + windows::longest_window);
    auto came = co_await door->accept(std::min<time_point>(longest, asked + round_trip_ * 2 + margin));
    *arrived = came.has_value();
    if (how_.account_) how_.account_(door->report());
  }

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
