// SPDX-License-Identifier: BSL-1.0
// What a role did, and what this process has open: for tests that must see both.
#pragma once

#include "village.hpp"

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <algorithm>
#include <asio/post.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>

namespace village {

// Keeps the steps of a role, and wakes who waits for one. It goes before its context does.
class watch {
 public:
  explicit watch(asio::io_context& context) : state_(std::make_shared<state>(context.get_executor())) {}

  ajar::telling::step_sink sink(std::string who) const {
    return [state = state_, print = steps(std::move(who))](const ajar::telling::step& one) {
      if (print) print(one);
      state->seen.push_back({std::string(one.what), one.detail});
      state->changed.notify();
    };
  }

  std::size_t count(std::string_view what) const { return state_->details(what).size(); }
  // What the last such step had to say.
  std::string last(std::string_view what) const {
    const auto all = state_->details(what);
    return all.empty() ? "" : all.back();
  }

  // Wait until there were so many such steps.
  ajar::awaitable<bool> saw(std::string what, std::size_t times = 1, std::chrono::seconds within = 20s) const {
    auto enough = [what, times](const state& now) { return now.details(what).size() >= times; };
    return until(state_, std::move(enough), within);
  }
  // Wait until there was such a step whose last words were these.
  ajar::awaitable<bool> saw_ending(std::string what, std::string ending, std::chrono::seconds within = 20s) const {
    auto there = [what, ending](const state& now) {
      return std::ranges::any_of(now.details(what), [&](const std::string& one) { return one.ends_with(ending); });
    };
    return until(state_, std::move(there), within);
  }

 private:
  struct one_step {
    std::string what;
    std::string detail;
  };
  struct state {
    explicit state(const asio::any_io_executor& executor) : changed(executor) {}
    std::vector<std::string> details(std::string_view what) const {
      std::vector<std::string> all;
      for (const auto& one : seen) {
        if (one.what == what) all.push_back(one.detail);
      }
      return all;
    }
    ajar::notifier changed;
    std::vector<one_step> seen;
  };
  static ajar::awaitable<bool> until(std::shared_ptr<state> kept, std::function<bool(const state&)> condition,
                                     std::chrono::seconds within) {
    const auto end = ajar::clock::now() + within;
    while (!condition(*kept)) {
      auto change = kept->changed.wait();
      auto changed = co_await ajar::before(end, ajar::errc::exchange_timeout, std::move(change));
      if (!changed) co_return false;
    }
    co_return true;
  }

  std::shared_ptr<state> state_;
};

// The sockets of this process.
struct sockets {
  std::size_t open = 0;
  std::size_t listening = 0;

  bool operator==(const sockets&) const = default;
};

inline sockets own_sockets() {
  std::set<std::string> inodes;
  for (const auto& one : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the folder's own descriptor
    const auto to = std::filesystem::read_symlink(one.path(), gone).string();
    if (to.starts_with("socket:[")) inodes.insert(to.substr(8, to.size() - 9));
  }
  sockets counted{inodes.size(), 0};
  for (const char* name : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream lines(name);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      const std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
      constexpr std::size_t state = 3;
      constexpr std::size_t inode = 9;
      if (all.size() > inode && all[state] == "0A" && inodes.contains(all[inode])) ++counted.listening;
    }
  }
  return counted;
}

// Let everything else run until exactly these are open.
inline ajar::awaitable<bool> settles(sockets expected) {
  const auto until = ajar::clock::now() + 20s;
  auto executor = co_await asio::this_coro::executor;
  while (own_sockets() != expected) {
    if (ajar::clock::now() >= until) co_return false;
    co_await asio::post(executor, ajar::use_awaitable);
  }
  co_return true;
}

}  // namespace village
