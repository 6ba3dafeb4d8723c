// SPDX-License-Identifier: BSL-1.0
// ajar/client/visit.hpp - one connection of a client: which ways there are, in which order, and why none worked.
#pragma once

#include <ajar/client/node.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/net/backoff.hpp>
#include <ajar/rendezvous/ask.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::detail {

// What is wanted, from whom, until when; and the coroutines that try it.
struct visit {
  identity::peer_id server;
  trust::signed_grant grant;
  std::shared_ptr<client_node::central_side> side;
  connect_options how;
  time_point until;

  using shared_visit = std::shared_ptr<const visit>;

  static awaitable<result<sessions::session>> reach_and_count(std::shared_ptr<client_node> self,
                                                              identity::peer_id server, connect_options how) {
    auto reaching = reach(self, server, std::move(how));
    auto came = co_await std::move(reaching);
    const auto* held = self->grant_for(server);
    if (came && held) {
      self->visits.add(*came, clock::now(), held->grant.body().not_after);
    } else if (!came) {
      self->failures.add(came.error());
    }
    co_return came;
  }

  static awaitable<result<sessions::session>> reach(std::shared_ptr<client_node> self, identity::peer_id server,
                                                    connect_options how) {
    constexpr std::chrono::seconds usual{10};
    const auto* held = self->grant_for(server);
    if (!held) co_return fail(errc::no_grant);
    if (wall_now() >= held->grant.body().not_after) co_return fail(errc::grant_expired);
    if (self->stopped) co_return fail(errc::canceled);
    (void)self->side_of(held->central);
    const auto until = how.deadline() ? *how.deadline() : clock::now() + usual;
    const auto about = std::make_shared<const visit>(
        visit{server, held->grant, self->centrals.at(to_string(held->central)), how, until});
    auto presence = co_await await_presence(self, about);
    if (!presence) co_return fail(presence.error());
    const auto ways = ways_of(*self, *about, *presence);
    std::error_code why = ways.empty() ? no_way(*self, *about, *presence) : std::error_code();
    for (const auto way : ways) {
      net::backoff pauses(std::chrono::milliseconds(100), std::chrono::milliseconds(1600));
      for (int attempt = 1;; ++attempt) {
        auto trying = try_way(self, about, way);
        auto came = co_await std::move(trying);
        if (came) co_return std::move(*came);
        why = came.error();
        telling::report_trouble(self->how.steps_, "this way failed", why.message());
        if (!tries_again(way, why, attempt, ways.size())) break;
        const auto pause = pauses.next();
        if (clock::now() + pause >= about->until) break;
        auto slept = co_await sleep_until(clock::now() + pause);
        if (!slept) co_return fail(slept.error());
        if (self->stopped) co_return fail(errc::canceled);
      }
      if (!another_way_may_help(why)) break;
    }
    co_return fail(why);
  }

  // How this client looks from outside, as that server's central tells it.
  static awaitable<result<net::reflection>> look(std::shared_ptr<client_node> self, identity::peer_id server,
                                                 time_point until) {
    const auto* held = self->grant_for(server);
    if (!held) co_return fail(errc::no_grant);
    (void)self->side_of(held->central);
    const auto side = self->centrals.at(to_string(held->central));
    while (!side->mirror->is_measured()) {
      if (self->stopped) co_return fail(errc::canceled);
      if (side->final_cause) co_return fail(*side->final_cause);
      if (side->last_loss && !side->up.is_up()) co_return fail(*side->last_loss);
      if (clock::now() >= until) co_return fail(errc::dial_timeout);
      if (side->mirror->is_possible()) {
        auto settling = side->mirror->settled(until);
        co_await std::move(settling);
        continue;
      }
      if (side->up.is_up() && side->seen.port() != 0) break;  // central reflects nothing
      auto change = self->changed.wait();
      auto changed = co_await before(until, errc::dial_timeout, std::move(change));
      if (!changed) co_return fail(changed.error());
    }
    co_return side->mirror->known();
  }

  // The same way once more? A machine under load was too slow, and another window may do: as long as there is time, if
  // there is no other way. Packets may have been lost, or a firewall dropped them, as it will again: once; a server
  // whose window has ended meanwhile hangs up.
  static bool tries_again(by way, const std::error_code& why, int attempts, std::size_t ways) {
    if (way == by::outbound) return false;
    const bool slow = why == errc::handshake_timeout || why == errc::window_timeout || why == errc::exchange_timeout;
    const bool lost = why == errc::crossing_failed || why == errc::window_unreachable || why == errc::truncated;
    return (slow && ways == 1) || ((slow || lost) && attempts == 1);
  }

  static bool another_way_may_help(const std::error_code& why) {
    for (const auto cause :
         {errc::window_unreachable, errc::window_timeout, errc::window_stranger, errc::bind_failed,
          errc::window_refused, errc::address_not_permitted, errc::too_many_windows, errc::too_many_windows_today,
          errc::crossing_failed, errc::no_direct_path, errc::port_443_not_permitted}) {
      if (why == cause) return true;
    }
    return false;
  }

  static std::vector<by> ways_of(const client_node& self, const visit& about, const signalling::presence& now) {
    const auto& grant = about.grant.body();
    if (self.dialled.contains(about.server) && (about.how.way() == by::automatic || about.how.way() == by::outbound)) {
      return {by::outbound};
    }
    if (about.how.way() != by::automatic) return {about.how.way()};
    std::vector<by> ways;
    const bool windows = now.state == signalling::presence_state::online &&
                         (now.methods & static_cast<std::uint8_t>(trust::method::window)) != 0 &&
                         grant.permits(trust::method::window);
    if (windows) ways = {by::automatic};
    if (self.step && grant.permits(trust::method::outbound) && client_node::dials(now)) ways.push_back(by::outbound);
    return ways;
  }

  static std::error_code no_way(const client_node& self, const visit& about, const signalling::presence& now) {
    if (now.state == signalling::presence_state::offline) return errc::server_offline;
    if (client_node::dials(now) && !self.step && about.grant.body().permits(trust::method::outbound)) {
      return errc::client_unreachable;
    }
    return errc::method_not_granted;
  }

  // Until central has said something about this server that helps, or cannot.
  static awaitable<result<signalling::presence>> await_presence(std::shared_ptr<client_node> self, shared_visit about) {
    std::error_code why = errc::dial_timeout;
    while (clock::now() < about->until) {
      const auto& side = *about->side;
      if (self->stopped) co_return fail(errc::canceled);
      if (side.final_cause) co_return fail(*side.final_cause);
      if (side.last_loss && !side.up.is_up()) co_return fail(*side.last_loss);
      const auto refused = side.refused.find(about->grant.body().id);
      if (refused != side.refused.end()) co_return fail(refused->second);
      const auto found = side.present.find(about->server);
      if (found != side.present.end()) {
        if (found->second.state != signalling::presence_state::offline) co_return found->second;
        co_return fail(errc::server_offline);
      }
      auto change = self->changed.wait();
      auto changed = co_await before(about->until, errc::dial_timeout, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return fail(errc::canceled);
    }
    co_return fail(why);
  }

  static awaitable<result<sessions::session>> try_way(std::shared_ptr<client_node> self, shared_visit about, by way) {
    if (way == by::outbound) return await_dial(std::move(self), std::move(about));
    return rendezvous_by(std::move(self), std::move(about), way);
  }

  // WO 2004/034190, non-listening server: the client waits, the server dials.
  static awaitable<result<sessions::session>> await_dial(std::shared_ptr<client_node> self, shared_visit about) {
    if (!about->grant.body().permits(trust::method::outbound)) co_return fail(errc::method_not_granted);
    auto until = about->until;
    const auto now = about->side->present.find(about->server);
    if (now != about->side->present.end() && !about->how.deadline()) until += now->second.interval;
    for (;;) {
      const auto came = self->dialled.find(about->server);
      if (came != self->dialled.end()) {
        auto guest = std::move(came->second);
        self->dialled.erase(came);
        co_return std::move(guest);
      }
      if (self->stopped) co_return fail(errc::canceled);
      if (about->side->final_cause) co_return fail(*about->side->final_cause);
      if (!self->step) co_return fail(errc::client_unreachable);
      if (self->door_error) co_return fail(*self->door_error);
      const auto present = about->side->present.find(about->server);
      if (present != about->side->present.end() && !client_node::dials(present->second)) {
        co_return fail(errc::client_unreachable);
      }
      const auto& proved = about->side->door_result;
      if (proved && *proved) co_return fail(*proved);
      if (clock::now() >= until) co_return fail(errc::outbound_timeout);
      auto change = self->changed.wait();
      auto changed = co_await before(until, errc::outbound_timeout, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return fail(errc::canceled);
    }
  }

  // What a way permits the server to plan; nothing where this client must open a port and may not.
  static std::uint8_t rungs_of(by way, bool listens) {
    auto rungs = trust::every_rung;
    if (way == by::crossing) rungs = trust::bit_of(trust::rung_kind::crossing);
    if (way == by::window) rungs = trust::bit_of(trust::rung_kind::listener);
    if (way == by::window_reverse) rungs = trust::bit_of(trust::rung_kind::listener_reverse);
    if (!listens) rungs &= static_cast<std::uint8_t>(~trust::bit_of(trust::rung_kind::listener_reverse));
    return rungs;
  }

  // By a window or a crossing, as the server plans it.
  static awaitable<result<sessions::session>> rendezvous_by(std::shared_ptr<client_node> self, shared_visit about,
                                                            by way) {
    const auto rungs = rungs_of(way, self->how.listens_);
    if (rungs == 0) co_return fail(errc::client_unreachable);
    auto settling = about->side->mirror->settled(std::min(about->until, clock::now() + std::chrono::seconds(2)));
    co_await std::move(settling);
    const auto present = about->side->present.find(about->server);
    if (present == about->side->present.end()) co_return fail(errc::server_offline);
    const auto& own = self->how.window_address_;
    const rendezvous::vantage here{own ? nullptr : about->side->mirror, own ? own : about->side->up.local_address(),
                                   net::unmapped(about->side->seen.address())};
    const auto what = std::make_shared<const rendezvous::errand>(rendezvous::errand{
        self->self, about->grant, std::shared_ptr<signalling::uplink>(about->side, &about->side->up),
        about->side->answers, present->second, here, self->how.dialling(), rungs, about->how.roams(), about->until,
        self->how.cloak_, self->how.steps_,
        [weak = std::weak_ptr(self), side = about->side](const windows::report& cost) {
          if (const auto still = weak.lock()) {
            still->exposed.add(std::chrono::system_clock::now(), windows::exposure_of(cost));
          }
          (void)side->up.send(signalling::exposure_report{cost.exposure, cost.listeners, cost.strangers});
        },
        self->clock_of(about->server), about->how.explains()});
    auto work = rendezvous::ask_for_window(what);
    auto guest = co_await std::move(work);
    co_return guest;
  }
};

}  // namespace ajar::detail
