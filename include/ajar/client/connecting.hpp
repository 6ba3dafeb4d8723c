// SPDX-License-Identifier: BSL-1.0
// ajar/client/connecting.hpp - a connection of a client while it is being made: carries out its way_plan.
#pragma once

#include <ajar/client/held_grants.hpp>
#include <ajar/client/node.hpp>
#include <ajar/client/way_plan.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/rendezvous/ask.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace ajar::detail {

// To one server, by one grant, until a deadline.
class connecting {
 public:
  // @return a session, or why there is none; both are counted
  static awaitable<result<sessions::session>> run(std::shared_ptr<client_node> node, identity::peer_id server,
                                                  connect_options how) {
    auto begun = begin(node, std::move(server), std::move(how));
    if (!begun) {
      node->failures.add(begun.error());
      co_return fail(begun.error());
    }
    auto reaching = begun->reach();
    auto came = co_await std::move(reaching);
    const auto& given = begun->grant_.body();
    if (!came) came = fail(by_both_clocks(came.error(), given, wall_now()));
    if (came) {
      node->own_sessions.add(*came, clock::now(), given.not_after);
    } else {
      node->failures.add(came.error());
    }
    co_return came;
  }

 private:
  connecting(std::shared_ptr<client_node> node, const trust::grant_file& held, connect_options how, time_point until)
      : node_(std::move(node)),
        grant_(held.grant),
        side_(node_->side_of(held.central)),
        how_(std::move(how)),
        until_(until) {}

  static result<connecting> begin(const std::shared_ptr<client_node>& node, const identity::peer_id& server,
                                  connect_options how) {
    constexpr std::chrono::seconds usual{10};
    if (!node->started) return fail(errc::not_started);
    const auto* held = node->held.of(server);
    if (!held) return fail(errc::no_grant);
    if (wall_now() >= held->grant.body().not_after) return fail(errc::grant_expired);
    if (node->stopped) return fail(errc::canceled);
    const auto until = how.deadline() ? *how.deadline() : clock::now() + usual;
    return connecting(node, *held, std::move(how), until);
  }

  identity::peer_id server() const { return grant_.signer(); }

  // What central said of the server last, over this link.
  const signalling::presence* presence() const {
    const auto found = side_->present.find(server());
    return found == side_->present.end() ? nullptr : &found->second;
  }

  // What ends it, whichever way is tried.
  std::error_code ended() const {
    if (node_->stopped) return errc::canceled;
    return side_->final_cause.value_or(std::error_code());
  }

  awaitable<result<sessions::session>> reach() {
    auto awaiting = await_presence();
    auto now = co_await std::move(awaiting);
    if (!now) co_return fail(now.error());
    way_plan plan({how_.way(), node_->dialled.contains(server()), node_->door.has_value(), &grant_.body(), &*now});
    while (const auto way = plan.way()) {
      if (how_.reasons()) how_.reasons()({});  // of another attempt
      auto trying = *way == by::outbound ? await_dial() : rendezvous_by(*way);
      auto came = co_await std::move(trying);
      if (came) co_return std::move(*came);
      telling::report_trouble(node_->how.steps_, "this way failed", came.error().message());
      const auto pause = plan.failed(came.error(), until_ - clock::now());
      auto slept = co_await sleep_until(clock::now() + pause);
      if (!slept) co_return fail(slept.error());
      if (node_->stopped) co_return fail(errc::canceled);
    }
    co_return fail(plan.why());
  }

  // Until central has said something about this server that helps, or cannot.
  awaitable<result<signalling::presence>> await_presence() {
    while (clock::now() < until_) {
      if (const auto why = ended()) co_return fail(why);
      if (unlinked() && !is_worth_waiting(*side_->last_loss)) co_return fail(*side_->last_loss);
      const auto refused = side_->refused.find(grant_.body().id);
      if (refused != side_->refused.end()) co_return fail(refused->second);
      if (const auto* now = presence()) {
        if (now->state != signalling::presence_state::offline) co_return *now;
        co_return fail(errc::server_offline);
      }
      auto change = node_->changed.wait();
      auto changed = co_await before(until_, errc::dial_timeout, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return fail(errc::canceled);
    }
    co_return fail(unlinked() ? *side_->last_loss : side_->late());
  }
  bool unlinked() const { return side_->last_loss && !side_->up.is_up(); }
  // The link to central is tried again meanwhile: there was no room for it, or somebody cut it off on its way.
  static bool is_worth_waiting(const std::error_code& why) {
    return why == errc::central_busy || why == errc::truncated || why == errc::handshake_timeout;
  }

  // WO 2004/034190, non-listening server: the client waits, the server dials.
  awaitable<result<sessions::session>> await_dial() {
    if (!grant_.body().permits(trust::method::outbound)) co_return fail(errc::method_not_granted);
    auto until = until_;
    if (const auto* now = presence(); now && !how_.deadline()) {
      until += std::min<std::chrono::milliseconds>(now->interval, signalling::longest_interval);
    }
    for (;;) {
      auto came = node_->take_dialled(server());
      if (came) co_return std::move(*came);
      if (const auto why = ended()) co_return fail(why);
      if (!node_->door) co_return fail(errc::client_unreachable);
      if (const auto& shut = node_->door->shut()) co_return fail(*shut);
      const auto* now = presence();
      if (now && !dials(*now)) co_return fail(errc::client_unreachable);
      const auto& proved = side_->door_result;
      if (proved && *proved) co_return fail(*proved);
      if (clock::now() >= until) co_return fail(errc::outbound_timeout);
      auto change = node_->changed.wait();
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
  awaitable<result<sessions::session>> rendezvous_by(by way) {
    constexpr std::chrono::seconds patience{2};  // for a link that is just up
    const auto rungs = rungs_of(way, node_->how.listens_);
    if (rungs == 0) co_return fail(errc::client_unreachable);
    auto settling = side_->mirror->settled(std::min(until_, clock::now() + patience));
    co_await std::move(settling);
    const auto* now = presence();
    if (!now) co_return fail(errc::server_offline);
    const auto& own = node_->how.window_address_;
    rendezvous::vantage here{own ? nullptr : side_->mirror, own ? own : side_->up.local_address(),
                             net::unmapped(side_->seen.address())};
    if (now->seen.port() != 0) here.others = {net::unmapped(now->seen.address())};
    here.lan = grant_.body().lan;
    const auto what = std::make_shared<const rendezvous::errand>(rendezvous::errand{
        node_->key, grant_, std::shared_ptr<signalling::uplink>(side_, &side_->up), side_->answers, *now, here,
        node_->how.dialling(), rungs, how_.roams(), until_, node_->how.cloak_, node_->how.steps_,
        [weak = std::weak_ptr(node_), side = side_](const windows::report& cost) {
          if (const auto still = weak.lock()) {
            still->exposed.add(std::chrono::system_clock::now(), windows::exposure_of(cost));
          }
          (void)side->up.send(signalling::exposure_report{cost.exposure, cost.listeners, cost.strangers});
        },
        node_->clock_of(server()), how_.explains(), how_.reasons()});
    auto work = rendezvous::ask_for_window(what);
    auto guest = co_await std::move(work);
    co_return guest;
  }

  std::shared_ptr<client_node> node_;
  trust::signed_grant grant_;
  std::shared_ptr<client_node::central_side> side_;
  connect_options how_;
  time_point until_;
};

}  // namespace ajar::detail
