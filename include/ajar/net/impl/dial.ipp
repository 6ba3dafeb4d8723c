// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/dial.ipp - what ajar/net/dial.hpp declares.
#pragma once

#include <ajar/net/dial.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace ajar::net {

namespace detail {

inline std::error_code dial_error(const std::error_code& error) {
  if (error.category() == category()) return error;
  if (error == std::errc::connection_refused || error == std::errc::connection_reset) return errc::dial_refused;
  if (error == std::errc::timed_out) return errc::dial_timeout;
  if (error == std::errc::address_in_use || error == std::errc::permission_denied ||
      error == std::errc::address_not_available) {
    return errc::bind_failed;
  }
  return shortage_or(error, errc::dial_unreachable);  // what this machine is short of says nothing of the way
}

inline result<tcp_stream> make_stream(const asio::any_io_executor& executor, const tcp& protocol,
                                      const dial_options& how) {
  tcp_stream stream(executor);
  std::error_code error;
  stream.open(protocol, error);
  if (error) return fail(dial_error(error));
  if (how.source()) {
    stream.bind(tcp::endpoint(*how.source(), 0), error);
    if (error) return fail(shortage_or(error, errc::bind_failed));
  }
  auto ready = prepare(stream);
  if (!ready) return fail(ready.error());
  return stream;
}

struct lookup {
  explicit lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
  tcp::resolver resolver;
  notifier done;
  std::error_code error;
  std::vector<tcp::endpoint> found;
  bool finished = false;
};

// A resolver that gets no descriptor says that there is no such name.
inline std::error_code why_not_found(const std::error_code& said) {
  const descriptor one(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return shortage_or(one ? said : last_error(), errc::name_not_found);
}

// A name look-up in progress cannot be cancelled: what waits for it goes, the look-up's state stays until it ends.
inline awaitable<result<std::vector<tcp::endpoint>>> look_up(endpoint name) {
  std::error_code error;
  const auto numeric = asio::ip::make_address(name.host(), error);
  std::vector<tcp::endpoint> found;
  if (!error) {
    found.emplace_back(numeric, name.port());
    co_return found;
  }
  auto state = std::make_shared<lookup>(co_await asio::this_coro::executor);
  state->resolver.async_resolve(name.host(), std::to_string(name.port()),
                                [state](std::error_code failed, const tcp::resolver::results_type& results) {
                                  state->error = failed;
                                  for (const auto& entry : results) state->found.push_back(entry.endpoint());
                                  state->finished = true;
                                  state->done.notify();
                                });
  while (!state->finished) {
    co_await state->done.wait();
  }
  if (state->error || state->found.empty()) co_return fail(why_not_found(state->error));
  co_return state->found;
}

// RFC 8305 section 4: the families take turns, the first one is the resolver's choice.
inline std::vector<tcp::endpoint> interleaved(const std::vector<tcp::endpoint>& all) {
  std::vector<tcp::endpoint> first;
  std::vector<tcp::endpoint> second;
  for (const auto& one : all) (one.protocol() == all.front().protocol() ? first : second).push_back(one);
  std::vector<tcp::endpoint> order;
  for (std::size_t i = 0; i < first.size() || i < second.size(); ++i) {
    if (i < first.size()) order.push_back(first[i]);
    if (i < second.size()) order.push_back(second[i]);
  }
  return order;
}

struct race {
  explicit race(const asio::any_io_executor& executor) : changed(executor) {}
  notifier changed;
  std::optional<tcp_stream> won;
  std::error_code last = make_error_code(errc::dial_unreachable);
  std::size_t ended = 0;
};

// The state is shared: a cancelled dial_any is gone before its attempts are.
inline awaitable<void> attempt(tcp::endpoint to, dial_options how, std::shared_ptr<race> state) {
  auto stream = make_stream(co_await asio::this_coro::executor, to.protocol(), how);
  result<> connected = stream ? result<>() : fail(stream.error());
  if (stream) {
    connected = begin_connect(*stream, to);
    auto standing = net::connected(*stream);
    if (connected) {
      connected = co_await std::move(standing);
    }
  }
  ++state->ended;
  if (connected && !state->won) {
    state->won.emplace(std::move(*stream));
  } else if (!connected) {
    state->last = dial_error(connected.error());
  }
  state->changed.notify();
}

// Each in turn, then all of them once more where none has answered: a SYN that is lost is sent again by the kernel only
// after a second.
inline awaitable<result<tcp_stream>> race_to(std::vector<tcp::endpoint> order, clock::duration delay,
                                             dial_options how) {
  auto state = std::make_shared<race>(co_await asio::this_coro::executor);
  task_group attempts(state->changed.get_executor());
  std::size_t started = 0;
  while (!state->won && (state->ended < started || started < order.size())) {
    auto next = never;
    if (started < order.size() || (started < order.size() * 2 && state->ended == 0)) {
      attempts.spawn(attempt(order[started++ % order.size()], how, state));
      next = clock::now() + delay;
    }
    auto change = state->changed.wait();
    auto changed = co_await before(next, errc::dial_timeout, std::move(change));
    (void)changed;
  }
  attempts.cancel();
  co_await attempts.join();
  if (!state->won) co_return fail(state->last);
  co_return std::move(*state->won);
}

inline awaitable<result<tcp_stream>> dial_any(endpoint name, dial_options how) {
  constexpr std::chrono::milliseconds attempt_delay{250};  // RFC 8305 section 5
  auto found = co_await look_up(name);
  if (!found) co_return fail(found.error());
  auto racing = race_to(interleaved(*found), attempt_delay, std::move(how));
  auto stream = co_await std::move(racing);
  co_return stream;
}

}  // namespace detail

AJAR_DECL void keep_alive(tcp_stream& stream, const keep_alive_times& when) {
  std::error_code ignored;
  stream.set_option(asio::socket_base::keep_alive(true), ignored);
  const int idle = static_cast<int>(when.idle.count());
  const int interval = static_cast<int>(when.interval.count());
  for (const auto& [option, value] :
       {std::pair(TCP_KEEPCNT, when.count), {TCP_KEEPINTVL, interval}, {TCP_KEEPIDLE, idle}}) {  // the last one acts
    (void)::setsockopt(stream.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
  }
}

AJAR_DECL result<> prepare(tcp_stream& stream) {
  std::error_code error;
  stream.non_blocking(true, error);
  if (error) return fail(error);
  stream.set_option(tcp::no_delay(true), error);
  if (error) return fail(error);
  keep_alive(stream, {});
  return {};
}

AJAR_DECL void set_user_timeout(tcp_stream& stream, std::chrono::milliseconds after) {
  const int value = static_cast<int>(after.count());
  // best effort: without it the heartbeat ends a dead link, only later
  (void)::setsockopt(stream.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value);
}

AJAR_DECL void set_user_timeout(transport& of, std::chrono::milliseconds after) {
  if (auto* const stream = of.target<tcp_stream>()) set_user_timeout(*stream, after);
}

AJAR_DECL void reset(tcp_stream& stream) {
  std::error_code ignored;
  stream.set_option(asio::socket_base::linger(true, 0), ignored);
  stream.close(ignored);
}

AJAR_DECL result<> begin_connect(tcp_stream& stream, const tcp::endpoint& to) {
  if (::connect(stream.native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0) return {};
  if (errno == EINPROGRESS) return {};
  return fail(std::error_code(errno, std::system_category()));
}

AJAR_DECL awaitable<result<>> connected(tcp_stream& stream) {
  auto [error] = co_await stream.async_wait(tcp_stream::wait_write, use_values);
  if (error) co_return fail(is_canceled(error) ? make_error_code(errc::canceled) : error);
  int why = 0;
  socklen_t size = sizeof why;
  (void)::getsockopt(stream.native_handle(), SOL_SOCKET, SO_ERROR, &why, &size);
  if (why != 0) co_return fail(std::error_code(why, std::system_category()));
  std::error_code ignored;
  if (stream.local_endpoint(ignored) == stream.remote_endpoint(ignored)) co_return fail(errc::dial_refused);
  co_return result<>{};
}

AJAR_DECL awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name) {
  return detail::look_up(std::move(name));
}

AJAR_DECL awaitable<result<tcp_stream>> dial_from(std::function<result<tcp_stream>()> fresh, tcp::endpoint to,
                                                  dial_times when) {
  for (auto at = when.at;; at += when.gap) {
    auto stream = fresh();
    if (!stream) co_return fail(stream.error());
    result<> slept;
    if (clock::now() < at) {
      slept = co_await sleep_precisely(at, patience::shares_core);
    }
    if (!slept) co_return fail(slept.error());
    auto begun = begin_connect(*stream, to);  // nothing in between
    if (!begun) co_return fail(detail::dial_error(begun.error()));
    at = std::max(at, clock::now());
    const bool last = when.gap == clock::duration(0) || at + when.gap >= when.until;
    auto standing = connected(*stream);
    const auto patience_ends = last ? when.until : at + when.gap;
    auto came = co_await before(patience_ends, errc::dial_timeout, std::move(standing));
    if (came) co_return std::move(*stream);
    if (last || came.error() != errc::dial_timeout) co_return fail(detail::dial_error(came.error()));
  }
}

AJAR_DECL awaitable<result<tcp_stream>> dial_at(tcp::endpoint to, dial_times when, dial_options how) {
  const auto executor = co_await asio::this_coro::executor;
  std::function<result<tcp_stream>()> fresh = [=] { return detail::make_stream(executor, to.protocol(), how); };
  auto dialling = dial_from(std::move(fresh), to, when);
  auto stream = co_await std::move(dialling);
  co_return stream;
}

AJAR_DECL awaitable<result<tcp_stream>> dial_twice(tcp::endpoint to, time_point until) {
  constexpr std::chrono::milliseconds apart{20};
  const std::vector<tcp::endpoint> only{to};
  auto racing = detail::race_to(only, apart, dial_options());
  auto stream = co_await before(until, errc::dial_timeout, std::move(racing));
  co_return stream;
}

AJAR_DECL awaitable<result<tcp_stream>> dial(endpoint to, time_point until, dial_options how) {
  auto operation = detail::dial_any(std::move(to), std::move(how));
  auto stream = co_await before(until, errc::dial_timeout, std::move(operation));
  co_return stream;
}

}  // namespace ajar::net
