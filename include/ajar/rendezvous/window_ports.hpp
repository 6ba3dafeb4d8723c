// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/window_ports.hpp - the local ports that one end holds for one window, and how they look from outside.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/rendezvous/reflector.hpp>
#include <ajar/windows/port_pool.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::rendezvous {

/// What an end knows of itself before it binds.
struct vantage {
  std::shared_ptr<reflector> mirror;              ///< of the link; may be nothing
  std::optional<net::address> link_at;            ///< the address to bind where nothing was reflected
  net::address link_seen;                         ///< and how central sees that one
  std::vector<net::address> others{};             ///< the other end's addresses, as central sees them; may be none
  bool lan = false;                               ///< addresses of the site may be told
  std::shared_ptr<windows::port_lender> ports{};  ///< whose ports to take; else random ones
  std::optional<net::address> advertised{};       ///< a router forwards the same ports of this address to this end

  /// True where this end is linked to a central on its own host, over loopback, and the other end is elsewhere: what
  /// central sees means nothing to it.
  bool is_hidden() const {
    return (link_seen.is_loopback() || link_seen.is_unspecified()) && !others.empty() &&
           std::ranges::none_of(others,
                                [](const net::address& one) { return one.is_loopback() || one.is_unspecified(); });
  }
};

/// What one end can tell of itself where it is hidden: the address that it was named for its windows (link_at without a
/// mirror), else the one that the routes give towards the other end, where that is global, or of the site and may be
/// told. It has no link_at where there is none.
vantage unhidden(vantage from);

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
  /// May this process bind port 443 where it holds a port? It needs CAP_NET_BIND_SERVICE below
  /// ip_unprivileged_port_start, ip(7).
  bool binds_443(const asio::any_io_executor& executor) {
    return std::ranges::any_of(all_, [&](const one& each) {
      const auto bound = windows::bind_port(executor, {each.port.local_endpoint().address(), windows::https_port});
      if (!bound) short_of_ = shortage_or(bound.error(), short_of_);
      return bound.has_value();
    });
  }
  /// From where its own choice is, from now on.
  void within(std::shared_ptr<windows::port_lender> these) { within_ = std::move(these); }
  /// One more, at a port of its own choice or a named one. Errors: bind_failed, a shortage.
  result<one*> add(const asio::any_io_executor& executor, const net::tcp::endpoint& local,
                   std::optional<net::tcp::endpoint> outside) {
    auto bound =
        local.port() == 0 && within_ ? within_->lend(executor, local.address()) : windows::bind_port(executor, local);
    if (!bound) {
      short_of_ = shortage_or(bound.error(), short_of_);
      return fail(bound.error());
    }
    if (outside && outside->port() == 0) outside->port(bound->local_endpoint().port());
    all_.push_back({std::move(*bound), std::move(outside)});
    return &all_.back();
  }

  /// Why there are fewer than there could be, where this process or machine has no room for more.
  const std::error_code& short_of() const noexcept { return short_of_; }

  void reserve(std::size_t count) { all_.reserve(count); }

 private:
  std::vector<one> all_;
  std::shared_ptr<windows::port_lender> within_;
  std::error_code short_of_;
};
using shared_ports = std::shared_ptr<window_ports>;

/// Bind the ports of one window, before anything is asked or answered.
///
/// @param from   loopback is told to nobody who is elsewhere (vantage::is_hidden)
/// @param until  for the reflections that some NATs need
/// Cancellation: terminal. What cannot be bound is left out (window_ports::short_of).
[[nodiscard]] awaitable<shared_ports> bind_window_ports(vantage from, time_point until);

}  // namespace ajar::rendezvous

#ifdef AJAR_HEADER_ONLY
#include <ajar/rendezvous/impl/window_ports.ipp>
#endif
