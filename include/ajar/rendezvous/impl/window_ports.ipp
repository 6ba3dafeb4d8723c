// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/window_ports.ipp - what ajar/rendezvous/window_ports.hpp declares.
#pragma once

#include <ajar/rendezvous/window_ports.hpp>

#include <ajar/net/classify.hpp>
#include <ajar/net/network.hpp>
#include <ajar/net/reflection.hpp>

#include <utility>

namespace ajar::rendezvous {

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

AJAR_DECL vantage unhidden(vantage from) {
  const auto fits = [lan = from.lan || from.advertised](const std::optional<net::address>& one) {
    const auto scope = one && !one->is_loopback() ? net::scope_of(*one) : net::scope::forbidden;
    return scope == net::scope::global || (scope == net::scope::local && lan);
  };
  auto at = from.link_at;
  const bool was_named = at && !from.mirror && !at->is_loopback() && !at->is_unspecified();
  for (auto other = from.others.begin(); !was_named && !fits(at) && other != from.others.end(); ++other) {
    at = net::source_towards(*other);
  }
  if (!was_named && !fits(at)) at.reset();
  from.mirror = nullptr;
  from.link_at = at;
  from.link_seen = at.value_or(net::address());
  return from;
}

AJAR_DECL awaitable<shared_ports> bind_window_ports(vantage from, time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  if (from.is_hidden()) from = unhidden(std::move(from));
  const auto made = std::make_shared<window_ports>();
  made->reserve(16);
  made->within(from.ports);
  for (const bool v6 : {true, false}) {
    const auto known = from.mirror ? from.mirror->known().of(v6) : std::nullopt;
    auto at = from.mirror ? from.mirror->local_address(v6) : std::nullopt;
    if (from.advertised && from.advertised->is_v6() == v6) {
      if (!at && from.link_at && from.link_at->is_v6() == v6) at = from.link_at;
      for (int i = 0; at && i < 2; ++i) {
        auto added = made->add(executor, {*at, 0}, net::tcp::endpoint(*from.advertised, 0));
        (void)added;
      }
    } else if (known && at) {
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
