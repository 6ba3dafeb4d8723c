// SPDX-License-Identifier: BSL-1.0
// ajar/net/impl/dial.ipp - what ajar/net/dial.hpp declares.
#pragma once

#include <ajar/net/dial.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/descriptor.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <asio/ip/tcp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
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

// Who asks the system, where nobody else is named. Source: RFC 3493 section 6.1.
inline result<std::vector<address>> ask_system(const std::string& host) {
  struct all_of_them {
    addrinfo* first = nullptr;
    all_of_them() = default;
    all_of_them(const all_of_them&) = delete;
    all_of_them& operator=(const all_of_them&) = delete;
    ~all_of_them() {
      if (first) ::freeaddrinfo(first);
    }
  } all;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &all.first);
  if (failed == EAI_SYSTEM) return fail(shortage_or(last_error(), errc::name_not_found));
  if (failed == EAI_MEMORY) return fail(std::make_error_code(std::errc::not_enough_memory));
  if (failed == EAI_AGAIN) return fail(errc::name_unanswered);
  if (failed != 0) return fail(errc::name_not_found);
  std::vector<address> found;
  for (const auto* at = all.first; at; at = at->ai_next) {
    tcp::endpoint one;
    if (at->ai_addrlen > one.capacity()) continue;
    std::memcpy(one.data(), at->ai_addr, at->ai_addrlen);
    one.resize(at->ai_addrlen);
    found.push_back(one.address());
  }
  return found;
}

// Shared by who waits for it and by its thread, which goes on where nobody waits any more.
struct lookup {
  lookup(std::string what, name_source who) : host(std::move(what)), source(std::move(who)) {}
  std::string host;
  name_source source;
  descriptor told;  // an eventfd: counts up at the end
  result<std::vector<address>> found = fail(errc::name_unanswered);
  std::atomic<bool> finished{false};
};

inline std::atomic<unsigned> lookups_under_way{0};  // of this process

class lookup_place {
 public:
  static bool take() {
    if (lookups_under_way.fetch_add(1) < most_lookups) return true;
    --lookups_under_way;
    return false;
  }
  static void give_back() { --lookups_under_way; }
};

inline void look_up_here(std::shared_ptr<lookup> one) noexcept {
  try {
    one->found = one->source ? one->source(one->host) : ask_system(one->host);
  } catch (const std::exception&) {
    one->found = fail(errc::name_not_found);
  }
  one->finished.store(true, std::memory_order_release);
  const std::uint64_t up = 1;
  const auto told = ::write(one->told.get(), &up, sizeof up);
  (void)told;  // it counts further than this
  one.reset();
  lookup_place::give_back();
}

// Signals are for the threads that were there before: a new one takes over what its maker blocks.
class blocked_signals {
 public:
  blocked_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;
  ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// A place is taken; the thread gives it back. @return what becomes readable at the end
inline result<descriptor> begin_lookup(const std::shared_ptr<lookup>& one) {
  one->told = descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  descriptor mine(one->told ? ::fcntl(one->told.get(), F_DUPFD_CLOEXEC, 0) : -1);
  std::error_code why = mine ? std::error_code() : last_error();
  if (!why) {
    const blocked_signals quiet;
    try {
      std::thread(look_up_here, one).detach();
    } catch (const std::system_error& none) {
      why = none.code();
    }
  }
  if (!why) return mine;
  lookup_place::give_back();
  return fail(std::error_code(why.value(), std::generic_category()));
}

// A resolver that gets no descriptor says that there is no such name.
inline std::error_code why_not_found(const std::error_code& said) {
  const descriptor one(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return one ? said : shortage_or(last_error(), said);
}

// getaddrinfo(3) cannot be cancelled, and Asio's resolver waits for it where its context goes.
inline awaitable<result<std::vector<tcp::endpoint>>> look_up(endpoint name, name_source source) {
  constexpr std::chrono::milliseconds pause{20};
  std::error_code error;
  const auto numeric = asio::ip::make_address(name.host(), error);
  std::vector<tcp::endpoint> found;
  if (!error) {
    found.emplace_back(numeric, name.port());
    co_return found;
  }
  while (!lookup_place::take()) {
    auto paused = co_await sleep_until(clock::now() + pause);
    if (!paused) co_return fail(paused.error());
  }
  const auto one = std::make_shared<lookup>(name.host(), std::move(source));
  auto begun = begin_lookup(one);
  if (!begun) co_return fail(begun.error());
  const auto executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor told(executor, begun->release());
  while (!one->finished.load(std::memory_order_acquire)) {
    auto [failed] = co_await told.async_wait(asio::posix::descriptor_base::wait_read, use_values);
    if (failed) co_return fail(is_canceled(failed) ? make_error_code(errc::canceled) : failed);
  }
  if (!one->found) co_return fail(why_not_found(one->found.error()));
  for (const auto& at : *one->found) found.emplace_back(at, name.port());
  if (found.empty()) co_return fail(errc::name_not_found);
  co_return found;
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
    auto changed = co_await state->changed.wait_until(next, errc::dial_timeout);
    (void)changed;
  }
  attempts.cancel();
  co_await attempts.join();
  if (!state->won) co_return fail(state->last);
  co_return std::move(*state->won);
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

AJAR_DECL awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name, name_source names) {
  return detail::look_up(std::move(name), std::move(names));
}

AJAR_DECL awaitable<result<tcp_stream>> dial_from(std::function<result<tcp_stream>()> fresh, tcp::endpoint to,
                                                  dial_times when) {
  auto at = when.at;
  auto pause = when.again;
  for (;;) {
    auto stream = fresh();
    if (!stream) co_return fail(stream.error());
    result<> slept;
    if (clock::now() < at) {
      slept = co_await sleep_precisely(at, patience::shares_core);
    }
    if (!slept) co_return fail(slept.error());
    auto came = begin_connect(*stream, to);  // nothing in between
    at = std::max(at, clock::now());
    const bool last = when.gap == clock::duration(0) || at + when.gap >= when.until;
    const auto patience_ends = last ? when.until : at + when.gap;
    if (came) {
      auto standing = connected(*stream);
      came = co_await before(patience_ends, errc::dial_timeout, std::move(standing));
    }
    if (came) co_return std::move(*stream);
    const auto why = detail::dial_error(came.error());
    const auto now = clock::now();
    if (why == errc::dial_refused && pause > clock::duration(0) && now + pause < when.until) {
      at = now + pause;
      pause *= 2;
    } else if (!last && came.error() == errc::dial_timeout) {
      at += when.gap;
    } else {
      co_return fail(why);
    }
  }
}

AJAR_DECL awaitable<result<tcp_stream>> dial_at(tcp::endpoint to, dial_times when, dial_options how) {
  const auto executor = co_await asio::this_coro::executor;
  std::function<result<tcp_stream>()> fresh = [=] { return detail::make_stream(executor, to.protocol(), how); };
  auto dialling = dial_from(std::move(fresh), to, when);
  auto stream = co_await std::move(dialling);
  co_return stream;
}

AJAR_DECL awaitable<result<tcp_stream>> dial_twice(tcp::endpoint to, deadline until) {
  constexpr std::chrono::milliseconds apart{20};
  const std::vector<tcp::endpoint> only{to};
  auto racing = detail::race_to(only, apart, dial_options());
  auto stream = co_await before(until, errc::dial_timeout, std::move(racing));
  co_return stream;
}

AJAR_DECL awaitable<result<tcp_stream>> dial_first(std::vector<tcp::endpoint> all, deadline until, dial_options how) {
  constexpr std::chrono::milliseconds attempt_delay{250};  // RFC 8305 section 5
  auto racing = detail::race_to(detail::interleaved(all), attempt_delay, std::move(how));
  auto stream = co_await before(until, errc::dial_timeout, std::move(racing));
  co_return stream;
}

AJAR_DECL awaitable<result<tcp_stream>> dial(endpoint to, deadline until, dial_options how) {
  auto looking = detail::look_up(std::move(to), how.names());
  auto found = co_await before(until, errc::name_unanswered, std::move(looking));
  if (!found) co_return fail(found.error());
  auto dialling = dial_first(std::move(*found), until, std::move(how));
  auto stream = co_await std::move(dialling);
  co_return stream;
}

}  // namespace ajar::net
