// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/respond_options.hpp - how a server responds to what clients ask for.
#pragma once

#include <ajar/net/dial_options.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/windows/cloak.hpp>
#include <ajar/windows/policy.hpp>

#include <chrono>
#include <optional>

namespace ajar::rendezvous {

/// How a server responds.
struct respond_options {
  std::optional<std::chrono::milliseconds> window_time{};  ///< at most windows::longest_window; else as the way needs
  windows::on_stranger on_stranger = windows::on_stranger::close_and_reopen;
  windows::cloak cloak = windows::cloak::automatic;
  net::dial_options dialling;
  telling::step_sink steps;
};

}  // namespace ajar::rendezvous
