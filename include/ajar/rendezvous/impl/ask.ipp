// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/ask.ipp - what ajar/rendezvous/ask.hpp declares.
#pragma once

#include <ajar/rendezvous/ask.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/shortage.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/windows/window.hpp>

#include <memory>
#include <optional>

namespace ajar::rendezvous {

namespace detail {

// What came of the rungs of one answer, and the answer that may replace them.
struct climb {
  explicit climb(const asio::any_io_executor& executor) : changed(executor) {}
  notifier changed;
  bool connected = false;  // and not let in yet
  std::optional<result<sessions::session>> came;
  std::optional<answers::one> next;
};
using shared_climb = std::shared_ptr<climb>;

inline bool may_be_a_stranger(const std::error_code& why) {
  return windows::is_stranger(why) && why != errc::wrong_key;
}

inline awaitable<result<passage>> as_passage(net::tcp_stream stream, trust::rung_kind kind, time_point until) {
  auto speaking = speaks(stream, until);
  auto spoke = co_await std::move(speaking);
  if (!spoke) co_return fail(spoke.error());
  passage made{std::move(stream), kind};
  co_return std::move(made);
}

// Who comes to our own window.
class incoming_passage {
 public:
  incoming_passage(trust::rung_kind kind, time_point until) : kind_(kind), until_(until) {}
  awaitable<result<passage>> operator()(net::tcp_stream stream) const {
    return as_passage(std::move(stream), kind_, until_);
  }

 private:
  trust::rung_kind kind_;
  time_point until_;
};

inline awaitable<void> fetch(std::shared_ptr<answers::inbox> inbox, shared_climb into, time_point until) {
  auto came = co_await inbox->next(until);
  into->next.emplace(std::move(came));
  into->changed.notify();
}

// The variation: our own window.
inline awaitable<windows::outcome<passage>> listen_here(shared_errand about, rung_in_time rung, shared_ports ports) {
  const auto executor = co_await asio::this_coro::executor;
  windows::outcome<passage> came{fail(errc::answer_forged), windows::report()};
  if (rung.mine().empty() || rung.theirs().empty()) co_return came;
  auto port = port_of(*ports, rung.mine().front(), executor);
  if (!port) {
    came.guest = fail(port.error());
    co_return came;
  }
  const punch opened_way(*port, rung.theirs().front());
  if (opened_way.short_of()) {
    came.guest = fail(opened_way.short_of());
    co_return came;
  }
  windows::listening how{port->local_endpoint(),
                         windows::expected_source::of(rung.theirs().front().address()),
                         windows::on_stranger::close,
                         1,
                         about->cloak,
                         {*port}};
  windows::announcement announcing = [about, opens = rung.opens](
                                         std::uint8_t, const net::tcp::endpoint& at) -> result<windows::announced> {
    windows::announced made([] {});
    made.opening(opens).when_open([about, at](time_point since) {
      telling::report_step(about->steps, "D", "opened a port of our own", net::to_string(at), since);
    });
    return made;
  };
  how.account = about->account;
  const incoming_passage admission(rung.what.kind, rung.end);
  auto opening = windows::open_window<passage>(std::move(how), rung.end, std::move(announcing), admission);
  came = co_await std::move(opening);
  co_return came;
}

inline awaitable<windows::outcome<passage>> go_rung(shared_errand about, rung_in_time rung, shared_ports ports) {
  if (listens(rung.what.kind, window_end::client)) {
    auto listening = listen_here(about, std::move(rung), std::move(ports));
    auto came = co_await std::move(listening);
    co_return came;
  }
  windows::outcome<passage> came{fail(errc::answer_forged), windows::report()};
  auto going = rung.what.kind == trust::rung_kind::crossing ? go_crossing(std::move(rung), std::move(ports))
                                                            : go_dialling(std::move(rung), about->dialling);
  came.guest = co_await std::move(going);
  co_return came;
}

// WO 2004/034190, just-in-time listening, step G, and its variation.
inline awaitable<void> climb_all(shared_errand about, guided plan, shared_ports ports, shared_climb into) {
  result<sessions::session> last = fail(errc::window_timeout);
  for (const auto& rung : plan.rungs) {
    const bool crosses = rung.what.kind == trust::rung_kind::crossing;
    if (!listens(rung.what.kind, window_end::client) && !rung.theirs().empty()) {
      telling::report_step(about->steps, "G", crosses ? "cross" : "connect", net::to_string(rung.theirs().front()));
    }
    auto going = go_rung(about, rung, ports);
    auto through = co_await std::move(going);
    if (!through.guest) {
      const auto& why = through.guest.error();
      if (!is_shortage(last.error())) last = fail(why);  // else the others may have failed for that, too
      telling::report_trouble(about->steps, "this rung failed", why.message());
      if (is_canceled(why)) break;
      continue;
    }
    const auto round_trip = net::round_trip(through.guest->stream);
    into->connected = true;
    auto entering = enter(about, std::move(*through.guest), plan.said.id);
    last = co_await std::move(entering);
    into->connected = false;
    into->changed.notify();
    if (last && through.cost.listeners > 0) last->set_window(through.cost);
    if (last || !may_be_a_stranger(last.error())) break;
    if (rung.what.kind == trust::rung_kind::listener) last = fail(cause_at_port(last.error(), round_trip));
  }
  into->came.emplace(std::move(last));
  into->changed.notify();
}

// A stranger may have been there first: then the server plans anew, and says so.
inline bool another_answer_may_follow(const std::error_code& why) {
  return why == errc::window_unreachable || why == errc::window_timeout || why == errc::crossing_failed ||
         why == errc::way_too_long || may_be_a_stranger(why);
}

// A request that was sent, and what is its own.
struct sent_request {
  std::shared_ptr<answers::inbox> inbox;
  shared_ports ports;
  std::shared_ptr<own_record> record;
  time_point until;  // of the first answer
};

// The rungs of one answer after the other.
inline awaitable<result<sessions::session>> follow(shared_errand about, sent_request of) {
  const auto executor = co_await asio::this_coro::executor;
  auto until = of.until;
  std::error_code last_failure;
  auto now = std::make_shared<climb>(executor);
  bool climbs = false;
  std::optional<task_group> work(std::in_place, executor);  // what goes on in it ends with this
  work->spawn(fetch(of.inbox, now, until));
  for (;;) {
    // an answer for a stranger who came first is none for us, if we have come: we may only be slow
    while (!now->came && (!now->next || now->connected)) {
      auto changed = co_await now->changed.wait();
      if (!changed) co_return fail(changed.error());
    }
    if (now->came && *now->came) co_return std::move(**now->came);
    if (now->came) {
      last_failure = now->came->error();
      now->came.reset();
      climbs = false;
      if (!another_answer_may_follow(last_failure)) co_return fail(last_failure);
    }
    if (!now->next) continue;
    if (climbs && !now->next->what && now->next->what.error() == errc::exchange_timeout) {
      // no other answer comes; who is connected has the time that TLS and the proof need
      while (!now->came) {
        auto changed = co_await now->changed.wait();
        if (!changed) co_return fail(changed.error());
      }
      co_return std::move(*now->came);
    }
    // what an answer replaces has ended before the next one begins
    work->cancel();
    co_await work->join();
    if (now->came && *now->came) co_return std::move(**now->came);
    const auto next = std::move(*now->next);
    if (!of.record->heard) of.record->heard = next.at;
    const auto answer = check_answer(*about, of.inbox->id(), next);
    if (!answer && last_failure && answer.error() == errc::exchange_timeout) co_return fail(last_failure);
    if (!answer) {
      const bool refused = next.what && answer.error() != errc::answer_forged;
      if (next.what) telling::report_trouble(about->steps, "the server refuses", next.what->body().reason);
      if (refused && about->reason) about->reason(next.what->body().reason);
      co_return fail(answer.error());
    }
    if (about->reason) about->reason(answer->reason);
    telling::report_step(about->steps, "F", "central says: connect", answer->reason);
    const auto plan = guide(*about, *answer, of.record->sent_us, next.at);
    if (!plan) co_return fail(plan.error());
    until = std::min(about->until, plan->until);
    now = std::make_shared<climb>(executor);
    work.emplace(executor);
    climbs = true;
    work->spawn(climb_all(about, *plan, of.ports, now));
    work->spawn(fetch(of.inbox, now, until + std::chrono::milliseconds(50)));
  }
}

// What became of it, as all three parties saw it.
inline awaitable<void> tell_timeline(shared_errand about, sent_request of) {
  constexpr std::chrono::milliseconds most{1500};  // the server's window may last until its deadline
  auto waiting = of.inbox->trace(clock::now() + most);
  const auto told = co_await std::move(waiting);
  about->explain(merge(*of.record, told, about->server(), about->self.id()));
}

}  // namespace detail

AJAR_DECL awaitable<result<sessions::session>> ask_for_window(shared_errand about) {
  constexpr std::chrono::seconds answer_time{3};  // at central and the server, beside the ways there and back
  const auto executor = co_await asio::this_coro::executor;
  const auto record = std::make_shared<own_record>();
  if (about->explain) {
    auto watched = *about;
    watched.steps = recording(record, about->steps);
    about = std::make_shared<const errand>(std::move(watched));
  }
  const auto to_central = about->up ? about->up->round_trip().value_or(clock::duration(0)) : clock::duration(0);
  const auto until =
      std::min(about->until, clock::now() + answer_time + std::min<clock::duration>(patience, to_central * 4));
  auto binding = bind_window_ports(about->here, until);
  const auto ports = co_await std::move(binding);
  const bool binds_443 = ports->binds_443(executor);
  if (ports->short_of()) co_return fail(ports->short_of());
  auto asked = sign_request(*about, *ports, binds_443);
  if (!asked) co_return fail(asked.error());
  record->sent_us = asked->body().sent_us;
  detail::sent_request sent{std::make_shared<answers::inbox>(about->inboxes, asked->body().id, asked->body().grant),
                            ports, record, until};
  telling::report_step(about->steps, "B", "ask central for the server", short_name(about->server()));
  auto gone = about->up->send(signalling::request{asked->octets()});
  if (!gone) co_return fail(gone.error());
  auto following = detail::follow(about, sent);
  auto came = co_await std::move(following);
  const bool canceled = !came && is_canceled(came.error());
  if (about->explain && !canceled) {
    auto telling = detail::tell_timeline(about, sent);
    co_await std::move(telling);
  }
  co_return came;
}

}  // namespace ajar::rendezvous
