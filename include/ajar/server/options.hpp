// SPDX-License-Identifier: BSL-1.0
// ajar/server/options.hpp - how a server behaves.
#pragma once

#include <ajar/identity/url.hpp>
#include <ajar/net/network.hpp>
#include <ajar/rendezvous/respond_options.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/trust/grant.hpp>
#include <ajar/trust/invite.hpp>
#include <ajar/trust/revocations.hpp>
#include <ajar/windows/port_pool.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar {

namespace detail {
class commands;
class correspondence;
class entrance;
struct server_node;
}  // namespace detail

/// How a server behaves. Every function here runs on the server's executor and must not block for long.
class server_options {
 public:
  explicit server_options(identity::url central) : central_(std::move(central)) {}

  /// Be linked to this central as well: for clients that know that one (server::also_at).
  server_options& also_at(identity::url central) {
    other_centrals_.push_back(std::move(central));
    return *this;
  }
  /// The ways that it serves; by default both.
  server_options& methods(trust::method_set which) {
    methods_ = which;
    return *this;
  }
  /// Ask for the roster at intervals, without a standing link. Only where windows are not served.
  server_options& roster_every(std::chrono::milliseconds interval) {
    roster_interval_ = interval;
    return *this;
  }
  /// Where windows are bound; by default the address that the link to central has.
  server_options& window_address(net::address at) {
    window_address_ = std::move(at);
    return *this;
  }
  /// The ports that windows take, for a firewall that lets in no others; by default random ones.
  server_options& window_ports(windows::port_range these) {
    window_ports_ = these;
    return *this;
  }
  /// The address that clients are told, where a router forwards the ports of window_ports() from there, each to the
  /// same port here; by default how central sees this server. Crossings, which need no forwarded port, are not tried
  /// then.
  server_options& advertise(net::address outside) {
    advertised_ = std::move(outside);
    return *this;
  }
  /// How long the ports of a window are open at most, up to windows::longest_window; by default as long as the round
  /// trip to the client needs (windows::window_time_for).
  server_options& window_time(std::chrono::milliseconds time) {
    window_time_ = std::min(time, windows::longest_window);
    return *this;
  }
  /// For how long in a minute ports of windows are open, all together; 30 s by default. What one client may have is in
  /// its grant. Requests wait a little for those before them.
  server_options& listening(std::chrono::milliseconds a_minute) {
    listening_ = a_minute;
    return *this;
  }
  /// How many sessions there are at a time, of all clients together; whoever comes beyond is told server_busy. What a
  /// client may have is in its grant.
  server_options& most_sessions(std::size_t count) {
    most_sessions_ = count;
    return *this;
  }
  /// How listeners treat everybody else; by default as well as this process may.
  server_options& cloak(windows::cloak wish) {
    cloak_ = wish;
    return *this;
  }
  server_options& on_stranger(windows::on_stranger policy) {
    on_stranger_ = policy;
    return *this;
  }
  /// Where login numbers come from (state::folder::next_login).
  server_options& logins(std::function<result<std::uint64_t>()> source) {
    logins_ = std::move(source);
    return *this;
  }
  /// The grants that this server issued; grant_unknown for those that it did not. With any other error nobody knows,
  /// and clients are told server_busy.
  server_options& grants(std::function<result<trust::signed_grant>(const trust::grant_id&)> source) {
    grants_ = std::move(source);
    return *this;
  }
  /// What was revoked before it starts (state::issued_grants::revocations_in_force).
  server_options& revocations(trust::signed_revocations list) {
    revocations_.emplace(std::move(list));
    return *this;
  }
  /// What to do with a later list of this server's own, which central has and it has not: keep it, and give the list of
  /// both (state::issued_grants::learn). Without this it is trouble to report.
  server_options& later_revocations(
      std::function<result<trust::signed_revocations>(const trust::signed_revocations&)> taker) {
    later_revocations_ = std::move(taker);
    return *this;
  }
  /// Its invites: the ids that central is told of, and what becomes of a redemption (state::issued_invites::ids,
  /// redeem). By default it has none.
  server_options& invites(std::function<result<std::vector<trust::invite_id>>()> ids,
                          std::function<result<bytes>(const trust::invite_id&, bytes_view sealed)> redeem) {
    invite_ids_ = std::move(ids);
    redeem_ = std::move(redeem);
    return *this;
  }
  /// Sessions that wait for accept(), and commands of central's that are carried out, at a time; whoever comes then is
  /// told server_busy. 1024 of each by default.
  server_options& most_at_once(std::size_t waiting, std::size_t commands) {
    most_waiting_ = waiting;
    most_commands_ = commands;
    return *this;
  }
  /// The local address of all that it dials; by default the one that the routes give.
  server_options& from(net::address source) {
    from_ = std::move(source);
    return *this;
  }
  /// What it reaches central and doors over; by default this machine's TCP, from from(). Where that has no sockets
  /// (net::network::has_sockets), windows are bound at window_address(), and nothing is measured of the network.
  server_options& network(std::shared_ptr<net::network> over) {
    network_ = std::move(over);
    return *this;
  }
  server_options& on_step(telling::step_sink sink) {
    steps_ = std::move(sink);
    return *this;
  }

 private:
  friend class server;
  friend class detail::commands;
  friend class detail::correspondence;
  friend class detail::entrance;
  friend struct detail::server_node;
  identity::url central_;
  std::vector<identity::url> other_centrals_;
  trust::method_set methods_ = trust::method::outbound | trust::method::window;
  std::chrono::milliseconds roster_interval_{0};
  std::optional<net::address> window_address_;
  std::optional<windows::port_range> window_ports_;
  std::optional<net::address> advertised_;
  std::optional<std::chrono::milliseconds> window_time_;
  std::chrono::milliseconds listening_{30'000};
  std::size_t most_sessions_ = 10'000;
  std::size_t most_waiting_ = 1'024;
  std::size_t most_commands_ = 1'024;
  windows::on_stranger on_stranger_ = windows::on_stranger::close_and_reopen;
  windows::cloak cloak_ = windows::cloak::automatic;
  std::function<result<std::uint64_t>()> logins_;
  std::function<result<trust::signed_grant>(const trust::grant_id&)> grants_;
  std::optional<trust::signed_revocations> revocations_;
  std::function<result<trust::signed_revocations>(const trust::signed_revocations&)> later_revocations_;
  std::function<result<std::vector<trust::invite_id>>()> invite_ids_;
  std::function<result<bytes>(const trust::invite_id&, bytes_view)> redeem_;
  std::optional<net::address> from_;
  std::shared_ptr<net::network> network_;
  telling::step_sink steps_;

  std::shared_ptr<net::network> reach() const { return network_ ? network_ : net::sockets(from_); }
  net::dial_options dialling() const {
    net::dial_options made;
    if (from_) made.from(*from_);
    return made;
  }
  rendezvous::respond_options responding() const { return {window_time_, on_stranger_, cloak_, dialling(), steps_}; }
};

}  // namespace ajar
