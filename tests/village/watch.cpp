// SPDX-License-Identifier: BSL-1.0
#include "watch.hpp"

#include <ajar/core/deadline.hpp>
#include <algorithm>
#include <asio/post.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace village {

std::vector<std::string> watch::state::details(std::string_view what) const {
  std::vector<std::string> all;
  for (const auto& one : seen) {
    if (one.what == what) all.push_back(one.detail);
  }
  return all;
}

ajar::telling::step_sink watch::sink(std::string who) const {
  return [state = state_, print = steps(std::move(who))](const ajar::telling::step& one) {
    if (print) print(one);
    state->seen.push_back({std::string(one.what), one.detail});
    state->changed.notify();
  };
}

std::string watch::last(std::string_view what) const {
  const auto all = state_->details(what);
  return all.empty() ? "" : all.back();
}

ajar::awaitable<bool> watch::saw(std::string what, std::size_t times, std::chrono::seconds within) const {
  auto enough = [what, times](const state& now) { return now.details(what).size() >= times; };
  return until(state_, std::move(enough), within);
}

ajar::awaitable<bool> watch::saw_ending(std::string what, std::string ending, std::chrono::seconds within) const {
  auto there = [what, ending](const state& now) {
    return std::ranges::any_of(now.details(what), [&](const std::string& one) { return one.ends_with(ending); });
  };
  return until(state_, std::move(there), within);
}

ajar::awaitable<bool> watch::until(std::shared_ptr<state> kept, std::function<bool(const state&)> condition,
                                   std::chrono::seconds within) {
  const auto end = ajar::clock::now() + within;
  while (!condition(*kept)) {
    auto change = kept->changed.wait();
    auto changed = co_await ajar::before(end, ajar::errc::exchange_timeout, std::move(change));
    if (!changed) co_return false;
  }
  co_return true;
}

sockets own_sockets() {
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

ajar::awaitable<bool> settles(sockets expected) {
  const auto until = ajar::clock::now() + 20s;
  auto executor = co_await asio::this_coro::executor;
  while (own_sockets() != expected) {
    if (ajar::clock::now() >= until) co_return false;
    co_await asio::post(executor, ajar::use_awaitable);
  }
  co_return true;
}

}  // namespace village
