// SPDX-License-Identifier: BSL-1.0
// ajar/net/dial.hpp - connect one outbound stream before a deadline.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/endpoint.hpp>

#include <netinet/tcp.h>
#include <asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <vector>

namespace ajar::net {

using tcp_stream = asio::ip::tcp::socket;

/// How to dial, beside where to.
class dial_options {
 public:
  dial_options() = default;

  /// The local address to dial from; by default the one that the routes give.
  dial_options& from(address source) {
    source_ = std::move(source);
    return *this;
  }
  const std::optional<address>& source() const noexcept { return source_; }

 private:
  std::optional<address> source_;
};

/// Every connection of ajar: small messages leave at once, reads and writes never block, and an idle connection whose
/// other end has vanished ends after two minutes (RFC 9293 section 3.8.4). Errors: what the kernel says.
inline result<> prepare(tcp_stream& stream) {
  std::error_code error;
  stream.non_blocking(true, error);
  if (error) return fail(error);
  stream.set_option(tcp::no_delay(true), error);
  if (error) return fail(error);
  stream.set_option(asio::socket_base::keep_alive(true), error);
  for (const auto& [option, value] : {std::pair(TCP_KEEPIDLE, 60), {TCP_KEEPINTVL, 15}, {TCP_KEEPCNT, 4}}) {
    (void)::setsockopt(stream.native_handle(), IPPROTO_TCP, option, &value, sizeof value);  // best effort
  }
  return {};
}

/// Give up a connection whose sent octets were not acknowledged for so long (RFC 5482, tcp(7)).
inline void set_user_timeout(tcp_stream& stream, std::chrono::milliseconds after) {
  const int value = static_cast<int>(after.count());
  // best effort: without it the heartbeat ends a dead link, only later
  (void)::setsockopt(stream.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value);
}

namespace detail {

inline errc dial_error(const std::error_code& error) {
  if (error == asio::error::connection_refused || error == asio::error::connection_reset) return errc::dial_refused;
  if (error == asio::error::timed_out) return errc::dial_timeout;
  if (error == asio::error::address_in_use || error == asio::error::access_denied ||
      error == std::errc::address_not_available) {
    return errc::bind_failed;
  }
  return errc::dial_unreachable;
}

inline awaitable<result<tcp_stream>> connect(tcp::endpoint to, dial_options how) {
  tcp_stream stream(co_await asio::this_coro::executor);
  std::error_code error;
  stream.open(to.protocol(), error);
  if (error) co_return fail(errc::dial_unreachable);
  if (how.source()) {
    stream.bind(tcp::endpoint(*how.source(), 0), error);
    if (error) co_return fail(errc::bind_failed);
  }
  auto ready = prepare(stream);
  if (!ready) co_return fail(ready.error());
  auto [failed] = co_await stream.async_connect(to, use_values);
  if (is_canceled(failed)) co_return fail(errc::canceled);
  if (failed) co_return fail(dial_error(failed));
  // a local port nobody listens at can be the very one that the kernel dials from: TCP then connects to itself
  if (stream.local_endpoint(error) == stream.remote_endpoint(error)) co_return fail(errc::dial_refused);
  co_return stream;
}

struct lookup {
  explicit lookup(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
  tcp::resolver resolver;
  notifier done;
  std::error_code error;
  std::vector<tcp::endpoint> found;
  bool finished = false;
};

// A name look-up in progress cannot be cancelled: what waits for it goes, the look-up's state stays until it ends.
inline awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name) {
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
  if (state->error || state->found.empty()) co_return fail(errc::name_not_found);
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
  auto stream = co_await connect(to, how);
  ++state->ended;
  if (stream && !state->won) {
    state->won.emplace(std::move(*stream));
  } else if (!stream) {
    state->last = stream.error();
  }
  state->changed.notify();
}

inline awaitable<result<tcp_stream>> dial_any(endpoint name, dial_options how) {
  constexpr std::chrono::milliseconds attempt_delay{250};  // RFC 8305 section 5
  auto found = co_await resolve(name);
  if (!found) co_return fail(found.error());
  const auto order = interleaved(*found);
  auto state = std::make_shared<race>(co_await asio::this_coro::executor);
  task_group attempts(state->changed.get_executor());
  std::size_t started = 0;
  while (!state->won && state->ended < order.size()) {
    auto next = never;
    if (started < order.size()) {
      attempts.spawn(attempt(order[started++], how, state));
      next = clock::now() + attempt_delay;
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

}  // namespace detail

/// Connect to the first address of a name that answers.
///
/// Tries the addresses in the order of RFC 8305, a new one every 250 ms or as soon as one failed, keeps the first that
/// connects and cancels the rest before it returns.
///
/// @param to     host name or address, and port
/// @param until  absolute, monotonic; errc::dial_timeout after it
/// @return the connected stream, non-blocking, without Nagle's delay
/// Errors: name_not_found, dial_refused, dial_unreachable, dial_timeout, bind_failed, canceled; with several addresses
/// the last one's. Cancellation: terminal. Threads: the caller's executor only. Source: RFC 8305.
[[nodiscard]] inline awaitable<result<tcp_stream>> dial(endpoint to, time_point until,
                                                        dial_options how = dial_options()) {
  auto operation = detail::dial_any(std::move(to), std::move(how));
  auto stream = co_await before(until, errc::dial_timeout, std::move(operation));
  co_return stream;
}

}  // namespace ajar::net
