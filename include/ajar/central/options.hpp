// SPDX-License-Identifier: BSL-1.0
// ajar/central/options.hpp - how central behaves.
#pragma once

#include <ajar/net/network.hpp>
#include <ajar/switchboard/accept_budget.hpp>
#include <ajar/switchboard/admission.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/trust/redemption.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace ajar {

namespace detail {
struct central_desk;
class central_greeting;
struct central_shard;
}  // namespace detail

/// How central behaves.
class central_options {
 public:
  using follow_server = std::function<result<>(const identity::peer_id& before, const identity::peer_id& successor)>;
  using redeem_server = std::function<result<trust::sealed_answer>(const trust::invite_id&, bytes_view sealed)>;

  /// @param at      where peers reach it; port 0 takes a random one
  /// @param served  its operator's list
  central_options(net::tcp::endpoint at, switchboard::admission served)
      : at_(std::move(at)), served_(std::move(served)) {}

  /// Of all links; 15 s by default.
  central_options& heartbeat(std::chrono::milliseconds interval) {
    heartbeat_ = interval;
    return *this;
  }
  central_options& limits(switchboard::accept_limits limits) {
    limits_ = limits;
    return *this;
  }
  /// The second reflecting port, beside the link port, by which peers learn how their NAT maps; 0 takes a random one.
  /// Without it no peer knows its NAT, and windows are plain listeners.
  central_options& reflect_port(std::uint16_t port) {
    reflect_port_ = port;
    return *this;
  }
  /// From the connection to the welcome, and to a client's first good grant; 10 s by default.
  central_options& greet_within(std::chrono::milliseconds time) {
    greet_within_ = time;
    return *this;
  }
  /// By invites of its own servers come to be served; without this it knows none. state::server_invites keeps them.
  ///
  /// Called on the shards' executors, from several threads at once where there are several, and waited for there: a
  /// shard does nothing else meanwhile. Let whoever does not know an invite's secret cost a look into a file at most.
  ///
  /// @param redeem  the answer to a sealed redemption; what cannot be answered, and an answer that refuses, counts as a
  ///                refusal of its address. Whoever is to be served was told by central::admit() before it returns.
  central_options& invites(redeem_server redeem) {
    redeem_ = std::move(redeem);
    return *this;
  }
  /// A server that is served goes over to another key, as both have signed: that one is to be served too. Without this
  /// none is. Called as `invites` is.
  ///
  /// @param follow  the successor was told by central::admit() before it returns; an error is told as central_busy
  central_options& successions(follow_server follow) {
    follow_ = std::move(follow);
    return *this;
  }
  /// What it listens on, and dials over; by default this machine's TCP.
  central_options& network(std::shared_ptr<net::network> over) {
    network_ = std::move(over);
    return *this;
  }
  /// Called on the shards' executors, from several threads where there are several.
  central_options& on_step(telling::step_sink sink) {
    steps_ = std::move(sink);
    return *this;
  }

 private:
  friend class central;
  friend struct detail::central_desk;
  friend class detail::central_greeting;
  friend struct detail::central_shard;
  net::tcp::endpoint at_;
  switchboard::admission served_;
  std::optional<std::uint16_t> reflect_port_;
  std::chrono::milliseconds heartbeat_{15'000};
  switchboard::accept_limits limits_;
  std::chrono::milliseconds greet_within_{10'000};
  redeem_server redeem_;
  follow_server follow_;
  std::shared_ptr<net::network> network_ = net::sockets();
  telling::step_sink steps_;
};

}  // namespace ajar
