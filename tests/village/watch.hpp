// SPDX-License-Identifier: BSL-1.0
// What a role did, and what this process has open: for tests that must see both.
#pragma once

#include "place.hpp"

#include <ajar/core/notifier.hpp>
#include <functional>

namespace village {

// Keeps the steps of a role, and wakes who waits for one. It goes before its context does.
class watch {
 public:
  explicit watch(asio::io_context& context) : state_(std::make_shared<state>(context.get_executor())) {}

  ajar::telling::step_sink sink(std::string who) const;

  std::size_t count(std::string_view what) const { return state_->details(what).size(); }
  // What the last such step had to say.
  std::string last(std::string_view what) const;

  // Wait until there were so many such steps.
  ajar::awaitable<bool> saw(std::string what, std::size_t times = 1, std::chrono::seconds within = 20s) const;
  // Wait until there was such a step whose last words were these.
  ajar::awaitable<bool> saw_ending(std::string what, std::string ending, std::chrono::seconds within = 20s) const;

 private:
  struct one_step {
    std::string what;
    std::string detail;
  };
  struct state {
    explicit state(const asio::any_io_executor& executor) : changed(executor) {}
    std::vector<std::string> details(std::string_view what) const;
    ajar::notifier changed;
    std::vector<one_step> seen;
  };
  static ajar::awaitable<bool> until(std::shared_ptr<state> kept, std::function<bool(const state&)> condition,
                                     std::chrono::seconds within);

  std::shared_ptr<state> state_;
};

// The sockets of this process.
struct sockets {
  std::size_t open = 0;
  std::size_t listening = 0;

  bool operator==(const sockets&) const = default;
};

sockets own_sockets();

// Let everything else run until exactly these are open.
ajar::awaitable<bool> settles(sockets expected);

}  // namespace village
