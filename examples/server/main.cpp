// SPDX-License-Identifier: BSL-1.0
// ajar-server: shares folders and files with those its owner signed for, from behind a firewall, with no port that
// stands open.
#include "../tools/begin.hpp"
#include "../tools/console.hpp"
#include "../tools/network.hpp"
#include "../tools/reload.hpp"
#include "../tools/sandbox.hpp"
#include "../tools/status.hpp"
#include "../tools/step_log.hpp"
#include "budgets.hpp"
#include "doctor.hpp"
#include "grants.hpp"
#include "guest.hpp"
#include "invites.hpp"
#include "options.hpp"
#include "shares.hpp"

#include <ajar/core/deadline.hpp>
#include <ajar/server.hpp>
#include <ajar/state/folder_watch.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

namespace {

using tools::server_tool;

constexpr const char* examples =
    "Examples:\n"
    "  ajar-server id                                      this server's peer id alone, for central's --admit list\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share photos=/home/me/photos\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share notes=notes.txt --mode outbound --roster every=30s\n"
    "  ajar-server grant CLIENT_ID --central ajar://HOST:PORT/ID --service photos:r --for 30d --out laptop.grant\n"
    "  ajar-server invite laptop --service photos:r        one word for one person: 'ajar-client join' redeems it\n"
    "  ajar-server grants                                  who may enter, until when, who is there now\n"
    "  ajar-server renew laptop --for 90d                  at once, also with other services: --service photos:r\n"
    "  ajar-server revoke laptop                           at once: it is cut off when this returns\n"
    "  ajar-server status                                  link, sessions, how long ports were open; --json, "
    "--metrics\n"
    "  ajar-server doctor --central ajar://HOST:PORT/ID    what is in the way on this machine, and what to do\n";

// ---- run

struct run_plan {
  ajar::identity::url central;
  std::uint8_t methods = 0;
  std::chrono::milliseconds roster_every{0};
  ajar::windows::on_stranger policy = ajar::windows::on_stranger::close_and_reopen;
  std::optional<ajar::net::address> window_address;
  std::optional<ajar::net::address> from;
  tools::named_shares shared;
};

ajar::windows::on_stranger policy_of(const tools::settings& given) {
  return given.as<std::string>("on-stranger") == "close" ? ajar::windows::on_stranger::close
                                                         : ajar::windows::on_stranger::close_and_reopen;
}

// The table has checked it.
std::optional<ajar::net::address> address_of(const tools::settings& given, const char* name) {
  if (!given.count(name)) return std::nullopt;
  return asio::ip::make_address(tools::text_option(given, name));
}

std::optional<run_plan> plan_run(const tools::settings& given) {
  run_plan made;
  auto central = tools::central_of(given);
  if (!central) return std::nullopt;
  made.central = std::move(*central);
  made.methods = *tools::parse_methods(given["mode"].as<std::string>());
  const auto roster = given["roster"].as<std::string>();
  if (roster.starts_with("every=")) {
    if (made.methods != static_cast<std::uint8_t>(ajar::trust::method::outbound)) {
      return tools::wrong(given.where("roster") +
                          " every=TIME goes with --mode outbound: a window needs a standing link"),
             std::nullopt;
    }
    made.roster_every = *tools::parse_duration(roster.substr(6));
  }
  made.policy = policy_of(given);
  made.window_address = address_of(given, "window-address");
  made.from = address_of(given, "from");
  auto shared = tools::plan_shares(given);
  if (!shared) return tools::wrong(shared.error()), std::nullopt;
  made.shared = std::move(*shared);
  return made;
}

struct running {
  ajar::server server;
  tools::household& house;
  ajar::files::file_service files;
  std::string settings_file;
  std::string state;  // the folder
  ajar::telling::step_sink steps;
  int exit = tools::success;
};

// Whatever central says of this server, those who are there are served to their end, or until a signal.
ajar::awaitable<void> until_no_session(const ajar::server& of) {
  while (of.sessions() > 0) {
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + std::chrono::milliseconds(200));
    if (!slept) co_return;
  }
}

ajar::awaitable<void> serve(running& all) {
  for (;;) {
    auto session = co_await all.server.accept();
    if (!session) {
      if (!ajar::is_canceled(session.error())) all.exit = tools::complain(server_tool, "central", session.error());
      auto draining = until_no_session(all.server);
      co_await std::move(draining);
      co_return;
    }
    auto one = std::make_shared<tools::guest>(std::move(*session), all.files, all.house);
    all.server.spawn(tools::guest::serve(std::move(one)));
  }
}

ajar::awaitable<void> serve_until_signal(running& all, asio::signal_set& signals, asio::signal_set& hangups,
                                         tools::control_port& control) {
  auto serving = serve(all);
  co_await std::move(serving);
  co_await all.server.stop();
  control.close();
  std::error_code ignored;
  signals.cancel(ignored);
  hangups.cancel(ignored);
}

ajar::awaitable<void> stop_at_signal(running& all, asio::signal_set& signals) {
  auto [error, number] = co_await signals.async_wait(ajar::use_values);
  (void)number;
  if (error) co_return;
  co_await all.server.stop();
}

ajar::files::share_set share_set_of(tools::named_shares from) {
  ajar::files::share_set made;
  for (auto& [name, one] : from) {
    made.emplace(name, std::make_shared<const ajar::files::shared_folder>(std::move(one.what)));
  }
  return made;
}

// revoke, renew, approve, announce: what was taken back is cut off when the answer goes out.
ajar::awaitable<ajar::result<std::string>> change_now(running& all, ajar::control::request what) {
  auto changed = tools::change_grants(all.house, what);
  if (!changed) co_return ajar::fail(changed.error());
  all.server.announce_invites();
  if (changed->list) {
    auto revoking = all.server.revoke(std::move(*changed->list));
    auto revoked = co_await std::move(revoking);
    if (!revoked) co_return ajar::fail(revoked.error());
  }
  co_return std::move(changed->told);
}

// Whose file the owner has removed is revoked, and cut off like that.
ajar::awaitable<void> revoke_removed(running& all) {
  auto list = all.house.issued.take_back_removed(all.house.self);
  if (!list) {
    ajar::telling::report_trouble(all.steps, "the files of grants cannot be looked at", list.error().message());
    co_return;
  }
  if (!*list) co_return;
  ajar::telling::report_step(all.steps, "", "files of grants were removed: these grants are revoked");
  auto revoking = all.server.revoke(std::move(**list));
  auto revoked = co_await std::move(revoking);
  if (revoked) co_return;
  ajar::telling::report_trouble(all.steps, "removed grants are still served", revoked.error().message());
}

// From before anybody is served on.
ajar::awaitable<void> watch_grants(running& all, ajar::state::folder_watch folder) {
  for (;;) {
    auto looking = revoke_removed(all);
    co_await std::move(looking);
    auto changing = folder.changed();
    auto changed = co_await std::move(changing);
    if (!changed) co_return;
  }
}

// At SIGHUP: the shares and what is live besides, if all of it is good. Sessions go on, and so does what they fetch.
void take_over(const tools::reload& again, running& all) {
  const auto now = again.read();
  if (!now) {
    if (const auto why = tools::outside_of_fence(all.settings_file)) again.keep(*why);
    return;
  }
  auto shared = tools::plan_shares(*now);
  if (!shared) return again.keep(shared.error());
  tools::tell_of_state_folders(*shared, all.state, all.steps);
  all.files.share_only(share_set_of(std::move(*shared)));
  all.server.on_stranger(policy_of(*now));
  all.server.window_address(address_of(*now, "window-address"));
  again.taken(*now);
}

// The shares are read, the state folder is written.
tools::landlock fence_around(const run_plan& plan, const std::string& state, const std::string& settings_file) {
  tools::landlock fence;
  for (const auto& [name, one] : plan.shared) fence.may_read(one.path);
  fence.may_write(state);
  if (!settings_file.empty()) fence.may_read(tools::readable_for(settings_file));
  tools::let_names_be_found(fence);
  return fence;
}

int run(const tools::settings& given, int count, char** words) {
  auto planned = plan_run(given);
  if (!planned) return tools::usage;
  const auto budgets = tools::budgets_within(tools::raise_descriptor_limit());
  auto self = tools::open_node(server_tool, "server", tools::text_option(given, "state"));
  if (!self) return tools::local_trouble;
  const auto hold = tools::hold_state(server_tool, self->state);
  if (!hold) return tools::local_trouble;
  const bool windows = (planned->methods & static_cast<std::uint8_t>(ajar::trust::method::window)) != 0;
  if (!windows) {
    const auto silent = tools::forbid_listening();
    if (!silent) return tools::complain(server_tool, "seccomp", silent.error());
  }
  tools::household house(self->state, self->key);
  auto revoked = house.issued.revocations_in_force(self->key);
  if (!revoked) return tools::complain(server_tool, self->state.path(), revoked.error());
  ajar::server_options how(planned->central);
  how.methods(planned->methods != static_cast<std::uint8_t>(ajar::trust::method::window), windows)
      .roster_every(planned->roster_every)
      .on_stranger(planned->policy)
      .listening(std::chrono::milliseconds(given.as<std::uint32_t>("listening")))
      .most_sessions(budgets.sessions)
      .cloak(*ajar::windows::parse_cloak(given.as<std::string>("cloak")))
      .logins([&] { return self->state.next_login(); })
      .grants([&](const ajar::trust::grant_id& id) { return house.issued.find(id); })
      .invites([&] { return house.invites.ids(); },
               [&](const ajar::trust::invite_id& which, ajar::bytes_view sealed) {
                 return house.invites.redeem(which, sealed, house.issued);
               })
      .later_revocations(
          [&](const ajar::trust::signed_revocations& later) { return house.issued.learn(later, house.self); });
  if (*revoked) how.revocations(std::move(**revoked));
  if (planned->from) how.from(*planned->from);
  if (planned->window_address) how.window_address(*planned->window_address);
  const auto steps = tools::steps_as_told("server", given);
  how.on_step(steps);
  tools::tell_of_budgets(budgets, steps);
  asio::io_context context(1);
  // before anybody is told that it is there: until then a SIGHUP would end it
  asio::signal_set signals(context, SIGINT, SIGTERM);
  asio::signal_set hangups(context, SIGHUP);
  tools::control_port control(server_tool, context.get_executor(), self->state.path());  // before the fence
  auto watch =
      ajar::state::folder_watch::open(context.get_executor(), self->state.path(), ajar::state::issued_grants::issued);
  tools::tell_of_state_folders(planned->shared, self->state.path(), steps);
  auto fence = fence_around(*planned, self->state.path(), given.file());
  if (!tools::enter_sandbox(server_tool, given, std::move(fence), "the shares", steps)) return tools::local_trouble;

  running all{ajar::server(context.get_executor(), self->key, how),
              house,
              ajar::files::file_service(context.get_executor(), budgets.files),
              given.file(),
              self->state.path(),
              steps};
  all.files.share_only(share_set_of(std::move(planned->shared)));
  const tools::reload again(tools::server_table(), count, words, given, steps);
  control.tell_status_of(all.server, tools::spoken_fence());
  for (const auto* verb : {"revoke", "renew", "approve", "announce"}) {
    control.carry_out(verb, [&all](ajar::control::request what) { return change_now(all, std::move(what)); });
  }
  control.start();
  if (watch) {
    all.server.spawn(watch_grants(all, std::move(*watch)));
  } else {
    ajar::telling::report_trouble(steps, "removed grants are noticed at SIGHUP alone", watch.error().message());
    all.server.spawn(revoke_removed(all));
  }
  all.server.start();
  asio::co_spawn(context, serve_until_signal(all, signals, hangups, control), asio::detached);
  asio::co_spawn(context,
                 tools::reload_at_hangup(hangups,
                                         [&] {
                                           take_over(again, all);
                                           all.server.spawn(revoke_removed(all));
                                         }),
                 asio::detached);
  asio::co_spawn(context, stop_at_signal(all, signals), asio::detached);
  context.run();
  return all.exit;
}

}  // namespace

int main(int count, char** words) {
  return tools::guarded(server_tool, [&]() -> int {
    const auto begun = tools::begin(tools::server_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    if (command == "run") return run(given, count, words);
    if (command == "grant") return tools::grant(given);
    if (command == "invite") return tools::invite(given);
    if (command == "pending") return tools::pending(given);
    if (command == "approve") return tools::approve(given);
    if (command == "grants") return tools::grants(given);
    if (command == "renew") return tools::renew(given);
    if (command == "revoke") return tools::revoke(given);
    if (command == "network") return tools::server_network(server_tool, given);
    if (command == "status") return tools::status(server_tool, "server", given);
    if (command == "doctor") return tools::examine_server(given);
    if (command == "id") {
      auto self = tools::open_node(server_tool, "server", tools::text_option(given, "state"));
      if (!self) return tools::local_trouble;
      fmt::print("{}\n", to_string(self->key.id()));
      return tools::success;
    }
    tools::tell("{}: say what to do\n{}", server_tool, examples);
    return tools::usage;
  });
}
