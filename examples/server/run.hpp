// SPDX-License-Identifier: BSL-1.0
// run: shares what was named, until a signal.
#pragma once

#include "../tools/event_loop.hpp"
#include "../tools/sandbox.hpp"
#include "../tools/step_log.hpp"
#include "budgets.hpp"
#include "options.hpp"
#include "share.hpp"

#include <signal.h>

namespace tools {

struct run_plan {
  ajar::identity::url central;
  std::vector<ajar::identity::url> left{};  // that it has moved away from, and is at as well
  ajar::trust::method_set methods{};
  std::chrono::milliseconds roster_every{0};
  ajar::windows::on_stranger policy = ajar::windows::on_stranger::close_and_reopen;
  std::optional<ajar::net::address> window_address;
  std::optional<ajar::net::address> advertised;
  std::optional<ajar::windows::port_range> window_ports;
  std::optional<ajar::net::address> from;
  named_shares shared{};
  std::optional<share_wish> offered{};  // instead of shares

  bool windows() const { return methods.contains(ajar::trust::method::window); }
  bool outbound() const { return methods.contains(ajar::trust::method::outbound); }
};

// All but what is shared. Complains by itself.
inline std::optional<run_plan> plan_run(const settings& given) {
  auto central = central_of(given);
  if (!central) return std::nullopt;
  run_plan made{.central = std::move(*central), .window_address = {}, .advertised = {}, .window_ports = {}, .from = {}};
  if (!central_is_said(given)) {
    auto kept = centrals_kept(given);
    if (kept && !kept->empty()) made.left.assign(kept->begin() + 1, kept->end());
  }
  made.methods = *parse_methods(given["mode"].as<std::string>());
  const auto roster = given["roster"].as<std::string>();
  if (roster.starts_with("every=")) {
    if (made.windows()) {
      return wrong(given.where("roster") + " every=TIME goes with --mode outbound: a window needs a standing link"),
             std::nullopt;
    }
    made.roster_every = *parse_duration(roster.substr(6));
  }
  made.policy = policy_of(given);
  made.window_address = address_of(given, "window-address");
  made.advertised = address_of(given, "advertise");
  if (given.count("window-ports")) {
    made.window_ports = ajar::windows::parse_port_range(text_option(given, "window-ports"));
  }
  if (made.advertised && !made.window_ports) {
    return wrong(given.where("advertise") + " goes with --window-ports: a router forwards ports that are known"),
           std::nullopt;
  }
  made.from = address_of(given, "from");
  return made;
}

// What is shared is read, the state folder is written.
inline landlock fence_around(const run_plan& plan, const std::string& state, const std::string& settings_file) {
  landlock fence;
  for (const auto& [name, one] : plan.shared) fence.may_read(one.path);
  if (plan.offered) {
    for (const auto& path : plan.offered->paths) fence.may_read(path);
  }
  fence.may_write(state);
  if (!settings_file.empty()) fence.may_read(readable_for(settings_file));
  let_names_be_found(fence);
  return fence;
}

// By the key that this server has gone over from: the same grants, and what was taken back.
inline ajar::server_options options_of_former(const std::shared_ptr<household>& house, const run_plan& plan) {
  ajar::server_options how(plan.central);
  for (const auto& other : plan.left) how.also_at(other);
  const auto signed_by_it = [house](const ajar::trust::signed_revocations& list) {
    return ajar::trust::signed_revocations::sign(list.body(), *house->former);
  };
  const auto revoked = house->issued.revocations_in_force(house->self);
  if (revoked && *revoked) how.revocations(signed_by_it(**revoked));
  how.logins([house] { return house->in.next_login(); })
      .grants([house](const ajar::trust::grant_id& id) { return house->issued.find(id); })
      .later_revocations([house, signed_by_it](const ajar::trust::signed_revocations& later)
                             -> ajar::result<ajar::trust::signed_revocations> {
        const auto both = house->issued.learn(later, house->self);
        if (!both) return ajar::fail(both.error());
        return signed_by_it(*both);
      });
  return how;
}

inline int serve_as_planned(const settings& given, run_plan plan, int count, char** words) {
  const auto budgets = budgets_within(raise_descriptor_limit());
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  const auto hold = hold_state(server_tool, self->state);
  if (!hold) return local_trouble;
  self->state.wait_at_most(ajar::state::folder::of_a_server);
  if (!plan.windows()) {
    const auto silent = forbid_listening();
    if (!silent) return complain(server_tool, "seccomp", silent.error());
  }
  const auto house = std::make_shared<household>(self->state, self->key);
  ajar::server_options how(plan.central);
  for (const auto& other : plan.left) how.also_at(other);
  if (!plan.left.empty()) house->moved_to = plan.central;
  if (self->former) house->goes_over_from(*self->former);
  const auto supplied = ajar::server_state::supply(house, how);
  if (!supplied) return complain(server_tool, self->state.path(), supplied.error());
  // whoever shares watches its words, and hears of steps where he asks for them
  const bool talks = !plan.offered || given.count("log") != 0;
  const auto steps = talks ? steps_as_told("server", given) : ajar::telling::step_sink();
  tell_of_clock(steps);
  const std::chrono::milliseconds listening(given.as<std::uint32_t>("listening"));
  const auto cloak = *ajar::windows::parse_cloak(given.as<std::string>("cloak"));
  const auto set_up = [&](ajar::server_options& one) {
    one.methods(plan.methods).roster_every(plan.roster_every).on_stranger(plan.policy).cloak(cloak);
    one.listening(self->former ? listening / 2 : listening).most_sessions(budgets.sessions).on_step(steps);
    if (plan.from) one.from(*plan.from);
    if (plan.window_address) one.window_address(*plan.window_address);
    if (plan.window_ports) one.window_ports(*plan.window_ports);
    if (plan.advertised) one.advertise(*plan.advertised);
  };
  set_up(how);
  std::optional<ajar::server_options> former;
  if (self->former) {
    former = options_of_former(house, plan);
    set_up(*former);
  }
  if (talks) tell_of_budgets(budgets, steps);
  event_loop loop;
  // before anybody is told that it is there: until then a SIGHUP would end it
  signals stops(loop, {SIGINT, SIGTERM});
  signals hangups(loop, {SIGHUP});
  control_port control(server_tool, loop.executor(), self->state.path());  // before the fence
  auto watch = ajar::state::folder_watch::open(loop.executor(), self->state.path(), ajar::state::issued_grants::issued);
  tell_of_state_folders(plan.shared, self->state.path(), steps);
  auto fence = fence_around(plan, self->state.path(), given.file());
  if (!enter_sandbox(server_tool, given, std::move(fence), "the shares", steps)) return local_trouble;

  running all{ajar::server(loop.executor(), self->key, how),
              *house,
              ajar::files::file_service(loop.executor(), budgets.files),
              plan.central,
              central_is_said(given),
              given.file(),
              self->state.path(),
              steps,
              plan.from};
  if (former) all.former.emplace(loop.executor(), *self->former, std::move(*former));
  all.share(share_set_of(std::move(plan.shared), steps));
  const reload again(server_table(), count, words, given, steps);
  control.tell_status_of(all, spoken_fence());
  for (const auto* verb : {"revoke", "renew", "approve", "announce"}) {
    control.carry_out(verb, [&all](ajar::control::request what) { return change_now(all, std::move(what)); });
  }
  control.answer_with(
      "shares", [&all](const ajar::control::request&) -> ajar::result<std::string> { return names_of(all.shared); });
  const auto settled = [&all](ajar::trust::signed_revocations list) {
    all.server.spawn(end_former(all, std::move(list)));
  };
  house->guests.on_settled = settled;
  if (house->former_guests) house->former_guests->on_settled = settled;
  control.answer_with("share", [&all](const ajar::control::request& what) { return offer_now(all, what); });
  control.answer_with("offer", [&all](const ajar::control::request& what) { return tell_of_offer(all, what); });
  control.answer_with("central", [&all](const ajar::control::request& what) { return move_now(all, what); });
  control.carry_out("unshare", [&all](ajar::control::request what) { return end_offer_now(all, std::move(what)); });
  control.start();
  if (watch) {
    all.server.spawn(watch_grants(all, std::move(*watch)));
  } else {
    ajar::telling::report_trouble(steps, "removed grants are noticed at SIGHUP alone", watch.error().message());
    all.server.spawn(revoke_removed(all));
  }
  all.server.spawn(end_forgotten_offers(all));
  if (all.former) {
    all.former->start();
    all.former->spawn(serve_former(all));
    all.former->spawn(go_over(all));
  } else {
    all.server.start();
  }
  loop.spawn(serve_until_signal(all, stops, hangups, control));
  if (plan.offered) loop.spawn(offer_until_fetched(all, *plan.offered));
  loop.spawn(reload_at_hangup(hangups, [&] {
    if (!plan.offered) take_over(again, all);
    all.server.spawn(revoke_removed(all));
  }));
  loop.spawn(stop_at_signal(all, stops));
  loop.run();
  return all.exit;
}

inline int run(const settings& given, int count, char** words) {
  auto plan = plan_run(given);
  if (!plan) return usage;
  auto shared = plan_shares(given);
  if (!shared) return wrong(shared.error());
  plan->shared = std::move(*shared);
  return serve_as_planned(given, std::move(*plan), count, words);
}

// By the server that runs on the state folder, else by this process.
inline int share(const settings& given, int count, char** words) {
  auto wish = share_said(given);
  if (!wish) return usage;
  if (const auto code = share_by_running(given, *wish)) return *code;
  auto plan = plan_run(given);
  if (!plan) return usage;
  plan->offered = std::move(wish);
  return serve_as_planned(given, std::move(*plan), count, words);
}

}  // namespace tools
