// SPDX-License-Identifier: BSL-1.0
// ajar/server/guests.hpp - a server's sessions: those that wait to be accepted, and all that are alive.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/server/entrance.hpp>
#include <ajar/sessions/account.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/telling/line_limit.hpp>

#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace ajar::detail {

// Who has entered waits until somebody accepts it, and is let go when its grant ends. Whoever awaits or spawns one of
// the coroutines keeps this.
class guest_list {
 public:
  // @param at  knows the grants by which they came
  guest_list(const asio::any_io_executor& executor, entrance& at, telling::step_sink steps)
      : at_(at), steps_(std::move(steps)), changed_(executor) {}

  void entered(sessions::session guest) {
    const auto who = short_name(guest.peer());
    const auto given = at_.granted(guest.info().grant);
    if (ended_ || !given) {
      const auto why = given ? *ended_ : given.error();
      telling::report_trouble(caused_by(who), "let go of a session that had just begun", who + ": " + why.message());
      return guest.watch().cut(why);
    }
    telling::report_step(caused_by(who), "", "a session", std::string(to_string(guest.path())) + " with " + who);
    all_.add(guest, clock::now(), given->body().not_after);
    auto seat = at_.wait(guest.peer());
    waiting_.push_back({std::move(guest), std::move(seat)});
    changed_.notify();
  }

  awaitable<result<sessions::session>> next() {
    for (;;) {
      while (!waiting_.empty()) {
        auto guest = std::move(waiting_.front().session);
        waiting_.pop_front();
        if (!guest.has_ended()) co_return std::move(guest);  // while it waited
      }
      if (ended_) co_return fail(*ended_);
      auto changed = co_await changed_.wait();
      if (!changed) co_return fail(changed.error());
    }
  }

  // Who comes without the service is let go, and told why.
  awaitable<result<sessions::session>> next_for(std::string service) {
    for (;;) {
      auto coming = next();
      auto guest = co_await std::move(coming);
      if (!guest) co_return fail(guest.error());
      const auto permitted = at_.permits(guest->info().grant, service);
      if (permitted) co_return std::move(*guest);
      const auto who = short_name(guest->peer());
      telling::report_trouble(caused_by(who), "let go of a session for another service",
                              who + ": " + permitted.error().message());
      guest->watch().cut(permitted.error());
    }
  }

  // A grant's end ends its sessions, and so does that nobody knows it any more. The wall clock may be set, so it is
  // asked once a second, as long as there is any.
  awaitable<void> watch_expiry() {
    for (;;) {
      while (all_.alive().empty()) {
        auto came = co_await changed_.wait();
        if (!came) co_return;
      }
      auto slept = co_await sleep_until(clock::now() + std::chrono::seconds(1));
      if (!slept) co_return;
      const auto now = wall_now();
      for (const auto& one : all_.alive()) {
        const auto why = at_.ended(one.sight.info().grant, one.not_after, now);
        if (why) one.sight.cut(*why);
      }
    }
  }

  // Nobody enters any more; who is there may stay. The first cause counts.
  void end(std::error_code why) {
    if (!ended_) ended_ = why;
    changed_.notify();
  }
  bool has_ended() const noexcept { return ended_.has_value(); }

  void cut_all(errc why) {
    for (const auto& one : all_.alive()) one.sight.cut(why);
    waiting_.clear();
  }
  void cut(const trust::grant_id& grant, errc why) {
    for (const auto& one : all_.alive()) {
      if (one.sight.info().grant == grant) one.sight.cut(why);
    }
  }

  sessions::account& all() noexcept { return all_; }

 private:
  struct guest {
    sessions::session session;
    place seat;
  };

  telling::step_sink caused_by(std::string whom) const { return telling::caused_by(std::move(whom), steps_); }

  entrance& at_;
  telling::step_sink steps_;
  std::deque<guest> waiting_;
  sessions::account all_;
  std::optional<std::error_code> ended_;
  notifier changed_;
};

}  // namespace ajar::detail
