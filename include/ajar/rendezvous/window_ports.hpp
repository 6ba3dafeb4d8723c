// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/window_ports.hpp - the local ports that one end holds for one window, and how they look from outside.
#pragma once

#include <ajar/rendezvous/reflector.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

/// What an end knows of itself before it binds.
struct vantage {
  std::shared_ptr<reflector> mirror;    ///< of the link; may be nothing
  std::optional<net::address> link_at;  ///< the address to bind where nothing was reflected
  net::address link_seen;               ///< and how central sees that one
};

/// Two ports of each family, bound and silent. Threads: one executor.
class window_ports {
 public:
  struct one {
    windows::bound_port port;
    std::optional<net::tcp::endpoint> outside;  ///< as far as it can be foretold
  };

  /// Where the ports are expected to be seen.
  std::vector<net::tcp::endpoint> outside() const {
    std::vector<net::tcp::endpoint> made;
    for (const auto& each : all_) {
      if (each.outside) made.push_back(*each.outside);
    }
    return made;
  }
  /// Where they are on this end's own network, if that is another address.
  std::vector<net::tcp::endpoint> local() const {
    std::vector<net::tcp::endpoint> made;
    for (const auto& each : all_) {
      const auto at = each.port.local_endpoint();
      const bool differs = !each.outside || each.outside->address() != at.address();
      if (differs && net::scope_of(at.address()) == net::scope::local && !at.address().is_loopback())
        made.push_back(at);
    }
    return made;
  }
  /// The port that a rung names by its endpoint, outside or local.
  one* find(const net::tcp::endpoint& named) {
    const auto at = std::ranges::find_if(
        all_, [&](const one& each) { return each.outside == named || each.port.local_endpoint() == named; });
    return at == all_.end() ? nullptr : &*at;
  }
  /// Any port whose outside or local address is that one.
  const one* beside(const net::address& named) const {
    const auto at = std::ranges::find_if(all_, [&](const one& each) {
      return (each.outside && each.outside->address() == named) || each.port.local_endpoint().address() == named;
    });
    return at == all_.end() ? nullptr : &*at;
  }
  /// May this process bind port 443 where it holds a port?
  bool binds_443(const asio::any_io_executor& executor) const {
    return std::ranges::any_of(all_, [&](const one& each) {
      return windows::may_bind(executor, {each.port.local_endpoint().address(), windows::https_port});
    });
  }
  /// One more, at a port of its own choice or a named one. Errors: bind_failed.
  result<one*> add(const asio::any_io_executor& executor, const net::tcp::endpoint& local,
                   std::optional<net::tcp::endpoint> outside) {
    auto bound = windows::bind_port(executor, local);
    if (!bound) return fail(bound.error());
    if (outside && outside->port() == 0) outside->port(bound->local_endpoint().port());
    all_.push_back({std::move(*bound), std::move(outside)});
    return &all_.back();
  }

  void reserve(std::size_t count) { all_.reserve(count); }

 private:
  std::vector<one> all_;
};
using shared_ports = std::shared_ptr<window_ports>;

namespace detail {

// Stable mappings are seen by a connection of each port, steps by one of another port just before.
inline awaitable<void> foretell(std::shared_ptr<reflector> mirror, shared_ports into, net::address from,
                                net::reflected known, time_point until) {
  constexpr int pairs = 2;
  const auto executor = co_await asio::this_coro::executor;
  const net::tcp::endpoint local(from, 0);
  std::optional<net::tcp::endpoint> last;
  if (known.maps == net::mapping::step) {
    auto other = windows::bind_port(executor, local);
    if (!other) co_return;
    auto looking = mirror->outside_of(*other, until);
    auto seen = co_await std::move(looking);
    if (!seen) co_return;
    last = *seen;
  }
  for (int i = 0; i < pairs; ++i) {
    std::optional<net::tcp::endpoint> outside;
    if (known.maps == net::mapping::none || known.maps == net::mapping::preserving) outside.emplace(known.outside, 0);
    if (last) outside.emplace(last->address(), net::predict(last->port(), known.step, i + 1));
    auto added = into->add(executor, local, outside);
    if (!added) co_return;
    if (known.maps == net::mapping::stable) {
      auto looking = mirror->outside_of((*added)->port, until);
      auto seen = co_await std::move(looking);
      if (seen) (*into->find((*added)->port.local_endpoint())).outside = *seen;
    }
  }
}

}  // namespace detail

/// Bind the ports of one window, before anything is asked or answered.
///
/// @param until  for the reflections that some NATs need
/// Cancellation: terminal. What cannot be bound is left out.
[[nodiscard]] inline awaitable<shared_ports> bind_window_ports(vantage from, time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  const auto made = std::make_shared<window_ports>();
  made->reserve(16);
  for (const bool v6 : {true, false}) {
    const auto known = from.mirror ? from.mirror->known().of(v6) : std::nullopt;
    const auto at = from.mirror ? from.mirror->local_address(v6) : std::nullopt;
    if (known && at) {
      auto foretelling = detail::foretell(from.mirror, made, *at, *known, until);
      co_await std::move(foretelling);
    } else if (from.link_at && from.link_at->is_v6() == v6) {
      for (int i = 0; i < 2; ++i) {
        auto added = made->add(executor, {*from.link_at, 0}, net::tcp::endpoint(from.link_seen, 0));
        (void)added;
      }
    }
  }
  co_return made;
}

}  // namespace ajar::rendezvous
