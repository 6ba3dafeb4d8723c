// SPDX-License-Identifier: BSL-1.0
// ajar-central: the node that brings servers and clients together.
#include <ajar/central.hpp>

#include "../tools/begin.hpp"
#include "../tools/console.hpp"
#include "../tools/event_loop.hpp"
#include "../tools/process_facts.hpp"
#include "../tools/reload.hpp"
#include "../tools/sandbox.hpp"
#include "../tools/status.hpp"
#include "../tools/step_log.hpp"
#include "admission.hpp"
#include "doctor.hpp"
#include "invites.hpp"
#include "options.hpp"

#include <signal.h>
#include <algorithm>

namespace {

using tools::central_tool;

constexpr const char* examples =
    "Examples:\n"
    "  ajar-central run --quick                                     for a trial on this network: every server\n"
    "  ajar-central run --listen 0.0.0.0:7000                       the servers that were admitted\n"
    "  ajar-central invite attic                                    one word for one server: 'ajar-server join' takes "
    "it\n"
    "  ajar-central invites                                         those that no server has used yet\n"
    "  ajar-central withdraw attic                                  take back one of them\n"
    "  ajar-central admitted                                        the servers that it serves\n"
    "  ajar-central admit SERVER_ID                                 as 'ajar-server id' prints it; at once\n"
    "  ajar-central dismiss SERVER_ID                               at once: its link ends\n"
    "  ajar-central run --listen 0.0.0.0:7000 --admit servers.txt   those in a file, a peer id a line\n"
    "  ajar-central run --listen 127.0.0.1:7000 --open              every server: for trials\n"
    "  ajar-central id                                              this node's peer id alone\n"
    "  ajar-central status                                          links, requests, refusals; --json, --metrics\n"
    "  ajar-central doctor --listen 0.0.0.0:7000 --admit servers.txt   what is in the way, and what to do\n";

// No more links than there are descriptors for, beside half-open connections and all else.
ajar::switchboard::accept_limits limits_of(const tools::settings& given) {
  constexpr std::size_t others = 64;
  const auto possible = tools::descriptor_limit();
  const auto each = possible > 2 * others ? (possible - others) / given.as<unsigned>("threads") : others / 2;
  const auto half_open = std::min(given.as<std::size_t>("most-half-open"), std::max<std::size_t>(each / 4, 1));
  return {half_open, given.as<std::size_t>("most-half-open-per-address"),
          given.as<std::size_t>("most-refusals-per-address"),
          std::min(given.as<std::size_t>("most-links"), each - half_open)};
}

void tell_of_limits(const tools::settings& given, const ajar::telling::step_sink& steps) {
  const auto links = limits_of(given).links;
  if (links >= given.as<std::size_t>("most-links")) return;
  ajar::telling::report_step(
      steps, "", "fewer links than --most-links",
      fmt::format("{} a thread, as this process may have {} files open: raise LimitNOFILE= of its unit, or ulimit -n",
                  links, tools::descriptor_limit()));
}

// At SIGHUP, and when it is asked: the list and the limits, if both are good.
bool take_over(const tools::reload& again, const std::string& settings_file, const std::string& folder,
               tools::newcomers& coming, ajar::central& central) {
  const auto now = again.read();
  if (!now) {
    if (const auto why = tools::outside_of_fence(settings_file)) again.keep(*why);
    return false;
  }
  const auto wrong = coming.take_over(*now);
  if (!wrong.empty()) {
    again.keep(tools::outside_of_fence(tools::list_path(*now, folder)).value_or(wrong));
    return false;
  }
  central.limit(limits_of(*now));
  again.taken(*now);
  return true;
}

ajar::awaitable<void> stop_at_signal(tools::signals& stops, ajar::central& central,
                                     std::vector<tools::event_loop>& loops, tools::control_port& control) {
  const bool came = co_await stops.next();
  (void)came;
  control.close();
  co_await central.stop();
  for (auto& one : loops) one.stop();
}

// Its key, and the list that SIGHUP reads again.
tools::landlock fence_around(const std::string& state, const tools::settings& given) {
  tools::landlock fence;
  fence.may_write(state);
  if (given.count("admit")) fence.may_read(tools::readable_for(tools::text_option(given, "admit")));
  if (!given.file().empty()) fence.may_read(tools::readable_for(given.file()));
  return fence;
}

constexpr const char* quick_listen = "0.0.0.0:7000";

int run(const tools::settings& given, int count, char** words) {
  const bool quick = given.count("quick") != 0;
  if (!quick && !given.count("listen")) {
    return tools::complain_in_words(central_tool, tools::usage,
                                    std::string("run needs --listen ADDR:PORT, or --quick for a trial\n") + examples);
  }
  const auto listen = given.count("listen") ? tools::text_option(given, "listen") : std::string(quick_listen);
  const auto at = ajar::net::parse_numeric_endpoint(listen);
  const auto beat = tools::parse_duration(given["heartbeat"].as<std::string>());
  const auto threads = given["threads"].as<unsigned>();
  auto self = tools::open_node(central_tool, "central", tools::text_option(given, "state"));
  if (!self) return tools::local_trouble;
  const auto hold = tools::hold_state(central_tool, self->state);
  if (!hold) return tools::local_trouble;
  self->state.wait_at_most(ajar::state::folder::of_a_server);
  auto list = tools::read_admission(given, self->state.path());
  if (!list) return tools::complain_in_words(central_tool, tools::local_trouble, list.error());

  (void)tools::raise_descriptor_limit();
  ajar::central_options how(*at, std::move(*list));
  const auto steps = tools::steps_as_told("central", given);
  tools::newcomers coming(*self, given, steps);
  how.invites(
      [&coming](const ajar::trust::invite_id& which, ajar::bytes_view sealed) { return coming.redeem(which, sealed); });
  how.successions([&coming](const ajar::identity::peer_id& before, const ajar::identity::peer_id& successor) {
    return coming.follow(before, successor);
  });
  how.heartbeat(*beat).limits(limits_of(given)).reflect_port(given.as<std::uint16_t>("reflect-port")).on_step(steps);

  std::vector<tools::event_loop> loops(threads);
  std::vector<asio::any_io_executor> shards;
  for (const auto& one : loops) shards.push_back(one.executor());
  // before anybody is told that it is there: until then a SIGHUP would end it
  tools::signals stops(loops.front(), {SIGINT, SIGTERM});
  tools::signals hangups(loops.front(), {SIGHUP});
  ajar::central central(shards, self->key, how);
  coming.are_served_by(central);
  auto opened = central.open();
  if (!opened) return tools::complain(central_tool, listen, opened.error());
  const ajar::identity::url url{tools::endpoint_to_name(given, central.local_endpoint()), self->key.id()};
  tools::control_port control(central_tool, shards.front(), self->state.path());
  // whoever reads this may do whatever he likes with it at once, and ask for 'status', too
  fmt::print("{}\n", to_string(url));
  if (quick) {
    tools::tell(
        "on the machine that shares: export AJAR_CENTRAL={}\n                            ajar-server share PATH...\n",
        to_string(url));
  }
  std::fflush(stdout);
  tell_of_limits(given, steps);
  tools::tell_of_clock(steps);

  auto fence = fence_around(self->state.path(), given);
  if (!tools::enter_sandbox(central_tool, given, std::move(fence), "the list", steps)) return tools::local_trouble;
  control.carry_out("status", [&central](const ajar::control::request&) {
    return tools::tell_status(&central, tools::spoken_fence());
  });
  const tools::reload again(tools::central_table(), count, words, given, steps);
  const auto read_again = [&] { return take_over(again, given.file(), self->state.path(), coming, central); };
  control.answer_with("reload", [&read_again](const ajar::control::request&) -> ajar::result<std::string> {
    return std::string(read_again() ? "taken" : "kept");
  });
  control.answer_with("place", [&](const ajar::control::request&) -> ajar::result<std::string> {
    return to_text(tools::central_place{url, coming.list()});
  });
  control.start();
  central.start();
  loops.front().spawn(stop_at_signal(stops, central, loops, control));
  loops.front().spawn(tools::reload_at_hangup(hangups, [&] { (void)read_again(); }));
  tools::run_until_stopped(loops);
  return tools::success;
}

}  // namespace

int main(int count, char** words) {
  return tools::guarded(central_tool, [&]() -> int {
    const auto begun = tools::begin(tools::central_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    if (command == "run") return run(given, count, words);
    if (command == "status") return tools::status(central_tool, "central", given);
    if (command == "admit" || command == "dismiss") return tools::change_admission(given, command == "admit");
    if (command == "invite") return tools::clock_is_set(central_tool) ? tools::invite(given) : tools::local_trouble;
    if (command == "invites") return tools::print_invites(given);
    if (command == "withdraw") return tools::withdraw(given);
    if (command == "admitted") return tools::print_admitted(given);
    if (command == "doctor") return tools::examine_central(given);
    if (command == "id") {
      auto self = tools::open_node(central_tool, "central", tools::text_option(given, "state"));
      if (!self) return tools::local_trouble;
      fmt::print("{}\n", to_string(self->key.id()));
      return tools::success;
    }
    return tools::complain_in_words(central_tool, tools::usage, std::string("say what to do\n") + examples);
  });
}
