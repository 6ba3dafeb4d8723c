// SPDX-License-Identifier: BSL-1.0
// ajar/streams/impl/multiplexer.ipp - what ajar/streams/multiplexer.hpp declares.
#pragma once

#include <ajar/streams/multiplexer.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/moved_from.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/streams/stream_host.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <deque>
#include <exception>
#include <map>
#include <new>
#include <utility>

namespace ajar::streams {

struct multiplexer::state : std::enable_shared_from_this<state> {
  static constexpr std::size_t turn = 256 * 1024;    // octets, before others have theirs
  static constexpr std::size_t at_once = 64 * 1024;  // octets that leave in one piece
  static constexpr std::chrono::seconds keep_alive{15};

  state(sessions::session from, http_role which)
      : session(std::move(from)),
        role(which),
        changed(session.get_executor()),
        tasks(session.get_executor(), [this](const std::exception_ptr& what) { end(cause_of(what)); }) {}

  // Of a coroutine that has thrown: nobody sends or receives any more.
  static std::error_code cause_of(const std::exception_ptr& what) {
    try {
      std::rethrow_exception(what);
    } catch (const std::system_error& error) {
      return error.code();
    } catch (const std::bad_alloc&) {
      return std::make_error_code(std::errc::not_enough_memory);
    } catch (...) {
      return errc::stream_reset;
    }
  }

  void give_up(std::error_code why) {
    if (!ended) ended = why;
    if (host) {
      host->engine.end_all(*ended);
      host->work.notify();
    }
    for (auto& [token, answer] : pings) answer->notify();
    for (const auto& one : openers) one->notify();
    changed.notify();
  }
  // As many as there is room for, in their order: thousands may wait.
  void let_openers_on() {
    for (auto room = host->engine.draining() ? openers.size() : host->engine.room(); room > 0 && !openers.empty();
         --room) {
      openers.front()->notify();
      openers.pop_front();
    }
  }
  void end(std::error_code why) {
    give_up(why);
    session.close();
    tasks.cancel();
  }

  // A small answer does not queue behind megabytes in the kernel (tcp(7), TCP_NOTSENT_LOWAT). Best effort.
  void keep_queue_short() {
    const int octets = 128 * 1024;
    auto* const tcp = session.lowest_layer().target<net::tcp_stream>();
    if (tcp) (void)::setsockopt(tcp->native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &octets, sizeof octets);
  }

  void attach() {
    if (host || ended) return;
    host = std::make_shared<stream_host>(role, changed.get_executor());
    const auto weak = weak_from_this();
    host->engine.on_pong = [weak](std::uint64_t token) {
      const auto alive = weak.lock();
      if (!alive) return;
      const auto at = alive->pings.find(token);
      if (at == alive->pings.end()) return;
      const auto answer = std::move(at->second);
      alive->pings.erase(at);
      answer->notify();
    };
    tasks.spawn(shared_from_this(), send());
    tasks.spawn(shared_from_this(), watch());
  }

  // --- the one who receives. Whoever starts or awaits a coroutine keeps this (task_group::spawn, kept())

  // Hand on what has come; @return how much. Errors: would_block, why the session is over.
  result<std::size_t> take_in() {
    static thread_local const auto room = std::make_unique<std::array<std::uint8_t, 64 * 1024>>();
    const auto count = session.try_read(*room);
    if (!count) return count;
    attach();
    heard += *count;
    auto fed = host->engine.receive(bytes_view(*room).first(*count), clock::now());
    host->kick();
    if (!fed) return fail(fed.error());
    return count;
  }

  awaitable<void> receive() {
    std::size_t taken = 0;
    std::error_code why;
    while (!why && !ended) {
      const auto count = take_in();
      if (count) taken += *count;
      if (!count && count.error() != errc::would_block) {
        why = count.error();
      } else if (!count || host->engine.has_urgent_news() || taken >= turn) {
        tell();  // who waits for what has come goes on before more is read
        taken = 0;
        auto waited = co_await session.readable();
        if (!waited) why = waited.error();
      }
    }
    if (ended) co_return;
    give_up(why);
    if (why == errc::eof || why == errc::http2_violated || why == errc::http2_flood) {
      auto parted = co_await session.shutdown(clock::now() + std::chrono::seconds(1));  // the peer's is answered
      (void)parted;
    }
    end(why);
  }

  void tell() {
    if (!host) return;
    auto& engine = host->engine;
    const bool all = engine.has_urgent_news();
    engine.tell_news();
    if (!all) return;
    changed.notify();
    let_openers_on();
  }

  // --- the one who sends

  struct given_out {
    std::size_t octets = 0;
    bool all = false;  // the engine had no more
  };

  // Let the engine's frames leave, as many as go in one piece. Errors: why the session is over.
  result<given_out> give_out() {
    given_out given;
    while (!given.all && session.pending_output() < at_once) {
      const auto octets = host->engine.produce();
      auto queued = octets ? session.queue(*octets) : result<>(fail(octets.error()));
      if (!queued) return fail(queued.error());
      given.octets += octets->size();
      given.all = octets->empty();
    }
    auto sent = session.put({});
    if (!sent) return fail(sent.error());
    return given;
  }

  awaitable<void> send() {
    auto& engine = host->engine;
    std::size_t sent = 0;
    while (!ended) {
      const auto given = give_out();
      if (!given) co_return end(given.error());
      sent += given->octets;
      const bool full = session.pending_output() != 0;
      if (!given->all && !full && sent < turn) continue;
      if (engine.failed() && given->all) co_return end(*engine.failed());
      sent = 0;
      tell();
      if (full) {
        auto drained = co_await session.drain();
        if (!drained) co_return end(drained.error());
      } else if (!given->all) {
        co_await asio::post(changed.get_executor(), use_awaitable);
      } else {
        if (engine.draining()) changed.notify();  // shutdown() waits until all has left
        auto woken = co_await host->work.wait();
        if (!woken) co_return;
      }
    }
  }

  // --- is the other side still there

  awaitable<void> watch() {
    auto before_that = heard;
    auto since = clock::now();
    for (;;) {
      auto slept = co_await sleep_until(clock::now() + keep_alive);
      if (!slept || ended) co_return;
      if (heard == before_that && host->engine.streams() != 0) {
        auto operation = round();
        auto answered = co_await before(clock::now() + keep_alive, errc::read_timeout, std::move(operation));
        for (int i = 0; i < 2; ++i) co_await asio::post(changed.get_executor(), use_awaitable);
        if (ended) co_return;
        const bool silent = !answered && heard == before_that;  // after what lay in the buffers of one who was stopped
        if (silent && !is_there(clock::now() - since)) co_return end(answered.error());
        if (silent) continue;
      }
      before_that = heard;
      since = clock::now();
    }
  }

  // Does the other side's kernel answer, while its program is stopped, or our question stands behind megabytes on a
  // slow way? What TCP itself asks, while there is no room for more, it asks at intervals that double.
  bool is_there(clock::duration silent) {
    constexpr std::chrono::minutes patience{10};
    const auto ago = net::heard_ago(session.lowest_layer());
    return ago && silent < patience && *ago <= std::max<clock::duration>(2 * keep_alive, silent * 2 / 3);
  }

  awaitable<result<clock::duration>> round() {
    attach();  // it sends at once, and may find that nobody is there
    if (ended) co_return fail(*ended);
    const auto begun = clock::now();
    const auto token = ++last_token;
    const auto answer = std::make_shared<notifier>(changed.get_executor());
    pings.emplace(token, answer);
    host->engine.ping(token);
    host->kick();
    auto woken = co_await answer->wait();
    pings.erase(token);
    if (ended) co_return fail(*ended);
    if (!woken) co_return fail(woken.error());
    co_return clock::now() - begun;
  }

  struct place_in_line {
    explicit place_in_line(std::shared_ptr<state> of) : all(std::move(of)) {}
    place_in_line(const place_in_line&) = delete;
    place_in_line& operator=(const place_in_line&) = delete;
    ~place_in_line() {
      if (waits) std::erase(all->openers, turn);
      if (!all->ended && all->host) all->let_openers_on();  // who was woken in vain hands it on
    }
    std::shared_ptr<state> all;
    std::shared_ptr<notifier> turn = std::make_shared<notifier>(all->changed.get_executor());
    bool waits = true;
  };

  // Room for a stream. Errors: would_block (then await_room()), why there is never any.
  result<> find_room() {
    attach();
    if (ended) return fail(*ended);
    if (host->engine.draining()) return fail(errc::session_draining);
    if (!openers.empty() || host->engine.room() == 0) return fail(errc::would_block);
    return {};
  }

  awaitable<result<>> await_room() {
    place_in_line place(shared_from_this());
    openers.push_back(place.turn);
    for (;;) {
      auto woken = co_await place.turn->wait();
      if (ended) co_return fail(*ended);
      if (!woken) co_return fail(woken.error());
      place.waits = false;
      if (host->engine.draining()) co_return fail(errc::session_draining);
      if (host->engine.room() != 0) co_return result<>{};
      openers.push_front(place.turn);
      place.waits = true;
    }
  }

  awaitable<result<>> drain() {
    if (host) {
      host->engine.drain();
      host->kick();
    }
    while (!ended && host && (host->engine.streams() != 0 || host->engine.wants_write())) {
      auto woken = co_await changed.wait();
      if (!woken) co_return fail(woken.error());
    }
    if (ended) co_return fail(*ended);
    co_return result<>{};
  }

  // --- what is asked of it; the first two often, so they hold their owner themselves, and need no frame more

  awaitable<result<stream>> open(std::shared_ptr<state>, request asked, bool body_follows, time_point until) {
    auto ready = find_room();
    if (!ready && ready.error() == errc::would_block) {
      auto room = await_room();
      ready = co_await before(until, errc::stream_timeout, std::move(room));
    }
    if (!ready) co_return fail(ready.error());
    if (ended) co_return fail(*ended);  // between the room and here
    auto opened = host->engine.open(std::move(asked), body_follows);
    if (!opened) co_return fail(opened.error());
    host->kick();
    co_return stream(host, std::move(*opened));
  }

  awaitable<result<stream>> accept(std::shared_ptr<state>) {
    for (;;) {
      auto next = host ? host->engine.next_request() : nullptr;
      if (next) co_return stream(host, std::move(next));
      if (ended) co_return fail(*ended);
      auto woken = co_await changed.wait();
      if (!woken) co_return fail(woken.error());
    }
  }

  awaitable<result<clock::duration>> ping(time_point until) {
    auto operation = round();
    auto took = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return took;
  }

  awaitable<result<>> shutdown(time_point until) {
    if (ended) co_return fail(*ended);
    auto draining = drain();
    auto drained = co_await before(until, errc::stream_timeout, std::move(draining));
    give_up(errc::session_draining);
    tasks.cancel();
    co_await tasks.join();
    auto parted = co_await session.shutdown(until);
    if (!drained) co_return drained;
    co_return parted;
  }

  sessions::session session;
  http_role role;
  std::shared_ptr<stream_host> host;              // from the first request on
  notifier changed;                               // a request has come, a stream has gone, the session has ended
  std::deque<std::shared_ptr<notifier>> openers;  // who wait for room
  std::optional<std::error_code> ended;
  std::uint64_t last_token = 0;
  std::map<std::uint64_t, std::shared_ptr<notifier>> pings;
  std::size_t heard = 0;  // octets received, for the keep-alive
  task_group tasks;
};

AJAR_DECL multiplexer::multiplexer(sessions::session session, http_role role)
    : state_(std::make_shared<state>(std::move(session), role)) {
  state_->keep_queue_short();
  state_->tasks.spawn(state_, state_->receive());
}
AJAR_DECL multiplexer::multiplexer(multiplexer&&) noexcept = default;
AJAR_DECL multiplexer& multiplexer::operator=(multiplexer&& other) noexcept {
  if (this == &other) return *this;
  close();
  state_ = std::move(other.state_);
  return *this;
}
AJAR_DECL multiplexer::~multiplexer() { close(); }

AJAR_DECL asio::any_io_executor multiplexer::get_executor() noexcept { return state_->changed.get_executor(); }
AJAR_DECL const sessions::session_info& multiplexer::info() const noexcept { return state_->session.info(); }
AJAR_DECL net::transport& multiplexer::lowest_layer() noexcept { return state_->session.lowest_layer(); }
AJAR_DECL std::size_t multiplexer::streams() const noexcept {
  return state_ && state_->host ? state_->host->engine.streams() : 0;
}
AJAR_DECL std::optional<clock::duration> multiplexer::round_trip() const noexcept {
  return state_ && state_->host ? state_->host->engine.tuner().least_round_trip() : std::nullopt;
}

AJAR_DECL awaitable<result<stream>> multiplexer::open(request asked, bool body_follows, deadline until) {
  if (!state_) return answer_moved_from<stream>();
  return state_->open(state_, std::move(asked), body_follows, until);
}
AJAR_DECL awaitable<result<stream>> multiplexer::accept() {
  return state_ ? state_->accept(state_) : answer_moved_from<stream>();
}
AJAR_DECL awaitable<result<clock::duration>> multiplexer::ping(deadline until) {
  return state_ ? kept(state_, state_->ping(until)) : answer_moved_from<clock::duration>();
}
AJAR_DECL awaitable<result<>> multiplexer::shutdown(deadline until) {
  return state_ ? kept(state_, state_->shutdown(until)) : answer_moved_from();
}
AJAR_DECL void multiplexer::close() {
  if (state_) state_->end(errc::canceled);
}

}  // namespace ajar::streams
