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

struct multiplexer::state {
  using ptr = std::shared_ptr<state>;
  static constexpr std::size_t turn = 256 * 1024;  // octets, before others have theirs
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

  static void attach(const ptr& self) {
    if (self->host || self->ended) return;
    self->host = std::make_shared<stream_host>(self->role, self->changed.get_executor());
    const std::weak_ptr<state> weak = self;
    self->host->engine.on_pong = [weak](std::uint64_t token) {
      const auto alive = weak.lock();
      if (!alive) return;
      const auto at = alive->pings.find(token);
      if (at == alive->pings.end()) return;
      const auto answer = std::move(at->second);
      alive->pings.erase(at);
      answer->notify();
    };
    self->tasks.spawn(send(self));
    self->tasks.spawn(watch(self));
  }

  // --- the one who receives

  static awaitable<void> receive(ptr self) {
    std::unique_ptr<std::array<std::uint8_t, 16384>> room;  // an idle session has none
    std::size_t taken = 0;
    std::error_code why;
    while (!why && !self->ended) {
      if (!room) room = std::make_unique_for_overwrite<std::array<std::uint8_t, 16384>>();
      const auto count = self->session.try_read(*room);
      if (!count && count.error() != errc::would_block) {
        why = count.error();
      } else if (!count) {
        tell(*self);
        room.reset();
        taken = 0;
        auto waited = co_await self->session.readable();
        if (!waited) why = waited.error();
      } else {
        attach(self);
        self->heard += *count;
        taken += *count;
        auto fed = self->host->engine.receive(bytes_view(*room).first(*count), clock::now());
        self->host->kick();
        if (!fed) why = fed.error();
        // who waits for what has come goes on before more is read
        if (self->host->engine.has_urgent_news() || taken >= turn) {
          tell(*self);
          taken = 0;
          co_await asio::post(self->changed.get_executor(), use_awaitable);
        }
      }
    }
    if (self->ended) co_return;
    self->give_up(why);
    if (why == errc::eof || why == errc::http2_violated || why == errc::http2_flood) {
      auto parted = co_await self->session.shutdown(clock::now() + std::chrono::seconds(1));  // the peer's is answered
      (void)parted;
    }
    self->end(why);
  }

  static void tell(state& self) {
    if (!self.host) return;
    auto& engine = self.host->engine;
    const bool all = engine.has_urgent_news();
    engine.tell_news();
    if (!all) return;
    self.changed.notify();
    self.let_openers_on();
  }

  // --- the one who sends

  static awaitable<void> send(ptr self) {
    auto& engine = self->host->engine;
    std::size_t sent = 0;
    while (!self->ended) {
      const auto octets = engine.produce();
      auto taken = octets ? result<>() : result<>(fail(octets.error()));
      if (taken && !octets->empty()) taken = self->session.put(*octets);
      if (!taken) co_return self->end(taken.error());
      sent += octets->size();
      const bool full = self->session.pending_output() != 0;
      if (!octets->empty() && !full && sent < turn) continue;
      if (engine.failed() && octets->empty()) co_return self->end(*engine.failed());
      sent = 0;
      tell(*self);
      if (full) {
        auto drained = co_await self->session.drain();
        if (!drained) co_return self->end(drained.error());
      } else if (!octets->empty()) {
        co_await asio::post(self->changed.get_executor(), use_awaitable);
      } else {
        if (engine.draining()) self->changed.notify();  // shutdown() waits until all has left
        auto woken = co_await self->host->work.wait();
        if (!woken) co_return;
      }
    }
  }

  // --- is the other side still there

  static awaitable<void> watch(ptr self) {
    auto heard = self->heard;
    auto since = clock::now();
    for (;;) {
      auto slept = co_await sleep_until(clock::now() + keep_alive);
      if (!slept || self->ended) co_return;
      if (self->heard == heard && self->host->engine.streams() != 0) {
        auto operation = round(self);
        auto answered = co_await before(clock::now() + keep_alive, errc::read_timeout, std::move(operation));
        for (int i = 0; i < 2; ++i) co_await asio::post(self->changed.get_executor(), use_awaitable);
        if (self->ended) co_return;
        const bool silent = !answered && self->heard == heard;  // after what lay in the buffers of one who was stopped
        if (silent && !is_there(*self, clock::now() - since)) co_return self->end(answered.error());
        if (silent) continue;
      }
      heard = self->heard;
      since = clock::now();
    }
  }

  // Does the other side's kernel answer, while its program is stopped, or our question stands behind megabytes on a
  // slow way? What TCP itself asks, while there is no room for more, it asks at intervals that double.
  static bool is_there(state& self, clock::duration silent) {
    constexpr std::chrono::minutes patience{10};
    const auto ago = net::heard_ago(self.session.lowest_layer());
    return ago && silent < patience && *ago <= std::max<clock::duration>(2 * keep_alive, silent * 2 / 3);
  }

  static awaitable<result<clock::duration>> round(ptr self) {
    attach(self);  // it sends at once, and may find that nobody is there
    if (self->ended) co_return fail(*self->ended);
    const auto begun = clock::now();
    const auto token = ++self->last_token;
    const auto answer = std::make_shared<notifier>(self->changed.get_executor());
    self->pings.emplace(token, answer);
    self->host->engine.ping(token);
    self->host->kick();
    auto woken = co_await answer->wait();
    self->pings.erase(token);
    if (self->ended) co_return fail(*self->ended);
    if (!woken) co_return fail(woken.error());
    co_return clock::now() - begun;
  }

  struct place_in_line {
    explicit place_in_line(ptr of) : all(std::move(of)) {}
    place_in_line(const place_in_line&) = delete;
    place_in_line& operator=(const place_in_line&) = delete;
    ~place_in_line() {
      if (waits) std::erase(all->openers, turn);
      if (!all->ended && all->host) all->let_openers_on();  // who was woken in vain hands it on
    }
    ptr all;
    std::shared_ptr<notifier> turn = std::make_shared<notifier>(all->changed.get_executor());
    bool waits = true;
  };

  static awaitable<result<>> await_room(ptr self) {
    attach(self);
    if (self->ended) co_return fail(*self->ended);
    if (self->host->engine.draining()) co_return fail(errc::session_draining);
    if (self->openers.empty() && self->host->engine.room() != 0) co_return result<>{};
    place_in_line place(self);
    self->openers.push_back(place.turn);
    for (;;) {
      auto woken = co_await place.turn->wait();
      if (self->ended) co_return fail(*self->ended);
      if (!woken) co_return fail(woken.error());
      place.waits = false;
      if (self->host->engine.draining()) co_return fail(errc::session_draining);
      if (self->host->engine.room() != 0) co_return result<>{};
      self->openers.push_front(place.turn);
      place.waits = true;
    }
  }

  static awaitable<result<>> drain(ptr self) {
    if (self->host) {
      self->host->engine.drain();
      self->host->kick();
    }
    while (!self->ended && self->host && (self->host->engine.streams() != 0 || self->host->engine.wants_write())) {
      auto changed = co_await self->changed.wait();
      if (!changed) co_return fail(changed.error());
    }
    if (self->ended) co_return fail(*self->ended);
    co_return result<>{};
  }

  // --- what is asked of it

  static awaitable<result<stream>> open(ptr self, request asked, bool body_follows, time_point until) {
    auto room = await_room(self);
    auto ready = co_await before(until, errc::stream_timeout, std::move(room));
    if (!ready) co_return fail(ready.error());
    if (self->ended) co_return fail(*self->ended);  // between the room and here
    auto opened = self->host->engine.open(std::move(asked), body_follows);
    if (!opened) co_return fail(opened.error());
    self->host->kick();
    co_return stream(self->host, std::move(*opened));
  }

  static awaitable<result<stream>> accept(ptr self) {
    for (;;) {
      auto next = self->host ? self->host->engine.next_request() : nullptr;
      if (next) co_return stream(self->host, std::move(next));
      if (self->ended) co_return fail(*self->ended);
      auto changed = co_await self->changed.wait();
      if (!changed) co_return fail(changed.error());
    }
  }

  static awaitable<result<clock::duration>> ping(ptr self, time_point until) {
    auto operation = round(self);
    auto took = co_await before(until, errc::stream_timeout, std::move(operation));
    co_return took;
  }

  static awaitable<result<>> shutdown(ptr self, time_point until) {
    if (self->ended) co_return fail(*self->ended);
    auto draining = drain(self);
    auto drained = co_await before(until, errc::stream_timeout, std::move(draining));
    self->give_up(errc::session_draining);
    self->tasks.cancel();
    co_await self->tasks.join();
    auto parted = co_await self->session.shutdown(until);
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
  state_->tasks.spawn(state::receive(state_));
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
  return state::open(state_, std::move(asked), body_follows, until);
}
AJAR_DECL awaitable<result<stream>> multiplexer::accept() {
  return state_ ? state::accept(state_) : answer_moved_from<stream>();
}
AJAR_DECL awaitable<result<clock::duration>> multiplexer::ping(deadline until) {
  return state_ ? state::ping(state_, until) : answer_moved_from<clock::duration>();
}
AJAR_DECL awaitable<result<>> multiplexer::shutdown(deadline until) {
  return state_ ? state::shutdown(state_, until) : answer_moved_from();
}
AJAR_DECL void multiplexer::close() {
  if (state_) state_->end(errc::canceled);
}

}  // namespace ajar::streams
