// SPDX-License-Identifier: BSL-1.0
// ajar/client/options.hpp - how a client behaves, and how one connection is made.
#pragma once

#include <ajar/net/network.hpp>
#include <ajar/rendezvous/timeline.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/trust/grant_file.hpp>
#include <ajar/windows/cloak.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar {

namespace detail {
struct client_node;
class client_door;
class connecting;
}  // namespace detail

/// How a client behaves. Every function here runs on the client's executor and must not block for long.
class client_options {
 public:
  client_options() = default;

  /// What its owner was granted.
  client_options& grants(std::vector<trust::grant_file> held) {
    grants_ = std::move(held);
    return *this;
  }
  /// Where login numbers come from (state::folder::next_login).
  client_options& logins(std::function<result<std::uint64_t>()> source) {
    logins_ = std::move(source);
    return *this;
  }
  /// Let servers dial us there; the port is open only while one that may is linked.
  client_options& door(net::tcp::endpoint at) {
    door_ = std::move(at);
    return *this;
  }
  /// What servers are told, where it differs from the door: a router's address and forwarded port.
  client_options& advertise(net::tcp::endpoint at) {
    advertised_ = std::move(at);
    return *this;
  }
  /// Where our own windows are bound; by default the address that the link to central has.
  client_options& window_address(net::address at) {
    window_address_ = std::move(at);
    return *this;
  }
  /// The local address of all that it dials; by default the one that the routes give.
  client_options& from(net::address source) {
    from_ = std::move(source);
    return *this;
  }
  /// May it open ports for moments: for windows of its own (window-reverse), and to learn what its firewall lets in? A
  /// client that may not still crosses, and dials windows of the server; by::window_reverse is client_unreachable then.
  /// By default it may.
  client_options& listens(bool on) {
    listens_ = on;
    return *this;
  }
  /// How our own listeners treat everybody else; by default as well as this process may.
  client_options& cloak(windows::cloak wish) {
    cloak_ = wish;
    return *this;
  }
  /// What it reaches central and opens its door over; by default this machine's TCP, from from(). Where that has no
  /// sockets (net::network::has_sockets), windows are bound at window_address(), and nothing is measured of the
  /// network.
  client_options& network(std::shared_ptr<net::network> over) {
    network_ = std::move(over);
    return *this;
  }
  client_options& on_step(telling::step_sink sink) {
    steps_ = std::move(sink);
    return *this;
  }

 private:
  friend class client;
  friend struct detail::client_node;
  friend class detail::client_door;
  friend class detail::connecting;
  std::vector<trust::grant_file> grants_;
  std::function<result<std::uint64_t>()> logins_;
  std::optional<net::tcp::endpoint> door_;
  std::optional<net::tcp::endpoint> advertised_;
  std::optional<net::address> window_address_;
  std::optional<net::address> from_;
  bool listens_ = true;
  windows::cloak cloak_ = windows::cloak::automatic;
  std::shared_ptr<net::network> network_;
  telling::step_sink steps_;

  std::shared_ptr<net::network> reach() const { return network_ ? network_ : net::sockets(from_); }
  net::dial_options dialling() const {
    net::dial_options made;
    if (from_) made.from(*from_);
    return made;
  }
};

/// Which path to take.
enum class by { automatic, outbound, crossing, window, window_reverse };

/// How one connection is made.
class connect_options {
 public:
  connect_options() = default;

  connect_options& over(by way) {
    way_ = way;
    return *this;
  }
  /// For all of it. By default ten seconds, for a server that polls its interval in addition.
  connect_options& until(ajar::deadline at) {
    until_ = at;
    return *this;
  }
  /// Our address is another than central sees: for grants that permit it.
  connect_options& roam(bool on = true) {
    roam_ = on;
    return *this;
  }

  /// Gets the steps of the client, of central and of the server for each request, when it has ended. The server's word
  /// is signed; central's is not.
  connect_options& explain(rendezvous::timeline_sink sink) {
    explain_ = std::move(sink);
    return *this;
  }

  /// Gets why the server plans the way that it does, or that there is none: one sentence for a person, beside the
  /// error. The last call counts: with nothing where what is tried now has no plan.
  connect_options& reason(rendezvous::reason_sink sink) {
    reason_ = std::move(sink);
    return *this;
  }

  by way() const noexcept { return way_; }
  const rendezvous::timeline_sink& explains() const noexcept { return explain_; }
  const rendezvous::reason_sink& reasons() const noexcept { return reason_; }
  bool roams() const noexcept { return roam_; }
  const std::optional<time_point>& deadline() const noexcept { return until_; }

 private:
  by way_ = by::automatic;
  bool roam_ = false;
  std::optional<time_point> until_;
  rendezvous::timeline_sink explain_;
  rendezvous::reason_sink reason_;
};

}  // namespace ajar
