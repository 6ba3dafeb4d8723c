// SPDX-License-Identifier: BSL-1.0
// ajar/central/desk.hpp - what the parts of a shard have in common: whom they serve, what they count, their coroutines.
#pragma once

#include <ajar/central/options.hpp>
#include <ajar/central/peer_link.hpp>
#include <ajar/central/status.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/telling/line_limit.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace ajar::detail {

// What all shards know.
struct central_node {
  central_node(identity::key own, central_options options) : key(std::move(own)), how(std::move(options)) {}
  identity::key key;
  central_options how;
  switchboard::router routes;
  time_point made = clock::now();
  std::atomic<std::uint64_t> words{0};  // of its operator: lists and limits, in the order in which they were said
};

// What the parts of one shard work on, and refer to.
struct central_desk : std::enable_shared_from_this<central_desk> {
  central_desk(const asio::any_io_executor& executor, std::uint32_t which, std::shared_ptr<central_node> all)
      : on(executor),
        number(which),
        shared(std::move(all)),
        steps(telling::limit_lines(shared->how.steps_)),
        served(shared->how.served_),
        tasks(executor, [this](const std::exception_ptr& what) {
          ++counted.exceptions;
          telling::report_thrown(shared->how.steps_, what);
        }) {}

  // A coroutine may outlive whoever held its shard.
  void spawn(awaitable<void> work, bytes_view whose = {}) { tasks.spawn(shared_from_this(), std::move(work), whose); }

  const std::shared_ptr<net::network>& network() const { return shared->how.network_; }
  std::uint16_t reflect_port() const { return shared->how.reflect_port_.value_or(0); }

  // What a peer causes, or somebody at an address who is none yet.
  void trouble(const net::tcp::endpoint& from, std::string_view what, std::string detail) const {
    telling::report_trouble(telling::caused_by(from.address().to_string(), steps), what, std::move(detail));
  }
  void step_done(const identity::peer_id& by, std::string_view letter, std::string_view what,
                 std::string detail = {}) const {
    telling::report_step(telling::caused_by(short_name(by), steps), letter, what, std::move(detail));
  }

  void cut_off(peer_link& one, errc why) {
    step_done(one.id, "", "cut off a peer", short_name(one.id) + ": " + make_error_code(why).message());
    one.link.close(why);
    one.verdict.notify();
  }

  asio::any_io_executor on;
  std::uint32_t number;
  std::shared_ptr<central_node> shared;
  telling::step_sink steps;
  switchboard::admission served;  // its own copy, so that no lock is needed where it changes
  windows::exposure_account exposed;
  central_status counted;  // what only grows; the rest is looked up when somebody asks
  task_group tasks;
};

}  // namespace ajar::detail
