// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/reflector.ipp - what ajar/rendezvous/reflector.hpp declares.
#pragma once

#include <ajar/rendezvous/reflector.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/network.hpp>
#include <ajar/net/octets.hpp>
#include <ajar/net/route_watch.hpp>
#include <ajar/windows/listener.hpp>
#include <ajar/windows/plan.hpp>
#include <ajar/windows/policy.hpp>
#include <ajar/windows/redial_grid.hpp>

#include <algorithm>

namespace ajar::rendezvous {

AJAR_DECL void reflector::linked(const signalling::welcome& greeting, const net::tcp::endpoint& central,
                                 clock::duration round_trip) {
  ticket_ = greeting.ticket;
  second_port_ = greeting.reflect_port;
  centrals_ = {central};
  round_trip_ = round_trip;
}

AJAR_DECL void reflector::unlinked() {
  second_port_ = 0;
  known_ = net::reflection();
  measured_ = false;
  changed_.notify();
}

AJAR_DECL void reflector::received(const signalling::reflected& what) {
  const auto at = waiting_.find(what.number);
  if (at == waiting_.end() || at->second) return;
  at->second = net::tcp::endpoint(net::unmapped(what.seen.address()), what.seen.port());
  changed_.notify();
}

AJAR_DECL awaitable<void> reflector::settled(time_point until) {
  const auto kept_alive = shared_from_this();
  while (is_possible() && !measured_ && clock::now() < until) {
    auto change = changed_.wait();
    auto changed = co_await before(until, errc::dial_timeout, std::move(change));
    if (!changed && is_canceled(changed.error())) co_return;
  }
}

AJAR_DECL awaitable<void> reflector::begin(net::endpoint central) {
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

AJAR_DECL awaitable<void> reflector::follow() {
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

AJAR_DECL awaitable<net::reflection> reflector::measure(time_point until) {
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

AJAR_DECL awaitable<result<net::tcp::endpoint>> reflector::outside_of(windows::bound_port& port, time_point until) {
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

AJAR_DECL std::optional<net::address> reflector::local_address_to(const net::tcp::endpoint& there) const {
  if (how_.source_ && how_.source_->is_v6() == there.address().is_v6()) return how_.source_;
  return net::source_towards(there.address());
}

AJAR_DECL std::optional<net::address> reflector::local_address(bool v6) const {
  for (const auto& central : centrals_) {
    if (central.address().is_v6() == v6) return local_address_to(central);
  }
  return std::nullopt;
}

// One connection from a bound port to a port of central, with a SYN again and again where nobody answers; central
// says over the link where it came from.
AJAR_DECL awaitable<result<reflector::seen_probe>> reflector::probe(windows::bound_port port, net::tcp::endpoint to,
                                                                    probe_times until) {
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

AJAR_DECL awaitable<result<net::tcp::endpoint>> reflector::ask(net::tcp_stream stream, std::uint64_t number) {
  const auto octets = signalling::reflect_probe{ticket_, number}.encode();
  net::transport over(std::move(stream));
  auto sending = net::write_all(over, octets);
  auto sent = co_await std::move(sending);
  if (!sent) co_return fail(sent.error());
  // the end is a segment of its own, after which the other kernel misses one that was lost before it
  over.shutdown_send();
  for (;;) {
    const auto seen = waiting_.at(number);
    if (seen) co_return *seen;
    auto changed = co_await changed_.wait();
    if (!changed) co_return fail(changed.error());
  }
}

AJAR_DECL awaitable<void> reflector::keep(windows::bound_port port, net::tcp::endpoint to, shared_seen into,
                                          std::size_t which, probe_times until) {
  auto probing = probe(std::move(port), to, until);
  auto told = co_await std::move(probing);
  if (told) (*into)[which] = *told;
}

AJAR_DECL time_point reflector::measured_by() const {
  constexpr std::chrono::seconds patience{5};
  return clock::now() + patience + round_trip_ * 10;
}

// The SYNs leave in this order: it tells how a NAT counts.
AJAR_DECL awaitable<reflector::sampled> reflector::take_samples(net::address from, net::tcp::endpoint central,
                                                                probe_times until) {
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

AJAR_DECL awaitable<std::optional<net::reflected>> reflector::measure_family(net::tcp::endpoint central,
                                                                             time_point until) {
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
AJAR_DECL awaitable<net::filtering> reflector::measure_filtering(net::address from, net::tcp::endpoint central,
                                                                 net::reflected known, time_point until) {
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

AJAR_DECL awaitable<void> reflector::await_dial_back(net::address from, net::tcp::endpoint central, bool after_use,
                                                     std::shared_ptr<std::optional<bool>> arrived, time_point until) {
  constexpr std::chrono::milliseconds margin{100};
  constexpr std::chrono::milliseconds near{300};
  const auto executor = changed_.get_executor();
  auto ports = windows::bind_ports(executor, from, 1);
  if (!ports) co_return;
  auto& port = ports->front();
  auto door = windows::listen_once(port, windows::expected_source::of(central.address()));
  if (!door) co_return;
  door->account(how_.account_);
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
}

}  // namespace ajar::rendezvous
