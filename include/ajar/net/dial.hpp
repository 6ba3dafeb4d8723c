// SPDX-License-Identifier: BSL-1.0
// ajar/net/dial.hpp - connect one outbound stream before a deadline.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/endpoint.hpp>

#include <netinet/tcp.h>
#include <asio/ip/tcp.hpp>
#include <functional>
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

/// Close at once: what the kernel has not sent yet is dropped, and the other side gets a reset.
inline void reset(tcp_stream& stream) {
  std::error_code ignored;
  stream.set_option(asio::socket_base::linger(true, 0), ignored);
  stream.close(ignored);
}

/// Send the SYN now: when this returns it has left. The stream does not block. Errors: what the kernel says.
inline result<> begin_connect(tcp_stream& stream, const tcp::endpoint& to) {
  if (::connect(stream.native_handle(), to.data(), static_cast<socklen_t>(to.size())) == 0) return {};
  if (errno == EINPROGRESS) return {};
  return fail(std::error_code(errno, std::system_category()));
}

/// Wait until what was begun stands: writable it is only then, while getpeername() succeeds in SYN_RECV already.
/// Errors: what the kernel says; dial_refused, where TCP has connected to itself, as a local port that nobody listens
/// at can be the very one that the kernel dials from; canceled. Cancellation: terminal. The stream outlives the wait.
[[nodiscard]] inline awaitable<result<>> connected(tcp_stream& stream) {
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

namespace detail {

inline std::error_code dial_error(const std::error_code& error) {
  if (error.category() == category()) return error;
  if (error == std::errc::connection_refused || error == std::errc::connection_reset) return errc::dial_refused;
  if (error == std::errc::timed_out) return errc::dial_timeout;
  if (error == std::errc::address_in_use || error == std::errc::permission_denied ||
      error == std::errc::address_not_available) {
    return errc::bind_failed;
  }
  return errc::dial_unreachable;
}

inline result<tcp_stream> make_stream(const asio::any_io_executor& executor, const tcp& protocol,
                                      const dial_options& how) {
  tcp_stream stream(executor);
  std::error_code error;
  stream.open(protocol, error);
  if (error) return fail(errc::dial_unreachable);
  if (how.source()) {
    stream.bind(tcp::endpoint(*how.source(), 0), error);
    if (error) return fail(errc::bind_failed);
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
  auto found = co_await resolve(name);
  if (!found) co_return fail(found.error());
  auto racing = race_to(interleaved(*found), attempt_delay, std::move(how));
  auto stream = co_await std::move(racing);
  co_return stream;
}

}  // namespace detail

/// All addresses of a name, in the resolver's order; a numeric one is itself. Errors: name_not_found.
/// Cancellation: terminal; the look-up itself ends when it ends.
[[nodiscard]] inline awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name) {
  return detail::resolve(std::move(name));
}

/// When SYNs leave, and until when an answer is waited for. All are absolute, monotonic.
struct dial_times {
  time_point at;           ///< the first one, some microseconds later. An instant that is over is now.
  time_point until;        ///< errc::dial_timeout after it
  clock::duration gap{0};  ///< after so long without an answer another one; longer than a round trip. 0: one alone
};

/// Connect to one address at an instant: all that takes time is done before. A SYN that gets lost is sent again by the
/// kernel after a second (RFC 6298 section 2), which is too late for much: a gap sends it sooner, from a fresh socket.
///
/// @param fresh  a socket for each try, prepare()d
/// Errors: dial_refused, dial_unreachable, dial_timeout, bind_failed, canceled, those of `fresh`. Cancellation:
/// terminal.
[[nodiscard]] inline awaitable<result<tcp_stream>> dial_from(std::function<result<tcp_stream>()> fresh,
                                                             tcp::endpoint to, dial_times when) {
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

/// The same from an address of the routes' choice, or of the options'.
[[nodiscard]] inline awaitable<result<tcp_stream>> dial_at(tcp::endpoint to, dial_times when,
                                                           dial_options how = dial_options()) {
  const auto executor = co_await asio::this_coro::executor;
  std::function<result<tcp_stream>()> fresh = [=] { return detail::make_stream(executor, to.protocol(), how); };
  auto dialling = dial_from(std::move(fresh), to, when);
  auto stream = co_await std::move(dialling);
  co_return stream;
}

/// Connect to one address by two SYNs, a little apart, whichever arrives: for where one answer is all that is waited
/// for. Errors: dial's. Cancellation: terminal.
[[nodiscard]] inline awaitable<result<tcp_stream>> dial_twice(tcp::endpoint to, time_point until) {
  constexpr std::chrono::milliseconds apart{20};
  const std::vector<tcp::endpoint> only{to};
  auto racing = detail::race_to(only, apart, dial_options());
  auto stream = co_await before(until, errc::dial_timeout, std::move(racing));
  co_return stream;
}

/// Connect to the first address of a name that answers.
///
/// Tries the addresses in the order of RFC 8305, a new one every 250 ms or as soon as one failed, and each once more
/// where none has answered at all; keeps the first that connects and cancels the rest before it returns.
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
