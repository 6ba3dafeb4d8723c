// SPDX-License-Identifier: BSL-1.0
// ajar/windows/impl/crossing.ipp - what ajar/windows/crossing.hpp declares.
#pragma once

#include <ajar/windows/crossing.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/net/octets.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace ajar::windows {

// The coroutines of one crossing; the task group keeps it for them.
struct crossing_work {
  static constexpr std::uint8_t here = 1;  // what the following end sends on each connection
  static constexpr std::uint8_t this_one = 2;

  explicit crossing_work(const asio::any_io_executor& executor, crossing_plan of)
      : plan(std::move(of)), changed(executor), work(executor) {}

  // A SYN that is signed (RFC 2385) gets no reset from a port where nothing is yet, and an unsigned reset ends nothing.
  // So one end's SYN may come before the other end's socket is there, which then connects to a socket that waits.
  static result<> sign(net::tcp_stream& stream, const net::tcp::endpoint& to, const crossing_key& key) {
    tcp_md5sig wish{};
    std::memcpy(&wish.tcpm_addr, to.data(), to.size());
    wish.tcpm_keylen = static_cast<std::uint16_t>(key.size());
    std::ranges::copy(key, wish.tcpm_key);
    if (::setsockopt(stream.native_handle(), IPPROTO_TCP, TCP_MD5SIG, &wish, sizeof wish) == 0) return {};
    return fail(std::error_code(errno, std::system_category()));
  }

  // The other end's SYN has come, and its answer to ours has not.
  static bool is_half_open(net::tcp_stream& stream) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(stream.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    return info.tcpi_state == TCP_SYN_RECV;
  }

  time_point instant(unsigned tries, std::size_t which) const {
    return plan.grid_.instant(tries, static_cast<unsigned>(which));
  }
  awaitable<void> redial(std::size_t which, time_point until) {
    const auto& pair = plan.pairs_[which];
    auto at = instant(0, which);
    for (unsigned tries = 0; !done && at < until; ++tries) {
      auto slept = co_await sleep_until(at);
      if (!slept || done) co_return;
      auto stream = pair.from.fresh();
      at = instant(tries + 1, which);
      auto begun = stream ? result<>() : fail(stream.error());
      if (!stream) shortage = shortage_or(stream.error(), shortage);
      if (begun && plan.key_) begun = sign(*stream, pair.to, *plan.key_);
      if (begun) begun = net::begin_connect(*stream, pair.to);
      result<> connected = begun;
      while (begun) {
        auto standing = net::connected(*stream);
        connected = co_await before(std::min(at, until), errc::dial_timeout, std::move(standing));
        if (connected || connected.error() != errc::dial_timeout || at >= until || !is_half_open(*stream)) break;
        at = instant(++tries + 1, which);  // nearly there
      }
      if (!connected && is_canceled(connected.error())) co_return;
      if (!connected) continue;
      const auto up = clock::now();
      auto greeting = greet(which, std::move(*stream), tries + 1, up, until);
      auto settled = co_await std::move(greeting);
      if (settled) co_return;
    }
  }

  // The other end's octet on one connection, after ours.
  static awaitable<result<std::uint8_t>> exchange(net::transport& over, std::uint8_t mine) {
    auto sending = net::write_all(over, bytes_view(&mine, 1));
    auto sent = co_await std::move(sending);
    if (!sent) co_return fail(sent.error());
    std::uint8_t theirs = 0;
    auto receiving = net::read_all(over, std::span(&theirs, 1));
    auto received = co_await std::move(receiving);
    if (!received) co_return fail(received.error());
    co_return theirs;
  }

  // An octet each way repairs a last packet that was lost, and settles which pair it is. False: that was none.
  awaitable<bool> greet(std::size_t which, net::tcp_stream stream, unsigned tries, time_point up, time_point until) {
    const bool names = plan.side_ == crossing_side::names;
    if (names && done) {
      others.push_back(std::move(stream));
      co_return true;
    }
    if (names) done = true;  // the first one that stands; nobody else is named
    net::transport over(std::move(stream));
    auto exchanging = exchange(over, names ? this_one : here);
    auto theirs = co_await before(until, errc::crossing_failed, std::move(exchanging));
    if (theirs && *theirs == (names ? here : this_one) && !won) {
      done = true;
      won.emplace(crossed{std::move(*over.target<net::tcp_stream>()), which, tries, up});
      changed.notify();
      co_return true;
    }
    if (names) done = false;  // it was no connection after all
    co_return !theirs && is_canceled(theirs.error());
  }

  awaitable<void> run(std::size_t which, time_point until) {
    auto redialling = redial(which, until);
    co_await std::move(redialling);
    ++ended;
    changed.notify();
  }

  awaitable<result<>> wait() {
    while (!won && ended < plan.pairs_.size()) {
      auto woken = co_await changed.wait();
      if (!woken) co_return woken;
    }
    co_return result<>{};
  }

  crossing_plan plan;
  notifier changed;
  task_group work;
  std::optional<crossed> won;
  std::vector<net::tcp_stream> others;
  std::size_t ended = 0;
  std::error_code shortage;  // that kept one of the pairs from being tried
  bool done = false;
};

AJAR_DECL awaitable<result<crossed>> cross(crossing_plan how, time_point until) {
  const auto executor = co_await asio::this_coro::executor;
  const auto all = std::make_shared<crossing_work>(executor, std::move(how));
  for (std::size_t i = 0; i < all->plan.pairs_.size(); ++i) all->work.spawn(all, all->run(i, until));
  auto waiting = all->wait();
  auto waited = co_await before(until, errc::crossing_failed, std::move(waiting));
  const bool canceled = !waited && is_canceled(waited.error());
  all->work.cancel();
  co_await all->work.join();
  if (canceled) co_return fail(errc::canceled);
  if (!all->won) co_return fail(all->shortage ? all->shortage : make_error_code(errc::crossing_failed));
  all->won->others = std::move(all->others);
  co_return std::move(*all->won);
}

}  // namespace ajar::windows
