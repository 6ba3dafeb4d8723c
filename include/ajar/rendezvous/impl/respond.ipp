// SPDX-License-Identifier: BSL-1.0
// ajar/rendezvous/impl/respond.ipp - what ajar/rendezvous/respond.hpp declares.
#pragma once

#include <ajar/rendezvous/respond.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/net/round_trip.hpp>
#include <ajar/rendezvous/passage.hpp>
#include <ajar/rendezvous/timetable.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/windows/plan.hpp>
#include <ajar/windows/window.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace ajar::rendezvous {

namespace detail {

inline awaitable<result<sessions::session>> admit(shared_response to, passage through) {
  const auto until = clock::now() + authentication_time;
  if (through.kind == trust::rung_kind::listener) {
    auto speaking = speaks(through.stream, until);
    auto spoke = co_await std::move(speaking);
    if (!spoke) co_return fail(spoke.error());
  }
  const auto kind = through.kind;
  const auto kept = std::move(through.kept);
  auto expected = identity::expect(to->client(), tls::alpn::session);
  auto securing = tls::secure(std::move(through.stream), to->self.tls(), tls_side_of(kind, window_end::server),
                              std::move(expected), until);
  auto secured = co_await std::move(securing);
  if (!secured) co_return fail(secured.error());
  auto check = check_of(to);
  auto entering = sessions::let_in(std::move(*secured), to->self, path_of(kind), std::move(check), until);
  auto guest = co_await std::move(entering);
  co_return guest;
}

// One who came, as long as he is waited for.
struct admission {
  explicit admission(const asio::any_io_executor& executor) : ended(executor) {}
  notifier ended;
  std::optional<result<sessions::session>> came;
  bool late = false;
};

// Counts among those who are late, however it ends.
class counted_late {
 public:
  explicit counted_late(shared_response in) : in_(std::move(in)) { ++in_->late->under_way; }
  counted_late(const counted_late&) = delete;
  counted_late& operator=(const counted_late&) = delete;
  ~counted_late() { --in_->late->under_way; }

 private:
  shared_response in_;
};

inline awaitable<void> carry_on(shared_response to, passage through, std::shared_ptr<admission> into) {
  {
    const counted_late here(to);
    auto over = to->late->over.wait();
    auto admitting = admit(to, std::move(through));
    auto came = co_await unless(std::move(over), std::move(admitting));
    if (!into->late) {
      into->came.emplace(std::move(came));
      into->ended.notify();
      co_return;
    }
    if (came && !to->late->came) to->late->came.emplace(std::move(*came));
  }
  to->late->changed.notify();
}

// Who stalls after his hello must not use up the window; who is only slow goes on beside the next listener.
inline awaitable<result<sessions::session>> admit_in_part(shared_response to, passage through) {
  const auto round_trip = net::round_trip(through.stream).value_or(std::chrono::microseconds(0));
  const auto part = clock::now() + handshake_part(round_trip);
  if (!to->late || part >= to->until) {
    auto admitting = admit(to, std::move(through));
    auto guest = co_await std::move(admitting);
    co_return guest;
  }
  const auto one = std::make_shared<admission>(to->late->changed.get_executor());
  to->policy->carry_on(to->body().grant, carry_on(to, std::move(through), one));
  while (!one->came) {
    auto ending = one->ended.wait();
    auto ended = co_await before(part, errc::window_stranger, std::move(ending));
    if (one->came || ended) continue;
    one->late = true;
    if (!is_canceled(ended.error())) to->report("somebody at a window is slow, the next may come", ended.error());
    co_return fail(ended.error());
  }
  co_return std::move(*one->came);
}

inline awaitable<result<>> late_guest_came(shared_response to) {
  while (!to->late->came) {
    auto changed = co_await to->late->changed.wait();
    if (!changed) co_return changed;
  }
  co_return result<>{};
}

inline awaitable<result<>> no_late_guest(shared_response to) {
  while (!to->late->came && to->late->under_way > 0) {
    auto changed = co_await to->late->changed.wait();
    if (!changed) co_return changed;
  }
  co_return result<>{};
}

inline windows::expected_source expected_of(const response& to, const planned_rung& rung) {
  if (to.body().roam) return windows::expected_source::anywhere();
  const bool v6 = rung.time.mine().front().address().is_v6();
  if (rung.same_site && !rung.time.theirs().empty()) {
    return windows::expected_source::of(rung.time.theirs().front().address());
  }
  const auto at = std::ranges::find_if(to.seen, [&](const net::address& one) { return one.is_v6() == v6; });
  return windows::expected_source::of(at == to.seen.end() ? to.seen.front() : *at);
}

// Signed while nothing is open yet.
inline std::function<void()> announce(const shared_response& to, const timetable& plan) {
  auto body = to->answer();
  body.attempt = ++to->attempt;
  const auto first = plan.rungs.front().at_once ? clock::now() : plan.rungs.front().time.start;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(to->until - first);
  const std::chrono::milliseconds most = longest_ladder;
  body.budget_ms = static_cast<std::uint16_t>(std::clamp<std::int64_t>(left.count(), 0, most.count()));
  body.round_trip_us = in_microseconds(plan.round_trip);
  body.reason = plan.why;
  for (const auto& one : plan.rungs) body.rungs.push_back(one.time.what);
  body.sent_us = stamp_of(clock::now());
  const auto signed_one = std::make_shared<trust::signed_answer>(trust::signed_answer::sign(std::move(body), to->self));
  return [to, signed_one] {
    to->send(*signed_one);
    telling::report_step(to->how.steps, "E", "told central", signed_one->body().reason);
  };
}

inline std::string in_words(const windows::report& cost) {
  auto text = fmt::format("{} after {} ns, {} listeners, {} strangers", windows::to_string(cost.why),
                          cost.exposure.count(), cost.listeners, cost.strangers);
  if (cost.drops > 0) text += fmt::format(", {} packets dropped by the cloak", cost.drops);
  return text;
}

// A port by the name that the client knows, and by its number here: no address of ours behind a NAT is told.
inline std::string name_of(const net::tcp::endpoint& named, const net::tcp::endpoint& here) {
  const auto text = net::to_string(named);
  return named.port() == here.port() ? text : fmt::format("{}, here port {}", text, here.port());
}

// What a kept pair learns, once the client has proved that it is the client.
struct encounter {
  std::optional<clock::duration> round_trip;
  std::optional<clock::duration> arrived;
};

inline encounter encounter_of(net::tcp_stream& stream, const planned_rung& rung) {
  const auto now = clock::now();
  encounter made;
  if (const auto measured = net::round_trip(stream)) made.round_trip = *measured;
  if (made.round_trip && !rung.at_once && rung.time.what.kind == trust::rung_kind::listener) {
    made.arrived = now - *made.round_trip - rung.time.start;
  }
  return made;
}

// Who comes to a window.
class incoming_guest {
 public:
  incoming_guest(shared_response to, planned_rung rung, std::shared_ptr<encounter> seen)
      : to_(std::move(to)), rung_(std::move(rung)), seen_(std::move(seen)) {}
  awaitable<result<sessions::session>> operator()(net::tcp_stream stream) const {
    telling::report_step(to_->how.steps, "G", "somebody connected, the port is closed");
    *seen_ = encounter_of(stream, rung_);
    return admit_in_part(to_, passage{std::move(stream), rung_.time.what.kind});
  }

 private:
  shared_response to_;
  planned_rung rung_;
  std::shared_ptr<encounter> seen_;
};

// WO 2004/034190, just-in-time listening, steps D, E and G.
inline awaitable<result<sessions::session>> listen_for(shared_response to, planned_rung rung, shared_ports ports,
                                                       std::function<void()> tell) {
  const auto executor = co_await asio::this_coro::executor;
  auto port = port_of(*ports, rung.time.mine().front(), executor);
  if (!port) co_return fail(port.error());
  windows::listening how{
      port->local_endpoint(), expected_of(*to, rung), windows::on_stranger::close, 1, to->how.cloak, {*port}};
  std::optional<punch> opened_way;
  if (rung.punches && !rung.time.theirs().empty()) opened_way.emplace(*port, rung.time.theirs().front());
  if (opened_way && opened_way->short_of()) co_return fail(opened_way->short_of());
  windows::announcement announcing = [to, tell, rung](std::uint8_t,
                                                      const net::tcp::endpoint& at) -> result<windows::announced> {
    windows::announced made([tell] {
      if (tell) tell();
    });
    made.when_open([to, named = rung.time.mine().front(), at](time_point since) {
      telling::report_step(to->how.steps, "D", "opened a port", name_of(named, at), since);
    });
    if (!rung.at_once) made.opening(rung.time.opens).polling(rung.polls);
    return made;
  };
  const auto seen = std::make_shared<encounter>();
  how.account = [to, before = to->cost](const windows::report& cost) {
    to->cost = before;
    windows::detail::add(to->cost, cost);
  };
  const auto before = to->cost;
  const incoming_guest admission(to, rung, seen);
  auto opening =
      windows::open_window<sessions::session>(std::move(how), rung.time.end, std::move(announcing), admission);
  auto came = co_await std::move(opening);
  to->cost = before;  // the whole of it also knows of strangers that TLS has found
  windows::detail::add(to->cost, came.cost);
  if (came.guest) {
    auto& kept = to->policy->met(to->client());
    if (seen->round_trip) kept.met(*seen->round_trip, seen->arrived);
  } else if (windows::is_stranger(came.guest.error())) {
    ++to->lost;
  } else if (came.guest.error() == errc::window_timeout && !rung.at_once) {
    to->policy->met(to->client()).missed();
  }
  co_return std::move(came.guest);
}

// The variation, where the client listens; and the crossing, where nobody does.
inline awaitable<result<sessions::session>> go_to(shared_response to, planned_rung rung, shared_ports ports) {
  const bool crosses = rung.time.what.kind == trust::rung_kind::crossing;
  telling::report_step(to->how.steps, "G", crosses ? "cross" : "dial the client's window",
                       net::to_string(rung.time.theirs().front()));
  auto going = crosses ? go_crossing(rung.time, ports) : go_dialling(rung.time, to->how.dialling);
  auto through = co_await std::move(going);
  if (!through) co_return fail(through.error());
  const auto seen = encounter_of(through->stream, rung);
  auto admitting = admit(to, std::move(*through));
  auto guest = co_await std::move(admitting);
  if (!guest && !crosses) guest = fail(cause_at_port(guest.error(), seen.round_trip));
  if (guest && seen.round_trip) to->policy->met(to->client()).met(*seen.round_trip, std::nullopt);
  co_return guest;
}

// The rungs of one answer, one after the other.
inline awaitable<result<sessions::session>> go_all(shared_response to, timetable plan, shared_ports ports) {
  result<sessions::session> last = fail(errc::window_timeout);
  auto tell = announce(to, plan);
  if (!plan.rungs.front().at_once) std::exchange(tell, nullptr)();
  for (const auto& rung : plan.rungs) {
    const auto lost = to->lost;
    const bool here = listens(rung.time.what.kind, window_end::server);
    auto going = here ? listen_for(to, rung, ports, std::exchange(tell, nullptr)) : go_to(to, rung, ports);
    last = co_await std::move(going);
    if (last || is_canceled(last.error()) || to->lost != lost || clock::now() >= to->until) break;
    if (last.error().category() == category() && last.error() == errc::wrong_key) break;
    to->report(to_string(rung.time.what.kind), last.error());
  }
  co_return last;
}

inline awaitable<result<sessions::session>> answer_request(shared_response to) {
  const auto executor = co_await asio::this_coro::executor;
  const auto here = here_for(*to);
  if (!here.link_at) co_return fail(errc::link_lost);
  if (here.is_hidden()) {
    if (!here.advertised) to->policy->is_hidden();
  } else if (here.mirror) {  // a link that is just up
    auto settling = here.mirror->settled(clock::now() + std::chrono::seconds(1));
    co_await std::move(settling);
  }
  result<sessions::session> last = fail(errc::window_timeout);
  for (int attempt = 1; attempt <= trust::most_answers; ++attempt) {
    // a probe of central and its answer take two round trips; the rest is for one that is lost
    const auto patience = to->policy->central_round_trip() * 2 + std::chrono::milliseconds(500);
    auto binding = bind_window_ports(here, clock::now() + patience);
    const auto ports = co_await std::move(binding);
    bool withheld = false;
    const auto& kept = to->policy->met(to->client());
    windows::plan_terms terms{server_facts(*to, *ports, executor), client_facts(*to, withheld)};
    if (ports->short_of()) co_return fail(ports->short_of());
    const auto by_central =
        to->policy->central_round_trip() + std::chrono::microseconds(std::min(to->body().central_us, 5'000'000U));
    terms.round_trip = std::chrono::duration_cast<std::chrono::microseconds>(kept.round_trip().value_or(by_central));
    terms.lan = to->lan;
    terms.lost_to_strangers = to->lost;
    const auto planned = windows::make_plan(terms);
    if (planned.rungs.empty()) {
      to->reason = planned.why;
      co_return fail(withheld ? errc::address_not_permitted : *planned.cause);
    }
    const auto usual = to->how.window_time.value_or(windows::window_time_for(terms.round_trip));
    const auto longest = std::min(usual, std::chrono::milliseconds(to->body().budget_ms));
    const timetable_terms times{terms.round_trip,
                                by_central,
                                kept.opens_after(),
                                kept.round_trip().has_value(),
                                std::chrono::floor<std::chrono::milliseconds>(longest - to->cost.exposure),
                                to->until};
    auto plan = make_timetable(planned, to->body().id, clock::now(), times);
    if (plan.cause) {
      to->reason = plan.why;
      co_return fail(*plan.cause);
    }
    if (plan.rungs.empty()) break;  // no time is left
    to->until = plan.rungs.back().time.end;
    auto going = go_all(to, std::move(plan), ports);
    const auto lost = to->lost;
    if (to->late && to->late->under_way > 0) {
      auto others = late_guest_came(to);
      last = co_await unless(std::move(others), std::move(going));
    } else {
      last = co_await std::move(going);
    }
    const bool again = !last && to->lost != lost && to->how.on_stranger == windows::on_stranger::close_and_reopen;
    if (!again || clock::now() >= to->until) break;
  }
  if (last || !to->late) co_return last;
  if (!is_canceled(last.error())) {
    auto waiting = no_late_guest(to);
    auto waited = co_await before(clock::now() + authentication_time, errc::handshake_timeout, std::move(waiting));
    (void)waited;
  }
  if (to->late->came) {
    last = std::move(*to->late->came);
    if (to->cost.strangers > 0) --to->cost.strangers;  // he was taken for one
  }
  co_return last;
}

}  // namespace detail

AJAR_DECL void refuse(std::shared_ptr<respond_policy> policy, identity::key self, respond_options how,
                      opened_command what, const std::error_code& why) {
  const detail::response to{std::move(policy),     std::move(self),      std::move(how),
                            std::move(what.asked), std::move(what.seen), stamp_of(what.received)};
  to.report("refused a window", why);
  to.conclude(why);
}

AJAR_DECL awaitable<result<sessions::session>> respond(std::shared_ptr<respond_policy> policy, identity::key self,
                                                       respond_options how, opened_command what) {
  const auto received = what.received;
  const auto received_us = stamp_of(received);
  const auto to = std::make_shared<detail::response>(detail::response{
      std::move(policy), std::move(self), std::move(how), std::move(what.asked), std::move(what.seen), received_us});
  if (to->body().explain) {
    to->trace = std::make_shared<trust::traced_steps>();
    to->trace->received_us = received_us;
    to->how.steps = detail::tracing(to->trace, to->how.steps);
  }
  telling::report_step(to->how.steps, "C", "commanded to open a window", {}, received);
  if (to->how.on_stranger == windows::on_stranger::close_and_reopen) {
    const auto executor = co_await asio::this_coro::executor;
    to->late = std::make_shared<detail::late_guests>(executor);
  }
  const detail::settled_at_the_end account(to);  // also where this is cancelled
  auto permitted = to->policy->may_open(to->asked);
  if (!permitted) {
    to->report("refused a window", permitted.error());
    to->conclude(permitted.error());
    co_return fail(permitted.error());
  }
  to->lan = permitted->given.body().lan;
  to->taken = std::move(permitted->taken);
  auto work = detail::answer_request(to);
  auto guest = co_await std::move(work);
  if (to->late) to->late->over.notify();
  if (!guest && is_canceled(guest.error())) {  // maybe the grant was taken back meanwhile
    const auto still = to->policy->may_enter(to->body().grant, to->client());
    if (!still) guest = fail(still.error());
  }
  if (to->cost.listeners > 0) {
    to->settle();
    telling::report_step(to->how.steps, "", "the window is closed", detail::in_words(to->cost));
    if (guest) guest->set_window(to->cost);
  }
  if (!guest) to->report("no session came of a window", guest.error());
  to->conclude(guest ? std::error_code() : guest.error());
  co_return guest;
}

}  // namespace ajar::rendezvous
